// RMSNorm and SwiGLU, and their gradients: one pass over memory each.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "exponential.h"
#include "plumbing.h"

namespace {

/** Work on fewer values than this is not worth waking other threads for. */
constexpr int64_t kWorthSharing = 1 << 15;

/** y = x * rstd * w for one row; returns rstd. */
inline float normalise(const float* x, const float* w, int64_t h, float eps, float* y) {
  float s = 0;
  for (int64_t j = 0; j < h; j++) s += x[j] * x[j];
  const float r = 1.0f / std::sqrt(s / h + eps);
  for (int64_t j = 0; j < h; j++) y[j] = x[j] * r * w[j];
  return r;
}

inline float silu(float x) { return x / (1.0f + exponential(-x)); }

// (x [N,h], w [h]) -> y = x * rstd * w, rstd [N]
struct RmsNorm {
  float eps;
  void run(Call& c) const {
    TF_Tensor* tx = c.input(0);
    const float *x = static_cast<const float*>(TF_TensorData(tx)), *w = c.floats(1);
    const int64_t h = last(tx), n = TF_TensorElementCount(tx) / h;
    float *y = c.output(0, shapeOf(tx)), *rstd = c.output(1, {n});
#pragma omp parallel for schedule(static) if (n * h > kWorthSharing)
    for (int64_t i = 0; i < n; i++) rstd[i] = normalise(x + i * h, w, h, eps, y + i * h);
  }
};

// (dy [N,h], x, w, rstd) -> dx [N,h], dw [h]
struct RmsNormGrad {
  void run(Call& c) const {
    TF_Tensor* tdy = c.input(0);
    const float *dy = static_cast<const float*>(TF_TensorData(tdy)), *x = c.floats(1), *w = c.floats(2),
                *rstd = c.floats(3);
    const int64_t h = last(tdy), n = TF_TensorElementCount(tdy) / h;
    float *dx = c.output(0, shapeOf(tdy)), *dw = c.output(1, {h});
    std::vector<float> partial(kParts * h, 0.0f);
#pragma omp parallel for schedule(static)
    for (int part = 0; part < kParts; part++) {
      float* dwp = partial.data() + part * h;
      for (int64_t i = n * part / kParts; i < n * (part + 1) / kParts; i++) {
        const float *xi = x + i * h, *g = dy + i * h;
        const float r = rstd[i];
        float s = 0;
        for (int64_t j = 0; j < h; j++) s += g[j] * w[j] * xi[j];
        const float k = s * r * r * r / h;
        for (int64_t j = 0; j < h; j++) {
          dx[i * h + j] = g[j] * w[j] * r - xi[j] * k;
          dwp[j] += g[j] * xi[j] * r;
        }
      }
    }
    std::fill(dw, dw + h, 0.0f);
    for (int part = 0; part < kParts; part++)
      for (int64_t j = 0; j < h; j++) dw[j] += partial[part * h + j];
  }
};

// (gu [N,2m], gate first) -> silu(gate) * up [N,m]
struct SwiGlu {
  void run(Call& c) const {
    TF_Tensor* t = c.input(0);
    const float* gu = static_cast<const float*>(TF_TensorData(t));
    const int64_t m = last(t) / 2, n = TF_TensorElementCount(t) / (2 * m);
    auto shape = shapeOf(t);
    shape.back() = m;
    float* y = c.output(0, shape);
#pragma omp parallel for schedule(static) if (n * m > kWorthSharing)
    for (int64_t i = 0; i < n; i++) {
      const float *g = gu + i * 2 * m, *u = g + m;
      for (int64_t j = 0; j < m; j++) y[i * m + j] = silu(g[j]) * u[j];
    }
  }
};

// (dy [N,m], gu [N,2m]) -> dgu [N,2m]
struct SwiGluGrad {
  void run(Call& c) const {
    const float* dy = c.floats(0);
    TF_Tensor* t = c.input(1);
    const float* gu = static_cast<const float*>(TF_TensorData(t));
    const int64_t m = last(t) / 2, n = TF_TensorElementCount(t) / (2 * m);
    float* d = c.output(0, shapeOf(t));
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++) {
      const float *g = gu + i * 2 * m, *u = g + m, *dyi = dy + i * m;
      float *dg = d + i * 2 * m, *du = dg + m;
      for (int64_t j = 0; j < m; j++) {
        const float s = 1.0f / (1.0f + exponential(-g[j]));
        du[j] = dyi[j] * g[j] * s;
        dg[j] = dyi[j] * u[j] * s * (1.0f + g[j] * (1.0f - s));
      }
    }
  }
};

}  // namespace
