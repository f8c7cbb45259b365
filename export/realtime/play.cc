// Plays a feature table through an exported model.
//
//     play MODEL FEATURES.csv OUT.wav [--seed N] [--live HOPS_AHEAD] [--precision int8]
//
// MODEL is the exported folder, FEATURES a table at the model's frame rate (`ddsp-tf features`).
// With --live, a DdspPlayer plays at the pace of sound in blocks of 128 samples, as in an audio
// callback, HOPS_AHEAD hops late, and the program prints how many hops were not ready in time.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "ddsp.h"
#include "files.h"

namespace {

using Clock = std::chrono::steady_clock;

// Plays everything as fast as possible, and drops the delay.
std::vector<float> play(DdspModel *model, const std::vector<float> &features) {
  const size_t hop = ddsp_hop(model), width = ddsp_n_features(model);
  const size_t frames = features.size() / width, latency = ddsp_latency(model);
  // The audio is late: the last frame is held, without noise, until all of it is out.
  const size_t hops = frames + (latency + hop - 1) / hop;
  const std::vector<float> no_noise(hop);
  std::vector<float> audio(hops * hop);
  double longest = 0.0;
  const Clock::time_point begin = Clock::now();
  for (size_t number = 0; number < hops; number++) {
    const Clock::time_point start = Clock::now();
    const float *values = &features[std::min(number, frames - 1) * width];
    const float *noise = number < frames ? nullptr : no_noise.data();
    const int error = ddsp_step(model, values, noise, &audio[number * hop]);
    if (error != 0) throw std::runtime_error("LiteRT's error " + std::to_string(error));
    longest = std::max(longest, std::chrono::duration<double>(Clock::now() - start).count());
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  std::printf("%zu hops of %.2f ms took %.3f ms each, at most %.3f\n", hops,
              1e3 * hop / ddsp_sample_rate(model), 1e3 * seconds / hops, 1e3 * longest);
  return {audio.begin() + latency, audio.begin() + latency + frames * hop};
}

// Plays at the pace of sound through a thread that is some hops ahead.
std::vector<float> play_live(DdspModel *model, const std::vector<float> &features, int ahead) {
  constexpr size_t kBlock = 128;
  const size_t hop = ddsp_hop(model), width = ddsp_n_features(model);
  const size_t frames = features.size() / width;
  std::vector<float> audio((frames + ahead) * hop);
  DdspPlayer *player = ddsp_start(model, ahead);
  if (player == nullptr) throw std::runtime_error("no thread for the model");
  const Clock::time_point begin = Clock::now();
  for (size_t at = 0; at < audio.size(); at += kBlock) {
    std::this_thread::sleep_until(begin + std::chrono::microseconds(
                                              1000000 * at / ddsp_sample_rate(model)));
    const size_t count = std::min(kBlock, audio.size() - at);
    // A block plays the frame of its first new hop.
    const size_t frame = std::min((at + hop - 1) / hop, frames - 1);
    ddsp_play(player, &features[frame * width], &audio[at], static_cast<int>(count));
  }
  std::printf("%zu hops, of which %ld were not ready in time\n", frames + ahead,
              ddsp_missed(player));
  ddsp_stop(player);
  return audio;
}

struct Arguments {
  const char *model, *features, *out, *precision = "float32";
  uint32_t seed = 0;
  int ahead = 0;
};

bool parse(int count, char **words, Arguments *arguments) {
  if (count < 4 || count % 2 != 0) return false;
  arguments->model = words[1];
  arguments->features = words[2];
  arguments->out = words[3];
  for (int index = 4; index < count; index += 2) {
    const std::string option = words[index], value = words[index + 1];
    if (option == "--seed") {
      arguments->seed = static_cast<uint32_t>(std::strtoul(value.c_str(), nullptr, 10));
    } else if (option == "--live") {
      arguments->ahead = std::atoi(value.c_str());
      if (arguments->ahead < 1) return false;
    } else if (option == "--precision") {
      arguments->precision = words[index + 1];
    } else {
      return false;
    }
  }
  return true;
}

void play_file(DdspModel *model, const Arguments &arguments) {
  std::vector<std::string> names;
  for (int index = 0; index < ddsp_n_features(model); index++) {
    names.push_back(ddsp_feature(model, index));
  }
  const double frame_rate = static_cast<double>(ddsp_sample_rate(model)) / ddsp_hop(model);
  const std::vector<float> features = ddsp::read_table(arguments.features, names, frame_rate);
  ddsp_reset(model, arguments.seed);
  const std::vector<float> audio = arguments.ahead > 0
                                       ? play_live(model, features, arguments.ahead)
                                       : play(model, features);
  ddsp::write_wav(arguments.out, audio, ddsp_sample_rate(model));
}

}  // namespace

int main(int count, char **words) {
  Arguments arguments;
  if (!parse(count, words, &arguments)) {
    std::fprintf(stderr, "usage: play MODEL FEATURES.csv OUT.wav [--seed N] [--live HOPS_AHEAD] "
                         "[--precision float32|float16|int8]\n");
    return 2;
  }
  char error[512];
  DdspModel *model = ddsp_open(arguments.model, arguments.precision, error, sizeof error);
  if (model == nullptr) {
    std::fprintf(stderr, "%s\n", error);
    return 1;
  }
  int status = 0;
  try {
    play_file(model, arguments);
  } catch (const std::exception &exception) {
    std::fprintf(stderr, "%s\n", exception.what());
    status = 1;
  }
  ddsp_close(model);
  return status;
}
