// What the model's file says of operators, read in place.
#ifndef SIMBENCH_RUNTIME_SOURCE_H_
#define SIMBENCH_RUNTIME_SOURCE_H_

#include <cstddef>
#include <cstdint>

#include "tensorflow/lite/schema/schema_generated.h"

namespace simbench {

// Operators of which the runtime itself knows, by their number in the schema.
constexpr int kIf = 118;
constexpr int kWhile = 119;
constexpr int kCallOnce = 129;
constexpr int kVarHandle = 142;
constexpr int kReadVariable = 143;
constexpr int kAssignVariable = 144;

using Indices = flatbuffers::Vector<int32_t>;

template <typename T>
size_t SizeOf(const flatbuffers::Vector<T>* vector) {
  return vector == nullptr ? 0 : vector->size();
}

// How many are not left out.
inline size_t CountPresent(const Indices* indices) {
  size_t present = 0;
  for (size_t i = 0; i < SizeOf(indices); ++i) present += indices->Get(i) >= 0;
  return present;
}

// The field `number` of a table, counted from 0 as in the schema: later ones have no name in
// 2020's.
constexpr flatbuffers::voffset_t FieldOffset(int number) {
  return static_cast<flatbuffers::voffset_t>(sizeof(flatbuffers::voffset_t) * (number + 2));
}

// The builtin operator's number, whichever field of the schema says it.
int CodeOf(const tflite::OperatorCode& code);
inline int CodeOf(const tflite::Model& model, const tflite::Operator& op) {
  return CodeOf(*model.operator_codes()->Get(op.opcode_index()));
}

// The options of an operator that this TensorFlow's schema has no name for, or null.
inline const flatbuffers::Table* OptionsOf(const tflite::Operator& op) {
  return static_cast<const flatbuffers::Table*>(op.builtin_options());
}

// The subgraphs that an operator calls, in the order of the schema: none, one or two.
struct Callees {
  size_t count;
  int32_t graphs[2];
};
Callees CalleesOf(int code, const tflite::Operator& op);

}  // namespace simbench

#endif  // SIMBENCH_RUNTIME_SOURCE_H_
