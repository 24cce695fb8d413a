#include <cmath>

#include "kernels/common/node.h"
#include "kernels/common/op.h"
#include "kernels/common/rescale.h"
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

bool IsShort(const TfLiteTensor* input) { return input->type == kTfLiteInt16; }

// Where a window begins and ends in the picture, along one dimension.
struct Extent {
  int begin, end;

  Extent(int output, int stride, int padding, int window, int size)
      : begin(output * stride - padding), end(begin + window < size ? begin + window : size) {
    if (begin < 0) begin = 0;
  }
};

// Of int16, which neither kernel set has.
template <bool kLargest>
TfLiteStatus PoolShort(const PoolData& data, const Tensors& tensors) {
  const tflite::PoolParams& params = data.params;
  const int* in = tensors.input->dims->data;
  const int* out = tensors.output->dims->data;
  const int16_t* picture = tensors.input->data.i16;
  int16_t* to = tensors.output->data.i16;
  for (int batch = 0; batch < out[0]; ++batch, picture += in[1] * in[2] * in[3]) {
    for (int y = 0; y < out[1]; ++y) {
      const Extent rows(y, params.stride_height, params.padding_values.height, params.filter_height,
                        in[1]);
      for (int x = 0; x < out[2]; ++x) {
        const Extent columns(x, params.stride_width, params.padding_values.width,
                             params.filter_width, in[2]);
        const int count = (rows.end - rows.begin) * (columns.end - columns.begin);
        for (int channel = 0; channel < out[3]; ++channel) {
          int32_t total = kLargest ? -32768 : 0;
          for (int row = rows.begin; row < rows.end; ++row) {
            const int16_t* element = picture + (row * in[2] + columns.begin) * in[3] + channel;
            for (int column = columns.begin; column < columns.end; ++column, element += in[3]) {
              total = !kLargest ? total + *element : *element > total ? *element : total;
            }
          }
          if (!kLargest) total = (total + (total > 0 ? count / 2 : -(count / 2))) / count;
          *to++ = static_cast<int16_t>(
              Within(total, params.quantized_activation_min, params.quantized_activation_max));
        }
      }
    }
  }
  return kTfLiteOk;
}

struct AveragePool {
  using Data = PoolData;

  static const TfLiteRegistration* Others() {
    return tflite::ops::micro::Register_AVERAGE_POOL_2D_OTHERS();
  }

  static bool IsOurs(const Tensors& tensors) {
    return tensors.input->type == kTfLiteInt8 || IsShort(tensors.input);
  }

  static TfLiteStatus Fill(TfLiteContext* context, TfLiteNode* node, Data* data) {
    return FillPool(context, node, data);
  }

  static size_t Needs(const Data& data, const Tensors& tensors) {
    return IsShort(tensors.input) ? 0 : AveragePoolScratchBytes(data, tensors);
  }

  static TfLiteStatus Invoke(const Data& data, const Tensors& tensors, void* scratch) {
    return IsShort(tensors.input) ? PoolShort<false>(data, tensors)
                                  : RunAveragePool(data, tensors, scratch);
  }
};

struct MaxPool {
  using Data = PoolData;

  static const TfLiteRegistration* Others() {
    return tflite::ops::micro::Register_MAX_POOL_2D_OTHERS();
  }

  static bool IsOurs(const Tensors& tensors) {
    return tensors.input->type == kTfLiteInt8 || IsShort(tensors.input);
  }

  static TfLiteStatus Fill(TfLiteContext* context, TfLiteNode* node, Data* data) {
    return FillPool(context, node, data);
  }

  static size_t Needs(const Data&, const Tensors&) { return 0; }

  static TfLiteStatus Invoke(const Data& data, const Tensors& tensors, void*) {
    return IsShort(tensors.input) ? PoolShort<true>(data, tensors) : RunMaxPool(data, tensors);
  }
};

// The root of the mean square; options by number, as TensorFlow of 2020 reads none of this
// operator.
TfLiteStatus L2Pool(const Node& node) {
  const TfLiteTensor* input = node.input(0);
  const TfLiteTensor* output = node.output();
  if (input->type != kTfLiteFloat32 || output->type != kTfLiteFloat32) return RefuseType(node);
  const int* in = input->dims->data;
  const int* out = output->dims->data;
  const int window_w = node.Option<int32_t>(3, 0), window_h = node.Option<int32_t>(4, 0);
  const int stride_w = node.Option<int32_t>(1, 0), stride_h = node.Option<int32_t>(2, 0);
  const auto padding = node.Option<int8_t>(0, 0) == 0 ? kTfLitePaddingSame : kTfLitePaddingValid;
  int height, width;
  const TfLitePaddingValues around = tflite::ComputePaddingHeightWidth(
      stride_h, stride_w, 1, 1, in[1], in[2], window_h, window_w, padding, &height, &width);
  const int fused = node.Option<int8_t>(5, 0);
  const float least = fused == 2 ? -1 : fused == 0 ? -INFINITY : 0;
  const float most = fused == 2 ? 1 : fused == 3 ? 6 : INFINITY;
  const float* picture = input->data.f;
  float* to = output->data.f;
  for (int batch = 0; batch < out[0]; ++batch, picture += in[1] * in[2] * in[3]) {
    for (int y = 0; y < out[1]; ++y) {
      const Extent rows(y, stride_h, around.height, window_h, in[1]);
      for (int x = 0; x < out[2]; ++x) {
        const Extent columns(x, stride_w, around.width, window_w, in[2]);
        const int count = (rows.end - rows.begin) * (columns.end - columns.begin);
        for (int channel = 0; channel < out[3]; ++channel) {
          float squares = 0;
          for (int row = rows.begin; row < rows.end; ++row) {
            const float* element = picture + (row * in[2] + columns.begin) * in[3] + channel;
            for (int column = columns.begin; column < columns.end; ++column, element += in[3])
              squares += *element * *element;
          }
          *to++ = Within(sqrtf(squares / count), least, most);
        }
      }
    }
  }
  return kTfLiteOk;
}

}  // namespace
}  // namespace simbench

SIMBENCH_KERNEL(L2_POOL_2D, Stateless<simbench::L2Pool>())

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
