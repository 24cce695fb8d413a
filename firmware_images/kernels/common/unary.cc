// Operators of one input, element by element. For elements of eight bits, each is a table of its
// 256 answers, made when the node is initialised: four cycles an element, whatever the function
// costs.
#include <cmath>
#include <limits>

#include "kernels/common/node.h"
#include "kernels/common/rescale.h"
#include "tensorflow/lite/kernels/internal/common.h"

namespace simbench {
namespace {

struct UnaryData {
  const uint8_t* table;  // null for other types
  float parameter;
  Scaling scaling;  // of int16, from the input's to the output's scale
};

constexpr int kTableSize = 256;

// What the table of a node is made from: the ends' quantization, and the limits of the type.
struct Ends {
  float in_scale, out_scale;
  int32_t in_zero, out_zero, least, most;

  explicit Ends(const Node& node)
      : in_scale(node.input(0)->params.scale),
        out_scale(node.output()->params.scale),
        in_zero(node.input(0)->params.zero_point),
        out_zero(node.output()->params.zero_point),
        least(node.input(0)->type == kTfLiteInt8 ? -128 : 0),
        most(least + 255) {}

  Scaling Identity() const {
    return ScalingOf(static_cast<double>(in_scale) / static_cast<double>(out_scale));
  }

  // The answer of a function on real values, as TensorFlow Lite fills its tables.
  int32_t ByValue(float (*function)(float), int32_t element) const {
    const float value = in_scale * (element - in_zero);
    const float answer = roundf(function(value) * (1.0f / out_scale));
    return static_cast<int32_t>(answer < -65536  ? -65536
                                : answer > 65536 ? 65536
                                                 : answer) +
           out_zero;
  }
};

// Fills the table from `answer`, which takes and gives elements.
template <typename F>
TfLiteStatus FillTable(const Node& node, const Ends& ends, UnaryData* data, F answer) {
  uint8_t* table = AllocatePersistent<uint8_t>(node.context(), kTableSize);
  if (table == nullptr) return kTfLiteError;
  for (int32_t element = ends.least; element <= ends.most; ++element) {
    table[static_cast<uint8_t>(element)] =
        static_cast<uint8_t>(Within(answer(element), ends.least, ends.most));
  }
  data->table = table;
  return kTfLiteOk;
}

void RunTable(const uint8_t* table, const uint8_t* from, uint8_t* to, int32_t count) {
  for (; count >= 4; count -= 4, from += 4, to += 4) {
    const uint8_t a = table[from[0]], b = table[from[1]], c = table[from[2]], d = table[from[3]];
    to[0] = a;
    to[1] = b;
    to[2] = c;
    to[3] = d;
  }
  for (; count > 0; --count) *to++ = table[*from++];
}

bool HasTable(TfLiteType type) { return type == kTfLiteInt8 || type == kTfLiteUInt8; }

template <typename T, typename F>
TfLiteStatus Each(const Node& node, F function) {
  const T* from = tflite::GetTensorData<T>(node.input(0));
  T* to = tflite::GetTensorData<T>(node.output());
  for (int32_t left = tflite::NumElements(node.input(0)); left > 0; --left)
    *to++ = function(*from++);
  return kTfLiteOk;
}

// `F` has static float Real(float value, float parameter), and optionally static TfLiteStatus
// Fill(const Node&, UnaryData*), which is asked where the type is not float32, and static
// TfLiteStatus RunOther(const Node&, const UnaryData&) for types that have no table.
template <typename F>
struct Unary {
  using Data = UnaryData;

  static TfLiteStatus Fill(const Node& node, UnaryData* data) {
    const TfLiteType type = node.input(0)->type;
    if (node.output()->type != type || node.input(0)->bytes != node.output()->bytes)
      return RefuseType(node);
    data->parameter = F::Parameter(node);
    return type == kTfLiteFloat32 ? kTfLiteOk : F::Fill(node, data);
  }

  static TfLiteStatus Run(const Node& node, const UnaryData& data) {
    if (data.table != nullptr) {
      RunTable(data.table, node.input(0)->data.uint8, node.output()->data.uint8,
               node.output()->bytes);
      return kTfLiteOk;
    }
    if (node.input(0)->type != kTfLiteFloat32) return F::RunOther(node, data);
    const float parameter = data.parameter;
    return Each<float>(node, [parameter](float value) { return F::Real(value, parameter); });
  }
};

struct RealOnly {
  static float Parameter(const Node&) { return 0; }
  static TfLiteStatus Fill(const Node& node, UnaryData*) { return RefuseType(node); }
  static TfLiteStatus RunOther(const Node& node, const UnaryData&) { return RefuseType(node); }
};

struct Cos : RealOnly {
  static float Real(float x, float) { return cosf(x); }
};
struct Sin : RealOnly {
  static float Real(float x, float) { return sinf(x); }
};
struct Sqrt : RealOnly {
  static float Real(float x, float) { return sqrtf(x); }
};
struct Square : RealOnly {
  static float Real(float x, float) { return x * x; }
};
struct Floor : RealOnly {
  static float Real(float x, float) { return floorf(x); }
};
struct Ceil : RealOnly {
  static float Real(float x, float) { return ceilf(x); }
};

// A function on real values that has a table made from it.
template <float (*kFunction)(float)>
struct ByValue : RealOnly {
  static float Real(float x, float) { return kFunction(x); }
  static TfLiteStatus Fill(const Node& node, UnaryData* data) {
    if (!HasTable(node.input(0)->type)) return RefuseType(node);
    const Ends ends(node);
    return FillTable(node, ends, data,
                     [&](int32_t element) { return ends.ByValue(kFunction, element); });
  }
};

float EluOf(float x) { return x < 0 ? expm1f(x) : x; }
float ExpOf(float x) { return expf(x); }
float LogOf(float x) { return logf(x); }
float GeluOf(float x) { return 0.5f * x * (1 + erff(x * static_cast<float>(M_SQRT1_2))); }
float GeluByTanhOf(float x) {
  const float cube = 0.044715f * x * x * x;
  return 0.5f * x * (1 + tanhf(static_cast<float>(M_2_SQRTPI * M_SQRT1_2) * (x + cube)));
}

struct Gelu : RealOnly {
  static float Parameter(const Node& node) { return node.Option<uint8_t>(0, 0); }
  static float Real(float x, float by_tanh) { return by_tanh != 0 ? GeluByTanhOf(x) : GeluOf(x); }
  static TfLiteStatus Fill(const Node& node, UnaryData* data) {
    return data->parameter != 0 ? ByValue<GeluByTanhOf>::Fill(node, data)
                                : ByValue<GeluOf>::Fill(node, data);
  }
};

struct Abs : RealOnly {
  static float Real(float x, float) { return fabsf(x); }
  static TfLiteStatus Fill(const Node& node, UnaryData* data) {
    const TfLiteType type = node.input(0)->type;
    const Ends ends(node);
    if (type == kTfLiteInt32) return kTfLiteOk;
    if (type == kTfLiteInt16) {
      data->scaling = ends.in_scale == 0 ? Scaling{1 << 30, 1} : ends.Identity();
      return kTfLiteOk;
    }
    if (type != kTfLiteInt8) return RefuseType(node);
    const Scaling scaling = ends.Identity();
    return FillTable(node, ends, data, [&](int32_t element) {
      const int32_t value = element - ends.in_zero;
      return Rescale(value < 0 ? -value : value, scaling) + ends.out_zero;
    });
  }
  static TfLiteStatus RunOther(const Node& node, const UnaryData& data) {
    if (node.input(0)->type == kTfLiteInt32)
      return Each<int32_t>(node, [](int32_t x) { return x < 0 ? -x : x; });
    const Scaling scaling = data.scaling;
    return Each<int16_t>(node, [scaling](int16_t x) {
      return static_cast<int16_t>(Within(Rescale(x < 0 ? -x : x, scaling), -32768, 32767));
    });
  }
};

struct Neg : RealOnly {
  static float Real(float x, float) { return -x; }
  static TfLiteStatus Fill(const Node& node, UnaryData*) {
    const TfLiteType type = node.input(0)->type;
    return type == kTfLiteInt32 || type == kTfLiteInt64 ? kTfLiteOk : RefuseType(node);
  }
  static TfLiteStatus RunOther(const Node& node, const UnaryData&) {
    if (node.input(0)->type == kTfLiteInt32)
      return Each<int32_t>(node, [](int32_t x) { return -x; });
    return Each<int64_t>(node, [](int64_t x) { return -x; });
  }
};

struct LogicalNot : RealOnly {
  static float Real(float x, float) { return x; }
  static TfLiteStatus Fill(const Node& node, UnaryData*) {
    return node.input(0)->type == kTfLiteBool ? kTfLiteOk : RefuseType(node);
  }
  static TfLiteStatus RunOther(const Node& node, const UnaryData&) {
    return Each<bool>(node, [](bool x) { return !x; });
  }
};

// In integers throughout: a square root by Newton's steps, then the output's scale.
struct Rsqrt : RealOnly {
  static float Real(float x, float) { return 1.0f / sqrtf(x); }
  static TfLiteStatus Fill(const Node& node, UnaryData* data) {
    if (node.input(0)->type != kTfLiteInt8) return RefuseType(node);
    const Ends ends(node);
    const Scaling scaling = ScalingOf(
        1.0 / (sqrt(static_cast<double>(ends.in_scale)) * static_cast<double>(ends.out_scale)));
    return FillTable(node, ends, data, [&](int32_t element) {
      constexpr int kReversed = -1, kBits = 20;  // so many bits the root has behind the point
      const int32_t value = element - ends.in_zero;
      if (value <= 0) return ends.most;
      int32_t multiplier;
      int shift;
      tflite::GetInvSqrtQuantizedMultiplierExp(value, kReversed, &multiplier, &shift);
      const int32_t root = Rescale(1, {multiplier, shift + kBits});
      return Rescale(root, {scaling.multiplier, scaling.shift - kBits}) + ends.out_zero;
    });
  }
};

// The three rectifiers differ by their limits.
template <int kLeast, int kMost>
struct Rectifier : RealOnly {
  static constexpr bool kIsOpen = kMost == 0;
  static float Real(float x, float) {
    return x < kLeast ? kLeast : !kIsOpen && x > kMost ? kMost : x;
  }

  static int32_t Limit(const Ends& ends, int real) {
    return ends.out_zero + static_cast<int32_t>(roundf(real / ends.out_scale));
  }
  static TfLiteStatus Fill(const Node& node, UnaryData* data) {
    const TfLiteType type = node.input(0)->type;
    const Ends ends(node);
    if (type == kTfLiteInt16) data->scaling = ends.Identity();
    if (!HasTable(type)) return type == kTfLiteInt16 ? kTfLiteOk : RefuseType(node);
    const Scaling scaling = ends.Identity();
    const int32_t least = Limit(ends, kLeast), most = kIsOpen ? ends.most : Limit(ends, kMost);
    return FillTable(node, ends, data, [&](int32_t element) {
      const int32_t value = Rescale(element - ends.in_zero, scaling) + ends.out_zero;
      return value < least ? least : value > most ? most : value;
    });
  }
  static TfLiteStatus RunOther(const Node& node, const UnaryData& data) {
    const Ends ends(node);
    const Scaling scaling = data.scaling;
    const int32_t least = Within(Limit(ends, kLeast), -32768, 32767);
    const int32_t most = kIsOpen ? 32767 : Within(Limit(ends, kMost), -32768, 32767);
    return Each<int16_t>(node, [=](int16_t element) {
      return static_cast<int16_t>(Within(Rescale(element, scaling), least, most));
    });
  }
};

struct LeakyRelu : RealOnly {
  static float Parameter(const Node& node) { return node.Option<float>(0, 0.0f); }
  static float Real(float x, float slope) { return x > 0 ? x : x * slope; }
  static TfLiteStatus Fill(const Node& node, UnaryData* data) {
    const Ends ends(node);
    if (node.input(0)->type == kTfLiteInt16) return kTfLiteOk;
    if (!HasTable(node.input(0)->type)) return RefuseType(node);
    const Scaling rise = ends.Identity(), slope = Slope(ends, data->parameter);
    return FillTable(node, ends, data, [&](int32_t element) {
      const int32_t value = element - ends.in_zero;
      return Rescale(value, value >= 0 ? rise : slope) + ends.out_zero;
    });
  }
  static Scaling Slope(const Ends& ends, float slope) {
    return ScalingOf(static_cast<double>(ends.in_scale * slope / ends.out_scale));
  }
  static TfLiteStatus RunOther(const Node& node, const UnaryData& data) {
    const Ends ends(node);
    const Scaling rise = ends.Identity(), slope = Slope(ends, data.parameter);
    return Each<int16_t>(node, [=](int16_t element) {
      return static_cast<int16_t>(
          Within(Rescale(element, element >= 0 ? rise : slope), -32768, 32767));
    });
  }
};

// Products of 16-bit fractions, Q15: rounded to nearest as gemmlowp does, or towards zero.
int32_t RoundedProduct(int32_t a, int32_t b) {
  if (a == -32768 && b == -32768) return 32767;
  const int32_t product = a * b;
  return (product + (product >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15);
}

int32_t TruncatedProduct(int32_t a, int32_t b) {
  return a == -32768 && b == -32768 ? 32767 : a * b / (1 << 15);
}

int32_t ShiftedLeft(int32_t value, int shift) {
  return Within(value * (1 << shift), -32768, 32767);
}

// A multiplier of 16 bits, rounded from one of 32.
struct ShortScaling {
  int32_t multiplier;
  int32_t shift;

  explicit ShortScaling(float factor) {
    const Scaling scaling = ScalingOf(static_cast<double>(factor));
    constexpr int32_t kHalf = 1 << 15;
    const bool is_largest = scaling.multiplier >= std::numeric_limits<int32_t>::max() - kHalf;
    multiplier = is_largest ? 32767 : (scaling.multiplier + kHalf) >> 16;
    shift = scaling.shift;
  }
};

// x times its gate, which rises from 0 at -3 to 1 at 3. Elements are made finer by seven bits, then
// brought to the gate's scale, 3 / 2^15, where it saturates, and to the output's.
struct HardSwish : RealOnly {
  static float Real(float x, float) {
    const float gate = x + 3 < 0 ? 0 : x + 3 > 6 ? 6 : x + 3;
    return x * gate / 6;
  }

  static TfLiteStatus Fill(const Node& node, UnaryData* data) {
    if (!HasTable(node.input(0)->type)) return RefuseType(node);
    const Ends ends(node);
    const float fine = (1.0f / 128.0f) * ends.in_scale;
    const ShortScaling to_output(fine / ends.out_scale), to_gate(fine / (3.0f / 32768.0f));
    if (to_output.shift > 0) return node.Refuse("has an output scale too small for its input's");
    return FillTable(node, ends, data, [&](int32_t element) {
      const int32_t value = static_cast<int16_t>((element - ends.in_zero) * (1 << 7));
      const int32_t gate = (Gate(value, to_gate) + (1 << 15)) >> 1;
      const int32_t product = TruncatedProduct(gate, RoundedProduct(value, to_output.multiplier));
      const int right = -to_output.shift;
      const int32_t mask = (1 << right) - 1;
      return (product >> right) + ((product & mask) > (mask >> 1) + (product < 0)) + ends.out_zero;
    });
  }

  // The last bit to the left comes after the product, so that only what saturates the gate is lost.
  static int32_t Gate(int32_t value, const ShortScaling& scaling) {
    if (scaling.shift > 0) value = ShiftedLeft(value, scaling.shift - 1);
    value = RoundedProduct(value, scaling.multiplier);
    if (scaling.shift > 0) return ShiftedLeft(value, 1);
    const int right = -scaling.shift;
    const int32_t mask = (1 << right) - 1;
    return (value >> right) + ((value & mask) > (mask >> 1) + (value < 0));
  }
};

}  // namespace
}  // namespace simbench

SIMBENCH_KERNEL(ABS, Stateful<simbench::Unary<simbench::Abs>>::Registration())
SIMBENCH_KERNEL(CEIL, Stateful<simbench::Unary<simbench::Ceil>>::Registration())
SIMBENCH_KERNEL(COS, Stateful<simbench::Unary<simbench::Cos>>::Registration())
SIMBENCH_KERNEL(ELU, Stateful<simbench::Unary<simbench::ByValue<simbench::EluOf>>>::Registration())
SIMBENCH_KERNEL(EXP, Stateful<simbench::Unary<simbench::ByValue<simbench::ExpOf>>>::Registration())
SIMBENCH_KERNEL(FLOOR, Stateful<simbench::Unary<simbench::Floor>>::Registration())
SIMBENCH_KERNEL(GELU, Stateful<simbench::Unary<simbench::Gelu>>::Registration())
SIMBENCH_KERNEL(HARD_SWISH, Stateful<simbench::Unary<simbench::HardSwish>>::Registration())
SIMBENCH_KERNEL(LEAKY_RELU, Stateful<simbench::Unary<simbench::LeakyRelu>>::Registration())
SIMBENCH_KERNEL(LOG, Stateful<simbench::Unary<simbench::ByValue<simbench::LogOf>>>::Registration())
SIMBENCH_KERNEL(LOGICAL_NOT, Stateful<simbench::Unary<simbench::LogicalNot>>::Registration())
SIMBENCH_KERNEL(NEG, Stateful<simbench::Unary<simbench::Neg>>::Registration())
SIMBENCH_KERNEL(RELU, Stateful<simbench::Unary<simbench::Rectifier<0, 0>>>::Registration())
SIMBENCH_KERNEL(RELU6, Stateful<simbench::Unary<simbench::Rectifier<0, 6>>>::Registration())
SIMBENCH_KERNEL(RELU_N1_TO_1, Stateful<simbench::Unary<simbench::Rectifier<-1, 1>>>::Registration())
SIMBENCH_KERNEL(RSQRT, Stateful<simbench::Unary<simbench::Rsqrt>>::Registration())
SIMBENCH_KERNEL(SIN, Stateful<simbench::Unary<simbench::Sin>>::Registration())
SIMBENCH_KERNEL(SQRT, Stateful<simbench::Unary<simbench::Sqrt>>::Registration())
SIMBENCH_KERNEL(SQUARE, Stateful<simbench::Unary<simbench::Square>>::Registration())
