#include "kernels/common/op.h"
#include "kernels/common/plain_conv.h"
#include "tensorflow/lite/c/builtin_op_data.h"
#include "tensorflow/lite/kernels/internal/quantization_util.h"

namespace tflite {
namespace ops {
namespace micro {

TfLiteRegistration* Register_FULLY_CONNECTED_OTHERS();  // TensorFlow's, renamed by the build

}  // namespace micro
}  // namespace ops
}  // namespace tflite

namespace simbench {
namespace {

int LastDimension(const TfLiteTensor* tensor) { return tensor->dims->data[tensor->dims->size - 1]; }

struct FullyConnected {
  using Data = FullyConnectedData;

  static const TfLiteRegistration* Others() {
    return tflite::ops::micro::Register_FULLY_CONNECTED_OTHERS();
  }

  static bool IsOurs(const Tensors& tensors) {
    return tensors.input->type == kTfLiteInt8 || IsPlain(tensors.input);
  }

  static TfLiteStatus Fill(TfLiteContext* context, TfLiteNode* node, Data* data) {
    const auto& options = *static_cast<const TfLiteFullyConnectedParams*>(node->builtin_data);
    const Tensors tensors = TensorsOf(context, node);
    TF_LITE_ENSURE_MSG(context, tensors.filter != nullptr && tensors.filter->type == kTfLiteInt8,
                       "has weights that are not int8");
    TF_LITE_ENSURE_MSG(context, tensors.output->type == tensors.input->type,
                       "has an input and an output of different types");
    // an output that keeps the input's dimensions is a batch of rows all the same
    data->input_depth = LastDimension(tensors.filter);
    data->output_depth = tensors.filter->dims->data[tensors.filter->dims->size - 2];
    data->batches = tflite::NumElements(tensors.output) / data->output_depth;
    data->multiplier = nullptr;
    return IsPerChannel(tensors.filter) || IsPlain(tensors.input)
               ? FillChannels(context, options, tensors, data)
               : FillParams(context, options, tensors, &data->params);
  }

  static TfLiteStatus FillChannels(TfLiteContext* context,
                                   const TfLiteFullyConnectedParams& options,
                                   const Tensors& tensors, Data* data) {
    data->params = {};
    data->params.input_offset = -tensors.input->params.zero_point;
    data->params.output_offset = tensors.output->params.zero_point;
    data->multiplier = AllocatePersistent<int32_t>(context, data->output_depth);
    data->shift = AllocatePersistent<int32_t>(context, data->output_depth);
    TF_LITE_ENSURE(context, data->multiplier != nullptr && data->shift != nullptr);
    int unused_shift;
    return tflite::PopulateConvolutionQuantizationParams(
        context, tensors.input, tensors.filter, tensors.bias, tensors.output, options.activation,
        &data->params.output_multiplier, &unused_shift, &data->params.quantized_activation_min,
        &data->params.quantized_activation_max, data->multiplier,
        reinterpret_cast<int*>(data->shift), data->output_depth);
  }

  static TfLiteStatus FillParams(TfLiteContext* context, const TfLiteFullyConnectedParams& options,
                                 const Tensors& tensors, tflite::FullyConnectedParams* params) {
    *params = {};
    params->input_offset = -tensors.input->params.zero_point;
    params->weights_offset = -tensors.filter->params.zero_point;
    params->output_offset = tensors.output->params.zero_point;
    double multiplier = 0;
    TF_LITE_ENSURE_STATUS(tflite::GetQuantizedConvolutionMultipler(
        context, tensors.input, tensors.filter, tensors.bias, tensors.output, &multiplier));
    tflite::QuantizeMultiplier(multiplier, &params->output_multiplier, &params->output_shift);
    return tflite::CalculateActivationRangeQuantized(context, options.activation, tensors.output,
                                                     &params->quantized_activation_min,
                                                     &params->quantized_activation_max);
  }

  static bool IsPerChannel(const TfLiteTensor* filter) {
    const auto* quantization =
        static_cast<const TfLiteAffineQuantization*>(filter->quantization.params);
    return quantization != nullptr && quantization->scale->size > 1;
  }

  static size_t Needs(const Data&, const Tensors&) { return 0; }

  static bool IsPlain(const TfLiteTensor* input) { return input->type == kTfLiteInt16; }

  static TfLiteStatus Invoke(const Data& data, const Tensors& tensors, void*) {
    return IsPlain(tensors.input) ? RunPlain(data, tensors) : Run(data, tensors);
  }
};

}  // namespace
}  // namespace simbench

namespace tflite {
namespace ops {
namespace micro {

TfLiteRegistration* Register_FULLY_CONNECTED() {
  return simbench::Op<simbench::FullyConnected>::Registration();
}

}  // namespace micro
}  // namespace ops
}  // namespace tflite
