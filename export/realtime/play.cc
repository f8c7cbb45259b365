// Plays a feature table or a recording through an exported model.
//
//     play MODEL FEATURES.csv OUT.wav [--seed N] [--live HOPS_AHEAD] [--precision int8]
//     play MODEL RECORDING.wav OUT.wav [...]
//
// MODEL is the exported folder, FEATURES a table at the model's frame rate (`ddsp-tf features`),
// and RECORDING mono at the model's sample rate. With --live, a DdspPlayer plays at the pace of
// sound in blocks of 128 samples, as in an audio callback, HOPS_AHEAD hops late, and the program
// prints how many hops were not ready in time.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "ddsp.h"
#include "files.h"

namespace {

using Clock = std::chrono::steady_clock;

// The input: frames of features or, without any, a recording.
struct Input {
  std::vector<float> features, recording;
  size_t frames = 0;
};

Input read_input(const DdspModel *model, const std::string &path) {
  Input input;
  const size_t width = ddsp_n_features(model), hop = ddsp_hop(model);
  if (path.size() > 4 && path.compare(path.size() - 4, 4, ".wav") == 0) {
    if (!ddsp_can_listen(model)) throw std::runtime_error("the export has no listen.tflite");
    input.recording = ddsp::read_wav(path, ddsp_sample_rate(model));
    input.frames = input.recording.size() / hop;
    if (input.frames == 0) throw std::runtime_error(path + ": is shorter than a frame");
    return input;
  }
  std::vector<std::string> names;
  for (size_t index = 0; index < width; index++) {
    names.push_back(ddsp_feature(model, static_cast<int>(index)));
  }
  const double frame_rate = static_cast<double>(ddsp_sample_rate(model)) / hop;
  input.features = ddsp::read_table(path, names, frame_rate);
  input.frames = input.features.size() / width;
  return input;
}

// Plays everything as fast as possible, and drops the delay.
std::vector<float> play(DdspModel *model, Input input) {
  const size_t hop = ddsp_hop(model), width = ddsp_n_features(model);
  const bool listen = input.features.empty();
  const size_t latency = ddsp_latency(model) + (listen ? ddsp_listening_latency(model) : 0);
  // The audio is late: until all of it is out, a recording is followed by silence, and features by
  // their last frame without noise.
  const size_t hops = input.frames + (latency + hop - 1) / hop;
  input.recording.resize(hops * hop);
  const std::vector<float> no_noise(hop);
  std::vector<float> audio(hops * hop), heard(width);
  double longest = 0.0;
  const Clock::time_point begin = Clock::now();
  for (size_t number = 0; number < hops; number++) {
    const Clock::time_point start = Clock::now();
    const float *features = heard.data(), *noise = nullptr;
    int error = 0;
    if (listen) {
      error = ddsp_listen(model, &input.recording[number * hop], heard.data());
    } else {
      features = &input.features[std::min(number, input.frames - 1) * width];
      if (number >= input.frames) noise = no_noise.data();
    }
    if (error == 0) error = ddsp_step(model, features, noise, &audio[number * hop]);
    if (error != 0) throw std::runtime_error("LiteRT's error " + std::to_string(error));
    longest = std::max(longest, std::chrono::duration<double>(Clock::now() - start).count());
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  std::printf("%zu hops of %.2f ms took %.3f ms each, at most %.3f\n", hops,
              1e3 * hop / ddsp_sample_rate(model), 1e3 * seconds / hops, 1e3 * longest);
  return {audio.begin() + latency, audio.begin() + latency + input.frames * hop};
}

// Plays at the pace of sound through a thread that is some hops ahead.
std::vector<float> play_live(DdspModel *model, Input input, int ahead) {
  constexpr size_t kBlock = 128;
  const size_t hop = ddsp_hop(model), width = ddsp_n_features(model);
  std::vector<float> audio((input.frames + ahead) * hop);
  input.recording.resize(audio.size());
  DdspPlayer *player = ddsp_start(model, ahead);
  if (player == nullptr) throw std::runtime_error("no thread for the model");
  const Clock::time_point begin = Clock::now();
  for (size_t at = 0; at < audio.size(); at += kBlock) {
    std::this_thread::sleep_until(begin + std::chrono::microseconds(
                                              1000000 * at / ddsp_sample_rate(model)));
    const int count = static_cast<int>(std::min(kBlock, audio.size() - at));
    if (input.features.empty()) {
      ddsp_transfer(player, &input.recording[at], &audio[at], count);
    } else {
      // A block plays the frame of its first new hop.
      const size_t frame = std::min((at + hop - 1) / hop, input.frames - 1);
      ddsp_play(player, &input.features[frame * width], &audio[at], count);
    }
  }
  std::printf("%zu hops, of which %ld were not ready in time\n", input.frames + ahead,
              ddsp_missed(player));
  ddsp_stop(player);
  return audio;
}

struct Arguments {
  const char *model, *input, *out, *precision = "float32";
  uint32_t seed = 0;
  int ahead = 0;
};

bool parse(int count, char **words, Arguments *arguments) {
  if (count < 4 || count % 2 != 0) return false;
  arguments->model = words[1];
  arguments->input = words[2];
  arguments->out = words[3];
  for (int index = 4; index < count; index += 2) {
    const std::string option = words[index], value = words[index + 1];
    const bool number = value.find_first_not_of("0123456789") == std::string::npos;
    if (option != "--precision" && (!number || value.empty() || value.size() > 9)) return false;
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
  std::error_code unknown;
  if (std::filesystem::equivalent(arguments.input, arguments.out, unknown)) {
    throw std::runtime_error(std::string(arguments.out) +
                             ": is the input, which would be lost; name another output");
  }
  Input input = read_input(model, arguments.input);
  ddsp_reset(model, arguments.seed);
  const std::vector<float> audio = arguments.ahead > 0
                                       ? play_live(model, std::move(input), arguments.ahead)
                                       : play(model, std::move(input));
  ddsp::write_wav(arguments.out, audio, ddsp_sample_rate(model));
}

}  // namespace

int main(int count, char **words) {
  Arguments arguments;
  if (!parse(count, words, &arguments)) {
    std::fprintf(stderr, "usage: play MODEL FEATURES.csv|RECORDING.wav OUT.wav [--seed N] "
                         "[--live HOPS_AHEAD] [--precision float32|float16|int8]\n");
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
