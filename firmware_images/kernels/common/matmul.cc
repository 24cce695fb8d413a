// Products of two tensors that are both computed, and convolution backwards.
#include <limits>

#include "kernels/common/copy.h"
#include "kernels/common/dot.h"
#include "kernels/common/node.h"
#include "kernels/common/rescale.h"
#include "tensorflow/lite/kernels/padding.h"

namespace simbench {
namespace {

template <typename T>
struct SumOf {
  using Type = int32_t;
  static int8_t Finish(int32_t sum, Scaling scaling, int32_t zero, int32_t least, int32_t most) {
    return static_cast<int8_t>(Within(Rescale(sum, scaling) + zero, least, most));
  }
};

template <>
struct SumOf<int16_t> {
  using Type = int64_t;
  static int16_t Finish(int64_t sum, Scaling scaling, int32_t zero, int32_t least, int32_t most) {
    return static_cast<int16_t>(Within(RescaleLong(sum, scaling) + zero, least, most));
  }
};

template <>
struct SumOf<float> {
  using Type = float;
  static float Finish(float sum, Scaling, int32_t, int32_t, int32_t) { return sum; }
};

struct BatchMatMul {
  using Data = Scaling;

  static TfLiteStatus Fill(const Node& node, Scaling* scaling) {
    const TfLiteTensor *a = node.input(0), *b = node.input(1), *out = node.output();
    const bool has_type =
        a->type == kTfLiteFloat32 || a->type == kTfLiteInt8 || a->type == kTfLiteInt16;
    if (!has_type || b->type != a->type || out->type != a->type) return RefuseType(node);
    if (a->type != kTfLiteFloat32) {
      *scaling = ScalingOf(static_cast<double>(a->params.scale * b->params.scale) /
                           static_cast<double>(out->params.scale));
    }
    return kTfLiteOk;
  }

  // Of two matrices; strides are in elements.
  struct Sizes { int32_t rows, columns, depth, a_row, a_depth, b_column, b_depth; };

  template <typename T>
  static void Multiply(const Sizes& sizes, const T* a, const T* b, T* out, int32_t a_zero,
                       int32_t b_zero, Scaling scaling, int32_t out_zero) {
    constexpr bool kIsReal = std::is_same<T, float>::value;
    const int32_t least = kIsReal ? 0 : std::numeric_limits<T>::min(),
                  most = kIsReal ? 0 : std::numeric_limits<T>::max();
    using Sum = typename SumOf<T>::Type;
    const T one = 1;
    for (int32_t row = 0; row < sizes.rows; ++row, a += sizes.a_row) {
      // what the zero of b takes from each product is the same in the whole row
      const Sum taken =
          b_zero == 0 ? 0 : b_zero * Dot<Sum>(a, sizes.a_depth, &one, 0, sizes.depth, -a_zero);
      for (int32_t column = 0; column < sizes.columns; ++column) {
        const T* right = b + column * sizes.b_column;
        const Sum sum =
            sizes.a_depth == 1 && sizes.b_depth == 1
                ? Dot<Sum>(a, right, sizes.depth, -a_zero)
                : Dot<Sum>(a, sizes.a_depth, right, sizes.b_depth, sizes.depth, -a_zero);
        *out++ = SumOf<T>::Finish(sum - taken, scaling, out_zero, least, most);
      }
    }
  }

  static TfLiteStatus Run(const Node& node, const Scaling& scaling) {
    switch (node.output()->type) {
      case kTfLiteFloat32: return RunBatches<float>(node, scaling);
      case kTfLiteInt8: return RunBatches<int8_t>(node, scaling);
      default: return RunBatches<int16_t>(node, scaling);
    }
  }

  template <typename T>
  static TfLiteStatus RunBatches(const Node& node, Scaling scaling) {
    const int rank = node.output()->dims->size;
    const Shape out = ShapeOf(node.output()), a = ShapeOf(node.input(0), rank),
                b = ShapeOf(node.input(1), rank);
    if (rank < 2 || out.rank != rank || a.rank != rank || b.rank != rank) return RefuseType(node);
    const bool a_turned = node.Option<uint8_t>(0, 0) != 0,
               b_turned = node.Option<uint8_t>(1, 0) != 0;
    const int last = rank - 1, before = rank - 2;
    const int a_rows = a_turned ? last : before, a_depth = a_turned ? before : last;
    const int b_columns = b_turned ? before : last, b_depth = b_turned ? last : before;
    const Sizes sizes = {out.size[before],  out.size[last],      a.size[a_depth],  a.stride[a_rows],
                         a.stride[a_depth], b.stride[b_columns], b.stride[b_depth]};
    if (a.size[a_rows] != sizes.rows || b.size[b_columns] != sizes.columns ||
        b.size[b_depth] != sizes.depth) {
      return node.Refuse("has matrices that do not fit together");
    }
    T* to = tflite::GetTensorData<T>(node.output());
    const int32_t matrix = sizes.rows * sizes.columns, total = out.Elements();
    for (int32_t at = 0; at < total; at += matrix, to += matrix) {
      int32_t of_a = 0, of_b = 0;
      for (int i = 0; i < before; ++i) {
        const int32_t index = at / out.stride[i] % out.size[i];
        if (a.size[i] > 1) of_a += index * a.stride[i];
        if (b.size[i] > 1) of_b += index * b.stride[i];
      }
      Multiply<T>(sizes, tflite::GetTensorData<T>(node.input(0)) + of_a,
                  tflite::GetTensorData<T>(node.input(1)) + of_b, to,
                  node.input(0)->params.zero_point, node.input(1)->params.zero_point, scaling,
                  node.output()->params.zero_point);
    }
    return kTfLiteOk;
  }
};

// Each element of the output gathers from the input what the references scatter to it, in their
// order: it takes no memory for sums.
struct TransposeConv {
  struct Data {
    int32_t* multiplier;  // one a channel, as is the next
    int32_t* shift;
    int32_t row_stride, column_stride, row_padding, column_padding;
    int32_t least, most;
    float least_real, most_real;
  };

  static constexpr int kFilter = 1, kInput = 2, kBias = 3;

  static TfLiteStatus Fill(const Node& node, Data* data) {
    const TfLiteTensor *input = node.input(kInput), *filter = node.input(kFilter),
                       *bias = node.input(kBias);
    TfLiteTensor* output = node.output();
    const TfLiteType weights = input->type == kTfLiteFloat32 ? kTfLiteFloat32 : kTfLiteInt8;
    if (output->type != input->type || filter->type != weights) return RefuseType(node);
    data->column_stride = node.Option<int32_t>(1, 0);
    data->row_stride = node.Option<int32_t>(2, 0);
    const TfLitePadding padding =
        node.Option<int8_t>(0, 0) == 0 ? kTfLitePaddingSame : kTfLitePaddingValid;
    int unused_height, unused_width;
    const TfLitePaddingValues values = tflite::ComputePaddingHeightWidth(
        data->row_stride, data->column_stride, /*dilation_rate_height=*/1,
        /*dilation_rate_width=*/1, output->dims->data[1], output->dims->data[2],
        filter->dims->data[1], filter->dims->data[2], padding, &unused_height, &unused_width);
    data->row_padding = values.height;
    data->column_padding = values.width;
    const int fused = node.Option<int8_t>(3, 0);
    const TfLiteFusedActivation activation = fused == 1   ? kTfLiteActRelu
                                             : fused == 2 ? kTfLiteActRelu1
                                             : fused == 3 ? kTfLiteActRelu6
                                                          : kTfLiteActNone;
    if (input->type == kTfLiteFloat32) {
      tflite::CalculateActivationRange(activation, &data->least_real, &data->most_real);
      return kTfLiteOk;
    }
    const int channels = filter->dims->data[0];
    data->multiplier = AllocatePersistent<int32_t>(node.context(), channels);
    data->shift = AllocatePersistent<int32_t>(node.context(), channels);
    if (data->multiplier == nullptr || data->shift == nullptr) return kTfLiteError;
    int32_t unused_multiplier;
    int unused_shift;
    return tflite::PopulateConvolutionQuantizationParams(
        node.context(), input, filter, bias, output, activation, &unused_multiplier, &unused_shift,
        &data->least, &data->most, data->multiplier, reinterpret_cast<int*>(data->shift), channels);
  }

  static TfLiteStatus Run(const Node& node, const Data& data) {
    switch (node.input(kInput)->type) {
      case kTfLiteFloat32: return Gather<float, float>(node, data);
      case kTfLiteInt8: return Gather<int8_t, int8_t>(node, data);
      default: return Gather<int16_t, int8_t>(node, data);
    }
  }

  template <typename T, typename Sum>
  static T Finish(const Data& d, Sum sum, const TfLiteTensor* bias, int32_t channel, int32_t zero) {
    if (bias != nullptr) sum += reinterpret_cast<const Sum*>(bias->data.raw)[channel];
    if constexpr (std::is_same<T, float>::value) {
      return sum < d.least_real ? d.least_real : sum > d.most_real ? d.most_real : sum;
    } else {
      return SumOf<T>::Finish(sum, {d.multiplier[channel], d.shift[channel]}, zero, d.least,
                              d.most);
    }
  }

  template <typename T, typename W>
  static TfLiteStatus Gather(const Node& node, const Data& data) {
    using Sum = typename SumOf<T>::Type;
    const Data d = data;
    const TfLiteTensor* bias = node.input(kBias);
    const int* in = node.input(kInput)->dims->data;
    const int* filter = node.input(kFilter)->dims->data;
    const int* out = node.output()->dims->data;
    const T* picture = tflite::GetTensorData<T>(node.input(kInput));
    const W* weights = tflite::GetTensorData<W>(node.input(kFilter));
    const int32_t zero = node.input(kInput)->params.zero_point,
                  out_zero = node.output()->params.zero_point;
    const int32_t depth = in[3], channel_step = filter[1] * filter[2] * depth,
                  row_step = d.row_stride * filter[2] * depth,
                  column_step = d.column_stride * depth;
    T* to = tflite::GetTensorData<T>(node.output());
    for (int32_t batch = 0; batch < out[0]; ++batch, picture += in[1] * in[2] * depth) {
      for (int32_t y = 0; y < out[1]; ++y) {
        const Meets rows(y, d.row_padding, d.row_stride, filter[1], in[1]);
        for (int32_t x = 0; x < out[2]; ++x) {
          const Meets columns(x, d.column_padding, d.column_stride, filter[2], in[2]);
          const T* first = picture + (rows.first * in[2] + columns.first) * depth;
          const W* of_channel =
              weights +
              (rows.FilterAt(d.row_stride) * filter[2] + columns.FilterAt(d.column_stride)) * depth;
          for (int32_t channel = 0; channel < out[3]; channel += kChannels) {
            const int32_t channels = out[3] - channel < kChannels ? out[3] - channel : kChannels;
            Sum sums[kChannels] = {};
            const T* row_elements = first;
            const W* row_weights = of_channel;
            for (int32_t row = rows.first; row < rows.end; ++row) {
              const T* element = row_elements;
              const W* weight = row_weights;
              for (int32_t column = columns.first; column < columns.end; ++column) {
                AddDots<Sum>(element, weight, channel_step, channels, depth, -zero, sums);
                element += depth;
                weight -= column_step;
              }
              row_elements += in[2] * depth;
              row_weights -= row_step;
            }
            for (int32_t i = 0; i < channels; ++i)
              *to++ = Finish<T>(d, sums[i], bias, channel + i, out_zero);
            of_channel += channels * channel_step;
          }
        }
      }
    }
    return kTfLiteOk;
  }

  // Along one dimension, the entries of the input whose filter reaches an entry of the output; the
  // filter's entry is `origin` less the stride for each.
  struct Meets {
    int32_t origin, first, end;

    Meets(int32_t output, int32_t padding, int32_t stride, int32_t filter, int32_t size)
        : origin(output + padding) {
      first = origin < filter ? 0 : (origin - filter) / stride + 1;
      end = origin / stride + 1;
      if (end > size) end = size;
    }

    // The filter's entry that meets the first of the input's.
    int32_t FilterAt(int32_t stride) const { return origin - first * stride; }
  };
};

}  // namespace
}  // namespace simbench

SIMBENCH_KERNEL(BATCH_MATMUL, Stateful<simbench::BatchMatMul>::Registration())
SIMBENCH_KERNEL(TRANSPOSE_CONV, Stateful<simbench::TransposeConv>::Registration())
