#include "runtime/window.h"

#include "runtime/tensor.h"

namespace simbench {
namespace {

struct EmptyArray { int size; };
constexpr EmptyArray kScalar = {0};
struct OneZero { int size, zero; };
constexpr OneZero kOneZero = {1, 0};

template <typename To, typename From>
To* InPlace(const From* from) {
  return reinterpret_cast<To*>(const_cast<From*>(from));
}

void Quantize(const tflite::Tensor& source, TfLiteTensor* tensor, TfLiteAffineQuantization* room) {
  const auto* quantization = source.quantization();
  const auto* scales = quantization == nullptr ? nullptr : quantization->scale();
  if (SizeOf(scales) == 0) {
    tensor->params = {0, 0};
    tensor->quantization = {kTfLiteNoQuantization, nullptr};
    return;
  }
  const auto* zeros = quantization->zero_point();
  const bool has_zeros = SizeOf(zeros) > 0;
  tensor->params = {scales->Get(0), has_zeros ? static_cast<int32_t>(zeros->Get(0)) : 0};
  // a vector of the model is laid out as TensorFlow's arrays are: a size, then the elements. Zero
  // points have 64 bits there and 32 here, which HasPlainZeroPoints allows for
  room->scale = InPlace<TfLiteFloatArray>(scales);
  room->zero_point =
      has_zeros ? InPlace<TfLiteIntArray>(zeros) : InPlace<TfLiteIntArray>(&kOneZero);
  room->quantized_dimension = quantization->quantized_dimension();
  tensor->quantization = {kTfLiteAffineQuantization, room};
}

}  // namespace

void Make(const tflite::Tensor& source, void* data, bool is_constant, TfLiteTensor* tensor,
          TfLiteAffineQuantization* quantization) {
  const Type type = TypeOf(source);
  tensor->type = type.type();
  tensor->data.data = data;
  tensor->allocation_type = is_constant ? kTfLiteMmapRo : kTfLiteArenaRw;
  tensor->is_variable = source.is_variable();
  const auto* shape = source.shape();
  tensor->dims =
      shape == nullptr ? InPlace<TfLiteIntArray>(&kScalar) : InPlace<TfLiteIntArray>(shape);
  size_t bytes = type.bytes;
  for (int i = 0; i < tensor->dims->size; ++i) bytes *= tensor->dims->data[i];
  tensor->bytes = bytes;
  Quantize(source, tensor, quantization);
}

bool Window::Keep(Arena* arena, size_t tensors, size_t places, const File& file) {
  constexpr size_t kArrays = 2;  // inputs and outputs: each begins with its size
  file_ = file;
  tensors_ = arena->Keep<TfLiteTensor>(tensors);
  quantizations_ = arena->Keep<TfLiteAffineQuantization>(tensors);
  indices_ = arena->Keep<int>(places + kArrays);
  return !arena->is_exhausted();
}

TfLiteIntArray* Window::Open(const tflite::SubGraph& graph, void* const* data,
                             const Indices* indices) {
  auto* array = reinterpret_cast<TfLiteIntArray*>(next_array_);
  const int size = array->size = static_cast<int>(SizeOf(indices));
  next_array_ += 1 + size;
  if (size == 0) return array;
  const auto& sources = *graph.tensors();
  const File file = file_;
  int open = open_;
  for (int i = 0; i < size; ++i) {
    const int32_t index = indices->Get(i);
    if (index == kTfLiteOptionalTensor) {
      array->data[i] = index;
      continue;
    }
    void* const elements = data[index];
    Make(*sources.Get(index), elements, file.Has(elements), &tensors_[open], &quantizations_[open]);
    array->data[i] = open++;
  }
  open_ = open;
  return array;
}

}  // namespace simbench
