// Kernels as TensorFlow Lite defines them: the measure of correctness, not of speed. Pooling is
// TensorFlow Lite Micro's whole operator; of the others, only the loops are its.
#include "kernels/reference/kernels.h"

#include "kernels/common/op.h"

namespace simbench {

size_t ScratchBytes(const ConvData&, const Tensors&) { return 0; }
size_t ScratchBytes(const DepthwiseConvData&, const Tensors&) { return 0; }

TfLiteStatus Run(const ConvData& data, const Tensors& tensors, void*) {
  return RunReference(data, tensors);
}

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

TfLiteRegistration* Register_AVERAGE_POOL_2D_OTHERS();  // TensorFlow's, renamed by the build
TfLiteRegistration* Register_MAX_POOL_2D_OTHERS();

TfLiteRegistration* Register_AVERAGE_POOL_2D() {
  return simbench::TensorFlowOp<Register_AVERAGE_POOL_2D_OTHERS>::Registration();
}

TfLiteRegistration* Register_MAX_POOL_2D() {
  return simbench::TensorFlowOp<Register_MAX_POOL_2D_OTHERS>::Registration();
}

}  // namespace micro
}  // namespace ops
}  // namespace tflite
