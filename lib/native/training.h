// The loss of a batch and its gradient in one pass, and the optimiser's update in place.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "exponential.h"
#include "plumbing.h"

namespace {

// (logits [N,V], target [N], weight [N]) -> loss [N] unweighted, dlogits = weight * (softmax - onehot) [N,V]
struct CrossEntropy {
  void run(Call& c) const {
    TF_Tensor* t = c.input(0);
    const float* z = static_cast<const float*>(TF_TensorData(t));
    const int32_t* target = c.ints(1);
    const float* weight = c.floats(2);
    const int64_t n = TF_Dim(t, 0), V = TF_Dim(t, 1);
    float *loss = c.output(0, {n}), *d = c.output(1, {n, V});
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++) {
      const float* zi = z + i * V;
      float *di = d + i * V, top = zi[0], sum = 0;
      for (int64_t j = 0; j < V; j++) top = std::max(top, zi[j]);
      for (int64_t j = 0; j < V; j++) {
        di[j] = exponential(zi[j] - top);
        sum += di[j];
      }
      const float scale = weight[i] / sum;
      for (int64_t j = 0; j < V; j++) di[j] *= scale;
      di[target[i]] -= weight[i];
      loss[i] = std::log(sum) + top - zi[target[i]];
    }
  }
};

// (p, m, v, g, [lr, beta1, beta2, eps, weight decay, 1-beta1^t, 1-beta2^t, gradient scale]): nothing comes out,
// p, m and v change in place. Only their owner may hold them.
struct AdamW {
  void run(Call& c) const {
    TF_Tensor* t = c.input(0);
    float *p = static_cast<float*>(TF_TensorData(t)), *m = static_cast<float*>(TF_TensorData(c.input(1))),
          *v = static_cast<float*>(TF_TensorData(c.input(2)));
    const float *g = c.floats(3), *h = c.floats(4);
    const int64_t n = TF_TensorElementCount(t);
    const float lr = h[0], b1 = h[1], b2 = h[2], eps = h[3], decay = 1.0f - h[0] * h[4], c1 = h[5], c2 = h[6], gs = h[7];
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++) {
      const float gi = g[i] * gs, mi = b1 * m[i] + (1.0f - b1) * gi, vi = b2 * v[i] + (1.0f - b2) * gi * gi;
      m[i] = mi;
      v[i] = vi;
      p[i] = p[i] * decay - lr * (mi / c1) / (std::sqrt(vi / c2) + eps);
    }
  }
};

}  // namespace
