// Kernels as TensorFlow Lite defines them: the measure of correctness, not of speed. Convolution and
// pooling are TensorFlow Lite Micro's whole operators; its depthwise convolution forgets the fused
// activation and its fully connected layer the third dimension, so for these only the loops are its.
#include "kernels/reference/kernels.h"

#include "kernels/common/op.h"

namespace simbench {

size_t ScratchBytes(const DepthwiseConvData&, const Tensors&) { return 0; }

TfLiteStatus Run(const DepthwiseConvData& data, const Tensors& tensors, void*) {
  return RunReference(data, tensors);
}

TfLiteStatus Run(const FullyConnectedData& data, const Tensors& tensors) {
  return RunReference(data, tensors);
}

}  // namespace simbench

namespace tflite {
namespace ops {
namespace micro {

TfLiteRegistration* Register_CONV_2D_OTHERS();  // TensorFlow's, renamed by the build
TfLiteRegistration* Register_AVERAGE_POOL_2D_OTHERS();
TfLiteRegistration* Register_MAX_POOL_2D_OTHERS();

TfLiteRegistration* Register_CONV_2D() {
  return simbench::TensorFlowOp<Register_CONV_2D_OTHERS>::Registration();
}

TfLiteRegistration* Register_AVERAGE_POOL_2D() {
  return simbench::TensorFlowOp<Register_AVERAGE_POOL_2D_OTHERS>::Registration();
}

TfLiteRegistration* Register_MAX_POOL_2D() {
  return simbench::TensorFlowOp<Register_MAX_POOL_2D_OTHERS>::Registration();
}

}  // namespace micro
}  // namespace ops
}  // namespace tflite
