#include "kernels/common/plain_conv.h"

#include "kernels/common/dot.h"
#include "kernels/common/rescale.h"

namespace simbench {
namespace {

// Along one dimension, the entries of the filter that meet the picture, and where the first meets
// it.
struct Reach {
  int32_t begin, end, picture;

  Reach(int32_t output, int32_t stride, int32_t padding, int32_t dilation, int32_t filter,
        int32_t size) {
    const int32_t origin = output * stride - padding;
    begin = origin < 0 ? (-origin + dilation - 1) / dilation : 0;
    end = origin >= size ? begin : (size - origin + dilation - 1) / dilation;
    if (end > filter) end = filter;
    picture = origin + begin * dilation;
  }
};

template <typename Acc>
Acc BiasOf(const Tensors& tensors, int32_t channel) {
  return tensors.bias == nullptr ? 0
                                 : reinterpret_cast<const Acc*>(tensors.bias->data.raw)[channel];
}

int32_t Rescaled(int32_t total, Scaling scaling) { return Rescale(total, scaling); }
int32_t Rescaled(int64_t total, Scaling scaling) { return RescaleLong(total, scaling); }

template <typename T, typename Acc, typename Data>
T Finish(const Data& data, int32_t channel, Acc total) {
  const int32_t value = Rescaled(total, Scaling{data.multiplier[channel], data.shift[channel]}) +
                        data.params.output_offset;
  return static_cast<T>(
      Within(value, data.params.quantized_activation_min, data.params.quantized_activation_max));
}

template <typename T, typename Acc>
TfLiteStatus Convolve(const ConvData& data, const Tensors& tensors) {
  const auto params = data.params;
  const int* in = tensors.input->dims->data;
  const int* filter = tensors.filter->dims->data;
  const int* out = tensors.output->dims->data;
  const int32_t depth = filter[3], per_group = out[3] / (in[3] / depth);
  // without groups and gaps, a row of the window is one run in both memories
  const bool is_run = depth == in[3] && params.dilation_width_factor == 1;
  const T* picture = reinterpret_cast<const T*>(tensors.input->data.raw);
  T* to = reinterpret_cast<T*>(tensors.output->data.raw);
  for (int32_t batch = 0; batch < out[0]; ++batch, picture += in[1] * in[2] * in[3]) {
    for (int32_t y = 0; y < out[1]; ++y) {
      const Reach rows(y, params.stride_height, params.padding_values.height,
                       params.dilation_height_factor, filter[1], in[1]);
      for (int32_t x = 0; x < out[2]; ++x) {
        const Reach columns(x, params.stride_width, params.padding_values.width,
                            params.dilation_width_factor, filter[2], in[2]);
        const int32_t width = columns.end - columns.begin;
        for (int32_t channel = 0; channel < out[3]; ++channel) {
          Acc total = BiasOf<Acc>(tensors, channel);
          const T* first = picture + (rows.picture * in[2] + columns.picture) * in[3] +
                           channel / per_group * depth;
          const int8_t* weights =
              tensors.filter->data.int8 + channel * filter[1] * filter[2] * depth;
          for (int32_t row = rows.begin; row < rows.end;
               ++row, first += params.dilation_height_factor * in[2] * in[3]) {
            const int8_t* weight = weights + (row * filter[2] + columns.begin) * depth;
            const T* element = first;
            for (int32_t left = is_run ? 1 : width; left > 0 && width > 0; --left) {
              total +=
                  Dot<Acc>(element, weight, is_run ? width * depth : depth, params.input_offset);
              element += params.dilation_width_factor * in[3];
              weight += depth;
            }
          }
          *to++ = Finish<T>(data, channel, total);
        }
      }
    }
  }
  return kTfLiteOk;
}

template <typename Acc>
TfLiteStatus ConvolveDepthwise(const DepthwiseConvData& data, const Tensors& tensors) {
  const auto params = data.params;
  const int* in = tensors.input->dims->data;
  const int* filter = tensors.filter->dims->data;
  const int* out = tensors.output->dims->data;
  const int32_t row_step = params.dilation_height_factor * in[2] * in[3],
                column_step = params.dilation_width_factor * in[3];
  const int16_t* picture = tensors.input->data.i16;
  int16_t* to = tensors.output->data.i16;
  for (int32_t batch = 0; batch < out[0]; ++batch, picture += in[1] * in[2] * in[3]) {
    for (int32_t y = 0; y < out[1]; ++y) {
      const Reach rows(y, params.stride_height, params.padding_values.height,
                       params.dilation_height_factor, filter[1], in[1]);
      for (int32_t x = 0; x < out[2]; ++x) {
        const Reach columns(x, params.stride_width, params.padding_values.width,
                            params.dilation_width_factor, filter[2], in[2]);
        for (int32_t channel = 0; channel < out[3]; ++channel) {
          Acc total = BiasOf<Acc>(tensors, channel);
          const int16_t* first = picture + (rows.picture * in[2] + columns.picture) * in[3] +
                                 channel / params.depth_multiplier;
          for (int32_t row = rows.begin; row < rows.end; ++row, first += row_step) {
            const int8_t* weight =
                tensors.filter->data.int8 + (row * filter[2] + columns.begin) * out[3] + channel;
            const int16_t* element = first;
            for (int32_t left = columns.end - columns.begin; left > 0;
                 --left, element += column_step, weight += out[3]) {
              total += *element * *weight;
            }
          }
          *to++ = Finish<int16_t>(data, channel, total);
        }
      }
    }
  }
  return kTfLiteOk;
}

template <typename Acc>
TfLiteStatus Multiply(const FullyConnectedData& data, const Tensors& tensors) {
  const auto params = data.params;
  const int16_t* input = tensors.input->data.i16;
  int16_t* to = tensors.output->data.i16;
  for (int32_t batch = 0; batch < data.batches; ++batch, input += data.input_depth) {
    const int8_t* weights = tensors.filter->data.int8;
    for (int32_t channel = 0; channel < data.output_depth; ++channel, weights += data.input_depth) {
      const Acc total =
          BiasOf<Acc>(tensors, channel) + Dot<Acc>(input, weights, data.input_depth, 0);
      const int32_t value = Rescaled(total, Scaling{data.multiplier[channel], data.shift[channel]});
      *to++ = static_cast<int16_t>(
          Within(value, params.quantized_activation_min, params.quantized_activation_max));
    }
  }
  return kTfLiteOk;
}

// What the bias has decides how the sum is kept, and with it how the result is rounded.
bool IsLong(const Tensors& tensors) {
  return tensors.bias == nullptr || tensors.bias->type == kTfLiteInt64;
}

}  // namespace

TfLiteStatus RunPlain(const ConvData& data, const Tensors& tensors) {
  if (tensors.input->type == kTfLiteInt8) return Convolve<int8_t, int32_t>(data, tensors);
  return IsLong(tensors) ? Convolve<int16_t, int64_t>(data, tensors)
                         : Convolve<int16_t, int32_t>(data, tensors);
}

TfLiteStatus RunPlain(const DepthwiseConvData& data, const Tensors& tensors) {
  return IsLong(tensors) ? ConvolveDepthwise<int64_t>(data, tensors)
                         : ConvolveDepthwise<int32_t>(data, tensors);
}

TfLiteStatus RunPlain(const FullyConnectedData& data, const Tensors& tensors) {
  return IsLong(tensors) ? Multiply<int64_t>(data, tensors) : Multiply<int32_t>(data, tensors);
}

}  // namespace simbench
