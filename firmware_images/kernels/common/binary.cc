// Operators of two inputs, element by element, where either may be repeated to the other's shape.
#include <cmath>
#include <limits>

#include "kernels/common/copy.h"
#include "kernels/common/node.h"
#include "kernels/common/rescale.h"
#include "tensorflow/lite/kernels/internal/common.h"

namespace simbench {
namespace {

struct BinaryData;

// A row of the output: `count` elements, the inputs' as many apart as the steps say, 0 or 1.
using BinaryRow = void (*)(const BinaryData& data, const void* a, int32_t a_step, const void* b,
                           int32_t b_step, void* out, int32_t count);

struct BinaryData {
  BinaryRow row;
  int32_t a_offset, b_offset, out_offset, left_shift;
  Scaling a, b, out;
  union {
    struct { int32_t least, most; };
    struct { float least_real, most_real; };
  };
};

template <typename In, typename Out, typename F>
void EachPair(const void* a, int32_t a_step, const void* b, int32_t b_step, void* out,
              int32_t count, F f) {
  const In* left = static_cast<const In*>(a);
  const In* right = static_cast<const In*>(b);
  Out* to = static_cast<Out*>(out);
  for (; count > 0; --count, left += a_step, right += b_step) *to++ = f(*left, *right);
}

// The whole output, row by row.
TfLiteStatus RunRows(const Node& node, const BinaryData& data) {
  const TfLiteTensor* inputs[] = {node.input(0), node.input(1)};
  TfLiteTensor* output = node.output();
  const Shape to = ShapeOf(output);
  if (to.rank != output->dims->size) return node.Refuse("has more than six dimensions");
  size_t bytes[2];
  Shape from[2];
  for (int j = 0; j < 2; ++j) {
    from[j] = ShapeOf(inputs[j], to.rank);
    bytes[j] = ElementBytes(inputs[j]->type);
    for (int i = 0; i < to.rank; ++i) {
      if (from[j].size[i] != to.size[i] && from[j].size[i] != 1)
        return node.Refuse("has inputs that do not fit together");
      if (from[j].size[i] == 1) from[j].stride[i] = 0;
    }
  }
  // dimensions that both step through as one make one long row
  int inner = to.rank;
  int32_t row = 1;
  int32_t step[2] = {0, 0};
  while (inner > 0) {
    const int i = inner - 1;
    const bool is_first = row == 1;
    bool fits = true;
    for (int j = 0; j < 2; ++j) {
      fits &= is_first || to.size[i] == 1 || from[j].stride[i] == step[j] * row;
    }
    if (!fits) break;
    if (is_first && to.size[i] > 1) {
      for (int j = 0; j < 2; ++j) step[j] = from[j].stride[i] == 0 ? 0 : 1;
    }
    row *= to.size[i];
    inner = i;
  }
  const size_t out_bytes = ElementBytes(output->type);
  const int32_t total = to.Elements();
  int32_t index[kMostDims] = {};
  const char* a = inputs[0]->data.raw;
  const char* b = inputs[1]->data.raw;
  for (int32_t at = 0; at < total; at += row) {
    data.row(data, a, step[0], b, step[1], output->data.raw + at * out_bytes, row);
    for (int i = inner - 1; i >= 0; --i) {
      a += from[0].stride[i] * bytes[0];
      b += from[1].stride[i] * bytes[1];
      if (++index[i] < to.size[i]) break;
      a -= to.size[i] * from[0].stride[i] * bytes[0];
      b -= to.size[i] * from[1].stride[i] * bytes[1];
      index[i] = 0;
    }
  }
  return kTfLiteOk;
}

bool IsQuantized(TfLiteType type) {
  return type == kTfLiteInt8 || type == kTfLiteUInt8 || type == kTfLiteInt16;
}

// Fills the limits of a fused activation; numbers as in the schema's enum ActivationFunctionType.
TfLiteStatus FillActivation(const Node& node, int activation, BinaryData* data) {
  const TfLiteTensor* output = node.output();
  const auto fused = static_cast<TfLiteFusedActivation>(activation == 0   ? kTfLiteActNone
                                                        : activation == 1 ? kTfLiteActRelu
                                                        : activation == 2 ? kTfLiteActRelu1
                                                                          : kTfLiteActRelu6);
  if (output->type == kTfLiteFloat32) {
    tflite::CalculateActivationRange(fused, &data->least_real, &data->most_real);
  } else if (IsQuantized(output->type)) {
    return tflite::CalculateActivationRangeQuantized(node.context(), fused, node.output(),
                                                     &data->least, &data->most);
  } else {
    tflite::CalculateActivationRange(fused, &data->least, &data->most);
  }
  return kTfLiteOk;
}

void FillOffsets(const Node& node, BinaryData* data) {
  data->a_offset = -node.input(0)->params.zero_point;
  data->b_offset = -node.input(1)->params.zero_point;
  data->out_offset = node.output()->params.zero_point;
}

double ScaleOf(const TfLiteTensor* tensor) { return static_cast<double>(tensor->params.scale); }

double TwiceLargerScale(const Node& node) {
  const float a = node.input(0)->params.scale, b = node.input(1)->params.scale;
  return 2 * static_cast<double>(a > b ? a : b);
}

bool HaveOneType(const Node& node) {
  return node.input(0)->type == node.input(1)->type && node.input(0)->type == node.output()->type;
}

struct Add {
  static constexpr bool kIsProduct = false;
  template <typename T>
  static T Apply(T a, T b) {
    return a + b;
  }
};

struct Sub {
  static constexpr bool kIsProduct = false;
  template <typename T>
  static T Apply(T a, T b) {
    return a - b;
  }
};

struct Mul {
  static constexpr bool kIsProduct = true;
  template <typename T>
  static T Apply(T a, T b) {
    return a * b;
  }
};

struct Div {
  static constexpr bool kIsProduct = true;
  template <typename T>
  static T Apply(T a, T b) {
    return a / b;
  }
};

template <typename T, typename F>
void PlainRow(const BinaryData& data, const void* a, int32_t a_step, const void* b, int32_t b_step,
              void* out, int32_t count) {
  const bool is_real = std::is_same<T, float>::value;
  const T least = is_real ? static_cast<T>(data.least_real) : static_cast<T>(data.least);
  const T most = is_real ? static_cast<T>(data.most_real) : static_cast<T>(data.most);
  EachPair<T, T>(a, a_step, b, b_step, out, count, [least, most](T x, T y) {
    const T value = F::template Apply<T>(x, y);
    return value < least ? least : value > most ? most : value;
  });
}

// No limits: an int64 has more than the data's limits hold.
template <typename F>
void LongRow(const BinaryData&, const void* a, int32_t a_step, const void* b, int32_t b_step,
             void* out, int32_t count) {
  EachPair<int64_t, int64_t>(a, a_step, b, b_step, out, count, F::template Apply<int64_t>);
}

template <typename T, typename F>
void SumRow(const BinaryData& data, const void* a, int32_t a_step, const void* b, int32_t b_step,
            void* out, int32_t count) {
  const Rescaler from_a(data.a, data.left_shift), from_b(data.b, data.left_shift), to_out(data.out);
  const int32_t a_offset = data.a_offset, b_offset = data.b_offset;
  const int32_t out_offset = data.out_offset, least = data.least, most = data.most;
  EachPair<T, T>(a, a_step, b, b_step, out, count, [=](T x, T y) {
    const int32_t left = from_a(x + a_offset), right = from_b(y + b_offset);
    return static_cast<T>(
        Within(to_out(F::template Apply<int32_t>(left, right)) + out_offset, least, most));
  });
}

template <typename T>
void ProductRow(const BinaryData& data, const void* a, int32_t a_step, const void* b,
                int32_t b_step, void* out, int32_t count) {
  const Rescaler rescaler(data.out);
  const Scaling scaling = data.out;
  const int32_t a_offset = data.a_offset, b_offset = data.b_offset;
  const int32_t out_offset = data.out_offset, least = data.least, most = data.most;
  EachPair<T, T>(a, a_step, b, b_step, out, count, [=](T x, T y) {
    const int32_t product = (x + a_offset) * (y + b_offset);
    const int32_t scaled = sizeof(T) == 1 ? rescaler(product) : Rescale(product, scaling);
    return static_cast<T>(Within(scaled + out_offset, least, most));
  });
}

template <typename T>
BinaryRow SumOrProductRow(Mul) {
  return ProductRow<T>;
}
template <typename T, typename F>
BinaryRow SumOrProductRow(F) {
  return SumRow<T, F>;
}

// ADD, SUB and MUL.
template <typename F>
struct Arithmetic {
  using Data = BinaryData;

  static TfLiteStatus Fill(const Node& node, BinaryData* data) {
    if (!HaveOneType(node)) return RefuseType(node);
    switch (node.output()->type) {
      case kTfLiteFloat32: data->row = PlainRow<float, F>; break;
      case kTfLiteInt32: data->row = PlainRow<int32_t, F>; break;
      case kTfLiteInt64: data->row = LongRow<F>; break;
      case kTfLiteInt8: data->row = SumOrProductRow<int8_t>(F()); break;
      case kTfLiteUInt8: data->row = SumOrProductRow<uint8_t>(F()); break;
      case kTfLiteInt16: data->row = SumOrProductRow<int16_t>(F()); break;
      default: return RefuseType(node);
    }
    if (IsQuantized(node.output()->type)) FillScales(node, data);
    return FillActivation(node, node.Option<int8_t>(0, 0), data);
  }

  static void FillScales(const Node& node, BinaryData* data) {
    FillOffsets(node, data);
    if (F::kIsProduct) {
      data->out =
          ScalingOf(ScaleOf(node.input(0)) * ScaleOf(node.input(1)) / ScaleOf(node.output()));
      return;
    }
    data->left_shift = node.output()->type == kTfLiteInt16 ? 15 : 20;
    const double twice = TwiceLargerScale(node);
    data->a = ScalingOf(ScaleOf(node.input(0)) / twice);
    data->b = ScalingOf(ScaleOf(node.input(1)) / twice);
    data->out = ScalingOf(twice / ((1 << data->left_shift) * ScaleOf(node.output())));
  }

  static TfLiteStatus Run(const Node& node, const BinaryData& data) { return RunRows(node, data); }
};

// Kernels with a row for each type, and nothing else.
struct RowsOnly {
  using Data = BinaryData;
  static TfLiteStatus Run(const Node& node, const BinaryData& data) { return RunRows(node, data); }
};

constexpr int32_t kBeyond = 1 << 16;  // what any element saturates at

// x times the reciprocal of y, made as large as it goes before it is scaled; by zero, 0.
int32_t Quotient(int32_t x, int32_t y, Scaling out) {
  if (x == 0 || y == 0) return 0;
  int over_unit;
  const int32_t reciprocal = tflite::GetReciprocal(y < 0 ? -y : y, 31, &over_unit);
  const int32_t value = y < 0 ? -x : x;
  const int headroom = tflite::CountLeadingSignBits(value);
  const int32_t quotient = Rescale(value, {reciprocal, headroom});
  const int shift = out.shift - over_unit - headroom;
  if (shift > 0) return quotient < 0 ? -kBeyond : kBeyond;
  return shift < -31 ? 0 : Rescale(quotient, {out.multiplier, shift});
}

void QuotientRow(const BinaryData& data, const void* a, int32_t a_step, const void* b,
                 int32_t b_step, void* out, int32_t count) {
  const BinaryData d = data;
  EachPair<int8_t, int8_t>(a, a_step, b, b_step, out, count, [&d](int8_t x, int8_t y) {
    const int32_t quotient = Quotient(x + d.a_offset, y + d.b_offset, d.out);
    return static_cast<int8_t>(Within(quotient + d.out_offset, d.least, d.most));
  });
}

struct Divide : RowsOnly {
  static TfLiteStatus Fill(const Node& node, BinaryData* data) {
    if (!HaveOneType(node)) return RefuseType(node);
    switch (node.output()->type) {
      case kTfLiteFloat32: data->row = PlainRow<float, Div>; break;
      case kTfLiteInt32: data->row = PlainRow<int32_t, Div>; break;
      case kTfLiteInt8: FillQuotient(node, data); break;
      default: return RefuseType(node);
    }
    return FillActivation(node, node.Option<int8_t>(0, 0), data);
  }

  // The factor is computed in float, as the reference does.
  static void FillQuotient(const Node& node, BinaryData* data) {
    const float factor =
        node.input(0)->params.scale / (node.input(1)->params.scale * node.output()->params.scale);
    data->row = QuotientRow;
    data->out = ScalingOf(static_cast<double>(factor));
    FillOffsets(node, data);
  }
};

template <typename T>
void SquaredDifferenceRow(const BinaryData&, const void* a, int32_t a_step, const void* b,
                          int32_t b_step, void* out, int32_t count) {
  EachPair<T, T>(a, a_step, b, b_step, out, count, [](T x, T y) { return (x - y) * (x - y); });
}

void QuantizedSquaredDifferenceRow(const BinaryData& data, const void* a, int32_t a_step,
                                   const void* b, int32_t b_step, void* out, int32_t count) {
  const Rescaler from_a(data.a, data.left_shift), from_b(data.b, data.left_shift), to_out(data.out);
  const int32_t a_offset = data.a_offset, b_offset = data.b_offset, out_offset = data.out_offset;
  EachPair<int8_t, int8_t>(a, a_step, b, b_step, out, count, [=](int8_t x, int8_t y) {
    const int32_t difference = from_a(x + a_offset) - from_b(y + b_offset);
    return static_cast<int8_t>(Within(to_out(difference * difference) + out_offset, -128, 127));
  });
}

struct SquaredDifference : RowsOnly {
  static TfLiteStatus Fill(const Node& node, BinaryData* data) {
    if (!HaveOneType(node)) return RefuseType(node);
    switch (node.output()->type) {
      case kTfLiteFloat32: data->row = SquaredDifferenceRow<float>; return kTfLiteOk;
      case kTfLiteInt32: data->row = SquaredDifferenceRow<int32_t>; return kTfLiteOk;
      case kTfLiteInt8: break;
      default: return RefuseType(node);
    }
    data->row = QuantizedSquaredDifferenceRow;
    FillOffsets(node, data);
    data->left_shift = 7;
    const double twice = TwiceLargerScale(node);
    data->a = ScalingOf(ScaleOf(node.input(0)) / twice);
    data->b = ScalingOf(ScaleOf(node.input(1)) / twice);
    data->out = ScalingOf(twice * twice / ((1 << data->left_shift * 2) * ScaleOf(node.output())));
    return kTfLiteOk;
  }
};

template <bool kLargest>
struct Larger {
  template <typename T>
  static T Apply(T a, T b) {
    return kLargest ? (a > b ? a : b) : (a < b ? a : b);
  }
};

struct FloorDiv {
  template <typename T>
  static T Apply(T a, T b) {
    return Floored(a, b);
  }
  static float Floored(float a, float b) { return std::floor(a / b); }
  static int32_t Floored(int32_t a, int32_t b) {
    if (b == 0) return 0;
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
  }
};

struct FloorMod {
  template <typename T>
  static T Apply(T a, T b) {
    return Modulo(a, b);
  }
  static float Modulo(float a, float b) {
    const float rest = std::fmod(a, b);
    return rest != 0 && (b < 0) != (rest < 0) ? rest + b : rest;
  }
  static int32_t Modulo(int32_t a, int32_t b) {
    if (b == 0) return 0;
    const int32_t rest = a % b;
    return rest != 0 && (b < 0) != (rest < 0) ? rest + b : rest;
  }
};

template <typename T, typename F>
void SimpleRow(const BinaryData&, const void* a, int32_t a_step, const void* b, int32_t b_step,
               void* out, int32_t count) {
  EachPair<T, T>(a, a_step, b, b_step, out, count, F::template Apply<T>);
}

template <bool kLargest>
struct Extreme : RowsOnly {
  static TfLiteStatus Fill(const Node& node, BinaryData* data) {
    if (!HaveOneType(node)) return RefuseType(node);
    using F = Larger<kLargest>;
    switch (node.output()->type) {
      case kTfLiteFloat32: data->row = SimpleRow<float, F>; break;
      case kTfLiteInt8: data->row = SimpleRow<int8_t, F>; break;
      case kTfLiteUInt8: data->row = SimpleRow<uint8_t, F>; break;
      case kTfLiteInt16: data->row = SimpleRow<int16_t, F>; break;
      case kTfLiteInt32: data->row = SimpleRow<int32_t, F>; break;
      case kTfLiteInt64: data->row = SimpleRow<int64_t, F>; break;
      default: return RefuseType(node);
    }
    return kTfLiteOk;
  }
};

template <typename F>
struct Floored : RowsOnly {
  static TfLiteStatus Fill(const Node& node, BinaryData* data) {
    if (!HaveOneType(node)) return RefuseType(node);
    switch (node.output()->type) {
      case kTfLiteFloat32: data->row = SimpleRow<float, F>; break;
      case kTfLiteInt32: data->row = SimpleRow<int32_t, F>; break;
      default: return RefuseType(node);
    }
    return kTfLiteOk;
  }
};

struct Equal {
  template <typename T>
  static bool Apply(T a, T b) {
    return a == b;
  }
};
struct NotEqual {
  template <typename T>
  static bool Apply(T a, T b) {
    return a != b;
  }
};
struct Greater {
  template <typename T>
  static bool Apply(T a, T b) {
    return a > b;
  }
};
struct GreaterEqual {
  template <typename T>
  static bool Apply(T a, T b) {
    return a >= b;
  }
};
struct Less {
  template <typename T>
  static bool Apply(T a, T b) {
    return a < b;
  }
};
struct LessEqual {
  template <typename T>
  static bool Apply(T a, T b) {
    return a <= b;
  }
};

template <typename T, typename F>
void CompareRow(const BinaryData&, const void* a, int32_t a_step, const void* b, int32_t b_step,
                void* out, int32_t count) {
  EachPair<T, bool>(a, a_step, b, b_step, out, count, F::template Apply<T>);
}

template <typename T, typename F>
void CompareScaledRow(const BinaryData& data, const void* a, int32_t a_step, const void* b,
                      int32_t b_step, void* out, int32_t count) {
  const BinaryData d = data;
  EachPair<T, bool>(a, a_step, b, b_step, out, count, [&d](T x, T y) {
    return F::template Apply<int32_t>(Rescale((x + d.a_offset) * (1 << d.left_shift), d.a),
                                      Rescale((y + d.b_offset) * (1 << d.left_shift), d.b));
  });
}

template <typename F>
struct Compare : RowsOnly {
  static TfLiteStatus Fill(const Node& node, BinaryData* data) {
    const TfLiteType type = node.input(0)->type;
    if (node.input(1)->type != type || node.output()->type != kTfLiteBool) return RefuseType(node);
    switch (type) {
      case kTfLiteFloat32: data->row = CompareRow<float, F>; break;
      case kTfLiteInt32: data->row = CompareRow<int32_t, F>; break;
      case kTfLiteInt64: data->row = CompareRow<int64_t, F>; break;
      case kTfLiteBool: data->row = CompareRow<bool, F>; break;
      case kTfLiteInt8: data->row = CompareScaledRow<int8_t, F>; break;
      case kTfLiteUInt8: data->row = CompareScaledRow<uint8_t, F>; break;
      default: return RefuseType(node);
    }
    if (!IsQuantized(type)) return kTfLiteOk;
    FillOffsets(node, data);
    data->left_shift = 8;
    data->a = ScalingOf(ScaleOf(node.input(0)));
    data->b = ScalingOf(ScaleOf(node.input(1)));
    return kTfLiteOk;
  }
};

struct And {
  template <typename T>
  static T Apply(T a, T b) {
    return a && b;
  }
};
struct Or {
  template <typename T>
  static T Apply(T a, T b) {
    return a || b;
  }
};

template <typename F>
struct Logical : RowsOnly {
  static TfLiteStatus Fill(const Node& node, BinaryData* data) {
    if (!HaveOneType(node) || node.output()->type != kTfLiteBool) return RefuseType(node);
    data->row = SimpleRow<bool, F>;
    return kTfLiteOk;
  }
};

void RealPreluRow(const BinaryData&, const void* a, int32_t a_step, const void* b, int32_t b_step,
                  void* out, int32_t count) {
  EachPair<float, float>(a, a_step, b, b_step, out, count,
                         [](float x, float slope) { return x >= 0 ? x : x * slope; });
}

template <typename T>
void PreluRow(const BinaryData& data, const void* a, int32_t a_step, const void* b, int32_t b_step,
              void* out, int32_t count) {
  const BinaryData d = data;
  EachPair<T, T>(a, a_step, b, b_step, out, count, [&d](T x, T slope) {
    const int32_t value = x + d.a_offset;
    const int32_t scaled =
        value >= 0 ? Rescale(value, d.a) : Rescale(value * (slope + d.b_offset), d.b);
    return static_cast<T>(Within(scaled + d.out_offset, std::numeric_limits<T>::min(),
                                 std::numeric_limits<T>::max()));
  });
}

struct Prelu : RowsOnly {
  static TfLiteStatus Fill(const Node& node, BinaryData* data) {
    if (!HaveOneType(node)) return RefuseType(node);
    switch (node.output()->type) {
      case kTfLiteFloat32: data->row = RealPreluRow; return kTfLiteOk;
      case kTfLiteInt8: data->row = PreluRow<int8_t>; break;
      case kTfLiteUInt8: data->row = PreluRow<uint8_t>; break;
      default: return RefuseType(node);
    }
    FillOffsets(node, data);
    data->a = ScalingOf(ScaleOf(node.input(0)) / ScaleOf(node.output()));
    data->b = ScalingOf(ScaleOf(node.input(0)) * ScaleOf(node.input(1)) / ScaleOf(node.output()));
    return kTfLiteOk;
  }
};

}  // namespace
}  // namespace simbench

SIMBENCH_KERNEL(ADD, Stateful<simbench::Arithmetic<simbench::Add>>::Registration())
SIMBENCH_KERNEL(DIV, Stateful<simbench::Divide>::Registration())
SIMBENCH_KERNEL(EQUAL, Stateful<simbench::Compare<simbench::Equal>>::Registration())
SIMBENCH_KERNEL(FLOOR_DIV, Stateful<simbench::Floored<simbench::FloorDiv>>::Registration())
SIMBENCH_KERNEL(FLOOR_MOD, Stateful<simbench::Floored<simbench::FloorMod>>::Registration())
SIMBENCH_KERNEL(GREATER, Stateful<simbench::Compare<simbench::Greater>>::Registration())
SIMBENCH_KERNEL(GREATER_EQUAL, Stateful<simbench::Compare<simbench::GreaterEqual>>::Registration())
SIMBENCH_KERNEL(LESS, Stateful<simbench::Compare<simbench::Less>>::Registration())
SIMBENCH_KERNEL(LESS_EQUAL, Stateful<simbench::Compare<simbench::LessEqual>>::Registration())
SIMBENCH_KERNEL(LOGICAL_AND, Stateful<simbench::Logical<simbench::And>>::Registration())
SIMBENCH_KERNEL(LOGICAL_OR, Stateful<simbench::Logical<simbench::Or>>::Registration())
SIMBENCH_KERNEL(MAXIMUM, Stateful<simbench::Extreme<true>>::Registration())
SIMBENCH_KERNEL(MINIMUM, Stateful<simbench::Extreme<false>>::Registration())
SIMBENCH_KERNEL(MUL, Stateful<simbench::Arithmetic<simbench::Mul>>::Registration())
SIMBENCH_KERNEL(NOT_EQUAL, Stateful<simbench::Compare<simbench::NotEqual>>::Registration())
SIMBENCH_KERNEL(PRELU, Stateful<simbench::Prelu>::Registration())
SIMBENCH_KERNEL(SQUARED_DIFFERENCE, Stateful<simbench::SquaredDifference>::Registration())
SIMBENCH_KERNEL(SUB, Stateful<simbench::Arithmetic<simbench::Sub>>::Registration())
