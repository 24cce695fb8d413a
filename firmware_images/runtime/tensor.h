// What the model's file says of tensors, read in place.
#ifndef SIMBENCH_RUNTIME_TENSOR_H_
#define SIMBENCH_RUNTIME_TENSOR_H_

#include <cstddef>
#include <cstdint>

#include "tensorflow/lite/c/common.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace simbench {

// The type of a tensor that names a variable: later than this TensorFlow, as its number in the
// schema.
constexpr TfLiteType kResource = static_cast<TfLiteType>(13);

struct Type {
  uint8_t number;  // a TfLiteType
  uint8_t bytes;   // of an element; 0 where no kernel takes the type

  TfLiteType type() const { return static_cast<TfLiteType>(number); }
};

// By the schema's number.
constexpr Type kTypes[] = {
    {kTfLiteFloat32, 4}, {kTfLiteFloat16, 2}, {kTfLiteInt32, 4},  {kTfLiteUInt8, 1},
    {kTfLiteInt64, 8},   {kTfLiteNoType, 0},  {kTfLiteBool, 1},   {kTfLiteInt16, 2},
    {kTfLiteNoType, 0},  {kTfLiteInt8, 1},    {kTfLiteNoType, 0}, {kTfLiteNoType, 0},
    {kTfLiteNoType, 0},  {kResource, 4},
};

inline Type TypeOf(const tflite::Tensor& source) {
  const size_t number = static_cast<uint8_t>(source.type());
  return number < sizeof(kTypes) / sizeof(kTypes[0]) ? kTypes[number] : Type{kTfLiteNoType, 0};
}

// Bytes of the tensor's elements, or kNoSize where there is no such tensor.
constexpr size_t kNoSize = SIZE_MAX;
size_t BytesOf(const tflite::Tensor& source);

// The constant's elements in the model, or null where `source` is none.
const flatbuffers::Vector<uint8_t>* ConstantOf(const tflite::Model& model,
                                               const tflite::Tensor& source);

// Whether the zero points can be read in place.
bool HasPlainZeroPoints(const tflite::Tensor& source);

}  // namespace simbench

#endif  // SIMBENCH_RUNTIME_TENSOR_H_
