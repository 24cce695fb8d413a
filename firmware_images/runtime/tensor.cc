#include "runtime/tensor.h"

namespace simbench {
namespace {

constexpr size_t kLargestTensor = 1 << 30;

struct Type {
  uint8_t type;   // a TfLiteType
  uint8_t bytes;  // of an element
};

// By the schema's number.
constexpr Type kTypes[] = {
    {kTfLiteFloat32, 4}, {kTfLiteFloat16, 2}, {kTfLiteInt32, 4}, {kTfLiteUInt8, 1},
    {kTfLiteInt64, 8},   {kTfLiteNoType, 0},  {kTfLiteBool, 1},  {kTfLiteInt16, 2},
    {kTfLiteNoType, 0},  {kTfLiteInt8, 1},    {kTfLiteNoType, 0}, {kTfLiteNoType, 0},
    {kTfLiteNoType, 0},  {kResource, 4},
};

inline Type Lookup(const tflite::Tensor& source) {
  const size_t number = static_cast<uint8_t>(source.type());
  return number < sizeof(kTypes) / sizeof(kTypes[0]) ? kTypes[number] : Type{kTfLiteNoType, 0};
}

struct EmptyArray {
  int size;
};
constexpr EmptyArray kScalar = {0};
struct OneZero {
  int size, zero;
};
constexpr OneZero kOneZero = {1, 0};

template <typename To, typename From>
To* InPlace(const From* from) {
  return reinterpret_cast<To*>(const_cast<From*>(from));
}

inline void Quantize(const tflite::Tensor& source, TfLiteTensor* tensor, TfLiteAffineQuantization* room) {
  const auto* quantization = source.quantization();
  const auto* scales = quantization == nullptr ? nullptr : quantization->scale();
  if (scales == nullptr || scales->size() == 0) {
    tensor->params = {0, 0};
    tensor->quantization = {kTfLiteNoQuantization, nullptr};
    return;
  }
  const auto* zeros = quantization->zero_point();
  const bool has_zeros = zeros != nullptr && zeros->size() > 0;
  tensor->params = {scales->Get(0), has_zeros ? static_cast<int32_t>(zeros->Get(0)) : 0};
  // a vector of the model is laid out as TensorFlow's arrays are: a size, then the elements. Zero
  // points have 64 bits there and 32 here, which HasPlainZeroPoints allows for
  room->scale = InPlace<TfLiteFloatArray>(scales);
  room->zero_point = has_zeros ? InPlace<TfLiteIntArray>(zeros) : InPlace<TfLiteIntArray>(&kOneZero);
  room->quantized_dimension = quantization->quantized_dimension();
  tensor->quantization = {kTfLiteAffineQuantization, room};
}

}  // namespace

TfLiteType TypeOf(const tflite::Tensor& source) { return static_cast<TfLiteType>(Lookup(source).type); }

size_t BytesOf(const tflite::Tensor& source) {
  size_t bytes = Lookup(source).bytes;
  if (bytes == 0) return kNoSize;
  const auto* shape = source.shape();
  for (size_t i = 0; shape != nullptr && i < shape->size(); ++i) {
    const int32_t size = shape->Get(i);
    if (size < 0 || (size != 0 && bytes > kLargestTensor / size)) return kNoSize;
    bytes *= size;
  }
  return bytes;
}

const flatbuffers::Vector<uint8_t>* ConstantOf(const tflite::Model& model, const tflite::Tensor& source) {
  if (source.buffer() >= model.buffers()->size()) return nullptr;
  const auto* data = model.buffers()->Get(source.buffer())->data();
  return data == nullptr || data->size() == 0 ? nullptr : data;
}

bool HasPlainZeroPoints(const tflite::Tensor& source) {
  const auto* quantization = source.quantization();
  const auto* zeros = quantization == nullptr ? nullptr : quantization->zero_point();
  if (zeros == nullptr || zeros->size() < 2) return true;
  for (size_t i = 0; i < zeros->size(); ++i) {
    if (zeros->Get(i) != 0) return false;
  }
  return true;
}

void Make(const tflite::Tensor& source, void* data, bool is_constant, TfLiteTensor* tensor,
          TfLiteAffineQuantization* quantization) {
  const Type type = Lookup(source);
  tensor->type = static_cast<TfLiteType>(type.type);
  tensor->data.data = data;
  tensor->allocation_type = is_constant ? kTfLiteMmapRo : kTfLiteArenaRw;
  tensor->is_variable = source.is_variable();
  const auto* shape = source.shape();
  tensor->dims = shape == nullptr ? InPlace<TfLiteIntArray>(&kScalar) : InPlace<TfLiteIntArray>(shape);
  size_t bytes = type.bytes;
  for (int i = 0; i < tensor->dims->size; ++i) bytes *= tensor->dims->data[i];
  tensor->bytes = bytes;
  Quantize(source, tensor, quantization);
}

}  // namespace simbench
