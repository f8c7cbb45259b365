#include "ddsp.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <fstream>
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
    throw std::runtime_error("the model has no " + name + " of size " + std::to_string(size));
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
    instruments = description.texts("instruments");
    if (!instruments.empty()) {
      mixture = required(stream.input("instrument"), "instrument", instruments.size());
      std::fill_n(mixture->data(), mixture->size, 1.0f);
    }
    if (std::ifstream(folder + "/listen.tflite")) open_listener(folder + "/listen.tflite");
  }

  void open_listener(const std::string &path) {
    listening_latency = static_cast<int>(description.object("listen").number("latency_samples"));
    listener = std::make_unique<ddsp::Runner>(environment.get(), path, "listen");
    recorded = required(listener->input("audio"), "audio", hop);
    for (const ddsp::Tensor *feature : features) {
      heard.push_back(required(listener->output(feature->name), feature->name, 1));
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

  LiteRtStatus listen(const float *samples, float *values) {
    std::copy_n(samples, hop, recorded->data());
    const LiteRtStatus status = listener->run();
    for (size_t index = 0; index < heard.size(); index++) {
      // The stream plays frames that are not numbers as silence.
      values[index] = status == 0 ? *heard[index]->data() : NAN;
    }
    return status;
  }

  void reset(uint32_t seed) {
    stream.reset();
    if (listener != nullptr) listener->reset();
    random = seed;
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
  const ddsp::Tensor *noise, *audio, *timbre = nullptr, *mixture = nullptr;
  std::vector<std::string> instruments;
  std::vector<const ddsp::Tensor *> features;
  uint64_t random = 0;
  std::unique_ptr<ddsp::Runner> listener;
  int listening_latency = 0;
  const ddsp::Tensor *recorded = nullptr;
  std::vector<const ddsp::Tensor *> heard;
};

// The callback asks for one frame after the other, and the thread answers each in its own slot, so
// that both only have to count: a slot is reused after all others.
struct DdspPlayer {
  // The question in a slot: features to play, or a hop of a recording whose features are measured.
  struct Question {
    std::vector<float> features, recorded;
    bool listen = false;
  };

  DdspPlayer(DdspModel *model, int hops_ahead)
      : model(model),
        hops_ahead(hops_ahead),
        slots(hops_ahead + 16),
        questions(slots, {std::vector<float>(model->features.size()),
                          std::vector<float>(model->hop)}),
        answers(slots * model->hop),
        recording(model->hop),
        thread([this] { answer(); }) {}

  ~DdspPlayer() {
    stopping.store(true);
    wake.release();
    thread.join();
  }

  void answer() {
    for (wake.acquire(); !stopping.load(); wake.acquire()) {
      const long frame = done.load(std::memory_order_relaxed);
      Question &asked_for = questions[frame % slots];
      float *features = asked_for.features.data();
      const bool heard =
          !asked_for.listen || model->listen(asked_for.recorded.data(), features) == 0;
      const bool played = model->step(features, nullptr, &answers[frame % slots * model->hop]) == 0;
      if (!heard || !played) missed.fetch_add(1, std::memory_order_relaxed);
      done.store(frame + 1, std::memory_order_release);
    }
  }

  // Takes audio for `features`, or, if they are null, for `recorded`.
  void play(const float *features, const float *recorded, float *audio, int samples) {
    while (samples > 0) {
      if (played == 0) begin_hop(features);
      const int count = std::min(samples, model->hop - played);
      if (playing != nullptr) {
        std::copy_n(playing + played, count, audio);
      } else {
        std::fill_n(audio, count, 0.0f);
      }
      if (recorded != nullptr) {
        std::copy_n(recorded, count, &recording[played]);
        recorded += count;
      }
      audio += count;
      samples -= count;
      played = (played + count) % model->hop;
      is_recorded = recorded != nullptr && (is_recorded || played == 0);
    }
  }

  void begin_hop(const float *features) {
    playing = nullptr;
    if (features == nullptr && !is_recorded) return;  // Nothing has been recorded yet.
    const long finished = done.load(std::memory_order_acquire);
    if (asked - finished >= static_cast<long>(slots)) {  // The thread is late by all slots.
      missed.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    Question &question = questions[asked % slots];
    question.listen = features == nullptr;
    if (question.listen) {
      std::copy(recording.begin(), recording.end(), question.recorded.begin());
    } else {
      std::copy_n(features, question.features.size(), question.features.begin());
    }
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
  std::vector<Question> questions;
  std::vector<float> answers;
  // Used by the callback alone.
  std::vector<float> recording;
  bool is_recorded = false;
  long asked = 0;
  int played = 0;
  const float *playing = nullptr;
  // Used by both.
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
int ddsp_n_instruments(const DdspModel *model) {
  return static_cast<int>(model->instruments.size());
}
const char *ddsp_instrument(const DdspModel *model, int index) {
  return model->instruments[index].c_str();
}

void ddsp_reset(DdspModel *model, uint32_t seed) { model->reset(seed); }

void ddsp_set_timbre(DdspModel *model, const float *z) {
  if (model->timbre != nullptr) std::copy_n(z, model->timbre->size, model->timbre->data());
}

void ddsp_set_instrument(DdspModel *model, const float *weights) {
  if (model->mixture != nullptr) {
    std::copy_n(weights, model->mixture->size, model->mixture->data());
  }
}

int ddsp_step(DdspModel *model, const float *features, const float *noise, float *audio) {
  return model->step(features, noise, audio);
}

int ddsp_can_listen(const DdspModel *model) { return model->listener != nullptr; }
int ddsp_listening_latency(const DdspModel *model) { return model->listening_latency; }
int ddsp_listen(DdspModel *model, const float *recorded, float *features) {
  return model->listen(recorded, features);
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
  player->play(features, nullptr, audio, samples);
}

void ddsp_transfer(DdspPlayer *player, const float *recorded, float *audio, int samples) {
  player->play(nullptr, recorded, audio, samples);
}

long ddsp_missed(const DdspPlayer *player) {
  return player->missed.load(std::memory_order_relaxed);
}
