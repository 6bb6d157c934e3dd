// Causal grouped-query attention with RoPE, its gradient, and decoding with a cache of keys and values.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "exponential.h"
#include "plumbing.h"
#include "product.h"

namespace {

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
                sr[j] = exponential(sr[j] - top);
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
                pr[j] = exponential(pr[j] - l);
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

// ---- Decoding with a cache

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
            s[j] = exponential(s[j] - top);
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

}  // namespace
