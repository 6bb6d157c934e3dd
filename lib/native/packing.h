// Frozen weights as tensors: packing and unpacking, and rows of an embedding.
// Packed floats are a float tensor [out / 16, in, 16]; packed bfloat16 an int32 tensor [out / 16, in, 8], two to an element.
#pragma once
#include <cstdint>
#include <cstring>

#include "layers.h"
#include "plumbing.h"
#include "weights.h"

namespace {

/** What an input holds: calls `work` with its values as floats or as bfloat16. */
template <typename F>
void withWeights(TF_Tensor* t, F work) {
  if (TF_TensorType(t) == TF_FLOAT) work(static_cast<const float*>(TF_TensorData(t)));
  else work(static_cast<const bfloat16*>(TF_TensorData(t)));
}

inline float widen(float x) { return x; }
inline float widen(bfloat16 x) {
  const uint32_t bits = static_cast<uint32_t>(x) << 16;
  float out;
  std::memcpy(&out, &bits, sizeof out);
  return out;
}
/** To the nearest, of two equally near to the even one. */
inline void narrow(float x, float& to) { to = x; }
inline void narrow(float x, bfloat16& to) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  to = static_cast<bfloat16>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// (w [in, out], or [out, in] when `transposed`; both multiples of 16) -> panels
struct Pack {
  bool transposed, half;
  template <typename E>
  void fill(const float* w, int64_t in, int64_t out, E* panels) const {
#pragma omp parallel for schedule(static)
    for (int64_t j = 0; j < out; j += kPanel)
      for (int64_t p = 0; p < in; p++)
        for (int64_t e = 0; e < kPanel; e++) narrow(transposed ? w[(j + e) * in + p] : w[p * out + j + e], panels[j * in + p * kPanel + e]);
  }
  void run(Call& c) const {
    TF_Tensor* t = c.input(0);
    const float* w = static_cast<const float*>(TF_TensorData(t));
    const int64_t in = TF_Dim(t, transposed ? 1 : 0), out = TF_Dim(t, transposed ? 0 : 1);
    if (half) fill(w, in, out, reinterpret_cast<bfloat16*>(c.integers(0, {out / kPanel, in, kPanel / 2})));
    else fill(w, in, out, c.output(0, {out / kPanel, in, kPanel}));
  }
};

// (panels) -> w [in, out], or [out, in] when `transposed`
struct Unpack {
  bool transposed;
  void run(Call& c) const {
    TF_Tensor* t = c.input(0);
    const int64_t in = TF_Dim(t, 1), out = TF_Dim(t, 0) * kPanel;
    float* w = c.output(0, transposed ? std::vector<int64_t>{out, in} : std::vector<int64_t>{in, out});
    withWeights(t, [&](const auto* panels) {
#pragma omp parallel for schedule(static)
      for (int64_t j = 0; j < out; j += kPanel)
        for (int64_t p = 0; p < in; p++)
          for (int64_t e = 0; e < kPanel; e++) w[transposed ? (j + e) * in + p : p * out + j + e] = widen(panels[j * in + p * kPanel + e]);
    });
  }
};

// (panels of a matrix whose columns are a vocabulary's vectors, ids [N]) -> the vectors [N, in]
struct Columns {
  void run(Call& c) const {
    TF_Tensor *t = c.input(0), *ti = c.input(1);
    const int32_t* ids = static_cast<const int32_t*>(TF_TensorData(ti));
    const int64_t in = TF_Dim(t, 1), n = TF_TensorElementCount(ti);
    float* out = c.output(0, {n, in});
    withWeights(t, [&](const auto* panels) {
#pragma omp parallel for schedule(static) if (n * in > kWorthSharing)
      for (int64_t i = 0; i < n; i++)
        for (int64_t p = 0; p < in; p++) out[i * in + p] = widen(panels[(ids[i] / kPanel * in + p) * kPanel + ids[i] % kPanel]);
    });
  }
};

}  // namespace
