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

// A window of the picture: where its entries meet the filter, and its first element there.
template <typename T>
struct Window {
  Reach rows, columns;
  const T* first;
  T* output;  // of its first channel
};

template <typename T, typename Act>
void EachWindow(const tflite::ConvParams& params, const Tensors& tensors, const Act& act) {
  const int* in = tensors.input->dims->data;
  const int* filter = tensors.filter->dims->data;
  const int* out = tensors.output->dims->data;
  const T* picture = reinterpret_cast<const T*>(tensors.input->data.raw);
  T* output = reinterpret_cast<T*>(tensors.output->data.raw);
  for (int32_t batch = 0; batch < out[0]; ++batch, picture += in[1] * in[2] * in[3]) {
    for (int32_t y = 0; y < out[1]; ++y) {
      const Reach rows(y, params.stride_height, params.padding_values.height,
                       params.dilation_height_factor, filter[1], in[1]);
      for (int32_t x = 0; x < out[2]; ++x, output += out[3]) {
        const Reach columns(x, params.stride_width, params.padding_values.width,
                            params.dilation_width_factor, filter[2], in[2]);
        const T* first = picture + (rows.picture * in[2] + columns.picture) * in[3];
        act(Window<T>{rows, columns, first, output});
      }
    }
  }
}

// Without groups and gaps a row of the window is one run in both memories.
bool IsRun(const tflite::ConvParams& params, const Tensors& tensors) {
  return tensors.filter->dims->data[3] == tensors.input->dims->data[3] &&
         params.dilation_width_factor == 1;
}

template <typename T, typename Acc>
TfLiteStatus ConvolveRuns(const ConvData& data, const Tensors& tensors) {
  const int* filter = tensors.filter->dims->data;
  const int32_t channels = tensors.output->dims->data[3], depth = filter[3];
  const int32_t step = data.params.dilation_height_factor * tensors.input->dims->data[2] * depth;
  EachWindow<T>(data.params, tensors, [&](const Window<T>& window) {
    const int32_t count = (window.columns.end - window.columns.begin) * depth;
    for (int32_t channel = 0; channel < channels; ++channel) {
      Acc total = BiasOf<Acc>(tensors, channel);
      const int32_t row = channel * filter[1] + window.rows.begin;
      const int8_t* weight =
          tensors.filter->data.int8 + (row * filter[2] + window.columns.begin) * depth;
      const T* element = window.first;
      for (int32_t left = window.rows.end - window.rows.begin; left > 0; --left) {
        if (count > 0) total += Dot<Acc>(element, weight, count, data.params.input_offset);
        element += step;
        weight += filter[2] * depth;
      }
      window.output[channel] = Finish<T>(data, channel, total);
    }
  });
  return kTfLiteOk;
}

// A group's part of the window in the filter's order; what is outside the picture counts as zero.
template <typename T>
void Gather(const ConvData& data, const Tensors& tensors, const Window<T>& window, int32_t group,
            T* gathered) {
  const int* in = tensors.input->dims->data;
  const int* filter = tensors.filter->dims->data;
  const int32_t depth = filter[3];
  const T zero = static_cast<T>(-data.params.input_offset);
  const T* row_start = window.first + group * depth;
  for (int32_t row = 0; row < filter[1]; ++row) {
    const bool is_in = row >= window.rows.begin && row < window.rows.end;
    const T* element = row_start;
    for (int32_t column = 0; column < filter[2]; ++column, gathered += depth) {
      if (is_in && column >= window.columns.begin && column < window.columns.end) {
        for (int32_t i = 0; i < depth; ++i) gathered[i] = element[i];
        element += data.params.dilation_width_factor * in[3];
      } else {
        for (int32_t i = 0; i < depth; ++i) gathered[i] = zero;
      }
    }
    if (is_in) row_start += data.params.dilation_height_factor * in[2] * in[3];
  }
}

template <typename T, typename Acc>
TfLiteStatus ConvolveGathered(const ConvData& data, const Tensors& tensors, T* gathered) {
  const int* filter = tensors.filter->dims->data;
  const int32_t count = filter[1] * filter[2] * filter[3];
  const int32_t groups = tensors.input->dims->data[3] / filter[3];
  const int32_t per_group = tensors.output->dims->data[3] / groups;
  EachWindow<T>(data.params, tensors, [&](const Window<T>& window) {
    for (int32_t group = 0, channel = 0; group < groups; ++group) {
      Gather(data, tensors, window, group, gathered);
      for (int32_t left = per_group; left > 0; --left, ++channel) {
        const int8_t* weights = tensors.filter->data.int8 + channel * count;
        const Acc total = BiasOf<Acc>(tensors, channel) +
                          Dot<Acc>(gathered, weights, count, data.params.input_offset);
        window.output[channel] = Finish<T>(data, channel, total);
      }
    }
  });
  return kTfLiteOk;
}

// Sums are made in the references' order, so that they are the same to the last bit.
TfLiteStatus ConvolveFloat(const ConvData& data, const Tensors& tensors) {
  const auto params = data.params;
  const int* filter = tensors.filter->dims->data;
  const int32_t channels = tensors.output->dims->data[3], depth = filter[3];
  const int32_t per_group = channels / (tensors.input->dims->data[3] / depth);
  const int32_t column_step = params.dilation_width_factor * tensors.input->dims->data[3],
                row_step = params.dilation_height_factor * tensors.input->dims->data[2] *
                           tensors.input->dims->data[3];
  EachWindow<float>(params, tensors, [&](const Window<float>& window) {
    for (int32_t channel = 0; channel < channels; ++channel) {
      float total = 0;
      const float* start = window.first + channel / per_group * depth;
      for (int32_t row = window.rows.begin; row < window.rows.end; ++row, start += row_step) {
        const int32_t at = (channel * filter[1] + row) * filter[2] + window.columns.begin;
        const float* weight = tensors.filter->data.f + at * depth;
        const float* element = start;
        for (int32_t left = window.columns.end - window.columns.begin; left > 0;
             --left, element += column_step) {
          for (int32_t i = 0; i < depth; ++i) total += element[i] * *weight++;
        }
      }
      if (tensors.bias != nullptr) total += tensors.bias->data.f[channel];
      window.output[channel] =
          Within(total, params.float_activation_min, params.float_activation_max);
    }
  });
  return kTfLiteOk;
}

template <typename T, typename Acc>
TfLiteStatus Convolve(const ConvData& data, const Tensors& tensors, void* scratch) {
  return IsRun(data.params, tensors)
             ? ConvolveRuns<T, Acc>(data, tensors)
             : ConvolveGathered<T, Acc>(data, tensors, static_cast<T*>(scratch));
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

size_t PlainScratchBytes(const ConvData& data, const Tensors& tensors) {
  if (tensors.input->type == kTfLiteFloat32 || IsRun(data.params, tensors)) return 0;
  const int* filter = tensors.filter->dims->data;
  const size_t bytes = tensors.input->type == kTfLiteInt8 ? sizeof(int8_t) : sizeof(int16_t);
  return filter[1] * filter[2] * filter[3] * bytes;
}

TfLiteStatus RunPlain(const ConvData& data, const Tensors& tensors, void* scratch) {
  if (tensors.input->type == kTfLiteFloat32) return ConvolveFloat(data, tensors);
  if (tensors.input->type == kTfLiteInt8) return Convolve<int8_t, int32_t>(data, tensors, scratch);
  return IsLong(tensors) ? Convolve<int16_t, int64_t>(data, tensors, scratch)
                         : Convolve<int16_t, int32_t>(data, tensors, scratch);
}

TfLiteStatus RunPlain(const DepthwiseConvData& data, const Tensors& tensors, void*) {
  return IsLong(tensors) ? ConvolveDepthwise<int64_t>(data, tensors)
                         : ConvolveDepthwise<int32_t>(data, tensors);
}

TfLiteStatus RunPlain(const FullyConnectedData& data, const Tensors& tensors) {
  return IsLong(tensors) ? Multiply<int64_t>(data, tensors) : Multiply<int32_t>(data, tensors);
}

}  // namespace simbench
