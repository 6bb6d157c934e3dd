// All kernels, under one instruction set: this file is compiled once for each (scripts/setup/engine.mjs), into a namespace
// of its name, and load.cc registers one of them with TensorFlow.
//
// The matrix products of a small model take less time than the element-wise passes between them. Each kernel does in one
// pass over memory what would be four to ten TensorFlow ops. Their TensorFlow-op twins, which serve on a GPU and as the
// reference in the tests, stand in src/engine/composite.ts.
//
// Sums run over a fixed partition of the rows, so results do not depend on thread timing.
#include <utility>
#include <vector>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "attention.h"
#include "feed-forward.h"
#include "layers.h"
#include "linear.h"
#include "packing.h"
#include "plumbing.h"
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "training.h"

namespace {

// () -> (): gives memory that was freed between arrays still in use back to the system.
struct Trim {
  void run(Call&) const {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
  }
};

/** An attribute of the op that is being made. */
template <typename T>
T attribute(TF_OpKernelConstruction* k, const char* name, void (*get)(TF_OpKernelConstruction*, const char*, T*, TF_Status*)) {
  T out = 0;
  TF_Status* s = TF_NewStatus();
  get(k, name, &out, s);
  TF_DeleteStatus(s);
  return out;
}
int32_t integer(TF_OpKernelConstruction* k, const char* name) { return attribute(k, name, TF_OpKernelConstruction_GetAttrInt32); }
float real(TF_OpKernelConstruction* k, const char* name) { return attribute(k, name, TF_OpKernelConstruction_GetAttrFloat); }
AttentionShape attentionShape(TF_OpKernelConstruction* k) {
  return {integer(k, "heads"), integer(k, "kv_heads"), integer(k, "dim"), real(k, "theta")};
}

template <typename K>
K* make(TF_OpKernelConstruction*) {
  return new K();
}
template <>
RmsNorm* make<RmsNorm>(TF_OpKernelConstruction* k) {
  return new RmsNorm{real(k, "eps")};
}
template <>
FeedForward* make<FeedForward>(TF_OpKernelConstruction* k) {
  return new FeedForward{real(k, "eps")};
}
template <>
Pack* make<Pack>(TF_OpKernelConstruction* k) {
  return new Pack{integer(k, "transposed") != 0, integer(k, "narrow") != 0};
}
template <>
Unpack* make<Unpack>(TF_OpKernelConstruction* k) {
  return new Unpack{integer(k, "transposed") != 0};
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
  return new CacheFill{attentionShape(k), integer(k, "capacity")};
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
        Call(ctx).perform(*static_cast<K*>(kernel));
      },
      [](void* kernel) { delete static_cast<K*>(kernel); });
  TF_RegisterKernelBuilder(name, builder, s);
  TF_DeleteStatus(s);
}

}  // namespace

namespace CODE2LORA_KERNELS {

void registerKernels() {
  const std::vector<const char*> attention = {"heads: int", "kv_heads: int", "dim: int", "theta: float"};
  const char* weights = "T: {float, int32}";
  add<Pack>("C2lPack", {"w: float"}, {"panels: T"}, {weights, "transposed: int", "narrow: int"});
  add<Unpack>("C2lUnpack", {"panels: T"}, {"w: float"}, {weights, "transposed: int"});
  add<Columns>("C2lColumns", {"panels: T", "ids: int32"}, {"x: float"}, {weights});
  add<Linear>("C2lLinear",
              {"x: float", "panels: T", "add: float", "a1: float", "b1: float", "owner1: int32", "a2: float", "b2: float", "owner2: int32"},
              {"y: float", "low1: float", "low2: float"}, {weights});
  add<LinearGrad>("C2lLinearGrad", {"dy: float", "panels: T", "dlow1: float", "a1: float", "dlow2: float", "a2: float"}, {"dx: float"}, {weights});
  add<FeedForward>("C2lFeedForward", {"x: float", "norm: float", "gate_up: T", "down: T"}, {"y: float"}, {weights, "eps: float"});
  add<RmsNorm>("C2lRmsNorm", {"x: float", "w: float"}, {"y: float", "rstd: float"}, {"eps: float"});
  add<RmsNormGrad>("C2lRmsNormGrad", {"dy: float", "x: float", "w: float", "rstd: float"}, {"dx: float", "dw: float"});
  add<LowRankGrad>("C2lLowRankGrad", {"dy: float", "x: float", "a: float", "b: float", "low: float"}, {"dlow: float", "da: float", "db: float"});
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
  add<Trim>("C2lTrim", {}, {});
  add<AdamW>("C2lAdamW", {"p: float", "m: float", "v: float", "g: float", "hyper: float"}, {});
}

}  // namespace CODE2LORA_KERNELS
