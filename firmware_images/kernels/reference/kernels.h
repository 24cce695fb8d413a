// TensorFlow Lite's reference loops. Optimised sets fall back on them where they lack a case. Each
// gets a local copy of its parameters, as TensorFlow's callers do: a store of an int8 element may
// alias anything else, and the compiler would load them anew in the innermost loop.
#ifndef SIMBENCH_KERNELS_REFERENCE_KERNELS_H_
#define SIMBENCH_KERNELS_REFERENCE_KERNELS_H_

#include "kernels/common/kernels.h"
#include "kernels/common/rescale.h"
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

// With a scale for each channel, which TensorFlow's loops of 2020 do not have.
inline TfLiteStatus RunPerChannel(const FullyConnectedData& data, const Tensors& tensors) {
  const auto params = data.params;
  const int8_t* input = tensors.input->data.int8;
  int8_t* output = tensors.output->data.int8;
  for (int batch = 0; batch < data.batches; ++batch, input += data.input_depth) {
    const int8_t* weight = tensors.filter->data.int8;
    for (int channel = 0; channel < data.output_depth; ++channel) {
      int32_t total = tensors.bias == nullptr ? 0 : tensors.bias->data.i32[channel];
      for (int i = 0; i < data.input_depth; ++i)
        total += (input[i] + params.input_offset) * *weight++;
      const int32_t value =
          Rescale(total, {data.multiplier[channel], data.shift[channel]}) + params.output_offset;
      *output++ = static_cast<int8_t>(
          Within(value, params.quantized_activation_min, params.quantized_activation_max));
    }
  }
  return kTfLiteOk;
}

inline TfLiteStatus RunReference(const FullyConnectedData& data, const Tensors& tensors) {
  using namespace tflite;
  if (data.multiplier != nullptr) return RunPerChannel(data, tensors);
  const auto params = data.params;
  reference_integer_ops::FullyConnected(
      params, RuntimeShape({data.batches, data.input_depth}), GetTensorData<int8_t>(tensors.input),
      RuntimeShape({data.output_depth, data.input_depth}), GetTensorData<int8_t>(tensors.filter),
      GetTensorShape(tensors.bias), GetTensorData<int32_t>(tensors.bias),
      RuntimeShape({data.batches, data.output_depth}), GetTensorData<int8_t>(tensors.output));
  return kTfLiteOk;
}

inline TfLiteStatus RunReferenceAveragePool(const PoolData& data, const Tensors& tensors) {
  using namespace tflite;
  const auto params = data.params;
  reference_integer_ops::AveragePool(
      params, GetTensorShape(tensors.input), GetTensorData<int8_t>(tensors.input),
      GetTensorShape(tensors.output), GetTensorData<int8_t>(tensors.output));
  return kTfLiteOk;
}

inline TfLiteStatus RunReferenceMaxPool(const PoolData& data, const Tensors& tensors) {
  using namespace tflite;
  const auto params = data.params;
  reference_integer_ops::MaxPool(
      params, GetTensorShape(tensors.input), GetTensorData<int8_t>(tensors.input),
      GetTensorShape(tensors.output), GetTensorData<int8_t>(tensors.output));
  return kTfLiteOk;
}

}  // namespace simbench

#endif  // SIMBENCH_KERNELS_REFERENCE_KERNELS_H_
