// Activations of int16, by tables in between whose entries it is interpolated.
#include <limits>

#include "kernels/common/gates.h"
#include "kernels/common/node.h"
#include "kernels/common/rescale.h"

namespace tflite::ops::micro {

TfLiteRegistration* Register_LOGISTIC_OTHERS();  // TensorFlow's, renamed by the build
TfLiteRegistration* Register_SOFTMAX_OTHERS();
TfLiteRegistration* Register_TANH_OTHERS();

}  // namespace tflite::ops::micro

namespace simbench {
namespace {

// e to the power of x for tables made by the compiler, x not above 0: the series of a small part,
// squared.
constexpr double Exp(double x) {
  constexpr int kSquarings = 8;
  const double part = x / (1 << kSquarings);
  double term = 1, sum = 1;
  for (int i = 1; i < 16; ++i) sum += term *= part / i;
  for (int i = 0; i < kSquarings; ++i) sum *= sum;
  return sum;
}

constexpr double Round(double x) {
  return static_cast<double>(static_cast<int64_t>(x < 0 ? x - 0.5 : x + 0.5));
}

constexpr int kSteps = 512;

// A function over the whole range of int16 in Q15, each entry moved so that the error in the middle
// between it and the next is halved.
struct Table {
  int16_t entry[kSteps + 1] = {};

  constexpr Table(double (*function)(double), double least, double most) {
    const double step = (most - least) / kSteps;
    for (int i = 0; i < kSteps; ++i) {
      const double here = Round(function(least + i * step) * 32768),
                   next = function(least + (i + 1) * step) * 32768;
      const double middle = Round(function(least + i * step + step / 2) * 32768);
      entry[i] = Limit(here - Round((Round((next + here) / 2) - middle) / 2));
    }
    entry[kSteps] = Limit(Round(function(most) * 32768));
  }

  static constexpr int16_t Limit(double value) {
    return static_cast<int16_t>(value > 32767 ? 32767 : value < -32768 ? -32768 : value);
  }

  int32_t At(int32_t value) const {
    const int32_t i = 256 + (value >> 7);
    return entry[i] + (((entry[i + 1] - entry[i]) * (value & 0x7F) + 64) >> 7);
  }
};

constexpr double OneOverOnePlus(double x) { return 1 / (1 + x); }

constexpr Table kExp(Exp, -10, 0);
constexpr Table kReciprocal(OneOverOnePlus, 0, 1);

int32_t InShort(int32_t value) { return Within(value, -32768, 32767); }

struct Softmax {
  using Data = Scaling;  // from the input's scale to that of the table's 10 / 65535

  static bool IsOurs(const Node& node) { return node.input(0)->type == kTfLiteInt16; }

  static TfLiteStatus Fill(const Node& node, Scaling* scaling) {
    if (node.output()->type != kTfLiteInt16) return RefuseType(node);
    const double beta = static_cast<double>(node.Option<float>(0, 0.0f));
    *scaling =
        ScalingOf(static_cast<double>(node.input(0)->params.scale) * beta / (10.0 / 65535.0));
    return kTfLiteOk;
  }

  static void RunRow(const int16_t* from, int16_t* to, int32_t count, Scaling scaling) {
    int32_t largest = -32768, sum = 0;
    for (int32_t i = 0; i < count; ++i) largest = from[i] > largest ? from[i] : largest;
    for (int32_t i = 0; i < count; ++i) {
      to[i] = static_cast<int16_t>(kExp.At(InShort(Rescale(from[i] - largest, scaling) + 32767)));
      sum += to[i];
    }
    const int zeros = __builtin_clz(static_cast<uint32_t>(sum));
    const int32_t normal =
        static_cast<int32_t>(((static_cast<int64_t>(sum) << (zeros - 1)) + (1 << 13)) >> 14);
    const int32_t reciprocal = kReciprocal.At(InShort(normal - (1 << 15) - (1 << 16)));
    const int right = 31 - zeros;
    for (int32_t i = 0; i < count; ++i) {
      const int64_t share =
          static_cast<int64_t>(to[i]) * reciprocal + (static_cast<int64_t>(1) << (right - 1));
      to[i] = static_cast<int16_t>(Within(static_cast<int32_t>(share >> right), 0, 32767));
    }
  }

  static TfLiteStatus Run(const Node& node, const Scaling& scaling) {
    const TfLiteIntArray* dims = node.input(0)->dims;
    const int32_t count = dims->data[dims->size - 1], total = tflite::NumElements(dims);
    for (int32_t at = 0; at < total; at += count) {
      RunRow(node.input(0)->data.i16 + at, node.output()->data.i16 + at, count, scaling);
    }
    return kTfLiteOk;
  }
};

// The logistic function of i / 24 in Q16, each entry raised by half of what a line to the next is
// too low by in the middle.
struct LogisticTable {
  uint16_t entry[256] = {};

  static constexpr double Logistic(double i) { return 65536 / (1 + Exp(-i / 24)); }

  constexpr LogisticTable() {
    for (int i = 0; i < 256; ++i) {
      const double low = Logistic(i + 0.5) - (Logistic(i) + Logistic(i + 1)) / 2;
      const double value = Round(Logistic(i) + low / 2);
      entry[i] = static_cast<uint16_t>(i < 255 ? value : 65535);
    }
  }

  // Of x in steps of 1 / (24 * 2^bits), x not negative, with as many bits behind the point.
  int32_t At(uint32_t x, int bits) const {
    const uint32_t i = x >> bits;
    if (i >= 255) return 0xFFFF << bits;
    return (entry[i] << bits) + (x & ((1 << bits) - 1)) * (entry[i + 1] - entry[i]);
  }
};

constexpr LogisticTable kLogistic;

template <int kMostShift>
struct GateOp {
  using Data = Gate;

  static bool IsOurs(const Node& node) { return node.input(0)->type == kTfLiteInt16; }

  static TfLiteStatus Fill(const Node& node, Gate* gate) {
    if (node.output()->type != kTfLiteInt16) return RefuseType(node);
    const float scale = node.input(0)->params.scale;
    int power;
    // close to a power of two is one
    if (tflite::CheckedLog2(scale, &power) && power + 12 >= 0 && power + 12 <= kMostShift) {
      *gate = {3 << (power + 12), 0};
      return kTfLiteOk;
    }
    double multiplier = static_cast<double>(scale) * 4096.0 * 3.0;
    while (multiplier <= 32767.0 / 2.0 && gate->shift <= 30) {
      multiplier *= 2.0;
      ++gate->shift;
    }
    gate->multiplier = static_cast<int16_t>(multiplier);
    return kTfLiteOk;
  }

  template <typename F>
  static TfLiteStatus Each(const Node& node, const Gate& gate, F function) {
    const int16_t* from = node.input(0)->data.i16;
    int16_t* to = node.output()->data.i16;
    const Gate steps = gate;
    for (int32_t left = tflite::NumElements(node.input(0)); left > 0; --left) {
      *to++ = static_cast<int16_t>(function(steps.StepsOf(*from++)));
    }
    return kTfLiteOk;
  }
};

}  // namespace

int32_t LogisticOf(int32_t steps) {
  constexpr int kBits = 9;
  const uint32_t size = steps < 0 ? -steps : steps;
  const uint32_t value = size >> kBits >= 255 ? 0x7FFF << (kBits + 1) : kLogistic.At(size, kBits);
  const uint32_t rounded =
      steps >= 0 ? value + (1 << kBits) : (1 << (16 + kBits)) - value + (1 << kBits) - 1;
  return static_cast<int32_t>(rounded >> (kBits + 1));
}

int32_t TanhOf(int32_t steps) {
  constexpr int kBits = 8, kHalf = 1 << (15 + kBits), kRounding = 1 << (kBits - 1);
  const int32_t value = kLogistic.At(steps < 0 ? -steps : steps, kBits);
  return (steps >= 0 ? value - kHalf + kRounding : kHalf - value + kRounding - 1) >> kBits;
}

namespace {

struct Logistic : GateOp<0> {
  static TfLiteStatus Run(const Node& node, const Gate& gate) {
    return Each(node, gate, LogisticOf);
  }
};

struct Tanh : GateOp<1> {
  static TfLiteStatus Run(const Node& node, const Gate& gate) { return Each(node, gate, TanhOf); }
};

}  // namespace
}  // namespace simbench

SIMBENCH_KERNEL(LOGISTIC, Either<simbench::Logistic, Register_LOGISTIC_OTHERS>::Registration())
SIMBENCH_KERNEL(SOFTMAX, Either<simbench::Softmax, Register_SOFTMAX_OTHERS>::Registration())
SIMBENCH_KERNEL(TANH, Either<simbench::Tanh, Register_TANH_OTHERS>::Registration())
