// Part of a stand-in: see its README.md.
#include "tensorflow/lite/micro/micro_interpreter.h"

#include <cstring>

#include "tensorflow/lite/micro/debug_log.h"

namespace tflite {
namespace {

void MicroPrintf(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  DebugLog(format, arguments);
  va_end(arguments);
}

}  // namespace

// The one constant of the one operator, RESHAPE, is its new shape.
bool MicroInterpreter::IsComputed(int index) const {
  for (const Operator* op : *graph_.operators()) {
    if (op->inputs()->size() > 1 && op->inputs()->Get(1) == index) return false;
  }
  return true;
}

TfLiteStatus MicroInterpreter::AllocateTensors() {
  for (const Operator* op : *graph_.operators()) {
    const auto code = codes_.Get(op->opcode_index())->builtin_code();
    if (ops_.Has(code)) continue;
    MicroPrintf("Didn't find op for builtin opcode '%s'", EnumNameBuiltinOperator(code));
    return kTfLiteError;
  }
  const auto& tensors = *graph_.tensors();
  tensors_ =
      static_cast<TfLiteEvalTensor*>(allocator_.Keep(tensors.size() * sizeof(TfLiteEvalTensor)));
  if (tensors_ == nullptr) return kTfLiteError;
  const int last = graph_.operators()->size();
  int placed = 0;
  for (unsigned int i = 0; i < tensors.size(); ++i) {
    const auto& shape = *tensors.Get(i)->shape();
    auto* dims = static_cast<TfLiteIntArray*>(allocator_.Keep(4 + 4 * shape.size()));
    if (dims == nullptr) return kTfLiteError;
    const_cast<int&>(dims->size) = shape.size();
    for (unsigned int j = 0; j < shape.size(); ++j) dims->data[j] = shape.Get(j);
    const bool is_int8 = tensors.Get(i)->type() == TensorType_INT8;
    tensors_[i] = {{}, dims, is_int8 ? kTfLiteInt8 : kTfLiteInt32};
    if (!IsComputed(i)) continue;
    size_t bytes;
    TfLiteEvalTensorByteLength(&tensors_[i], &bytes);
    int offset;
    if (allocator_.planner->AddBuffer(bytes, 0, last) != kTfLiteOk) return kTfLiteError;
    if (allocator_.planner->GetOffsetForBuffer(placed++, &offset) != kTfLiteOk) return kTfLiteError;
    tensors_[i].data.data = allocator_.start + offset;
  }
  if (arena_used_bytes() <= allocator_.size) return kTfLiteOk;
  MicroPrintf("The arena is too small");
  return kTfLiteError;
}

TfLiteStatus MicroInterpreter::Invoke() {
  for (const Operator* op : *graph_.operators()) {
    const auto event = profiler_.BeginEvent("RESHAPE");
    const TfLiteEvalTensor& from = tensors_[op->inputs()->Get(0)];
    size_t bytes;
    TfLiteEvalTensorByteLength(&from, &bytes);
    memcpy(tensors_[op->outputs()->Get(0)].data.data, from.data.data, bytes);
    profiler_.EndEvent(event);
  }
  return kTfLiteOk;
}

TfLiteTensor* MicroInterpreter::End(int index) {
  static TfLiteTensor tensor;
  tensor = {};
  tensor.type = tensors_[index].type;
  tensor.dims = tensors_[index].dims;
  tensor.data = tensors_[index].data;
  TfLiteEvalTensorByteLength(&tensors_[index], &tensor.bytes);
  const QuantizationParameters* given = graph_.tensors()->Get(index)->quantization();
  if (given != nullptr && given->scale() != nullptr && given->scale()->size() > 0) {
    tensor.params = {given->scale()->Get(0), static_cast<int32_t>(given->zero_point()->Get(0))};
  }
  return &tensor;
}

}  // namespace tflite
