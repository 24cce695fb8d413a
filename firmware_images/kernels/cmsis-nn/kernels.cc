// Kernels of CMSIS-NN 4.0.0, through its wrappers, which choose the fastest for a layer's shape.
#include "kernels/reference/kernels.h"
#include "arm_nnfunctions.h"
#include "kernels/cmsis-nn/dense.h"

namespace simbench {
namespace {

TfLiteStatus Status(arm_cmsis_nn_status status) {
  return status == ARM_CMSIS_NN_SUCCESS ? kTfLiteOk : kTfLiteError;
}

cmsis_nn_dims Dims(const TfLiteTensor* tensor) {
  const int* size = tensor->dims->data;
  return {size[0], size[1], size[2], size[3]};
}

template <typename Params>
cmsis_nn_tile Stride(const Params& params) {
  return {params.stride_width, params.stride_height};
}

template <typename Params>
cmsis_nn_tile Padding(const Params& params) {
  return {params.padding_values.width, params.padding_values.height};
}

template <typename Params>
cmsis_nn_tile Dilation(const Params& params) {
  return {params.dilation_width_factor, params.dilation_height_factor};
}

template <typename Params>
cmsis_nn_activation Activation(const Params& params) {
  return {params.quantized_activation_min, params.quantized_activation_max};
}

cmsis_nn_conv_params Convert(const tflite::ConvParams& params) {
  return {params.input_offset, params.output_offset, Stride(params),
          Padding(params),     Dilation(params),     Activation(params)};
}

cmsis_nn_dw_conv_params Convert(const tflite::DepthwiseParams& params) {
  return {params.input_offset, params.output_offset, params.depth_multiplier, Stride(params),
          Padding(params),     Dilation(params),     Activation(params)};
}

cmsis_nn_pool_params Convert(const tflite::PoolParams& params) {
  return {Stride(params), Padding(params), Activation(params)};
}

// CMSIS-NN takes a size with the buffer, and does not look at it.
cmsis_nn_context Context(void* scratch) { return {scratch, 0}; }

const int8_t* Elements(const TfLiteTensor* tensor) { return tensor->data.int8; }

const int32_t* Bias(const Tensors& tensors) {
  return tensors.bias == nullptr ? nullptr : tensors.bias->data.i32;
}

// CMSIS-NN pools one picture at a time.
bool IsOnePicture(const TfLiteTensor* tensor) { return tensor->dims->data[0] == 1; }

cmsis_nn_dims Window(const PoolData& data) {
  return {1, data.params.filter_height, data.params.filter_width, 1};
}

}  // namespace

size_t ScratchBytes(const ConvData& data, const Tensors& tensors) {
  const cmsis_nn_conv_params params = Convert(data.params);
  const cmsis_nn_dims input = Dims(tensors.input);
  const cmsis_nn_dims filter = Dims(tensors.filter);
  const cmsis_nn_dims output = Dims(tensors.output);
  return arm_convolve_wrapper_s8_get_buffer_size(&params, &input, &filter, &output);
}

TfLiteStatus Run(const ConvData& data, const Tensors& tensors, void* scratch) {
  const cmsis_nn_context context = Context(scratch);
  const cmsis_nn_conv_params params = Convert(data.params);
  const cmsis_nn_per_channel_quant_params quantization = {data.multiplier, data.shift};
  const cmsis_nn_dims input = Dims(tensors.input);
  const cmsis_nn_dims filter = Dims(tensors.filter);
  const cmsis_nn_dims output = Dims(tensors.output);
  const cmsis_nn_dims bias = {1, 1, 1, output.c};
  return Status(arm_convolve_wrapper_s8(&context, &params, &quantization, &input,
                                        Elements(tensors.input), &filter, Elements(tensors.filter),
                                        &bias, Bias(tensors), &output, tensors.output->data.int8));
}

size_t ScratchBytes(const DepthwiseConvData& data, const Tensors& tensors) {
  const cmsis_nn_dw_conv_params params = Convert(data.params);
  const cmsis_nn_dims input = Dims(tensors.input);
  const cmsis_nn_dims filter = Dims(tensors.filter);
  const cmsis_nn_dims output = Dims(tensors.output);
  return arm_depthwise_conv_wrapper_s8_get_buffer_size(&params, &input, &filter, &output);
}

TfLiteStatus Run(const DepthwiseConvData& data, const Tensors& tensors, void* scratch) {
  const cmsis_nn_context context = Context(scratch);
  const cmsis_nn_dw_conv_params params = Convert(data.params);
  const cmsis_nn_per_channel_quant_params quantization = {data.multiplier, data.shift};
  const cmsis_nn_dims input = Dims(tensors.input);
  const cmsis_nn_dims filter = Dims(tensors.filter);
  const cmsis_nn_dims output = Dims(tensors.output);
  const cmsis_nn_dims bias = {1, 1, 1, output.c};
  return Status(arm_depthwise_conv_wrapper_s8(
      &context, &params, &quantization, &input, Elements(tensors.input), &filter,
      Elements(tensors.filter), &bias, Bias(tensors), &output, tensors.output->data.int8));
}

namespace {

TfLiteStatus RunDense(const FullyConnectedData& data, const Tensors& tensors) {
  const DenseLayer layer = {Elements(tensors.filter),
                            Bias(tensors),
                            data.multiplier,
                            data.shift,
                            data.output_depth,
                            data.input_depth,
                            data.params.input_offset,
                            data.params.output_offset,
                            data.params.quantized_activation_min,
                            data.params.quantized_activation_max};
  for (int batch = 0; batch < data.batches; ++batch) {
    DenseS8(&layer, Elements(tensors.input) + batch * data.input_depth,
            tensors.output->data.int8 + batch * data.output_depth);
  }
  return kTfLiteOk;
}

}  // namespace

TfLiteStatus Run(const FullyConnectedData& data, const Tensors& tensors) {
  if (data.multiplier != nullptr) return RunDense(data, tensors);
  if (data.params.weights_offset != 0) return RunReference(data, tensors);
  const cmsis_nn_context context = Context(nullptr);
  const cmsis_nn_fc_params params = {data.params.input_offset, 0, data.params.output_offset,
                                     Activation(data.params)};
  const cmsis_nn_per_tensor_quant_params quantization = {data.params.output_multiplier,
                                                         data.params.output_shift};
  const cmsis_nn_dims input = {data.batches, 1, 1, data.input_depth};
  const cmsis_nn_dims filter = {data.input_depth, 1, 1, data.output_depth};
  const cmsis_nn_dims bias = {1, 1, 1, data.output_depth};
  const cmsis_nn_dims output = {data.batches, 1, 1, data.output_depth};
  return Status(arm_fully_connected_s8(&context, &params, &quantization, &input,
                                       Elements(tensors.input), &filter, Elements(tensors.filter),
                                       &bias, Bias(tensors), &output, tensors.output->data.int8));
}

size_t AveragePoolScratchBytes(const PoolData&, const Tensors& tensors) {
  const cmsis_nn_dims output = Dims(tensors.output);
  return arm_avgpool_s8_get_buffer_size(output.w, output.c);
}

TfLiteStatus RunAveragePool(const PoolData& data, const Tensors& tensors, void* scratch) {
  if (!IsOnePicture(tensors.input)) return RunReferenceAveragePool(data, tensors);
  const cmsis_nn_context context = Context(scratch);
  const cmsis_nn_pool_params params = Convert(data.params);
  const cmsis_nn_dims input = Dims(tensors.input);
  const cmsis_nn_dims window = Window(data);
  const cmsis_nn_dims output = Dims(tensors.output);
  return Status(arm_avgpool_s8(&context, &params, &input, Elements(tensors.input), &window, &output,
                               tensors.output->data.int8));
}

TfLiteStatus RunMaxPool(const PoolData& data, const Tensors& tensors) {
  if (!IsOnePicture(tensors.input)) return RunReferenceMaxPool(data, tensors);
  const cmsis_nn_context context = Context(nullptr);
  const cmsis_nn_pool_params params = Convert(data.params);
  const cmsis_nn_dims input = Dims(tensors.input);
  const cmsis_nn_dims window = Window(data);
  const cmsis_nn_dims output = Dims(tensors.output);
  return Status(arm_max_pool_s8(&context, &params, &input, Elements(tensors.input), &window,
                                &output, tensors.output->data.int8));
}

}  // namespace simbench
