#include "kernels/common/op.h"
#include "tensorflow/lite/c/builtin_op_data.h"
#include "tensorflow/lite/kernels/padding.h"

namespace tflite {
namespace ops {
namespace micro {

TfLiteRegistration* Register_AVERAGE_POOL_2D_OTHERS();  // TensorFlow's, renamed by the build
TfLiteRegistration* Register_MAX_POOL_2D_OTHERS();

}  // namespace micro
}  // namespace ops
}  // namespace tflite

namespace simbench {
namespace {

TfLiteStatus FillPool(TfLiteContext* context, TfLiteNode* node, PoolData* data) {
  const auto& options = *static_cast<const TfLitePoolParams*>(node->builtin_data);
  const Tensors tensors = TensorsOf(context, node);
  tflite::PoolParams& params = data->params;
  params = {};
  params.stride_width = options.stride_width;
  params.stride_height = options.stride_height;
  params.filter_width = options.filter_width;
  params.filter_height = options.filter_height;
  int unused_height, unused_width;
  const TfLitePaddingValues padding = tflite::ComputePaddingHeightWidth(
      options.stride_height, options.stride_width, /*dilation_rate_height=*/1,
      /*dilation_rate_width=*/1, tensors.input->dims->data[1], tensors.input->dims->data[2],
      options.filter_height, options.filter_width, options.padding, &unused_height, &unused_width);
  params.padding_values.width = padding.width;
  params.padding_values.height = padding.height;
  return tflite::CalculateActivationRangeQuantized(context, options.activation, tensors.output,
                                                   &params.quantized_activation_min,
                                                   &params.quantized_activation_max);
}

struct AveragePool {
  using Data = PoolData;

  static const TfLiteRegistration* Others() {
    return tflite::ops::micro::Register_AVERAGE_POOL_2D_OTHERS();
  }

  static bool IsOurs(const TfLiteTensor* input) { return input->type == kTfLiteInt8; }

  static TfLiteStatus Fill(TfLiteContext* context, TfLiteNode* node, Data* data) {
    return FillPool(context, node, data);
  }

  static size_t Needs(const Data& data, const Tensors& tensors) {
    return AveragePoolScratchBytes(data, tensors);
  }

  static TfLiteStatus Invoke(const Data& data, const Tensors& tensors, void* scratch) {
    return RunAveragePool(data, tensors, scratch);
  }
};

struct MaxPool {
  using Data = PoolData;

  static const TfLiteRegistration* Others() {
    return tflite::ops::micro::Register_MAX_POOL_2D_OTHERS();
  }

  static bool IsOurs(const TfLiteTensor* input) { return input->type == kTfLiteInt8; }

  static TfLiteStatus Fill(TfLiteContext* context, TfLiteNode* node, Data* data) {
    return FillPool(context, node, data);
  }

  static size_t Needs(const Data&, const Tensors&) { return 0; }

  static TfLiteStatus Invoke(const Data& data, const Tensors& tensors, void*) {
    return RunMaxPool(data, tensors);
  }
};

}  // namespace
}  // namespace simbench

namespace tflite {
namespace ops {
namespace micro {

TfLiteRegistration* Register_AVERAGE_POOL_2D() {
  return simbench::Op<simbench::AveragePool>::Registration();
}

TfLiteRegistration* Register_MAX_POOL_2D() {
  return simbench::Op<simbench::MaxPool>::Registration();
}

}  // namespace micro
}  // namespace ops
}  // namespace tflite
