// Tensors as kernels see them, made from the model in place.
#ifndef SIMBENCH_RUNTIME_TENSOR_H_
#define SIMBENCH_RUNTIME_TENSOR_H_

#include <cstddef>
#include <cstdint>

#include "tensorflow/lite/c/common.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace simbench {

// The type of a tensor that names a variable: later than this TensorFlow, as its number in the schema.
constexpr TfLiteType kResource = static_cast<TfLiteType>(13);

// kTfLiteNoType for one that no kernel takes.
TfLiteType TypeOf(const tflite::Tensor& source);

// Bytes of the tensor's elements, or kNoSize where there is no such tensor.
constexpr size_t kNoSize = SIZE_MAX;
size_t BytesOf(const tflite::Tensor& source);

// The constant's elements in the model, or null where `source` is none.
const flatbuffers::Vector<uint8_t>* ConstantOf(const tflite::Model& model, const tflite::Tensor& source);

// Whether the zero points can be read in place.
bool HasPlainZeroPoints(const tflite::Tensor& source);

// Makes `tensor` of `source`, with its elements at `data`. `quantization` is room for what it points
// to. What no tensor of a model has (a delegate, say) is left as it is: zero, from the start.
void Make(const tflite::Tensor& source, void* data, bool is_constant, TfLiteTensor* tensor,
          TfLiteAffineQuantization* quantization);

}  // namespace simbench

#endif  // SIMBENCH_RUNTIME_TENSOR_H_
