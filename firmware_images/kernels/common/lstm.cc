// UNIDIRECTIONAL_SEQUENCE_LSTM without peepholes, projection and layer normalization, which is what
// Keras has: floats, and int8 or int16 with int8 weights and a cell of int16.
#include <cmath>
#include <cstring>

#include "kernels/common/dot.h"
#include "kernels/common/gates.h"
#include "kernels/common/node.h"
#include "kernels/common/rescale.h"

namespace simbench {
namespace {

// In the order of the operator's tensors.
enum { kInputGate, kForgetGate, kCellGate, kOutputGate, kGates };
enum Place {
  kInput = 0,
  kInputWeights = 1,  // of each gate, as are the next two
  kRecurrentWeights = 5,
  kPeepholes = 9,
  kBias = 12,
  kProjection = 16,
  kHidden = 18,  // the output of the step before
  kCell = 19,
  kNormalization = 20,
  kPlaces = 24,
};

constexpr double kGateScale = 1.0 / 4096;    // before its function: Q3.12
constexpr double kShareScale = 1.0 / 32768;  // after it: Q15

int32_t InShort(int32_t value) { return Within(value, -32768, 32767); }

int32_t Rescaled(int32_t sum, Scaling scaling) { return InShort(Rescale(sum, scaling)); }
int32_t Rescaled(int64_t sum, Scaling scaling) { return InShort(RescaleLong(sum, scaling)); }

struct LstmData {
  Scaling from_input[kGates], from_hidden[kGates];
  Scaling kept, added, out;  // forget gate x cell, input gate x cell gate, output gate x tanh
  Gate cell;
  int32_t input_offset, hidden_offset, hidden_zero, clip;
  float real_clip;
  bool is_time_major;
};

struct Lstm {
  using Data = LstmData;

  static TfLiteStatus Fill(const Node& node, LstmData* data) {
    for (int i = 0; i < kPlaces; ++i) {
      const bool is_variant = (i >= kPeepholes && i < kBias) || (i >= kProjection && i < kHidden) ||
                              i >= kNormalization;
      if (is_variant != (node.input(i) == nullptr))
        return node.Refuse("has peepholes, a projection or layer normalization, or lacks a gate");
    }
    data->is_time_major = node.Option<uint8_t>(3, 0) != 0;
    data->real_clip = node.Option<float>(1, 0.0f);
    const TfLiteType type = node.input(kInput)->type;
    const bool is_real = type == kTfLiteFloat32;
    if (node.output()->type != type || node.input(kHidden)->type != type ||
        node.input(kCell)->type != (is_real ? kTfLiteFloat32 : kTfLiteInt16) ||
        node.input(kInputWeights)->type != (is_real ? kTfLiteFloat32 : kTfLiteInt8)) {
      return RefuseType(node);
    }
    return is_real ? kTfLiteOk : FillScales(node, data);
  }

  static TfLiteStatus FillScales(const Node& node, LstmData* data) {
    const double hidden = ScaleAt(node, kHidden), cell = ScaleAt(node, kCell);
    for (int gate = 0; gate < kGates; ++gate) {
      data->from_input[gate] = ToGate(node, kInput, kInputWeights + gate);
      data->from_hidden[gate] = ToGate(node, kHidden, kRecurrentWeights + gate);
    }
    data->kept = ScalingOf(kShareScale * cell / cell);
    data->added = ScalingOf(kShareScale * kShareScale / cell);
    data->out = ScalingOf(kShareScale * kShareScale / hidden);
    int power;
    if (!tflite::CheckedLog2(node.input(kCell)->params.scale, &power))
      return node.Refuse("has a cell whose scale is no power of two");
    data->cell = Gate::OfPower(power);
    data->input_offset = -node.input(kInput)->params.zero_point;
    data->hidden_zero = node.input(kHidden)->params.zero_point;
    data->hidden_offset = -data->hidden_zero;
    const double clip = static_cast<double>(data->real_clip) / cell;
    data->clip = static_cast<int32_t>(clip < 32767.0 ? clip : 32767.0);
    return kTfLiteOk;
  }

  static float ScaleAt(const Node& node, int place) { return node.input(place)->params.scale; }

  // The product is a float, as in TensorFlow's GetQuantizedConvolutionMultipler.
  static Scaling ToGate(const Node& node, int element, int weight) {
    const double product = ScaleAt(node, element) * ScaleAt(node, weight);
    return ScalingOf(product / kGateScale);
  }

  static TfLiteStatus Run(const Node& node, const LstmData& data) {
    switch (node.input(kInput)->type) {
      case kTfLiteFloat32: return RunAll<float>(node, data, RealUnit);
      case kTfLiteInt8: return RunAll<int8_t>(node, data, IntegerUnit<int8_t, int32_t>);
      default: return RunAll<int16_t>(node, data, IntegerUnit<int16_t, int64_t>);
    }
  }

  // One step: the new output is made of the whole of the one before.
  template <typename T, typename Unit>
  static TfLiteStatus RunAll(const Node& node, const LstmData& data, Unit unit) {
    const int* in = node.input(kInput)->dims->data;
    const int32_t batches = in[data.is_time_major ? 1 : 0], times = in[data.is_time_major ? 0 : 1];
    const int32_t units = node.input(kInputWeights)->dims->data[0];
    const T* input = tflite::GetTensorData<T>(node.input(kInput));
    T* output = tflite::GetTensorData<T>(node.output());
    for (int32_t batch = 0; batch < batches; ++batch) {
      T* hidden = reinterpret_cast<T*>(node.input(kHidden)->data.raw) + batch * units;
      for (int32_t time = 0; time < times; ++time) {
        const int32_t row = data.is_time_major ? time * batches + batch : batch * times + time;
        T* to = output + row * units;
        for (int32_t i = 0; i < units; ++i) {
          to[i] = unit(node, data, input + row * in[2], hidden, i, batch * units + i);
        }
        memcpy(hidden, to, units * sizeof(T));
      }
    }
    return kTfLiteOk;
  }

  template <typename T, typename Sum>
  static int32_t IntegerGate(const Node& node, const LstmData& data, const T* input,
                             const T* hidden, int gate, int32_t unit) {
    const TfLiteTensor* weights = node.input(kInputWeights + gate);
    const TfLiteTensor* recurrent = node.input(kRecurrentWeights + gate);
    const int32_t depth = weights->dims->data[1], units = recurrent->dims->data[1];
    const Sum bias = reinterpret_cast<const Sum*>(node.input(kBias + gate)->data.raw)[unit];
    const Sum from_input =
        bias + Dot<Sum>(input, weights->data.int8 + unit * depth, depth, data.input_offset);
    const Sum from_hidden =
        Dot<Sum>(hidden, recurrent->data.int8 + unit * units, units, data.hidden_offset);
    return InShort(Rescaled(from_input, data.from_input[gate]) +
                   Rescaled(from_hidden, data.from_hidden[gate]));
  }

  template <typename T, typename Sum>
  static T IntegerUnit(const Node& node, const LstmData& data, const T* input, const T* hidden,
                       int32_t unit, int32_t at) {
    const Gate gate = Gate::OfPower(-12);
    const auto value = [&](int which) {
      return gate.StepsOf(IntegerGate<T, Sum>(node, data, input, hidden, which, unit));
    };
    int16_t& cell = node.input(kCell)->data.i16[at];
    const int32_t kept = InShort(Rescale(LogisticOf(value(kForgetGate)) * cell, data.kept));
    const int32_t added =
        InShort(Rescale(LogisticOf(value(kInputGate)) * TanhOf(value(kCellGate)), data.added));
    int32_t next = InShort(kept + added);
    if (data.real_clip > 0) next = Within(next, -data.clip, data.clip);
    cell = static_cast<int16_t>(next);
    const int32_t out =
        Rescale(TanhOf(data.cell.StepsOf(next)) * LogisticOf(value(kOutputGate)), data.out) +
        data.hidden_zero;
    constexpr int32_t kMost = sizeof(T) == 1 ? 127 : 32767;
    return static_cast<T>(Within(out, -kMost - 1, kMost));
  }

  static float RealGate(const Node& node, const float* input, const float* hidden, int gate,
                        int32_t unit) {
    const TfLiteTensor* weights = node.input(kInputWeights + gate);
    const TfLiteTensor* recurrent = node.input(kRecurrentWeights + gate);
    const int32_t depth = weights->dims->data[1], units = recurrent->dims->data[1];
    const float* of_input = weights->data.f + unit * depth;
    const float* of_hidden = recurrent->data.f + unit * units;
    float from_input = 0, from_hidden = 0;
    for (int32_t i = 0; i < depth; ++i) from_input += input[i] * of_input[i];
    for (int32_t i = 0; i < units; ++i) from_hidden += hidden[i] * of_hidden[i];
    return from_input + node.input(kBias + gate)->data.f[unit] + from_hidden;
  }

  static float RealUnit(const Node& node, const LstmData& data, const float* input,
                        const float* hidden, int32_t unit, int32_t at) {
    const auto logistic = [&](int which) {
      return 1.0f / (1.0f + expf(-RealGate(node, input, hidden, which, unit)));
    };
    float& cell = node.input(kCell)->data.f[at];
    float next = logistic(kForgetGate) * cell +
                 logistic(kInputGate) * tanhf(RealGate(node, input, hidden, kCellGate, unit));
    if (data.real_clip > 0) next = Within(next, -data.real_clip, data.real_clip);
    cell = next;
    return logistic(kOutputGate) * tanhf(next);
  }
};

}  // namespace
}  // namespace simbench

SIMBENCH_KERNEL(UNIDIRECTIONAL_SEQUENCE_LSTM, Stateful<simbench::Lstm>::Registration())
