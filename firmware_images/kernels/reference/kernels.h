// TensorFlow Lite's reference loops. Optimised sets fall back on them where they lack a case. Each
// gets a local copy of its parameters, as TensorFlow's callers do: a store of an int8 element may
// alias anything else, and the compiler would load them anew in the innermost loop.
#ifndef SIMBENCH_KERNELS_REFERENCE_KERNELS_H_
#define SIMBENCH_KERNELS_REFERENCE_KERNELS_H_

#include "kernels/common/kernels.h"
#include "tensorflow/lite/kernels/internal/reference/integer_ops/depthwise_conv.h"
#include "tensorflow/lite/kernels/internal/reference/integer_ops/fully_connected.h"
#include "tensorflow/lite/kernels/internal/reference/integer_ops/pooling.h"
#include "tensorflow/lite/kernels/internal/tensor_ctypes.h"

namespace simbench {

inline TfLiteStatus RunReference(const DepthwiseConvData& data, const Tensors& tensors) {
  using namespace tflite;
  const auto params = data.params;
  reference_integer_ops::DepthwiseConvPerChannel(
      params, data.multiplier, data.shift, GetTensorShape(tensors.input),
      GetTensorData<int8_t>(tensors.input), GetTensorShape(tensors.filter),
      GetTensorData<int8_t>(tensors.filter), GetTensorShape(tensors.bias),
      GetTensorData<int32_t>(tensors.bias), GetTensorShape(tensors.output),
      GetTensorData<int8_t>(tensors.output));
  return kTfLiteOk;
}

inline TfLiteStatus RunReference(const FullyConnectedData& data, const Tensors& tensors) {
  using namespace tflite;
  const auto params = data.params;
  reference_integer_ops::FullyConnected(
      params, RuntimeShape({data.batches, data.input_depth}),
      GetTensorData<int8_t>(tensors.input), RuntimeShape({data.output_depth, data.input_depth}),
      GetTensorData<int8_t>(tensors.filter), GetTensorShape(tensors.bias),
      GetTensorData<int32_t>(tensors.bias), RuntimeShape({data.batches, data.output_depth}),
      GetTensorData<int8_t>(tensors.output));
  return kTfLiteOk;
}

inline TfLiteStatus RunReferenceAveragePool(const PoolData& data, const Tensors& tensors) {
  using namespace tflite;
  const auto params = data.params;
  reference_integer_ops::AveragePool(params, GetTensorShape(tensors.input),
                                     GetTensorData<int8_t>(tensors.input),
                                     GetTensorShape(tensors.output),
                                     GetTensorData<int8_t>(tensors.output));
  return kTfLiteOk;
}

inline TfLiteStatus RunReferenceMaxPool(const PoolData& data, const Tensors& tensors) {
  using namespace tflite;
  const auto params = data.params;
  reference_integer_ops::MaxPool(params, GetTensorShape(tensors.input),
                                 GetTensorData<int8_t>(tensors.input),
                                 GetTensorShape(tensors.output),
                                 GetTensorData<int8_t>(tensors.output));
  return kTfLiteOk;
}

}  // namespace simbench

#endif  // SIMBENCH_KERNELS_REFERENCE_KERNELS_H_
