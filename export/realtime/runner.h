// One signature of a .tflite file on LiteRT, with the state that its calls pass on.

#ifndef DDSP_TF_RUNNER_H_
#define DDSP_TF_RUNNER_H_

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "litert.h"

namespace ddsp {

inline void check(LiteRtStatus status, const std::string &what) {
  if (status != 0) {
    throw std::runtime_error(what + ": LiteRT's error " + std::to_string(status));
  }
}

// LiteRT's handles in unique_ptrs.
struct Destroy {
  void operator()(LiteRtEnvironment handle) const { LiteRtDestroyEnvironment(handle); }
  void operator()(LiteRtModel handle) const { LiteRtDestroyModel(handle); }
  void operator()(LiteRtOptions handle) const { LiteRtDestroyOptions(handle); }
  void operator()(LiteRtCompiledModel handle) const { LiteRtDestroyCompiledModel(handle); }
  void operator()(LiteRtTensorBuffer handle) const { LiteRtDestroyTensorBuffer(handle); }
};
template <typename Handle>
using Owned = std::unique_ptr<std::remove_pointer_t<Handle>, Destroy>;

// Uses the CPU without searching for GPUs, and logs errors only.
inline Owned<LiteRtEnvironment> make_environment() {
  LiteRtEnvironmentOption options[] = {{LITERT_OPTION_ACCELERATORS, {LITERT_ANY_INT, {LITERT_CPU}}},
                                       {LITERT_OPTION_MIN_SEVERITY,
                                        {LITERT_ANY_INT, {LITERT_SEVERITY_ERROR}}}};
  LiteRtEnvironment environment = nullptr;
  check(LiteRtCreateEnvironment(2, options, &environment), "cannot start LiteRT");
  return Owned<LiteRtEnvironment>(environment);
}

// Numbers of an input or output, in memory that LiteRT uses directly.
class Tensor {
 public:
  Tensor(const std::string &name, LiteRtTensor tensor) : name(name) {
    LiteRtRankedTensorType type;
    check(LiteRtGetRankedTensorType(tensor, &type), name);
    if (type.element_type != LITERT_FLOAT32) throw std::runtime_error(name + " is not float32");
    for (unsigned axis = 0; axis < type.rank; axis++) size *= type.dimensions[axis];
    // Kernels may read a few numbers past the end.
    const size_t bytes = (size * sizeof(float) / kAlignment + 2) * kAlignment;
    memory_.reset(static_cast<float *>(::operator new(bytes, std::align_val_t(kAlignment))));
    std::memset(memory_.get(), 0, bytes);
    LiteRtTensorBuffer buffer = nullptr;
    check(LiteRtCreateTensorBufferFromHostMemory(&type, data(), size * sizeof(float), nullptr,
                                                 &buffer),
          name);
    buffer_.reset(buffer);
  }
  float *data() const { return memory_.get(); }
  LiteRtTensorBuffer buffer() const { return buffer_.get(); }

  std::string name;
  size_t size = 1;

 private:
  static constexpr size_t kAlignment = 64;
  struct Free {
    void operator()(float *memory) const {
      ::operator delete(memory, std::align_val_t(kAlignment));
    }
  };
  std::unique_ptr<float[], Free> memory_;
  Owned<LiteRtTensorBuffer> buffer_;
};

class Runner {
 public:
  Runner(LiteRtEnvironment environment, const std::string &path, const std::string &key) {
    LiteRtModel model = nullptr;
    check(LiteRtCreateModelFromFile(environment, path.c_str(), &model), path);
    model_.reset(model);
    const LiteRtSignature signature = find(path, key);
    read_tensors(signature);
    compile(environment, path);
    run();  // The first call allocates everything that later calls use.
    reset();
  }

  // Tensors of the signature; null if it has none of that name.
  const Tensor *input(const std::string &name) const { return named(inputs_, name); }
  const Tensor *output(const std::string &name) const { return named(outputs_, name); }

  // Computes the outputs, and passes the state on to the next call.
  LiteRtStatus run() {
    const LiteRtStatus status =
        LiteRtRunCompiledModel(compiled_.get(), signature_, input_buffers_.size(),
                               input_buffers_.data(), output_buffers_.size(),
                               output_buffers_.data());
    if (status == 0) {
      for (const auto &[before, after] : states_) {
        std::memcpy(before->data(), after->data(), after->size * sizeof(float));
      }
    }
    return status;
  }

  void reset() {
    for (const auto &[before, after] : states_) {
      std::memset(before->data(), 0, before->size * sizeof(float));
    }
  }

 private:
  using Tensors = std::vector<std::unique_ptr<Tensor>>;

  static const Tensor *named(const Tensors &tensors, const std::string &name) {
    for (const auto &tensor : tensors) {
      if (tensor->name == name) return tensor.get();
    }
    return nullptr;
  }

  LiteRtSignature find(const std::string &path, const std::string &key) {
    size_t count = 0;
    check(LiteRtGetNumModelSignatures(model_.get(), &count), path);
    for (signature_ = 0; signature_ < count; signature_++) {
      LiteRtSignature signature = nullptr;
      const char *found = nullptr;
      check(LiteRtGetModelSignature(model_.get(), signature_, &signature), path);
      check(LiteRtGetSignatureKey(signature, &found), path);
      if (key == found) return signature;
    }
    throw std::runtime_error(path + ": has no signature " + key);
  }

  void read_tensors(LiteRtSignature signature) {
    size_t n_inputs = 0, n_outputs = 0;
    const char *name = nullptr;
    LiteRtTensor tensor = nullptr;
    check(LiteRtGetNumSignatureInputs(signature, &n_inputs), "inputs");
    check(LiteRtGetNumSignatureOutputs(signature, &n_outputs), "outputs");
    for (size_t index = 0; index < n_inputs; index++) {
      check(LiteRtGetSignatureInputName(signature, index, &name), "inputs");
      check(LiteRtGetSignatureInputTensorByIndex(signature, index, &tensor), name);
      inputs_.push_back(std::make_unique<Tensor>(name, tensor));
      input_buffers_.push_back(inputs_.back()->buffer());
    }
    for (size_t index = 0; index < n_outputs; index++) {
      check(LiteRtGetSignatureOutputName(signature, index, &name), "outputs");
      check(LiteRtGetSignatureOutputTensorByIndex(signature, index, &tensor), name);
      outputs_.push_back(std::make_unique<Tensor>(name, tensor));
      output_buffers_.push_back(outputs_.back()->buffer());
      const Tensor *before = input(name);
      if (before == nullptr) continue;
      if (before->size != outputs_.back()->size) {
        throw std::runtime_error(std::string(name) + ": its sizes before and after differ");
      }
      states_.emplace_back(before, outputs_.back().get());
    }
  }

  void compile(LiteRtEnvironment environment, const std::string &path) {
    LiteRtOptions options = nullptr;
    check(LiteRtCreateOptions(&options), path);
    const Owned<LiteRtOptions> owner(options);
    check(LiteRtSetOptionsHardwareAccelerators(options, LITERT_CPU), path);
    // More threads than one do not make hops faster, and would run without the caller's priority.
    char *text = static_cast<char *>(std::malloc(32));
    if (text == nullptr) throw std::bad_alloc();
    std::strcpy(text, "num_threads = 1\n");
    LiteRtOpaqueOptions cpu = nullptr;
    check(LiteRtCreateOpaqueOptions("xnnpack", text, std::free, &cpu), path);
    check(LiteRtAddOpaqueOptions(options, cpu), path);
    LiteRtCompiledModel compiled = nullptr;
    check(LiteRtCreateCompiledModel(environment, model_.get(), options, &compiled), path);
    compiled_.reset(compiled);
  }

  Owned<LiteRtModel> model_;
  size_t signature_ = 0;
  Tensors inputs_, outputs_;
  std::vector<LiteRtTensorBuffer> input_buffers_, output_buffers_;
  std::vector<std::pair<const Tensor *, const Tensor *>> states_;
  Owned<LiteRtCompiledModel> compiled_;
};

}  // namespace ddsp

#endif
