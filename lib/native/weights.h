// Products with a frozen weight matrix, packed once: y = x W, and dx = dy W' for the gradient.
//
// W [in, out] lies in panels of 16 columns, each panel's rows without a gap: [out / 16][in][16]. Values are floats, or
// bfloat16, half as large, widened in the register. Every element of a result is one chain of fused multiply-adds along
// the inner dimension, in order, whatever the other rows are and however the work is shared out: a row's result is the
// same to the bit in any batch, on one thread or many, with AVX2 or AVX-512.
#pragma once
#include <omp.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "product.h"

namespace {

typedef uint16_t bfloat16;

constexpr int kDepth = 384;                 // of the inner dimension at once: a panel's slice stays in the first-level cache
constexpr int kHeight = 192;                // rows at once: their slice stays in the second-level cache
constexpr int kStride = kDepth + kPanel;    // between these rows, so that they do not fall on the same cache lines
constexpr int kTileRows = kLanes == 16 ? 12 : 6;
constexpr int kAccumulators = 2 * kTileRows;  // registers that hold sums; the others hold the panels' values

inline vec load(const float* p) { return *reinterpret_cast<const vec*>(p); }
inline vec load(const bfloat16* p) {
  typedef uint16_t narrow __attribute__((vector_size(2 * kLanes), aligned(2)));
  typedef uint32_t wide __attribute__((vector_size(4 * kLanes)));
  return (vec)(__builtin_convertvector(*reinterpret_cast<const narrow*>(p), wide) << 16);
}

/** Where a sum begins: at zero, or at the values of rows `stride` floats apart (0: one row for all, a bias). */
struct From {
  const float* data = nullptr;
  int64_t stride = 0;
  From at(int64_t row, int64_t column) const { return data ? From{data + row * stride + column, stride} : From{}; }
};

constexpr int kLowStride = 9 * kPanel;  // most of the rank that is added on top, and between rows of its left side

/** What an adapter adds on top, on the same chain: left side [rows, k], right side in panels of k rows. */
struct Low {
  const float *left = nullptr, *right = nullptr;
  int k = 0;
  Low at(int64_t row, int64_t panel) const { return k ? Low{left + row * kLowStride, right + panel * k * kPanel, k} : Low{}; }
};

/** C[R, 16 P] = from + A[R, k] B[k, 16 P] + low. A's rows are kStride floats apart, B's panels `panel` values. */
template <int R, int P, typename E>
inline __attribute__((always_inline)) void weightTile(
    const float* A, const E* B, int64_t panel, From from, Low low, float* C, int64_t ldc, int k) {
  constexpr int V = P * kPanel / kLanes;
  vec c[R][V];
  auto chain = [&](const float* left, int64_t apart, const auto* right, int64_t panel, int p) __attribute__((always_inline)) {
    vec b[V];
#pragma GCC unroll 8
    for (int v = 0; v < V; v++) b[v] = load(right + v * kLanes / kPanel * panel + p * kPanel + v * kLanes % kPanel);
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
      const float a = left[r * apart + p];
#pragma GCC unroll 8
      for (int v = 0; v < V; v++) c[r][v] += a * b[v];
    }
  };
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) c[r][v] = from.data ? load(from.data + r * from.stride + v * kLanes) : vec{};
#pragma GCC unroll 2
  for (int p = 0; p < k; p++) chain(A, kStride, B, panel, p);
  for (int p = 0; p < low.k; p++) chain(low.left, kLowStride, low.right, static_cast<int64_t>(low.k) * kPanel, p);
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) *reinterpret_cast<vec*>(C + r * ldc + v * kLanes) = c[r][v];
}

/** A tile of `rows` rows, at most R. */
template <int R, int P, typename E>
void lastRows(int rows, const float* A, const E* B, int64_t panel, From from, Low low, float* C, int64_t ldc, int k) {
  if constexpr (R > 0) {
    if (rows == R) weightTile<R, P>(A, B, panel, from, low, C, ldc, k);
    else lastRows<R - 1, P>(rows, A, B, panel, from, low, C, ldc, k);
  }
}

/** All rows times P panels. */
template <int P, typename E>
void column(int rows, const float* A, const E* B, int64_t panel, From from, Low low, float* C, int64_t ldc, int k) {
  constexpr int R = std::min(kAccumulators / (P * kPanel / kLanes), kTileRows);
  int i = 0;
  for (; i + R <= rows; i += R) weightTile<R, P>(A + i * kStride, B, panel, from.at(i, 0), low.at(i, 0), C + i * ldc, ldc, k);
  lastRows<R - 1, P>(rows - i, A + i * kStride, B, panel, from.at(i, 0), low.at(i, 0), C + i * ldc, ldc, k);
}

/** All rows times the panels from `j` on, P at a time; leaves `j` where fewer than P are left. */
template <int P, typename E>
void sweep(int rows, const float* A, const E* B, int64_t panel, int64_t& j, int64_t end, From from, Low low, float* C, int64_t ldc, int k) {
  for (; j + P <= end; j += P) {
    const E* b = B + j * panel;
    const From start = from.at(0, j * kPanel);
    float* c = C + j * kPanel;
    if constexpr (std::is_same_v<E, bfloat16>) {
      // Many rows: widened once for all.
      if (rows > 3 * kTileRows) {
        alignas(64) static thread_local float wide[P * kDepth * kPanel];
        for (int g = 0; g < P; g++)
          for (int e = 0; e < k * kPanel; e += kLanes) *reinterpret_cast<vec*>(wide + g * kDepth * kPanel + e) = load(b + g * panel + e);
        column<P>(rows, A, static_cast<const float*>(wide), kDepth * kPanel, start, low.at(0, j), c, ldc, k);
        continue;
      }
    }
    column<P>(rows, A, b, panel, start, low.at(0, j), c, ldc, k);
  }
}

/** C = from + A B + low for at most kHeight rows, a slice of at most kDepth of the inner dimension, and the panels [j, end). */
template <typename E>
void multiplySlice(
    const float* A, int64_t lda, int rows, const E* B, int64_t panel, int64_t j, int64_t end, From from, float* C, int64_t ldc, int k, Low low = {}) {
  alignas(64) static thread_local float slice[kHeight * kStride];
  constexpr int P = kLanes / 8;
  for (int r = 0; r < rows; r++) std::memcpy(slice + r * kStride, A + r * lda, k * sizeof(float));
  // Few rows: more columns at once, or the sums wait for one another.
  if (rows == 1) sweep<4 * P>(rows, slice, B, panel, j, end, from, low, C, ldc, k);
  if (rows <= 3) sweep<2 * P>(rows, slice, B, panel, j, end, from, low, C, ldc, k);
  sweep<P>(rows, slice, B, panel, j, end, from, low, C, ldc, k);
  if constexpr (P > 1) sweep<1>(rows, slice, B, panel, j, end, from, low, C, ldc, k);
}

/** C[rows, 16 (end - j)] = from + A[rows, in] W + low, the columns of the panels [j, end) only. */
template <typename E>
void multiply(
    const float* A, int64_t lda, int64_t rows, const E* W, int64_t in, int64_t j, int64_t end, From from, float* C, int64_t ldc, Low low = {}) {
  for (int64_t i = 0; i < rows; i += kHeight) {
    const int h = std::min<int64_t>(kHeight, rows - i);
    float* c = C + i * ldc;
    for (int64_t p = 0; p < in; p += kDepth)
      multiplySlice(A + i * lda + p, lda, h, W + p * kPanel, in * kPanel, j, end, p ? From{c, ldc} : from.at(i, 0), c, ldc,
                    std::min<int64_t>(kDepth, in - p), p + kDepth < in ? Low{} : low.at(i, 0));
  }
}

/** This thread's share of so many, in whole units. */
struct Share {
  int64_t first, end;
  Share(int64_t count, int64_t unit) {
    const int64_t units = (count + unit - 1) / unit, t = omp_get_thread_num(), n = omp_get_num_threads();
    first = std::min(count, units * t / n * unit);
    end = std::min(count, units * (t + 1) / n * unit);
  }
};

/** y [rows, out] = from + x [rows, in] W. Many rows are shared out among the threads, of few the columns. */
template <typename E>
void multiplyAll(const float* x, int64_t rows, const E* W, int64_t in, int64_t out, From from, float* y) {
#pragma omp parallel
  {
    if (rows >= 2 * kTileRows * omp_get_num_threads()) {
      const Share s(rows, kTileRows);
      multiply(x + s.first * in, in, s.end - s.first, W, in, 0, out / kPanel, from.at(s.first, 0), y + s.first * out, out);
    } else {
      const Share s(out / kPanel, 1);
      multiply(x, in, rows, W, in, s.first, s.end, from, y, out);
    }
  }
}

// ---- The transposed product

typedef float eight __attribute__((vector_size(32), aligned(4)));
typedef int32_t order __attribute__((vector_size(32)));

/** to(j, i) = from(i, j) for 8 x 8 floats. */
inline void transpose8(const float* from, int64_t ldf, float* to, int64_t ldt) {
  eight r[8], s[8];
  for (int i = 0; i < 8; i++) r[i] = *reinterpret_cast<const eight*>(from + i * ldf);
  for (int i = 0; i < 8; i += 2) {
    s[i] = __builtin_shuffle(r[i], r[i + 1], (order){0, 8, 1, 9, 4, 12, 5, 13});
    s[i + 1] = __builtin_shuffle(r[i], r[i + 1], (order){2, 10, 3, 11, 6, 14, 7, 15});
  }
  for (int i = 0; i < 8; i += 4)
    for (int k = 0; k < 2; k++) {
      r[i + 2 * k] = __builtin_shuffle(s[i + k], s[i + k + 2], (order){0, 1, 8, 9, 4, 5, 12, 13});
      r[i + 2 * k + 1] = __builtin_shuffle(s[i + k], s[i + k + 2], (order){2, 3, 10, 11, 6, 7, 14, 15});
    }
  for (int i = 0; i < 4; i++) {
    *reinterpret_cast<eight*>(to + i * ldt) = __builtin_shuffle(r[i], r[i + 4], (order){0, 1, 2, 3, 8, 9, 10, 11});
    *reinterpret_cast<eight*>(to + (i + 4) * ldt) = __builtin_shuffle(r[i], r[i + 4], (order){4, 5, 6, 7, 12, 13, 14, 15});
  }
}

/** to(j, i) = from(i, j) for 16 x 16 values that lie without a gap. */
inline void transposePanel(const float* from, float* to) {
  for (int i = 0; i < kPanel; i += 8)
    for (int j = 0; j < kPanel; j += 8) transpose8(from + i * kPanel + j, kPanel, to + j * kPanel + i, kPanel);
}
inline void transposePanel(const bfloat16* from, float* to) {
  float wide[kPanel * kPanel];
  for (int i = 0; i < kPanel * kPanel; i += kLanes) *reinterpret_cast<vec*>(wide + i) = load(from + i);
  transposePanel(wide, to);
}

constexpr int64_t kTransposed = 2048;  // rows of W that are turned at once

/**
 * dx [rows, in] = dy [rows, out] W' + low. A slice of W is turned into panels along `in` by all threads, then read by all.
 * `blockEnd(i)`: a block of rows that begins at i ends there at the latest; `lowOf(i, rows, p, panels)`: what is added to
 * these rows of the panels from column p on.
 */
template <typename E, typename End, typename LowOf>
void multiplyTransposed(const float* dy, int64_t rows, const E* W, int64_t in, int64_t out, float* dx, End blockEnd, LowOf lowOf) {
  std::vector<float> turned(std::min(in, kTransposed) * kDepth);
#pragma omp parallel
  {
    const Share s(rows, kTileRows);
    for (int64_t p = 0; p < in; p += kTransposed) {
      const int64_t panels = std::min(kTransposed, in - p) / kPanel;
      for (int64_t q = 0; q < out; q += kDepth) {
        const int depth = std::min<int64_t>(kDepth, out - q);
#pragma omp for schedule(static)
        for (int64_t j = 0; j < panels; j++)
          for (int b = 0; b < depth; b += kPanel)
            transposePanel(W + (q + b) * in + (p + j * kPanel) * kPanel, turned.data() + (j * depth + b) * kPanel);
        for (int64_t i = s.first; i < s.end;) {
          const int64_t end = std::min({i + kHeight, s.end, blockEnd(i)});
          float* c = dx + i * in + p;
          multiplySlice(dy + i * out + q, out, end - i, turned.data(), depth * kPanel, 0, panels, q ? From{c, in} : From{}, c, in, depth,
                        q + kDepth < out ? Low{} : lowOf(i, end - i, p, panels));
          i = end;
        }
#pragma omp barrier
      }
    }
  }
}

}  // namespace
