// A frozen product with what adapters add to it, y = x W + add + (x a1') b1 + (x a2') b2, and its gradients.
//
// The rows are G equal, consecutive groups, and group g has the adapter owner[g] of the S whose factors a [S, r, in] and
// b [S, r, out] stand one after another. Every element is one chain of multiply-adds, W's terms first, so a row's result
// does not depend on the others. in and out are multiples of 16.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "packing.h"
#include "plumbing.h"
#include "product.h"
#include "weights.h"

namespace {

/** The factors of S adapters, and whose the rows are. An adapter that is not there has no groups. */
struct Term {
  const float *a, *b;
  const int32_t* owner;
  int64_t groups, each;  // rows of a group
  int r;
  int64_t share(int64_t row) const { return owner[row / each]; }
  /** Where the rows of the owner of `row` end. */
  int64_t end(int64_t row) const {
    int64_t g = row / each;
    for (const int32_t own = owner[g]; g < groups && owner[g] == own;) g++;
    return g * each;
  }
};

Term termAt(Call& c, int first, int64_t rows) {
  TF_Tensor *ta = c.input(first), *to = c.input(first + 2);
  const int64_t groups = TF_TensorElementCount(to);
  return {static_cast<const float*>(TF_TensorData(ta)), c.floats(first + 1), static_cast<const int32_t*>(TF_TensorData(to)), groups,
          groups ? rows / groups : rows, groups ? static_cast<int>(TF_Dim(ta, 1)) : 0};
}

/** x [rows, columns] into packed panels of its transpose (`columns` rows), the last panel filled up with zeros. */
void packTransposed(const float* x, int rows, int columns, std::vector<float>& panels) {
  panels.assign(static_cast<size_t>(columns) * up16(rows), 0.0f);
  for (int i = 0; i < rows; i++) packColumn(x + static_cast<size_t>(i) * columns, i, columns, panels.data());
}

/** Rows `from` on of panels of `k` rows: those of x [rows, columns]. */
void packRows(const float* x, int rows, int64_t stride, int64_t columns, int from, int k, float* panels) {
  for (int p = 0; p < rows; p++)
    for (int64_t j = 0; j < columns; j += kPanel) std::memcpy(panels + (j * k) + (from + p) * kPanel, x + p * stride + j, kPanel * sizeof(float));
}

constexpr int kBlock = 64;  // rows that go through the products of an adapter while they are in the cache

// (x [N, in], panels of W, add: [0] for nothing, [out] for every row or [N, out], then twice a, b, owner)
// -> y [N, out], x a1' [N, r1], x a2' [N, r2]
struct Linear {
  /** The adapter's part by itself: where groups are small, or ranks large. */
  static void addTerm(const Term& t, const float* x, int64_t n, int64_t in, int64_t out, float* low, float* y) {
    const int padded = up16(t.r);
#pragma omp parallel
    {
      std::vector<float> down, lows(kBlock * padded);
      int64_t packedShare = -1;
      const Share mine(n, 1);
      for (int64_t i = mine.first; i < mine.end;) {
        const int64_t share = t.share(i), end = std::min({mine.end, i + kBlock, t.end(i)});
        const int m = end - i;
        if (share != packedShare) packTransposed(t.a + share * t.r * in, t.r, in, down);
        packedShare = share;
        product(x + i * in, in, 1, packed(down, in), nullptr, lows.data(), padded, m, padded, in);
        for (int k = 0; k < m; k++) std::memcpy(low + (i + k) * t.r, &lows[k * padded], t.r * sizeof(float));
        product(lows.data(), padded, 1, rowMajor(t.b + share * t.r * out, out), y + i * out, y + i * out, out, m, out, t.r);
        i = end;
      }
    }
  }

  /** All in one pass over y. */
  template <typename E>
  static void fused(const std::vector<Term>& terms, const float* x, int64_t n, const E* w, int64_t in, int64_t out, From from,
                    const std::vector<float*>& low, float* y) {
    int k = 0;
    for (const Term& t : terms) k += t.r;
#pragma omp parallel
    {
      std::vector<std::vector<float>> down(terms.size());
      std::vector<int64_t> packedShare(terms.size(), -1);
      std::vector<float> left(kHeight * kLowStride), right(out * k);
      const Share mine(n, kTileRows);
      for (int64_t i = mine.first; i < mine.end;) {
        int64_t end = std::min(mine.end, i + kHeight);
        for (const Term& t : terms) end = std::min(end, t.end(i));
        for (size_t q = 0, at = 0; q < terms.size(); at += terms[q++].r) {
          const Term& t = terms[q];
          const int64_t share = t.share(i);
          if (share != packedShare[q]) {
            packTransposed(t.a + share * t.r * in, t.r, in, down[q]);
            packRows(t.b + share * t.r * out, t.r, out, out, at, k, right.data());
            packedShare[q] = share;
          }
          // Columns past the rank are zeros, which the next term writes over.
          product(x + i * in, in, 1, packed(down[q], in), nullptr, left.data() + at, kLowStride, end - i, up16(t.r), in);
          for (int64_t j = i; j < end; j++) std::memcpy(low[q] + j * t.r, &left[(j - i) * kLowStride + at], t.r * sizeof(float));
        }
        multiply(x + i * in, in, end - i, w, in, 0, out / kPanel, from.at(i, 0), y + i * out, out, Low{left.data(), right.data(), k});
        i = end;
      }
    }
  }

  void run(Call& c) const {
    TF_Tensor *tx = c.input(0), *tw = c.input(1), *tadd = c.input(2);
    const int64_t in = TF_Dim(tw, 1), out = TF_Dim(tw, 0) * kPanel, n = TF_TensorElementCount(tx) / in;
    const float *x = static_cast<const float*>(TF_TensorData(tx)),
                *add = TF_TensorElementCount(tadd) ? static_cast<const float*>(TF_TensorData(tadd)) : nullptr;
    const From from{add, TF_NumDims(tadd) == 1 ? 0 : out};
    float* y = c.output(0, {n, out});
    std::vector<Term> terms;
    std::vector<float*> low;
    bool large = true;
    int total = 0, columns = 0;
    for (int q = 0; q < 2; q++) {
      const Term t = termAt(c, 3 + 3 * q, n);
      float* l = c.output(1 + q, {t.groups ? n : 0, t.r});
      if (!t.groups) continue;
      terms.push_back(t);
      low.push_back(l);
      large &= t.each >= 2 * kTileRows;
      columns = total + up16(t.r);
      total += t.r;
    }
    withWeights(tw, [&](const auto* w) {
      if (!terms.empty() && large && columns <= kLowStride) return fused(terms, x, n, w, in, out, from, low, y);
      multiplyAll(x, n, w, in, out, from, y);
      for (size_t q = 0; q < terms.size(); q++) addTerm(terms[q], x, n, in, out, low[q], y);
    });
  }
};

/** The rows of `shares` repositories, each in `parts` pieces: a fixed partition, enough for all threads. */
struct Pieces {
  int64_t rows, shares, parts;
  Pieces(int64_t n, int64_t s) : rows(n / s), shares(s), parts(std::max<int64_t>(1, kParts / s)) {}
  int64_t count() const { return shares * parts; }
  int64_t share(int64_t piece) const { return piece / parts; }
  int64_t first(int64_t piece) const { return share(piece) * rows + rows * (piece % parts) / parts; }
  int64_t end(int64_t piece) const { return share(piece) * rows + rows * (piece % parts + 1) / parts; }
};

// (dy [N,out], x [N,in], a [S,r,in], b [S,r,out], low [N,r]), the rows in S equal shares -> dlow = dy b' [N,r], da, db
struct LowRankGrad {
  void run(Call& c) const {
    TF_Tensor *ty = c.input(0), *ta = c.input(2);
    const float *dy = static_cast<const float*>(TF_TensorData(ty)), *x = c.floats(1), *b = c.floats(3), *low = c.floats(4);
    const int64_t out = last(ty), n = TF_TensorElementCount(ty) / out, shares = TF_Dim(ta, 0);
    const int r = TF_Dim(ta, 1), in = TF_Dim(ta, 2), padded = up16(r);
    float *dlow = c.output(0, {n, r}), *da = c.output(1, {shares, r, in}), *db = c.output(2, {shares, r, out});
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
          for (int k = 0; k < m; k++) std::memcpy(dlow + (i + k) * r, &dlows[k * padded], r * sizeof(float));
          product(low + i * r, 1, r, rowMajor(dy + i * out, out), fresh ? nullptr : sumB, sumB, out, r, out, m);
          product(dlows.data(), 1, padded, rowMajor(x + i * in, in), fresh ? nullptr : sumA, sumA, in, r, in, m);
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

// (dy [N, out], panels of W, then twice dlow [N, r], a [S, r, in], empty where there is none) -> dx = dy W' + dlow1 a1 + dlow2 a2
struct LinearGrad {
  struct Part {
    const float *dlow, *a;
    int64_t each;  // rows of a share
    int r;
  };
  void run(Call& c) const {
    TF_Tensor *td = c.input(0), *tw = c.input(1);
    const int64_t in = TF_Dim(tw, 1), out = TF_Dim(tw, 0) * kPanel, n = TF_TensorElementCount(td) / out;
    std::vector<Part> parts;
    int k = 0;
    for (int q = 0; q < 2; q++) {
      TF_Tensor *tl = c.input(2 + 2 * q), *ta = c.input(3 + 2 * q);
      if (!TF_TensorElementCount(tl)) continue;
      parts.push_back({static_cast<const float*>(TF_TensorData(tl)), static_cast<const float*>(TF_TensorData(ta)), n / TF_Dim(ta, 0),
                       static_cast<int>(TF_Dim(ta, 1))});
      k += parts.back().r;
    }
    float* dx = c.output(0, {n, in});
    const bool fits = k <= kLowStride;
    auto blockEnd = [&](int64_t i) {
      int64_t end = n;
      for (const Part& part : parts) end = std::min(end, (i / part.each + 1) * part.each);
      return end;
    };
    auto lowOf = [&](int64_t i, int64_t rows, int64_t p, int64_t panels) {
      if (!k || !fits) return Low{};
      static thread_local std::vector<float> left, right;
      left.resize(kHeight * kLowStride);
      right.resize(panels * kPanel * k);
      int at = 0;
      for (const Part& part : parts) {
        for (int64_t j = 0; j < rows; j++) std::memcpy(&left[j * kLowStride + at], part.dlow + (i + j) * part.r, part.r * sizeof(float));
        packRows(part.a + i / part.each * part.r * in + p, part.r, in, panels * kPanel, at, k, right.data());
        at += part.r;
      }
      return Low{left.data(), right.data(), k};
    };
    withWeights(tw, [&](const auto* w) { multiplyTransposed(static_cast<const float*>(TF_TensorData(td)), n, w, in, out, dx, blockEnd, lowOf); });
    if (!fits)
      for (const Part& part : parts)
#pragma omp parallel for schedule(static)
        for (int64_t i = 0; i < n; i++)
          product(part.dlow + i * part.r, part.r, 1, rowMajor(part.a + i / part.each * part.r * in, in), dx + i * in, dx + i * in, in, 1, in, part.r);
  }
};

}  // namespace
