// The second half of a block in one call, where no gradient is wanted and no adapter adds to it:
// x + down(silu(gate(n)) * up(n)), n = RMSNorm(x). What lies between the two products never leaves the cache.
// The same arithmetic in the same order as its parts, so the same bits.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "layers.h"
#include "packing.h"
#include "plumbing.h"
#include "weights.h"

namespace {

constexpr int kRowsTogether = 96;

// (x [N,h], norm [h], gate and up side by side [h, 2m], down [m, h]) -> [N,h]
struct FeedForward {
  float eps;

  template <typename E>
  void many(const float* x, int64_t n, const float* norm, const E* gateUp, const E* down, int64_t h, int64_t m, float* y) const {
#pragma omp parallel
    {
      std::vector<float> normal(kRowsTogether * h), gate(kRowsTogether * kDepth), up(kRowsTogether * kDepth);
      const Share mine(n, kTileRows);
      for (int64_t i = mine.first; i < mine.end; i += kRowsTogether) {
        const int rows = std::min<int64_t>(kRowsTogether, mine.end - i);
        for (int r = 0; r < rows; r++) normalise(x + (i + r) * h, norm, h, eps, normal.data() + r * h);
        for (int64_t c = 0; c < m; c += kDepth) {
          const int64_t width = std::min<int64_t>(kDepth, m - c), panels = width / kPanel;
          multiply(normal.data(), h, rows, gateUp + c * h, h, 0, panels, From{}, gate.data(), width);
          multiply(normal.data(), h, rows, gateUp + (m + c) * h, h, 0, panels, From{}, up.data(), width);
          for (int64_t e = 0; e < rows * width; e++) gate[e] = silu(gate[e]) * up[e];
          multiplySlice(gate.data(), width, rows, down + c * kPanel, m * kPanel, 0, h / kPanel, c ? From{y + i * h, h} : From{x + i * h, h},
                        y + i * h, h, width);
        }
      }
    }
  }

  /** Of few rows the columns are shared out, with the threads in step. */
  template <typename E>
  void few(const float* x, int64_t n, const float* norm, const E* gateUp, const E* down, int64_t h, int64_t m, float* y) const {
    std::vector<float> normal(n * h), between(n * 2 * m), gated(n * m);
    for (int64_t r = 0; r < n; r++) normalise(x + r * h, norm, h, eps, normal.data() + r * h);
#pragma omp parallel
    {
      const Share wide(2 * m / kPanel, 1), narrow(h / kPanel, 1);
      multiply(normal.data(), h, n, gateUp, h, wide.first, wide.end, From{}, between.data(), 2 * m);
#pragma omp barrier
#pragma omp for schedule(static)
      for (int64_t j = 0; j < m; j += kPanel)
        for (int64_t r = 0; r < n; r++)
          for (int64_t e = j; e < j + kPanel; e++) gated[r * m + e] = silu(between[r * 2 * m + e]) * between[r * 2 * m + m + e];
      multiply(gated.data(), m, n, down, m, narrow.first, narrow.end, From{x, h}, y, h);
    }
  }

  void run(Call& c) const {
    TF_Tensor *tx = c.input(0), *tg = c.input(2), *td = c.input(3);
    const int64_t h = last(tx), n = TF_TensorElementCount(tx) / h, m = TF_Dim(td, 1);
    const float *x = static_cast<const float*>(TF_TensorData(tx)), *norm = c.floats(1);
    float* y = c.output(0, {n, h});
    const bool shareRows = n >= 2 * kTileRows * omp_get_max_threads();
    withWeights(tg, [&](const auto* gateUp) {
      const auto* down = static_cast<decltype(gateUp)>(TF_TensorData(td));
      if (shareRows) many(x, n, norm, gateUp, down, h, m, y);
      else few(x, n, norm, gateUp, down, h, m, y);
    });
  }
};

}  // namespace
