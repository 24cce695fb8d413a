// LOG_SOFTMAX along the last dimension: TensorFlow's loops.
#include <cmath>
#include <limits>

#include "kernels/common/node.h"
#include "tensorflow/lite/kernels/internal/common.h"
#include "tensorflow/lite/kernels/internal/quantization_util.h"
#include "tensorflow/lite/kernels/internal/reference/integer_ops/log_softmax.h"

// TensorFlow's logarithm calls it with an int, which on this machine is another type than int32_t.
template <>
inline int tflite::SaturatingRoundingMultiplyByPOTParam<int>(int x, int exponent) {
  return static_cast<int>(
      SaturatingRoundingMultiplyByPOTParam<int32_t>(static_cast<int32_t>(x), exponent));
}

namespace simbench {
namespace {

struct LogSoftmaxData {
  int32_t multiplier, shift, reverse_multiplier, reverse_shift, least_difference;
};

struct LogSoftmax {
  using Data = LogSoftmaxData;

  static TfLiteStatus Fill(const Node& node, LogSoftmaxData* data) {
    const TfLiteTensor* input = node.input(0);
    const TfLiteTensor* output = node.output();
    if (output->type != input->type || output->bytes != input->bytes) return RefuseType(node);
    if (input->type == kTfLiteFloat32) return kTfLiteOk;
    if (input->type != kTfLiteInt8) return RefuseType(node);
    if (output->params.scale != 16.0f / 256 || output->params.zero_point != 127)
      return node.Refuse(
          "has an output of another scale than 1/16, or another zero point than 127");
    constexpr int kIntegerBits = 5;
    int shift, reverse_shift;
    tflite::PreprocessLogSoftmaxScalingExp(1.0, static_cast<double>(input->params.scale),
                                           kIntegerBits, &data->multiplier, &shift,
                                           &data->reverse_multiplier, &reverse_shift);
    data->shift = shift;
    data->reverse_shift = -reverse_shift;
    data->least_difference = -tflite::CalculateInputRadius(kIntegerBits, shift);
    return kTfLiteOk;
  }

  static void RunRow(const float* from, float* to, int32_t depth) {
    float largest = std::numeric_limits<float>::lowest(), sum = 0;
    for (int32_t i = 0; i < depth; ++i) largest = from[i] > largest ? from[i] : largest;
    for (int32_t i = 0; i < depth; ++i) sum += expf(from[i] - largest);
    const float log_sum = logf(sum);
    for (int32_t i = 0; i < depth; ++i) to[i] = from[i] - largest - log_sum;
  }

  static TfLiteStatus Run(const Node& node, const LogSoftmaxData& data) {
    const TfLiteIntArray* dims = node.input(0)->dims;
    const int32_t total = tflite::NumElements(dims);
    const int32_t depth = dims->size == 0 ? 1 : dims->data[dims->size - 1];
    if (total == 0) return kTfLiteOk;
    if (node.input(0)->type == kTfLiteInt8) {
      tflite::reference_integer_ops::LogSoftmax(data.multiplier, data.shift,
                                                data.reverse_multiplier, data.reverse_shift,
                                                data.least_difference, total / depth, depth,
                                                node.input(0)->data.int8, node.output()->data.int8);
      return kTfLiteOk;
    }
    for (int32_t at = 0; at < total; at += depth)
      RunRow(node.input(0)->data.f + at, node.output()->data.f + at, depth);
    return kTfLiteOk;
  }
};

}  // namespace
}  // namespace simbench

SIMBENCH_KERNEL(LOG_SOFTMAX, Stateful<simbench::LogSoftmax>::Registration())
