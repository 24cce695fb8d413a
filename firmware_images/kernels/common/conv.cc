// CONV_2D of int8, of int16 with int8 weights and of floats, and DEPTHWISE_CONV_2D but for floats.
#include "kernels/common/op.h"
#include "kernels/common/plain_conv.h"
#include "tensorflow/lite/c/builtin_op_data.h"
#include "tensorflow/lite/kernels/padding.h"

namespace tflite::ops::micro {

TfLiteRegistration* Register_CONV_2D_OTHERS();  // TensorFlow's, renamed by the build
TfLiteRegistration* Register_DEPTHWISE_CONV_2D_OTHERS();

}  // namespace tflite::ops::micro

namespace simbench {
namespace {

struct Conv {
  using Data = ConvData;
  using Options = TfLiteConvParams;
  static constexpr int kChannelDimension =
      0;  // of the filter: output, height, width, input channel

  static const TfLiteRegistration* Others() {
    return tflite::ops::micro::Register_CONV_2D_OTHERS();
  }
  static void FillDepth(const Options&, Data*) {}
  static constexpr bool kHasFloat = true;
  static bool IsPlain(const Tensors& tensors) {
    return tensors.input->dims->data[3] != tensors.filter->dims->data[3];
  }
};

struct DepthwiseConv {
  using Data = DepthwiseConvData;
  using Options = TfLiteDepthwiseConvParams;
  static constexpr int kChannelDimension = 3;  // of the filter: 1, height, width, output channel

  static const TfLiteRegistration* Others() {
    return tflite::ops::micro::Register_DEPTHWISE_CONV_2D_OTHERS();
  }
  static void FillDepth(const Options& options, Data* data) {
    data->params.depth_multiplier = options.depth_multiplier;
  }
  static constexpr bool kHasFloat = false;
  static bool IsPlain(const Tensors&) { return false; }
};

template <typename K>
struct Convolution {
  using Data = typename K::Data;
  using Options = typename K::Options;

  static const TfLiteRegistration* Others() { return K::Others(); }

  static bool IsOurs(const Tensors& tensors) {
    const TfLiteType type = tensors.input->type;
    return type == kTfLiteInt16 || type == kTfLiteInt8 || (K::kHasFloat && IsFloat(tensors));
  }

  static TfLiteStatus Fill(TfLiteContext* context, TfLiteNode* node, Data* data) {
    const auto& options = *static_cast<const Options*>(node->builtin_data);
    const Tensors tensors = TensorsOf(context, node);
    const TfLiteType weights = IsFloat(tensors) ? kTfLiteFloat32 : kTfLiteInt8;
    TF_LITE_ENSURE_MSG(context, tensors.filter != nullptr && tensors.filter->type == weights,
                       "has weights that do not go with its input's type");
    TF_LITE_ENSURE_MSG(context, tensors.output->type == tensors.input->type,
                       "has an input and an output of different types");
    data->params = {};
    FillWindow(options, tensors, &data->params);
    K::FillDepth(options, data);
    if (IsFloat(tensors)) {
      tflite::CalculateActivationRange(options.activation, &data->params.float_activation_min,
                                       &data->params.float_activation_max);
      return kTfLiteOk;
    }
    const int channels = tensors.filter->dims->data[K::kChannelDimension];
    data->multiplier = AllocatePersistent<int32_t>(context, channels);
    data->shift = AllocatePersistent<int32_t>(context, channels);
    TF_LITE_ENSURE(context, data->multiplier != nullptr && data->shift != nullptr);
    data->params.input_offset = -tensors.input->params.zero_point;
    data->params.output_offset = tensors.output->params.zero_point;
    int unused_shift;
    return tflite::PopulateConvolutionQuantizationParams(
        context, tensors.input, tensors.filter, tensors.bias, tensors.output, options.activation,
        &data->params.output_multiplier, &unused_shift, &data->params.quantized_activation_min,
        &data->params.quantized_activation_max, data->multiplier,
        reinterpret_cast<int*>(data->shift), channels);
  }

  static bool IsFloat(const Tensors& tensors) { return tensors.input->type == kTfLiteFloat32; }

  template <typename Params>
  static void FillWindow(const Options& options, const Tensors& tensors, Params* params) {
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

  static bool IsPlain(const Tensors& tensors) {
    return tensors.input->type != kTfLiteInt8 || K::IsPlain(tensors);
  }

  static size_t Needs(const Data& data, const Tensors& tensors) {
    return IsPlain(tensors) ? PlainScratchBytes(data, tensors) : ScratchBytes(data, tensors);
  }

  static TfLiteStatus Invoke(const Data& data, const Tensors& tensors, void* scratch) {
    return IsPlain(tensors) ? RunPlain(data, tensors, scratch) : Run(data, tensors, scratch);
  }
};

}  // namespace
}  // namespace simbench

namespace tflite::ops::micro {

TfLiteRegistration* Register_CONV_2D() {
  return simbench::Op<simbench::Convolution<simbench::Conv>>::Registration();
}

TfLiteRegistration* Register_DEPTHWISE_CONV_2D() {
  return simbench::Op<simbench::Convolution<simbench::DepthwiseConv>>::Registration();
}

}  // namespace tflite::ops::micro
