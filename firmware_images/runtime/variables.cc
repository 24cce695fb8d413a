// Variables: tensors that are some, and those that VAR_HANDLE names. Both stay from one inference
// to the next.
#include <cstring>

#include "runtime/runtime.h"
#include "runtime/tensor.h"

namespace simbench {
namespace {

bool IsEqual(const flatbuffers::String* a, const flatbuffers::String* b) {
  const bool is_empty = a == nullptr || b == nullptr;
  return is_empty ? a == b
                  : a->size() == b->size() && memcmp(a->c_str(), b->c_str(), a->size()) == 0;
}

// A tensor that is a variable begins as zero in real numbers, as do the variables of VAR_HANDLE.
void SetToZero(const tflite::Tensor& tensor, void* data, size_t bytes) {
  const auto* quantization = tensor.quantization();
  const auto* zeros = quantization == nullptr ? nullptr : quantization->zero_point();
  const bool is_shifted =
      TypeOf(tensor).type() == kTfLiteInt8 && zeros != nullptr && zeros->size() > 0;
  memset(data, is_shifted ? static_cast<int>(zeros->Get(0)) : 0, bytes);
}

}  // namespace

bool Runtime::KeepVariableTensors() {
  for (size_t i = 0; i < model_->subgraphs()->size(); ++i) {
    if (!IsReached(i)) continue;
    const auto& tensors = *source(i).tensors();
    for (size_t j = 0; j < tensors.size(); ++j) {
      const tflite::Tensor& tensor = *tensors.Get(j);
      if (!tensor.is_variable() || graphs_[i].data[j] != nullptr) continue;
      const size_t bytes = BytesOf(tensor);
      void* data = graphs_[i].data[j] = arena_.Keep(bytes, kBufferAlignment);
      if (data == nullptr) return false;
      SetToZero(tensor, data, bytes);
    }
  }
  return true;
}

bool Runtime::KeepVariables() {
  variables_ = arena_.Keep<Variable>(variables_size_);
  if (variables_ == nullptr) return false;
  variables_size_ = 0;
  for (const int code : {kVarHandle, kAssignVariable, kReadVariable}) {
    const auto bind = [this, code](Place place, const tflite::Operator& op) {
      if (CodeOf(*model_, op) != code || BindVariable(place.graph, op, code)) return true;
      Blame(place);
      return false;
    };
    if (!EachNode(bind)) return false;
  }
  return true;
}

bool Runtime::BindVariable(size_t graph, const tflite::Operator& op, int code) {
  void** data = graphs_[graph].data;
  if (code == kVarHandle) {
    if (SizeOf(op.outputs()) != 1) return Fail("has not one output");
    data[op.outputs()->Get(0)] = VariableNamed(op);
    return true;
  }
  const bool is_read = code == kReadVariable;
  if (SizeOf(op.inputs()) != (is_read ? 1 : 2) || SizeOf(op.outputs()) != (is_read ? 1 : 0)) {
    return Fail("has wrongly many inputs or outputs");
  }
  const int32_t value_index = is_read ? op.outputs()->Get(0) : op.inputs()->Get(1);
  if (value_index < 0 || op.inputs()->Get(0) < 0) return Fail("leaves an input out");
  const auto* variable_address = static_cast<Variable*>(data[op.inputs()->Get(0)]);
  if (variable_address < variables_ || variable_address >= variables_ + variables_size_)
    return true;
  Variable& variable = variables_[variable_address - variables_];
  const tflite::Tensor& value = *source(graph).tensors()->Get(value_index);
  const size_t bytes = BytesOf(value);
  if (variable.data != nullptr)
    return variable.bytes == bytes || Fail("has a value of another size than its variable");
  variable.bytes = bytes;
  variable.data = static_cast<uint8_t*>(arena_.Keep(bytes, kBufferAlignment));
  if (variable.data == nullptr) return false;
  SetToZero(value, variable.data, bytes);
  return true;
}

Variable* Runtime::VariableNamed(const tflite::Operator& handle) {
  const auto name = [](const tflite::Operator& op, int field) {
    const flatbuffers::Table* options = OptionsOf(op);
    return options == nullptr ? nullptr
                              : options->GetPointer<const flatbuffers::String*>(FieldOffset(field));
  };
  for (int32_t i = 0; i < variables_size_; ++i) {
    const tflite::Operator& other = *variables_[i].handle;
    if (IsEqual(name(other, 0), name(handle, 0)) && IsEqual(name(other, 1), name(handle, 1)))
      return &variables_[i];
  }
  Variable* variable = &variables_[variables_size_];
  *variable = {variables_size_++, 0, nullptr, &handle};
  return variable;
}

}  // namespace simbench
