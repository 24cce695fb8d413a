#include "runtime/tensor.h"

namespace simbench {
namespace {

constexpr size_t kLargestTensor = 1 << 30;

}  // namespace

size_t BytesOf(const tflite::Tensor& source) {
  size_t bytes = TypeOf(source).bytes;
  if (bytes == 0) return kNoSize;
  const auto* shape = source.shape();
  for (size_t i = 0; shape != nullptr && i < shape->size(); ++i) {
    const int32_t size = shape->Get(i);
    if (size < 0 || (size != 0 && bytes > kLargestTensor / size)) return kNoSize;
    bytes *= size;
  }
  return bytes;
}

const flatbuffers::Vector<uint8_t>* ConstantOf(const tflite::Model& model,
                                               const tflite::Tensor& source) {
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

}  // namespace simbench
