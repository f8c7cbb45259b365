#include "ddsp.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <memory>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "description.h"
#include "runner.h"

namespace {

std::string stream_file(const std::string &folder, const std::string &precision) {
  return folder + "/stream" + (precision == "float32" ? "" : "_" + precision) + ".tflite";
}

const ddsp::Tensor *required(const ddsp::Tensor *tensor, const std::string &name, size_t size) {
  if (tensor == nullptr || tensor->size != size) {
    throw std::runtime_error("the stream has no " + name + " of size " + std::to_string(size));
  }
  return tensor;
}

}  // namespace

struct DdspModel {
  DdspModel(const std::string &folder, const std::string &precision)
      : description(ddsp::Description::read(folder + "/model.json")),
        sample_rate(static_cast<int>(description.number("sample_rate"))),
        hop(static_cast<int>(description.number("hop"))),
        latency(static_cast<int>(description.number("latency_samples"))),
        environment(ddsp::make_environment()),
        stream(environment.get(), stream_file(folder, precision), "step"),
        noise(required(stream.input("noise"), "noise", hop)),
        audio(required(stream.output("audio"), "audio", hop)) {
    for (const std::string &name : description.texts("features")) {
      features.push_back(required(stream.input(name), name, 1));
    }
    const std::vector<float> mean_z = description.numbers("mean_z");
    if (!mean_z.empty()) {
      timbre = required(stream.input("z"), "z", mean_z.size());
      std::copy(mean_z.begin(), mean_z.end(), timbre->data());
    }
  }

  LiteRtStatus step(const float *values, const float *given_noise, float *samples) {
    for (size_t index = 0; index < features.size(); index++) {
      *features[index]->data() = values[index];
    }
    if (given_noise != nullptr) {
      std::copy_n(given_noise, hop, noise->data());
    } else {
      make_noise();
    }
    const LiteRtStatus status = stream.run();
    if (status == 0) {
      std::copy_n(audio->data(), hop, samples);
    } else {
      std::fill_n(samples, hop, 0.0f);
    }
    return status;
  }

  // Uniform in [-1, 1): the upper bits of a linear congruential generator.
  void make_noise() {
    for (int sample = 0; sample < hop; sample++) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      noise->data()[sample] = static_cast<float>(random >> 40) / 8388608.0f - 1.0f;
    }
  }

  ddsp::Description description;
  int sample_rate, hop, latency;
  ddsp::Owned<LiteRtEnvironment> environment;
  ddsp::Runner stream;
  const ddsp::Tensor *noise, *audio, *timbre = nullptr;
  std::vector<const ddsp::Tensor *> features;
  uint64_t random = 0;
};

// The callback asks for frame after frame, and the thread answers each of them in a slot of its own,
// so that both only have to count: a slot is written again after all its neighbours.
struct DdspPlayer {
  DdspPlayer(DdspModel *model, int hops_ahead)
      : model(model),
        hops_ahead(hops_ahead),
        slots(hops_ahead + 16),
        asked_features(slots * model->features.size()),
        answers(slots * model->hop),
        thread([this] { answer(); }) {}

  ~DdspPlayer() {
    stopping.store(true);
    wake.release();
    thread.join();
  }

  void answer() {
    for (wake.acquire(); !stopping.load(); wake.acquire()) {
      const long frame = done.load(std::memory_order_relaxed);
      const size_t slot = frame % slots, width = model->features.size();
      if (model->step(&asked_features[slot * width], nullptr, &answers[slot * model->hop]) != 0) {
        missed.fetch_add(1, std::memory_order_relaxed);
      }
      done.store(frame + 1, std::memory_order_release);
    }
  }

  void play(const float *features, float *audio, int samples) {
    while (samples > 0) {
      if (played == 0) begin_hop(features);
      const int count = std::min(samples, model->hop - played);
      if (playing != nullptr) {
        std::copy_n(playing + played, count, audio);
      } else {
        std::fill_n(audio, count, 0.0f);
      }
      audio += count;
      samples -= count;
      played = (played + count) % model->hop;
    }
  }

  void begin_hop(const float *features) {
    playing = nullptr;
    const long finished = done.load(std::memory_order_acquire);
    if (asked - finished >= static_cast<long>(slots)) {  // The thread is hopelessly late.
      missed.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    const size_t width = model->features.size();
    std::copy_n(features, width, &asked_features[asked % slots * width]);
    wake.release();
    const long frame = asked++ - hops_ahead;
    if (frame < 0) return;
    if (frame < finished) {
      playing = &answers[frame % slots * model->hop];
    } else {
      missed.fetch_add(1, std::memory_order_relaxed);
    }
  }

  DdspModel *model;
  int hops_ahead;
  size_t slots;
  std::vector<float> asked_features, answers;
  // Of the callback.
  long asked = 0;
  int played = 0;
  const float *playing = nullptr;
  // Of both.
  std::atomic<long> done{0}, missed{0};
  std::atomic<bool> stopping{false};
  std::counting_semaphore<> wake{0};
  std::thread thread;
};

DdspModel *ddsp_open(const char *folder, const char *precision, char *error, size_t error_size) {
  try {
    return new DdspModel(folder, precision);
  } catch (const std::exception &exception) {
    std::snprintf(error, error_size, "%s", exception.what());
    return nullptr;
  }
}

void ddsp_close(DdspModel *model) { delete model; }

int ddsp_sample_rate(const DdspModel *model) { return model->sample_rate; }
int ddsp_hop(const DdspModel *model) { return model->hop; }
int ddsp_latency(const DdspModel *model) { return model->latency; }
int ddsp_n_features(const DdspModel *model) { return static_cast<int>(model->features.size()); }
const char *ddsp_feature(const DdspModel *model, int index) {
  return model->features[index]->name.c_str();
}
int ddsp_timbre_size(const DdspModel *model) {
  return model->timbre == nullptr ? 0 : static_cast<int>(model->timbre->size);
}

void ddsp_reset(DdspModel *model, uint32_t seed) {
  model->stream.reset();
  model->random = seed;
}

void ddsp_set_timbre(DdspModel *model, const float *z) {
  if (model->timbre != nullptr) std::copy_n(z, model->timbre->size, model->timbre->data());
}

int ddsp_step(DdspModel *model, const float *features, const float *noise, float *audio) {
  return model->step(features, noise, audio);
}

DdspPlayer *ddsp_start(DdspModel *model, int hops_ahead) {
  try {
    return new DdspPlayer(model, std::max(hops_ahead, 1));
  } catch (const std::exception &) {
    return nullptr;
  }
}

void ddsp_stop(DdspPlayer *player) { delete player; }

void ddsp_play(DdspPlayer *player, const float *features, float *audio, int samples) {
  player->play(features, audio, samples);
}

long ddsp_missed(const DdspPlayer *player) {
  return player->missed.load(std::memory_order_relaxed);
}
