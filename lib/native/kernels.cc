// Fused TensorFlow CPU kernels for one transformer step, linked into the tfjs binding.
//
// The matrix products of a small model take less time than the element-wise passes between them. Each kernel
// here does in one pass over memory what would be four to ten TensorFlow ops: RMSNorm, SwiGLU, causal
// attention with RoPE, cross-entropy, AdamW. Their TensorFlow-op twins, which serve on a GPU and as the
// reference in the tests, stand in src/engine/composite.ts.
//
// Sums run over a fixed partition of the rows, so results do not depend on thread timing.
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

namespace {

// ---- Plumbing -----------------------------------------------------------------------------------------------

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
  float* output(int i, std::vector<int64_t> shape) {
    int64_t n = 1;
    for (int64_t d : shape) n *= d;
    TF_Tensor* t = TF_AllocateOutput(context_, i, TF_FLOAT, shape.data(), static_cast<int>(shape.size()),
                                     n * sizeof(float), status_);
    held_.push_back(t);
    return static_cast<float*>(TF_TensorData(t));
  }

 private:
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

// ---- Small matrix product ------------------------------------------------------------------------------------

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

// ---- Low-rank addition ---------------------------------------------------------------------------------------

constexpr int kBlock = 64;  // rows that go through all products while they are in the cache

/** The rows of `shares` repositories, each in `parts` pieces: a fixed partition, enough for all threads. */
struct Pieces {
  int64_t rows, shares, parts;
  Pieces(int64_t n, int64_t s) : rows(n / s), shares(s), parts(std::max<int64_t>(1, kParts / s)) {}
  int64_t count() const { return shares * parts; }
  int64_t share(int64_t piece) const { return piece / parts; }
  int64_t first(int64_t piece) const { return share(piece) * rows + rows * (piece % parts) / parts; }
  int64_t end(int64_t piece) const { return share(piece) * rows + rows * (piece % parts + 1) / parts; }
};

/** x [rows, columns] into packed panels of its transpose (`columns` rows), the last panel filled up with zeros. */
void packTransposed(const float* x, int rows, int columns, std::vector<float>& panels) {
  panels.assign(static_cast<size_t>(columns) * up16(rows), 0.0f);
  for (int i = 0; i < rows; i++) packColumn(x + static_cast<size_t>(i) * columns, i, columns, panels.data());
}

// (y [N,out], x [N,in], a [S,r,in], b [S,r,out]) -> low = x a' [N,r]; adds low b to y, in place: only its owner may hold it.
// The rows are the equal, consecutive shares of S repositories. in and out are multiples of 16.
struct LowRank {
  void run(Call& c) const {
    TF_Tensor *ty = c.input(0), *ta = c.input(2);
    float* y = static_cast<float*>(TF_TensorData(ty));
    const float *x = c.floats(1), *a = static_cast<const float*>(TF_TensorData(ta)), *b = c.floats(3);
    const int64_t out = last(ty), n = TF_TensorElementCount(ty) / out, shares = TF_Dim(ta, 0);
    const int r = TF_Dim(ta, 1), in = TF_Dim(ta, 2), padded = up16(r);
    float* low = c.output(0, {n, r});
    const Pieces pieces(n, shares);
#pragma omp parallel
    {
      std::vector<float> down, lows(kBlock * padded);
      int64_t packedShare = -1;
#pragma omp for schedule(static)
      for (int64_t piece = 0; piece < pieces.count(); piece++) {
        const int64_t share = pieces.share(piece);
        if (share != packedShare) packTransposed(a + share * r * in, r, in, down);
        packedShare = share;
        for (int64_t i = pieces.first(piece); i < pieces.end(piece); i += kBlock) {
          const int m = std::min<int64_t>(kBlock, pieces.end(piece) - i);
          product(x + i * in, in, 1, packed(down, in), nullptr, lows.data(), padded, m, padded, in);
          for (int k = 0; k < m; k++) std::memcpy(low + (i + k) * r, &lows[k * padded], r * sizeof(float));
          product(lows.data(), padded, 1, rowMajor(b + share * r * out, out), y + i * out, y + i * out, out, m, out, r);
        }
      }
    }
  }
};

// (dx [N,in] through the frozen weight, dy [N,out], x, a, b, low) -> da [S,r,in], db [S,r,out]; adds (dy b') a to dx, in place.
struct LowRankGrad {
  void run(Call& c) const {
    TF_Tensor *ty = c.input(1), *ta = c.input(3);
    float* dx = static_cast<float*>(TF_TensorData(c.input(0)));
    const float *dy = static_cast<const float*>(TF_TensorData(ty)), *x = c.floats(2),
                *a = static_cast<const float*>(TF_TensorData(ta)), *b = c.floats(4), *low = c.floats(5);
    const int64_t out = last(ty), n = TF_TensorElementCount(ty) / out, shares = TF_Dim(ta, 0);
    const int r = TF_Dim(ta, 1), in = TF_Dim(ta, 2), padded = up16(r);
    float *da = c.output(0, {shares, r, in}), *db = c.output(1, {shares, r, out});
    const Pieces pieces(n, shares);
    const size_t sizeA = static_cast<size_t>(r) * in, sizeB = static_cast<size_t>(r) * out;
    // Sums of the pieces of one share; where it is one piece, it writes the result itself.
    std::vector<float> sums(pieces.parts > 1 ? pieces.count() * (sizeA + sizeB) : 0);
#pragma omp parallel
    {
      std::vector<float> up, dlows(kBlock * padded);
      int64_t packedShare = -1;
#pragma omp for schedule(static)
      for (int64_t piece = 0; piece < pieces.count(); piece++) {
        const int64_t share = pieces.share(piece);
        if (share != packedShare) packTransposed(b + share * sizeB, r, out, up);
        packedShare = share;
        float* sumA = pieces.parts > 1 ? &sums[piece * (sizeA + sizeB)] : da + share * sizeA;
        float* sumB = pieces.parts > 1 ? sumA + sizeA : db + share * sizeB;
        bool fresh = true;
        for (int64_t i = pieces.first(piece); i < pieces.end(piece); i += kBlock) {
          const int m = std::min<int64_t>(kBlock, pieces.end(piece) - i);
          product(dy + i * out, out, 1, packed(up, out), nullptr, dlows.data(), padded, m, padded, out);
          product(low + i * r, 1, r, rowMajor(dy + i * out, out), fresh ? nullptr : sumB, sumB, out, r, out, m);
          product(dlows.data(), 1, padded, rowMajor(x + i * in, in), fresh ? nullptr : sumA, sumA, in, r, in, m);
          product(dlows.data(), padded, 1, rowMajor(a + share * sizeA, in), dx + i * in, dx + i * in, in, m, in, r);
          fresh = false;
        }
        if (fresh) std::fill(sumA, sumA + sizeA, 0.0f), std::fill(sumB, sumB + sizeB, 0.0f);
      }
      if (pieces.parts > 1) {
#pragma omp for schedule(static)
        for (int64_t j = 0; j < static_cast<int64_t>(shares * (sizeA + sizeB)); j++) {
          const int64_t share = j / (sizeA + sizeB), at = j % (sizeA + sizeB);
          float s = 0;
          for (int64_t k = 0; k < pieces.parts; k++) s += sums[(share * pieces.parts + k) * (sizeA + sizeB) + at];
          (at < static_cast<int64_t>(sizeA) ? da[share * sizeA + at] : db[share * sizeB + at - sizeA]) = s;
        }
      }
    }
  }
};

// ---- RMSNorm -------------------------------------------------------------------------------------------------

// (x [N,h], w [h]) -> y = x * rstd * w, rstd [N]
struct RmsNorm {
  float eps;
  void run(Call& c) const {
    TF_Tensor* tx = c.input(0);
    const float *x = static_cast<const float*>(TF_TensorData(tx)), *w = c.floats(1);
    const int64_t h = last(tx), n = TF_TensorElementCount(tx) / h;
    float *y = c.output(0, shapeOf(tx)), *rstd = c.output(1, {n});
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++) {
      const float* xi = x + i * h;
      float s = 0;
      for (int64_t j = 0; j < h; j++) s += xi[j] * xi[j];
      const float r = 1.0f / std::sqrt(s / h + eps);
      rstd[i] = r;
      for (int64_t j = 0; j < h; j++) y[i * h + j] = xi[j] * r * w[j];
    }
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

// ---- SwiGLU --------------------------------------------------------------------------------------------------

// (gu [N,2m], gate first) -> silu(gate) * up [N,m]
struct SwiGlu {
  void run(Call& c) const {
    TF_Tensor* t = c.input(0);
    const float* gu = static_cast<const float*>(TF_TensorData(t));
    const int64_t m = last(t) / 2, n = TF_TensorElementCount(t) / (2 * m);
    auto shape = shapeOf(t);
    shape.back() = m;
    float* y = c.output(0, shape);
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++) {
      const float *g = gu + i * 2 * m, *u = g + m;
      for (int64_t j = 0; j < m; j++) y[i * m + j] = g[j] / (1.0f + std::exp(-g[j])) * u[j];
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
        const float s = 1.0f / (1.0f + std::exp(-g[j]));
        du[j] = dyi[j] * g[j] * s;
        dg[j] = dyi[j] * u[j] * s * (1.0f + g[j] * (1.0f - s));
      }
    }
  }
};

// ---- Attention -----------------------------------------------------------------------------------------------

struct AttentionShape {
  int heads, kvHeads, dim;
  float theta;
  int row() const { return (heads + 2 * kvHeads) * dim; }
};

/** cos and sin [positions >= n, dim] of RoPE in the rotate-half layout of Qwen and Llama; made once, and longer when asked. */
std::shared_ptr<const std::vector<float>> ropeTable(int n, const AttentionShape& a) {
  static std::mutex lock;
  static std::map<std::pair<int, float>, std::shared_ptr<const std::vector<float>>> tables;
  std::lock_guard<std::mutex> guard(lock);
  auto& known = tables[{a.dim, a.theta}];
  const size_t d = a.dim, half = d / 2;
  if (!known || known->size() < n * d) {
    const size_t positions = std::max<size_t>(n, known ? 2 * known->size() / d : 512);
    auto made = std::make_shared<std::vector<float>>(positions * d);
    for (size_t t = 0; t < positions; t++)
      for (size_t j = 0; j < half; j++) {
        const double angle = t * std::pow(static_cast<double>(a.theta), -2.0 * j / d);
        (*made)[t * d + j] = static_cast<float>(std::cos(angle));
        (*made)[t * d + half + j] = static_cast<float>(std::sin(angle));
      }
    known = made;
  }
  return known;
}

/** out = x rotated by the angle in cs, or back when inverse. */
inline void rotate(const float* x, const float* cs, float* out, int dim, float scale, bool inverse) {
  const int half = dim / 2;
  const float sign = inverse ? -1.0f : 1.0f;
  for (int j = 0; j < half; j++) {
    const float c = cs[j], s = sign * cs[half + j], a = x[j], b = x[half + j];
    out[j] = (a * c - b * s) * scale;
    out[half + j] = (b * c + a * s) * scale;
  }
}

constexpr int kRows = 48;  // query rows a tile

/** Row length of a tile of scores over n keys: an odd number of cache lines, so that columns do not fall on one another. */
inline int scoreRow(int n) { return n + (n / kPanel % 2 ? 0 : kPanel); }

/** Scores of rows [i0, i0+m) against keys [0, n): those a row may not see, after it or before `start`, are -1e30. */
inline void maskScores(float* S, int ld, int n, int i0, int m, int start) {
  for (int r = 0; r < m; r++) {
    float* s = S + r * ld;
    const int end = i0 + r + 1;
    for (int j = 0; j < std::min(start, end); j++) s[j] = -1e30f;
    for (int j = end; j < n; j++) s[j] = -1e30f;
  }
}

/** The keys of one head of one sequence; those before `start` are padding. */
struct Keys {
  const float* base;  // of the sequence, at this head
  int64_t row;        // between two positions
  int start, d;
};

/** Rotated key of position j into `out`. */
inline void keyRow(const Keys& keys, int j, const float* cs, float* out) {
  rotate(keys.base + j * keys.row, cs + static_cast<size_t>(j - keys.start) * keys.d, out, keys.d, 1.0f, false);
}

// (qkv [B,T,(H+2K)d] before RoPE, start [B]: first real position of each sequence) -> out [B,T,H*d], lse [B,H,T].
// Causal, grouped-query; positions count from `start`; rows before it are zero.
struct Attention {
  AttentionShape a;
  void run(Call& c) const {
    TF_Tensor* t = c.input(0);
    const float* qkv = static_cast<const float*>(TF_TensorData(t));
    const int32_t* start = c.ints(1);
    const int B = TF_Dim(t, 0), T = TF_Dim(t, 1), d = a.dim, group = a.heads / a.kvHeads, row = a.row(), Tp = up16(T);
    float *out = c.output(0, {B, T, a.heads * d}), *lse = c.output(1, {B, a.heads, T});
    const auto table = ropeTable(T, a);
    const float* cs = table->data();
#pragma omp parallel
    {
      std::vector<float> kt(static_cast<size_t>(Tp) * d), v(static_cast<size_t>(Tp) * d), q(kRows * d), s(kRows * scoreRow(Tp)), tmp(d);
#pragma omp for schedule(dynamic, 1)
      for (int bk = 0; bk < B * a.kvHeads; bk++) {
        const int b = bk / a.kvHeads, kh = bk % a.kvHeads, s0 = start[b];
        const float* base = qkv + static_cast<size_t>(b) * T * row;
        const Keys keys{base + (a.heads + kh) * d, row, s0, d};
        std::fill(kt.begin(), kt.end(), 0.0f);
        std::fill(v.begin(), v.end(), 0.0f);
        for (int j = s0; j < T; j++) {
          keyRow(keys, j, cs, tmp.data());
          packColumn(tmp.data(), j, d, kt.data());
          packRow(keys.base + j * keys.row + a.kvHeads * d, j, d, Tp, v.data());
        }
        for (int g = 0; g < group; g++) {
          const int head = kh * group + g;
          for (int i0 = 0; i0 < T; i0 += kRows) {
            const int m = std::min(kRows, T - i0), n = up16(i0 + m), ld = scoreRow(n);
            std::fill(q.begin(), q.end(), 0.0f);
            for (int r = 0; r < m; r++)
              if (i0 + r >= s0)
                rotate(base + static_cast<size_t>(i0 + r) * row + head * d, cs + static_cast<size_t>(i0 + r - s0) * d, &q[r * d],
                       d, 1.0f / std::sqrt(static_cast<float>(d)), false);
            product(q.data(), d, 1, packed(kt, d), nullptr, s.data(), ld, m, n, d);
            maskScores(s.data(), ld, n, i0, m, s0);
            for (int r = 0; r < m; r++) {
              float *sr = &s[r * ld], top = -1e30f, sum = 0;
              for (int j = 0; j < n; j++) top = std::max(top, sr[j]);
              for (int j = 0; j < n; j++) {
                sr[j] = std::exp(sr[j] - top);
                sum += sr[j];
              }
              const bool real = i0 + r >= s0;
              const float inv = real ? 1.0f / sum : 0.0f;
              for (int j = 0; j < n; j++) sr[j] *= inv;
              lse[(static_cast<size_t>(b) * a.heads + head) * T + i0 + r] = real ? top + std::log(sum) : 1e30f;
            }
            product(s.data(), ld, 1, packed(v, Tp), nullptr, out + (static_cast<size_t>(b) * T + i0) * a.heads * d + head * d,
                    a.heads * d, m, d, n);
          }
        }
      }
    }
  }
};

// (dout [B,T,H*d], qkv, start, out, lse) -> dqkv. Recomputes the probabilities from lse.
struct AttentionGrad {
  AttentionShape a;
  void run(Call& c) const {
    const float* dout = c.floats(0);
    TF_Tensor* t = c.input(1);
    const float* qkv = static_cast<const float*>(TF_TensorData(t));
    const int32_t* start = c.ints(2);
    const float *out = c.floats(3), *lse = c.floats(4);
    const int B = TF_Dim(t, 0), T = TF_Dim(t, 1), d = a.dim, group = a.heads / a.kvHeads, row = a.row(), Tp = up16(T);
    float* dqkv = c.output(0, {B, T, row});
    const auto table = ropeTable(T, a);
    const float* cs = table->data();
    const float scale = 1.0f / std::sqrt(static_cast<float>(d));
#pragma omp parallel
    {
      const size_t big = static_cast<size_t>(Tp) * d, scores = kRows * scoreRow(Tp);
      std::vector<float> k(big), kt(big), vt(big), dk(big), dv(big), q(kRows * d), go(kRows * d), p(scores), dp(scores),
          dq(kRows * d), tmp(d);
#pragma omp for schedule(dynamic, 1)
      for (int bk = 0; bk < B * a.kvHeads; bk++) {
        const int b = bk / a.kvHeads, kh = bk % a.kvHeads, s0 = start[b];
        const float* base = qkv + static_cast<size_t>(b) * T * row;
        float* dbase = dqkv + static_cast<size_t>(b) * T * row;
        const Keys keys{base + (a.heads + kh) * d, row, s0, d};
        for (auto* w : {&k, &kt, &vt, &dk, &dv}) std::fill(w->begin(), w->end(), 0.0f);
        for (int j = s0; j < T; j++) {
          keyRow(keys, j, cs, tmp.data());
          packRow(tmp.data(), j, d, Tp, k.data());
          packColumn(tmp.data(), j, d, kt.data());
          packColumn(keys.base + j * keys.row + a.kvHeads * d, j, d, vt.data());
        }
        for (int g = 0; g < group; g++) {
          const int head = kh * group + g;
          for (int i0 = 0; i0 < T; i0 += kRows) {
            const int m = std::min(kRows, T - i0), n = up16(i0 + m), ld = scoreRow(n);
            float delta[kRows];
            std::fill(q.begin(), q.end(), 0.0f);
            for (int r = 0; r < m; r++) {
              const size_t at = (static_cast<size_t>(b) * T + i0 + r) * a.heads * d + head * d;
              if (i0 + r >= s0)
                rotate(base + static_cast<size_t>(i0 + r) * row + head * d, cs + static_cast<size_t>(i0 + r - s0) * d, &q[r * d],
                       d, scale, false);
              float s = 0;
              for (int e = 0; e < d; e++) s += dout[at + e] * out[at + e];
              delta[r] = s;
              std::memcpy(&go[r * d], dout + at, d * sizeof(float));
            }
            product(q.data(), d, 1, packed(kt, d), nullptr, p.data(), ld, m, n, d);
            maskScores(p.data(), ld, n, i0, m, s0);
            product(go.data(), d, 1, packed(vt, d), nullptr, dp.data(), ld, m, n, d);
            for (int r = 0; r < m; r++) {
              const float l = lse[(static_cast<size_t>(b) * a.heads + head) * T + i0 + r], dl = delta[r];
              float *pr = &p[r * ld], *dpr = &dp[r * ld];
              for (int j = 0; j < n; j++) {
                pr[j] = std::exp(pr[j] - l);
                dpr[j] = pr[j] * (dpr[j] - dl);
              }
            }
            product(p.data(), 1, ld, rowMajor(go.data(), d), dv.data(), dv.data(), d, n, d, m);
            product(dp.data(), 1, ld, rowMajor(q.data(), d), dk.data(), dk.data(), d, n, d, m);
            product(dp.data(), ld, 1, packed(k, Tp), nullptr, dq.data(), d, m, d, n);
            for (int r = 0; r < m; r++) {
              float* to = dbase + static_cast<size_t>(i0 + r) * row + head * d;
              if (i0 + r >= s0)
                rotate(&dq[r * d], cs + static_cast<size_t>(i0 + r - s0) * d, to, d, scale, true);
              else
                std::fill(to, to + d, 0.0f);
            }
          }
        }
        for (int j = 0; j < T; j++) {
          float *tk = dbase + static_cast<size_t>(j) * row + (a.heads + kh) * d, *tv = tk + a.kvHeads * d;
          if (j >= s0) {
            rotate(&dk[static_cast<size_t>(j) * d], cs + static_cast<size_t>(j - s0) * d, tk, d, 1.0f, true);
            std::memcpy(tv, &dv[static_cast<size_t>(j) * d], d * sizeof(float));
          } else {
            std::fill(tk, tk + d, 0.0f);
            std::fill(tv, tv + d, 0.0f);
          }
        }
      }
    }
  }
};

// ---- Decoding with a cache --------------------------------------------------------------------------------------

// (qkv [B,T,row] before RoPE, start [B]) -> cache [2,B,K,capacity,d]: rotated keys, then values; zeros before `start`.
struct CacheFill {
  AttentionShape a;
  int capacity;
  void run(Call& c) const {
    TF_Tensor* t = c.input(0);
    const float* qkv = static_cast<const float*>(TF_TensorData(t));
    const int32_t* start = c.ints(1);
    const int64_t B = TF_Dim(t, 0), T = TF_Dim(t, 1), d = a.dim, row = a.row(), K = a.kvHeads;
    float* cache = c.output(0, {2, B, K, capacity, d});
    const auto table = ropeTable(static_cast<int>(T), a);
    const float* cs = table->data();
#pragma omp parallel for schedule(static)
    for (int64_t bk = 0; bk < B * K; bk++) {
      const int64_t b = bk / K, kh = bk % K, s0 = start[b];
      float *keys = cache + bk * capacity * d, *values = keys + B * K * capacity * d;
      std::fill(keys, keys + capacity * d, 0.0f);
      std::fill(values, values + capacity * d, 0.0f);
      for (int64_t j = s0; j < T; j++) {
        const float* k = qkv + (b * T + j) * row + (a.heads + kh) * d;
        rotate(k, &cs[(j - s0) * d], keys + j * d, static_cast<int>(d), 1.0f, false);
        std::memcpy(values + j * d, k + K * d, d * sizeof(float));
      }
    }
  }
};

// (qkv [B,row] of one new token each, cache, start [B], length [1]) -> out [B,H*d].
// Writes the new key and value into the cache, in place, at position `length`: only its owner may hold that tensor.
struct Decode {
  AttentionShape a;
  void run(Call& c) const {
    const float* qkv = c.floats(0);
    TF_Tensor* tc = c.input(1);
    float* cache = static_cast<float*>(TF_TensorData(tc));
    const int32_t* start = c.ints(2);
    const int64_t n = c.ints(3)[0];
    const int64_t B = TF_Dim(tc, 1), K = a.kvHeads, capacity = TF_Dim(tc, 3), d = a.dim, row = a.row();
    const int group = a.heads / a.kvHeads;
    float* out = c.output(0, {B, a.heads * d});
    const auto table = ropeTable(static_cast<int>(n) + 1, a);
    const float* cs = table->data();
#pragma omp parallel
    {
      std::vector<float> q(d), s(n + 1);
#pragma omp for schedule(static)
      for (int64_t bk = 0; bk < B * K; bk++) {
        const int64_t b = bk / K, kh = bk % K, s0 = start[b];
        float *keys = cache + bk * capacity * d, *values = keys + B * K * capacity * d;
        const float *base = qkv + b * row, *angle = &cs[(n - s0) * d];
        rotate(base + (a.heads + kh) * d, angle, keys + n * d, static_cast<int>(d), 1.0f, false);
        std::memcpy(values + n * d, base + (a.heads + K + kh) * d, d * sizeof(float));
        for (int g = 0; g < group; g++) {
          const int64_t head = kh * group + g;
          rotate(base + head * d, angle, q.data(), static_cast<int>(d), 1.0f / std::sqrt(static_cast<float>(d)), false);
          float top = -1e30f, sum = 0;
          for (int64_t j = s0; j <= n; j++) {
            float dot = 0;
            for (int64_t e = 0; e < d; e++) dot += q[e] * keys[j * d + e];
            s[j] = dot;
            top = std::max(top, dot);
          }
          float* o = out + b * a.heads * d + head * d;
          std::fill(o, o + d, 0.0f);
          for (int64_t j = s0; j <= n; j++) {
            s[j] = std::exp(s[j] - top);
            sum += s[j];
          }
          for (int64_t j = s0; j <= n; j++) {
            const float p = s[j] / sum;
            for (int64_t e = 0; e < d; e++) o[e] += p * values[j * d + e];
          }
        }
      }
    }
  }
};

// ---- Cross-entropy -------------------------------------------------------------------------------------------

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
        di[j] = std::exp(zi[j] - top);
        sum += di[j];
      }
      const float scale = weight[i] / sum;
      for (int64_t j = 0; j < V; j++) di[j] *= scale;
      di[target[i]] -= weight[i];
      loss[i] = std::log(sum) + top - zi[target[i]];
    }
  }
};

// ---- AdamW ---------------------------------------------------------------------------------------------------

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

// ---- Registration --------------------------------------------------------------------------------------------

template <typename K>
K* make(TF_OpKernelConstruction*) {
  return new K();
}
template <>
RmsNorm* make<RmsNorm>(TF_OpKernelConstruction* k) {
  auto* out = new RmsNorm();
  TF_Status* s = TF_NewStatus();
  TF_OpKernelConstruction_GetAttrFloat(k, "eps", &out->eps, s);
  TF_DeleteStatus(s);
  return out;
}
AttentionShape attentionShape(TF_OpKernelConstruction* k) {
  AttentionShape a;
  TF_Status* s = TF_NewStatus();
  TF_OpKernelConstruction_GetAttrInt32(k, "heads", &a.heads, s);
  TF_OpKernelConstruction_GetAttrInt32(k, "kv_heads", &a.kvHeads, s);
  TF_OpKernelConstruction_GetAttrInt32(k, "dim", &a.dim, s);
  TF_OpKernelConstruction_GetAttrFloat(k, "theta", &a.theta, s);
  TF_DeleteStatus(s);
  return a;
}
template <>
Attention* make<Attention>(TF_OpKernelConstruction* k) {
  return new Attention{attentionShape(k)};
}
template <>
AttentionGrad* make<AttentionGrad>(TF_OpKernelConstruction* k) {
  return new AttentionGrad{attentionShape(k)};
}

template <>
CacheFill* make<CacheFill>(TF_OpKernelConstruction* k) {
  auto* out = new CacheFill{attentionShape(k), 0};
  TF_Status* s = TF_NewStatus();
  TF_OpKernelConstruction_GetAttrInt32(k, "capacity", &out->capacity, s);
  TF_DeleteStatus(s);
  return out;
}
template <>
Decode* make<Decode>(TF_OpKernelConstruction* k) {
  return new Decode{attentionShape(k)};
}

template <typename K>
void add(const char* name, std::vector<const char*> inputs, std::vector<const char*> outputs,
         std::vector<const char*> attrs = {}) {
  TF_Status* s = TF_NewStatus();
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(name);
  for (auto* i : inputs) TF_OpDefinitionBuilderAddInput(op, i);
  for (auto* o : outputs) TF_OpDefinitionBuilderAddOutput(op, o);
  for (auto* a : attrs) TF_OpDefinitionBuilderAddAttr(op, a);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(
      op, [](TF_ShapeInferenceContext* ctx, TF_Status* st) { TF_ShapeInferenceContextSetUnknownShape(ctx, st); });
  TF_RegisterOpDefinition(op, s);
  TF_KernelBuilder* builder = TF_NewKernelBuilder(
      name, "CPU", [](TF_OpKernelConstruction* k) -> void* { return make<K>(k); },
      [](void* kernel, TF_OpKernelContext* ctx) {
        Call call(ctx);
        static_cast<K*>(kernel)->run(call);
      },
      [](void* kernel) { delete static_cast<K*>(kernel); });
  TF_RegisterKernelBuilder(name, builder, s);
  TF_DeleteStatus(s);
}

__attribute__((constructor)) void load() {
#ifdef __GLIBC__
  // A step allocates and frees the same large arrays over and over. glibc would give each back to the kernel and
  // fault it in again, which costs more than the arithmetic: keep them in the heap instead.
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TOP_PAD, 64 << 20);
#endif

  const std::vector<const char*> attention = {"heads: int", "kv_heads: int", "dim: int", "theta: float"};
  add<RmsNorm>("C2lRmsNorm", {"x: float", "w: float"}, {"y: float", "rstd: float"}, {"eps: float"});
  add<RmsNormGrad>("C2lRmsNormGrad", {"dy: float", "x: float", "w: float", "rstd: float"}, {"dx: float", "dw: float"});
  add<LowRank>("C2lLowRank", {"y: float", "x: float", "a: float", "b: float"}, {"low: float"});
  add<LowRankGrad>("C2lLowRankGrad", {"dx: float", "dy: float", "x: float", "a: float", "b: float", "low: float"},
                   {"da: float", "db: float"});
  add<SwiGlu>("C2lSwiGlu", {"gu: float"}, {"y: float"});
  add<SwiGluGrad>("C2lSwiGluGrad", {"dy: float", "gu: float"}, {"dgu: float"});
  add<Attention>("C2lAttention", {"qkv: float", "start: int32"}, {"out: float", "lse: float"}, attention);
  add<AttentionGrad>("C2lAttentionGrad",
                     {"dout: float", "qkv: float", "start: int32", "out: float", "lse: float"}, {"dqkv: float"},
                     attention);
  add<CacheFill>("C2lCacheFill", {"qkv: float", "start: int32"}, {"cache: float"},
                 {"heads: int", "kv_heads: int", "dim: int", "theta: float", "capacity: int"});
  add<Decode>("C2lDecode", {"qkv: float", "cache: float", "start: int32", "length: int32"}, {"out: float"}, attention);
  add<CrossEntropy>("C2lCrossEntropy", {"logits: float", "target: int32", "weight: float"}, {"loss: float", "dlogits: float"});
  add<AdamW>("C2lAdamW", {"p: float", "m: float", "v: float", "g: float", "hyper: float"}, {});
}

}  // namespace
