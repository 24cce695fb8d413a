// Operators that run subgraphs. Between subgraphs, tensors are copied.
#include <cstring>

#include "runtime/node.h"
#include "runtime/runtime.h"
#include "runtime/tensor.h"

namespace simbench {
namespace {

Runtime& RuntimeOf(TfLiteContext* context) { return *static_cast<Runtime*>(context->impl_); }

// Some of a subgraph's tensors, in order.
struct Tensors {
  size_t graph;
  const Indices* indices;
  size_t skipped = 0;  // that come before the first

  size_t size() const { return SizeOf(indices) - skipped; }
  int32_t index(size_t i) const { return indices->Get(i + skipped); }
};

Tensors InputsOf(const Runtime& runtime, size_t graph) {
  return {graph, runtime.source(graph).inputs()};
}
Tensors OutputsOf(const Runtime& runtime, size_t graph) {
  return {graph, runtime.source(graph).outputs()};
}

const tflite::Tensor& TensorAt(const Runtime& runtime, const Tensors& tensors, size_t i) {
  return *runtime.source(tensors.graph).tensors()->Get(tensors.index(i));
}

bool IsAlike(const Runtime& runtime, const Tensors& from, const Tensors& to) {
  if (SizeOf(from.indices) < from.skipped || from.size() != to.size()) return false;
  for (size_t i = 0; i < from.size(); ++i) {
    if (from.index(i) < 0) return false;  // left out
    const tflite::Tensor& one = TensorAt(runtime, from, i);
    const tflite::Tensor& other = TensorAt(runtime, to, i);
    if (one.type() != other.type() || BytesOf(one) != BytesOf(other)) return false;
  }
  return true;
}

void Copy(const Runtime& runtime, const Tensors& from, const Tensors& to) {
  for (size_t i = 0; i < from.size(); ++i) {
    void* target = runtime.data(to.graph, to.index(i));
    const void* source = runtime.data(from.graph, from.index(i));
    if (target != source) memmove(target, source, BytesOf(TensorAt(runtime, from, i)));
  }
}

TfLiteStatus Check(TfLiteContext* context, bool is_good) {
  if (is_good) return kTfLiteOk;
  context->ReportError(context, "has not the tensors that its subgraphs take and give");
  return kTfLiteError;
}

bool IsOneBool(const Runtime& runtime, const Tensors& tensors) {
  return tensors.size() > 0 && tensors.index(0) >= 0 &&
         TensorAt(runtime, tensors, 0).type() == tflite::TensorType_BOOL &&
         BytesOf(TensorAt(runtime, tensors, 0)) == 1;
}

bool IsTrue(const Runtime& runtime, const Tensors& tensors) {
  return *static_cast<const uint8_t*>(runtime.data(tensors.graph, tensors.index(0))) != 0;
}

// Gives a subgraph `inputs`, runs it, and takes its outputs where there is somewhere to put them.
TfLiteStatus Call(Runtime& runtime, size_t graph, const Tensors& inputs, const Tensors* outputs) {
  Copy(runtime, inputs, InputsOf(runtime, graph));
  const TfLiteStatus status = runtime.Invoke(graph);
  if (status == kTfLiteOk && outputs != nullptr) Copy(runtime, OutputsOf(runtime, graph), *outputs);
  return status;
}

constexpr int32_t kMostPasses = 1 << 20;  // of a loop: more is taken for one without an end

struct While {
  static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode*) {
    const Runtime& runtime = RuntimeOf(context);
    const Place place = runtime.place();
    const tflite::Operator& op = runtime.operator_at(place);
    const auto [condition, body] = CalleesOf(kWhile, op).graphs;
    const Tensors given = {place.graph, op.inputs()};
    const Tensors variables = {place.graph, op.outputs()};
    return Check(context, IsAlike(runtime, given, variables) &&
                              IsAlike(runtime, variables, InputsOf(runtime, condition)) &&
                              IsAlike(runtime, variables, InputsOf(runtime, body)) &&
                              IsAlike(runtime, OutputsOf(runtime, body), variables) &&
                              IsOneBool(runtime, OutputsOf(runtime, condition)));
  }

  // Its outputs are the loop's variables.
  static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode*) {
    Runtime& runtime = RuntimeOf(context);
    const Place place = runtime.place();
    const tflite::Operator& op = runtime.operator_at(place);
    const auto [condition, body] = CalleesOf(kWhile, op).graphs;
    const Tensors variables = {place.graph, op.outputs()};
    Copy(runtime, {place.graph, op.inputs()}, variables);
    for (int32_t pass = 0; pass < kMostPasses; ++pass) {
      TF_LITE_ENSURE_STATUS(Call(runtime, condition, variables, nullptr));
      if (!IsTrue(runtime, OutputsOf(runtime, condition))) return kTfLiteOk;
      TF_LITE_ENSURE_STATUS(Call(runtime, body, variables, &variables));
    }
    context->ReportError(context, "went round %d times and did not end",
                         static_cast<int>(kMostPasses));
    return kTfLiteError;
  }
};

struct If {
  static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode*) {
    const Runtime& runtime = RuntimeOf(context);
    const Place place = runtime.place();
    const tflite::Operator& op = runtime.operator_at(place);
    bool is_good = SizeOf(op.inputs()) > 0 && IsOneBool(runtime, {place.graph, op.inputs()});
    for (const int32_t graph : CalleesOf(kIf, op).graphs) {
      is_good = is_good &&
                IsAlike(runtime, {place.graph, op.inputs(), 1}, InputsOf(runtime, graph)) &&
                IsAlike(runtime, OutputsOf(runtime, graph), {place.graph, op.outputs()});
    }
    return Check(context, is_good);
  }

  static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode*) {
    Runtime& runtime = RuntimeOf(context);
    const Place place = runtime.place();
    const tflite::Operator& op = runtime.operator_at(place);
    const bool is_true = IsTrue(runtime, {place.graph, op.inputs()});
    const Tensors outputs = {place.graph, op.outputs()};
    return Call(runtime, CalleesOf(kIf, op).graphs[is_true ? 0 : 1], {place.graph, op.inputs(), 1},
                &outputs);
  }
};

struct CallOnce {
  static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode*) {
    const Runtime& runtime = RuntimeOf(context);
    const int32_t graph = CalleesOf(kCallOnce, runtime.operator_at(runtime.place())).graphs[0];
    return Check(context,
                 InputsOf(runtime, graph).size() == 0 && OutputsOf(runtime, graph).size() == 0);
  }

  // It ran before the first inference.
  static TfLiteStatus Invoke(TfLiteContext*, TfLiteNode*) { return kTfLiteOk; }
};

// VAR_HANDLE's output is where the variable is, from set-up on.
TfLiteStatus Nothing(TfLiteContext*, TfLiteNode*) { return kTfLiteOk; }

TfLiteStatus CopyVariable(TfLiteContext* context, const TfLiteTensor* handle,
                          const TfLiteTensor* value, bool is_read) {
  const Variable* variable = RuntimeOf(context).variable(*handle->data.i32);
  if (variable == nullptr || variable->data == nullptr || variable->bytes != value->bytes) {
    context->ReportError(context, "has no variable of its value's size");
    return kTfLiteError;
  }
  is_read ? memcpy(value->data.raw, variable->data, value->bytes)
          : memcpy(variable->data, value->data.raw, value->bytes);
  return kTfLiteOk;
}

TfLiteStatus Read(TfLiteContext* context, TfLiteNode* node) {
  const TfLiteTensor* tensors = context->tensors;
  return CopyVariable(context, &tensors[node->inputs->data[0]], &tensors[node->outputs->data[0]],
                      true);
}

TfLiteStatus Assign(TfLiteContext* context, TfLiteNode* node) {
  const TfLiteTensor* tensors = context->tensors;
  return CopyVariable(context, &tensors[node->inputs->data[0]], &tensors[node->inputs->data[1]],
                      false);
}

TfLiteRegistration Kernel(TfLiteStatus (*prepare)(TfLiteContext*, TfLiteNode*),
                          TfLiteStatus (*invoke)(TfLiteContext*, TfLiteNode*)) {
  return {nullptr, nullptr, prepare, invoke, nullptr, 0, nullptr, 0};
}

TfLiteStatus TakesHandle(TfLiteContext* context, TfLiteNode* node) {
  if (context->tensors[node->inputs->data[0]].type == kResource) return kTfLiteOk;
  context->ReportError(context, "takes a variable, and its first input is none");
  return kTfLiteError;
}

}  // namespace
}  // namespace simbench

#define SIMBENCH_CONTROL_KERNEL(name, ...)                            \
  TfLiteRegistration* Register_##name();                              \
  TfLiteRegistration* Register_##name() {                             \
    static TfLiteRegistration kernel = simbench::Kernel(__VA_ARGS__); \
    return &kernel;                                                   \
  }

namespace tflite {
namespace ops {
namespace micro {

SIMBENCH_CONTROL_KERNEL(WHILE, simbench::While::Prepare, simbench::While::Invoke)
SIMBENCH_CONTROL_KERNEL(IF, simbench::If::Prepare, simbench::If::Invoke)
SIMBENCH_CONTROL_KERNEL(CALL_ONCE, simbench::CallOnce::Prepare, simbench::CallOnce::Invoke)
SIMBENCH_CONTROL_KERNEL(VAR_HANDLE, nullptr, simbench::Nothing)
SIMBENCH_CONTROL_KERNEL(READ_VARIABLE, simbench::TakesHandle, simbench::Read)
SIMBENCH_CONTROL_KERNEL(ASSIGN_VARIABLE, simbench::TakesHandle, simbench::Assign)

}  // namespace micro
}  // namespace ops
}  // namespace tflite
