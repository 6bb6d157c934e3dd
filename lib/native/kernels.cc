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

typedef float v8 __attribute__((vector_size(32), aligned(4)));

/** C[m,n] (+)= A[m,k] B[k,n] for one tile of R rows and 16 columns; A(i,p) = A[i*ai + p*ap]. */
template <int R>
inline void tile(const float* A, int64_t ai, int64_t ap, const float* B, int64_t ldb, float* C, int64_t ldc, int k,
                 bool add) {
  v8 c0[R], c1[R];
  for (int r = 0; r < R; r++) {
    if (add) {
      c0[r] = *reinterpret_cast<const v8*>(C + r * ldc);
      c1[r] = *reinterpret_cast<const v8*>(C + r * ldc + 8);
    } else {
      c0[r] = v8{};
      c1[r] = v8{};
    }
  }
  for (int p = 0; p < k; p++) {
    const v8 b0 = *reinterpret_cast<const v8*>(B + p * ldb);
    const v8 b1 = *reinterpret_cast<const v8*>(B + p * ldb + 8);
#pragma GCC unroll 6
    for (int r = 0; r < R; r++) {
      const float a = A[r * ai + p * ap];
      c0[r] += a * b0;
      c1[r] += a * b1;
    }
  }
  for (int r = 0; r < R; r++) {
    *reinterpret_cast<v8*>(C + r * ldc) = c0[r];
    *reinterpret_cast<v8*>(C + r * ldc + 8) = c1[r];
  }
}

/** C[m,n] (+)= A[m,k] B[k,n]; n a multiple of 16 (callers pad). */
void product(const float* A, int64_t ai, int64_t ap, const float* B, int64_t ldb, float* C, int64_t ldc, int m, int n,
             int k, bool add) {
  for (int j = 0; j < n; j += 16) {
    int i = 0;
    for (; i + 6 <= m; i += 6) tile<6>(A + i * ai, ai, ap, B + j, ldb, C + i * ldc + j, ldc, k, add);
    for (; i + 2 <= m; i += 2) tile<2>(A + i * ai, ai, ap, B + j, ldb, C + i * ldc + j, ldc, k, add);
    for (; i < m; i++) tile<1>(A + i * ai, ai, ap, B + j, ldb, C + i * ldc + j, ldc, k, add);
  }
}

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

/** cos and sin [positions, dim/2] of RoPE in the rotate-half layout of Qwen and Llama. */
void ropeTable(int n, const AttentionShape& a, std::vector<float>& cs) {
  const int half = a.dim / 2;
  cs.resize(static_cast<size_t>(n) * a.dim);
#pragma omp parallel for schedule(static)
  for (int t = 0; t < n; t++)
    for (int j = 0; j < half; j++) {
      const double angle = t * std::pow(static_cast<double>(a.theta), -2.0 * j / a.dim);
      cs[static_cast<size_t>(t) * a.dim + j] = static_cast<float>(std::cos(angle));
      cs[static_cast<size_t>(t) * a.dim + half + j] = static_cast<float>(std::sin(angle));
    }
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

inline int up16(int n) { return (n + 15) / 16 * 16; }

/** Scores of rows [i0, i0+m) against keys [0, i0+m), masked: P = exp(QK' - shift) in place, keys below `start` out. */
inline void maskScores(float* S, int ld, int i0, int m, int start) {
  for (int r = 0; r < m; r++) {
    float* s = S + r * ld;
    const int end = i0 + r + 1;
    for (int j = 0; j < std::min(start, end); j++) s[j] = -1e30f;
    for (int j = end; j < ld; j++) s[j] = -1e30f;
  }
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
    std::vector<float> cs;
    ropeTable(T, a, cs);
#pragma omp parallel
    {
      std::vector<float> kt(static_cast<size_t>(d) * Tp), v(static_cast<size_t>(Tp) * d), q(kRows * d), s(kRows * Tp),
          o(kRows * d), tmp(d);
#pragma omp for schedule(dynamic, 1)
      for (int bk = 0; bk < B * a.kvHeads; bk++) {
        const int b = bk / a.kvHeads, kh = bk % a.kvHeads, s0 = start[b];
        const float* base = qkv + static_cast<size_t>(b) * T * row;
        std::fill(kt.begin(), kt.end(), 0.0f);
        std::fill(v.begin(), v.end(), 0.0f);
        for (int j = s0; j < T; j++) {
          rotate(base + static_cast<size_t>(j) * row + (a.heads + kh) * d, &cs[static_cast<size_t>(j - s0) * d],
                 tmp.data(), d, 1.0f, false);
          for (int e = 0; e < d; e++) kt[static_cast<size_t>(e) * Tp + j] = tmp[e];
          std::memcpy(&v[static_cast<size_t>(j) * d],
                      base + static_cast<size_t>(j) * row + (a.heads + a.kvHeads + kh) * d, d * sizeof(float));
        }
        for (int g = 0; g < group; g++) {
          const int head = kh * group + g;
          for (int i0 = 0; i0 < T; i0 += kRows) {
            const int m = std::min(kRows, T - i0), n = up16(i0 + m);
            std::fill(q.begin(), q.end(), 0.0f);
            for (int r = 0; r < m; r++)
              if (i0 + r >= s0)
                rotate(base + static_cast<size_t>(i0 + r) * row + head * d, &cs[static_cast<size_t>(i0 + r - s0) * d],
                       &q[r * d], d, 1.0f / std::sqrt(static_cast<float>(d)), false);
            product(q.data(), d, 1, kt.data(), Tp, s.data(), n, m, n, d, false);
            maskScores(s.data(), n, i0, m, s0);
            for (int r = 0; r < m; r++) {
              float *sr = &s[r * n], top = -1e30f, sum = 0;
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
            product(s.data(), n, 1, v.data(), d, o.data(), d, m, d, n, false);
            for (int r = 0; r < m; r++)
              std::memcpy(out + (static_cast<size_t>(b) * T + i0 + r) * a.heads * d + head * d, &o[r * d],
                          d * sizeof(float));
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
    std::vector<float> cs;
    ropeTable(T, a, cs);
    const float scale = 1.0f / std::sqrt(static_cast<float>(d));
#pragma omp parallel
    {
      const size_t big = static_cast<size_t>(Tp) * d;
      std::vector<float> k(big), kt(big), vt(big), dk(big), dv(big), q(kRows * d), p(kRows * Tp), dp(kRows * Tp),
          dq(kRows * d), go(kRows * d), tmp(d);
#pragma omp for schedule(dynamic, 1)
      for (int bk = 0; bk < B * a.kvHeads; bk++) {
        const int b = bk / a.kvHeads, kh = bk % a.kvHeads, s0 = start[b];
        const float* base = qkv + static_cast<size_t>(b) * T * row;
        float* dbase = dqkv + static_cast<size_t>(b) * T * row;
        for (auto* w : {&k, &kt, &vt, &dk, &dv}) std::fill(w->begin(), w->end(), 0.0f);
        for (int j = s0; j < T; j++) {
          float* kj = &k[static_cast<size_t>(j) * d];
          rotate(base + static_cast<size_t>(j) * row + (a.heads + kh) * d, &cs[static_cast<size_t>(j - s0) * d], kj, d,
                 1.0f, false);
          const float* vj = base + static_cast<size_t>(j) * row + (a.heads + a.kvHeads + kh) * d;
          for (int e = 0; e < d; e++) {
            kt[static_cast<size_t>(e) * Tp + j] = kj[e];
            vt[static_cast<size_t>(e) * Tp + j] = vj[e];
          }
        }
        for (int g = 0; g < group; g++) {
          const int head = kh * group + g;
          for (int i0 = 0; i0 < T; i0 += kRows) {
            const int m = std::min(kRows, T - i0), n = up16(i0 + m);
            float delta[kRows];
            std::fill(q.begin(), q.end(), 0.0f);
            for (int r = 0; r < m; r++) {
              const size_t at = (static_cast<size_t>(b) * T + i0 + r) * a.heads * d + head * d;
              if (i0 + r >= s0)
                rotate(base + static_cast<size_t>(i0 + r) * row + head * d, &cs[static_cast<size_t>(i0 + r - s0) * d],
                       &q[r * d], d, scale, false);
              float s = 0;
              for (int e = 0; e < d; e++) s += dout[at + e] * out[at + e];
              delta[r] = s;
              std::memcpy(&go[r * d], dout + at, d * sizeof(float));
            }
            product(q.data(), d, 1, kt.data(), Tp, p.data(), n, m, n, d, false);
            maskScores(p.data(), n, i0, m, s0);
            product(go.data(), d, 1, vt.data(), Tp, dp.data(), n, m, n, d, false);
            for (int r = 0; r < m; r++) {
              const float l = lse[(static_cast<size_t>(b) * a.heads + head) * T + i0 + r], dl = delta[r];
              float *pr = &p[r * n], *dpr = &dp[r * n];
              for (int j = 0; j < n; j++) {
                pr[j] = std::exp(pr[j] - l);
                dpr[j] = pr[j] * (dpr[j] - dl);
              }
            }
            product(p.data(), 1, n, go.data(), d, dv.data(), d, n, d, m, true);
            product(dp.data(), 1, n, q.data(), d, dk.data(), d, n, d, m, true);
            product(dp.data(), n, 1, k.data(), d, dq.data(), d, m, d, n, false);
            for (int r = 0; r < m; r++) {
              float* to = dbase + static_cast<size_t>(i0 + r) * row + head * d;
              if (i0 + r >= s0)
                rotate(&dq[r * d], &cs[static_cast<size_t>(i0 + r - s0) * d], to, d, scale, true);
              else
                std::fill(to, to + d, 0.0f);
            }
          }
        }
        for (int j = 0; j < T; j++) {
          float *tk = dbase + static_cast<size_t>(j) * row + (a.heads + kh) * d, *tv = tk + a.kvHeads * d;
          if (j >= s0) {
            rotate(&dk[static_cast<size_t>(j) * d], &cs[static_cast<size_t>(j - s0) * d], tk, d, 1.0f, true);
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
    std::vector<float> cs;
    ropeTable(static_cast<int>(T), a, cs);
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
    std::vector<float> cs;
    ropeTable(static_cast<int>(n) + 1, a, cs);
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

// (p, m, v, g, [lr, beta1, beta2, eps, weight decay, 1-beta1^t, 1-beta2^t, gradient scale]) -> p, m, v
struct AdamW {
  void run(Call& c) const {
    TF_Tensor* t = c.input(0);
    const float *p = static_cast<const float*>(TF_TensorData(t)), *m = c.floats(1), *v = c.floats(2), *g = c.floats(3),
                *h = c.floats(4);
    const int64_t n = TF_TensorElementCount(t);
    auto shape = shapeOf(t);
    float *po = c.output(0, shape), *mo = c.output(1, shape), *vo = c.output(2, shape);
    const float lr = h[0], b1 = h[1], b2 = h[2], eps = h[3], decay = 1.0f - h[0] * h[4], c1 = h[5], c2 = h[6], gs = h[7];
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++) {
      const float gi = g[i] * gs, mi = b1 * m[i] + (1.0f - b1) * gi, vi = b2 * v[i] + (1.0f - b2) * gi * gi;
      mo[i] = mi;
      vo[i] = vi;
      po[i] = p[i] * decay - lr * (mi / c1) / (std::sqrt(vi / c2) + eps);
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
  add<AdamW>("C2lAdamW", {"p: float", "m: float", "v: float", "g: float", "hyper: float"},
             {"po: float", "mo: float", "vo: float"});
}

}  // namespace
