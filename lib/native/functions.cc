// Pieces of work that are done again and again, as functions of TensorFlow ops: engine/recorded.ts writes down the ops that
// a piece of work issued, and has them run as one from then on. tfjs has no call for that, so the context that its binding
// makes is caught on the way (scripts/setup/engine.mjs has the binding call NewContext below), and two ops of our own take
// the place of the missing calls.
#include <cstdint>
#include <string>
#include <vector>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/eager/c_api.h"
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"

namespace {

TFE_Context* context = nullptr;

/** The bytes of an int32 tensor. */
struct Bytes {
  explicit Bytes(TF_OpKernelContext* call, TF_Status* s) {
    TF_GetInput(call, 0, &tensor, s);
    data = static_cast<const int32_t*>(TF_TensorData(tensor));
  }
  ~Bytes() { TF_DeleteTensor(tensor); }
  TF_Tensor* tensor = nullptr;
  const int32_t* data;
};

// definition: bytes of the name, bytes of the graph, inputs, outputs, then (node, output of the node) for each output, then
// the name and the graph, each filled up to whole integers. The graph is a GraphDef whose nodes a0, a1, ... are the inputs.
void define(const int32_t* d, TF_Status* s) {
  const int32_t nameBytes = d[0], graphBytes = d[1], inputs = d[2], outputs = d[3];
  const int32_t* pairs = d + 4;
  const int32_t* text = pairs + 2 * outputs;
  const std::string name(reinterpret_cast<const char*>(text), nameBytes);
  TF_Buffer* bytes = TF_NewBufferFromString(text + (nameBytes + 3) / 4, graphBytes);
  TF_Graph* graph = TF_NewGraph();
  TF_ImportGraphDefOptions* options = TF_NewImportGraphDefOptions();
  TF_GraphImportGraphDef(graph, bytes, options, s);
  if (TF_GetCode(s) == TF_OK) {
    std::vector<TF_Output> in, out;
    for (int32_t i = 0; i < inputs; i++) in.push_back({TF_GraphOperationByName(graph, ("a" + std::to_string(i)).c_str()), 0});
    for (int32_t i = 0; i < outputs; i++) out.push_back({TF_GraphOperationByName(graph, ("n" + std::to_string(pairs[2 * i])).c_str()), pairs[2 * i + 1]});
    TF_Function* function = TF_GraphToFunction(graph, name.c_str(), 0, -1, nullptr, inputs, in.data(), outputs, out.data(), nullptr, nullptr, nullptr, s);
    if (TF_GetCode(s) == TF_OK) TFE_ContextAddFunction(context, function, s);
    if (function) TF_DeleteFunction(function);
  }
  TF_DeleteImportGraphDefOptions(options);
  TF_DeleteGraph(graph);
  TF_DeleteBuffer(bytes);
}

// name: its bytes, then the name.
void forget(const int32_t* d, TF_Status* s) {
  TFE_ContextRemoveFunction(context, std::string(reinterpret_cast<const char*>(d + 1), d[0]).c_str(), s);
}

template <void (*Work)(const int32_t*, TF_Status*)>
void add(const char* name) {
  TF_Status* s = TF_NewStatus();
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(name);
  TF_OpDefinitionBuilderAddInput(op, "bytes: int32");
  TF_OpDefinitionBuilderSetIsStateful(op, true);
  TF_RegisterOpDefinition(op, s);
  TF_KernelBuilder* builder = TF_NewKernelBuilder(name, "CPU", nullptr, [](void*, TF_OpKernelContext* call) {
    TF_Status* status = TF_NewStatus();
    {
      Bytes bytes(call, status);
      Work(bytes.data, status);
    }
    if (TF_GetCode(status) != TF_OK) TF_OpKernelContext_Failure(call, status);
    TF_DeleteStatus(status);
  }, nullptr);
  TF_RegisterKernelBuilder(name, builder, s);
  TF_DeleteStatus(s);
}

__attribute__((constructor)) void registerOps() {
  add<define>("C2lDefine");
  add<forget>("C2lForget");
}

}  // namespace

extern "C" TFE_Context* C2lNewContext(const TFE_ContextOptions* options, TF_Status* status) {
  return context = TFE_NewContext(options, status);
}
