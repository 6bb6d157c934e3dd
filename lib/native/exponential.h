// e^x by a polynomial, inlined into the loops that need it: the compiler makes vectors of it, and its bits are the same
// under every instruction set and C library. Relative error below 3.1e-7: -ffast-math makes one constant of the two. NaN becomes 0
// in a vector loop: a NaN logit or score counts for nothing there, where TensorFlow's own ops would tell of it.
#pragma once
#include <cmath>
#include <cstdint>

namespace {

inline float exponential(float x) {
  const float y = x > 88.0f ? 88.0f : x < -87.0f ? -87.0f : x;
  const float n = std::nearbyint(y * 1.44269504f);
  // ln 2 in two parts, so that the remainder is exact; Cephes' coefficients.
  const float r = (y - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const int32_t power = (static_cast<int32_t>(n) + 127) << 23;
  return x < -87.0f ? 0.0f : p * __builtin_bit_cast(float, power);
}

}  // namespace
