#include "kernels/common/op.h"
#include "tensorflow/lite/c/builtin_op_data.h"
#include "tensorflow/lite/kernels/padding.h"

namespace tflite {
namespace ops {
namespace micro {

TfLiteRegistration* Register_CONV_2D_OTHERS();  // TensorFlow's, renamed by the build

}  // namespace micro
}  // namespace ops
}  // namespace tflite

namespace simbench {
namespace {

constexpr int kChannelDimension = 0;  // of the filter: output channel, height, width, input channel

struct Conv {
  using Data = ConvData;

  static const TfLiteRegistration* Others() {
    return tflite::ops::micro::Register_CONV_2D_OTHERS();
  }

  static TfLiteStatus Fill(TfLiteContext* context, TfLiteNode* node, Data* data) {
    const auto& options = *static_cast<const TfLiteConvParams*>(node->builtin_data);
    const Tensors tensors = TensorsOf(context, node);
    TF_LITE_ENSURE(context, tensors.filter != nullptr && tensors.filter->type == kTfLiteInt8);
    const int channels = tensors.filter->dims->data[kChannelDimension];
    data->params = {};
    data->multiplier = AllocatePersistent<int32_t>(context, channels);
    data->shift = AllocatePersistent<int32_t>(context, channels);
    TF_LITE_ENSURE(context, data->multiplier != nullptr && data->shift != nullptr);
    FillWindow(options, tensors, &data->params);
    data->params.input_offset = -tensors.input->params.zero_point;
    data->params.output_offset = tensors.output->params.zero_point;
    int unused_shift;
    return tflite::PopulateConvolutionQuantizationParams(
        context, tensors.input, tensors.filter, tensors.bias, tensors.output, options.activation,
        &data->params.output_multiplier, &unused_shift, &data->params.quantized_activation_min,
        &data->params.quantized_activation_max, data->multiplier,
        reinterpret_cast<int*>(data->shift), channels);
  }

  static void FillWindow(const TfLiteConvParams& options, const Tensors& tensors,
                         tflite::ConvParams* params) {
    params->stride_width = options.stride_width;
    params->stride_height = options.stride_height;
    params->dilation_width_factor = options.dilation_width_factor;
    params->dilation_height_factor = options.dilation_height_factor;
    int unused_height, unused_width;
    const TfLitePaddingValues padding = tflite::ComputePaddingHeightWidth(
        options.stride_height, options.stride_width, options.dilation_height_factor,
        options.dilation_width_factor, tensors.input->dims->data[1], tensors.input->dims->data[2],
        tensors.filter->dims->data[1], tensors.filter->dims->data[2], options.padding,
        &unused_height, &unused_width);
    params->padding_values.width = padding.width;
    params->padding_values.height = padding.height;
  }

  static size_t Needs(const Data& data, const Tensors& tensors) { return ScratchBytes(data, tensors); }

  static TfLiteStatus Invoke(const Data& data, const Tensors& tensors, void* scratch) {
    return Run(data, tensors, scratch);
  }
};

}  // namespace
}  // namespace simbench

namespace tflite {
namespace ops {
namespace micro {

TfLiteRegistration* Register_CONV_2D() { return simbench::Op<simbench::Conv>::Registration(); }

}  // namespace micro
}  // namespace ops
}  // namespace tflite
