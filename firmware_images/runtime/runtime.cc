// How a model runs. How it is set up is in setup.cc.
#include "runtime/runtime.h"

#include "harness/ops.h"
#include "runtime/tensor.h"

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
  Make(*source(0).tensors()->Get(index), data, IsConstant(data), &tensor, quantization);
  return tensor;
}

void Runtime::Open(Place place) {
  place_ = place;
  const tflite::Operator& op = operator_at(place);
  const Node& node = graphs_[place.graph].nodes[place.node];
  open_tensors_ = 0;
  next_indices_ = indices_;
  node_.inputs = OpenTensors(place.graph, op.inputs());
  node_.outputs = OpenTensors(place.graph, op.outputs());
  node_.intermediates = OpenTensors(place.graph, op.intermediates());
  node_.user_data = node.user_data;
  node_.builtin_data = node.builtin_data;
}

// Makes tensors in the window, and an array of their indices there.
TfLiteIntArray* Runtime::OpenTensors(size_t graph, const Indices* indices) {
  auto* array = reinterpret_cast<TfLiteIntArray*>(next_indices_);
  const int size = array->size = static_cast<int>(SizeOf(indices));
  next_indices_ += 1 + size;
  if (size == 0) return array;
  const auto& tensors = *source(graph).tensors();
  void* const* data = graphs_[graph].data;
  int open = open_tensors_;
  for (int i = 0; i < size; ++i) {
    const int32_t index = indices->Get(i);
    if (index == kTfLiteOptionalTensor) {
      array->data[i] = index;
      continue;
    }
    Make(*tensors.Get(index), data[index], IsConstant(data[index]), &context_.tensors[open], &quantizations_[open]);
    array->data[i] = open++;
  }
  open_tensors_ = open;
  return array;
}

void Runtime::Blame(Place place) {
  const int code = CodeOf(*model_, operator_at(place));
  const Op* op = FindOp(code);
  const char* name =
      op == nullptr ? EnumNameBuiltinOperator(static_cast<tflite::BuiltinOperator>(code)) : op->name;
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
