// Small matrix products inside a kernel: tiles that stay in registers, over matrices read in panels of 16 columns.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

// One vector register: 16 floats with AVX-512, else 8. Matrices are read in panels of 16 columns. Where it pays they are
// packed, each panel's rows without a gap, so that the innermost loop reads one run of memory whatever the width.
#ifdef __AVX512F__
constexpr int kLanes = 16;
#else
constexpr int kLanes = 8;
#endif
typedef float vec __attribute__((vector_size(4 * kLanes), aligned(4)));
constexpr int kPanel = 16;

inline int up16(int n) { return (n + 15) / 16 * 16; }

/** A right-hand matrix: element (p, j) stands at data[p * row + (j / 16) * panel + j % 16]. */
struct Right {
  const float* data;
  int64_t row, panel;
};
inline Right rowMajor(const float* data, int64_t width) { return {data, width, kPanel}; }
inline Right packed(const std::vector<float>& data, int rows) { return {data.data(), kPanel, static_cast<int64_t>(rows) * kPanel}; }

/** Where element (row, column) of packed panels of `rows` rows stands. */
inline size_t inPanels(int row, int column, int rows) {
  return (static_cast<size_t>(column / kPanel) * rows + row) * kPanel + column % kPanel;
}

/** Packs one row of `columns` values, a multiple of 16, into panels of `rows` rows. */
inline void packRow(const float* x, int row, int columns, int rows, float* panels) {
  for (int j = 0; j < columns; j += kPanel) std::memcpy(panels + inPanels(row, j, rows), x + j, kPanel * sizeof(float));
}

/** Packs x [columns, rows] transposed, or one of its rows at a time: out(e, j) = x(j, e). */
inline void packColumn(const float* x, int column, int rows, float* panels) {
  for (int e = 0; e < rows; e++) panels[inPanels(e, column, rows)] = x[e];
}

/** C[R, 16 P] = from + A[R,k] B[k, 16 P] with A(i,p) = A[i*ai + p*ap]; `from` lies like C, or is null for zeros. */
template <int R, int P>
inline void tile(const float* A, int64_t ai, int64_t ap, Right B, const float* from, float* C, int64_t ldc, int k) {
  constexpr int V = P * kPanel / kLanes;
  vec c[R][V];
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) c[r][v] = from ? *reinterpret_cast<const vec*>(from + r * ldc + v * kLanes) : vec{};
  for (int p = 0; p < k; p++) {
    vec b[V];
    for (int v = 0; v < V; v++)
      b[v] = *reinterpret_cast<const vec*>(B.data + p * B.row + v * kLanes / kPanel * B.panel + v * kLanes % kPanel);
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
      const float a = A[r * ai + p * ap];
#pragma GCC unroll 4
      for (int v = 0; v < V; v++) c[r][v] += a * b[v];
    }
  }
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) *reinterpret_cast<vec*>(C + r * ldc + v * kLanes) = c[r][v];
}

template <int P>
inline void strip(const float* A, int64_t ai, int64_t ap, Right B, const float* from, float* C, int64_t ldc, int m, int k) {
  constexpr int R = kLanes == 16 ? 12 : 6;
  auto at = [&](int i) { return from ? from + i * ldc : nullptr; };
  int i = 0;
  for (; i + R <= m; i += R) tile<R, P>(A + i * ai, ai, ap, B, at(i), C + i * ldc, ldc, k);
  for (; i + 4 <= m; i += 4) tile<4, P>(A + i * ai, ai, ap, B, at(i), C + i * ldc, ldc, k);
  for (; i < m; i++) tile<1, P>(A + i * ai, ai, ap, B, at(i), C + i * ldc, ldc, k);
}

/** C[m,n] = from + A[m,k] B[k,n]; n a multiple of 16; C and `from` have `ldc` floats a row. */
void product(const float* A, int64_t ai, int64_t ap, Right B, const float* from, float* C, int64_t ldc, int m, int n, int k) {
  constexpr int P = kLanes / 8;
  auto right = [&](int j) { return Right{B.data + j / kPanel * B.panel, B.row, B.panel}; };
  auto at = [&](int j) { return from ? from + j : nullptr; };
  int j = 0;
  for (; j + P * kPanel <= n; j += P * kPanel) strip<P>(A, ai, ap, right(j), at(j), C + j, ldc, m, k);
  for (; j < n; j += kPanel) strip<1>(A, ai, ap, right(j), at(j), C + j, ldc, m, k);
}

}  // namespace
