// The inputs and outputs of a kernel call, through TensorFlow's C interface.
#pragma once
#include <cstdint>
#include <new>
#include <vector>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

namespace {

/** An output that there is no memory for. TensorFlow reports it to the caller. */
struct OutOfMemory {};

/** The inputs and outputs of one call. */
class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {}
  ~Call() {
    for (TF_Tensor* t : held_) TF_DeleteTensor(t);
    TF_DeleteStatus(status_);
  }
  TF_Tensor* input(int i) {
    TF_Tensor* t = nullptr;
    TF_GetInput(context_, i, &t, status_);
    held_.push_back(t);
    return t;
  }
  const float* floats(int i) { return static_cast<const float*>(TF_TensorData(input(i))); }
  const int32_t* ints(int i) { return static_cast<const int32_t*>(TF_TensorData(input(i))); }
  float* output(int i, const std::vector<int64_t>& shape) { return static_cast<float*>(allocate(i, TF_FLOAT, shape)); }
  int32_t* integers(int i, const std::vector<int64_t>& shape) { return static_cast<int32_t*>(allocate(i, TF_INT32, shape)); }

  /** Runs the kernel; what it cannot allocate becomes an error of the op, but for the scratch that its threads take: that ends the process. */
  template <typename K>
  void perform(const K& kernel) {
    try {
      kernel.run(*this);
    } catch (const OutOfMemory&) {
      TF_OpKernelContext_Failure(context_, status_);
    } catch (const std::bad_alloc&) {
      TF_SetStatus(status_, TF_RESOURCE_EXHAUSTED, "OOM when allocating what a kernel works with");
      TF_OpKernelContext_Failure(context_, status_);
    }
  }

 private:
  /** Both types take four bytes. */
  void* allocate(int i, TF_DataType type, const std::vector<int64_t>& shape) {
    int64_t n = 1;
    for (int64_t d : shape) n *= d;
    TF_Tensor* t = TF_AllocateOutput(context_, i, type, shape.data(), static_cast<int>(shape.size()), n * 4, status_);
    if (TF_GetCode(status_) != TF_OK) throw OutOfMemory();
    held_.push_back(t);
    return TF_TensorData(t);
  }

  TF_OpKernelContext* context_;
  TF_Status* status_;
  std::vector<TF_Tensor*> held_;
};

int64_t last(TF_Tensor* t) { return TF_Dim(t, TF_NumDims(t) - 1); }
std::vector<int64_t> shapeOf(TF_Tensor* t) {
  std::vector<int64_t> s;
  for (int i = 0; i < TF_NumDims(t); i++) s.push_back(TF_Dim(t, i));
  return s;
}

constexpr int kParts = 16;  // fixed partition for sums over rows

}  // namespace
