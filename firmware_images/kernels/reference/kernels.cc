// Kernels as TensorFlow Lite defines them: the measure of correctness, not of speed.
#include "kernels/reference/kernels.h"

#include "kernels/common/plain_conv.h"

namespace simbench {

size_t ScratchBytes(const ConvData& data, const Tensors& tensors) {
  return PlainScratchBytes(data, tensors);
}
size_t ScratchBytes(const DepthwiseConvData&, const Tensors&) { return 0; }

TfLiteStatus Run(const ConvData& data, const Tensors& tensors, void* scratch) {
  return RunPlain(data, tensors, scratch);
}

// TensorFlow's depthwise convolution of 2020 forgets the fused activation: only the loops are its.
TfLiteStatus Run(const DepthwiseConvData& data, const Tensors& tensors, void*) {
  return RunReference(data, tensors);
}

TfLiteStatus Run(const FullyConnectedData& data, const Tensors& tensors) {
  return RunReference(data, tensors);
}

size_t AveragePoolScratchBytes(const PoolData&, const Tensors&) { return 0; }

TfLiteStatus RunAveragePool(const PoolData& data, const Tensors& tensors, void*) {
  return RunReferenceAveragePool(data, tensors);
}

TfLiteStatus RunMaxPool(const PoolData& data, const Tensors& tensors) {
  return RunReferenceMaxPool(data, tensors);
}

}  // namespace simbench
