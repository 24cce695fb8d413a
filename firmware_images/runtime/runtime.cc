// How a model runs. How it is set up is in setup.cc.
#include "runtime/runtime.h"

#include "harness/layers.h"
#include "runtime/ops.h"

namespace simbench {

TfLiteStatus Runtime::CallOnce() {
  const bool is_done = EachNode([this](Place place, const tflite::Operator& op) {
    const int code = CodeOf(*model_, op);
    return code != kCallOnce || Invoke(CalleesOf(code, op).graphs[0]) == kTfLiteOk;
  });
  return is_done ? kTfLiteOk : kTfLiteError;
}

TfLiteStatus Runtime::Invoke(size_t graph) {
  const size_t nodes = source(graph).operators()->size();
  for (size_t i = 0; i < nodes; ++i) {
    const Place place = {static_cast<uint16_t>(graph), static_cast<uint16_t>(i)};
    Open(place);
    const TfLiteRegistration* kernel = graphs_[graph].nodes[i].kernel;
    TfLiteStatus status;
    if (graph == 0) {
      simbench_op_begin();
      status = kernel->invoke(&context_, &node_);
      simbench_op_end();
    } else {
      status = kernel->invoke(&context_, &node_);
    }
    if (status != kTfLiteOk) {
      Blame(place);
      return status;
    }
  }
  return kTfLiteOk;
}

TfLiteTensor Runtime::tensor(int32_t index, TfLiteAffineQuantization* quantization) const {
  TfLiteTensor tensor = {};
  void* const data = Runtime::data(0, index);
  Make(*source(0).tensors()->Get(index), data, file_.Has(data), &tensor, quantization);
  return tensor;
}

void Runtime::Open(Place place) {
  place_ = place;
  const tflite::SubGraph& graph = source(place.graph);
  const tflite::Operator& op = *graph.operators()->Get(place.node);
  void* const* data = graphs_[place.graph].data;
  const Node& node = graphs_[place.graph].nodes[place.node];
  window_.Clear();
  node_.inputs = window_.Open(graph, data, op.inputs());
  node_.outputs = window_.Open(graph, data, op.outputs());
  node_.user_data = node.user_data;
  node_.builtin_data = node.builtin_data;
}

void Runtime::Blame(Place place) {
  const int code = CodeOf(*model_, operator_at(place));
  const Op* op = FindOp(code);
  const char* name = op == nullptr
                         ? EnumNameBuiltinOperator(static_cast<tflite::BuiltinOperator>(code))
                         : op->name;
  if (place.graph == 0) {
    problem_.Blame("%s (operator %d): ", name, place.node);
  } else {
    problem_.Blame("%s (operator %d of subgraph %d): ", name, place.node, place.graph);
  }
}

void* Runtime::GetScratchBuffer(TfLiteContext* context, int index) {
  return static_cast<const Runtime*>(context->impl_)->scratch_[index].data;
}

void Runtime::ReportError(TfLiteContext* context, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  static_cast<const Runtime*>(context->impl_)->problem_.Report(format, arguments);
  va_end(arguments);
}

}  // namespace simbench
