// From one type of element to another.
#include <cmath>
#include <limits>

#include "kernels/common/node.h"
#include "kernels/common/rescale.h"

namespace simbench {
namespace {

template <typename From, typename To, typename F>
TfLiteStatus Convert(const Node& node, F function) {
  const From* from = tflite::GetTensorData<From>(node.input(0));
  To* to = tflite::GetTensorData<To>(node.output());
  for (int32_t left = tflite::NumElements(node.input(0)); left > 0; --left)
    *to++ = function(*from++);
  return kTfLiteOk;
}

// Calls `run` with an element of the type, where it is one that is quantized.
template <typename F>
TfLiteStatus WithQuantized(const Node& node, TfLiteType type, F run) {
  switch (type) {
    case kTfLiteInt8: return run(int8_t());
    case kTfLiteUInt8: return run(uint8_t());
    case kTfLiteInt16: return run(int16_t());
    case kTfLiteInt32: return run(int32_t());
    default: return RefuseType(node);
  }
}

struct Quantize {
  using Data = Scaling;  // between two scales; of reals, not used

  static TfLiteStatus Fill(const Node& node, Scaling* scaling) {
    const TfLiteTensor* input = node.input(0);
    const TfLiteTensor* output = node.output();
    if (input->type != kTfLiteFloat32) {
      *scaling = ScalingOf(static_cast<double>(input->params.scale) /
                           static_cast<double>(output->params.scale));
    }
    const auto accept = [](auto) { return kTfLiteOk; };
    if (input->type != kTfLiteFloat32)
      TF_LITE_ENSURE_STATUS(WithQuantized(node, input->type, accept));
    return WithQuantized(node, output->type, accept);
  }

  template <typename To>
  static TfLiteStatus FromReal(const Node& node) {
    const float scale = node.output()->params.scale, zero = node.output()->params.zero_point;
    constexpr float kLeast = std::numeric_limits<To>::min(), kMost = std::numeric_limits<To>::max();
    return Convert<float, To>(node, [=](float value) {
      const float element = roundf(value / scale) + zero;
      return static_cast<To>(element < kLeast ? kLeast : element >= kMost ? kMost : element);
    });
  }

  template <typename From, typename To>
  static TfLiteStatus FromQuantized(const Node& node, Scaling scaling) {
    const int32_t in_zero = node.input(0)->params.zero_point,
                  out_zero = node.output()->params.zero_point;
    constexpr int32_t kLeast = std::numeric_limits<To>::min(),
                      kMost = std::numeric_limits<To>::max();
    if constexpr (sizeof(From) < sizeof(int32_t)) {
      const Rescaler rescale(scaling);
      return Convert<From, To>(node, [=](From element) {
        return static_cast<To>(Within(rescale(element - in_zero) + out_zero, kLeast, kMost));
      });
    } else {
      return Convert<From, To>(node, [=](From element) {
        return static_cast<To>(
            Within(Rescale(element - in_zero, scaling) + out_zero, kLeast, kMost));
      });
    }
  }

  static TfLiteStatus Run(const Node& node, const Scaling& scaling) {
    return WithQuantized(node, node.output()->type, [&](auto to) {
      using To = decltype(to);
      if (node.input(0)->type == kTfLiteFloat32) return FromReal<To>(node);
      return WithQuantized(node, node.input(0)->type, [&](auto from) {
        return FromQuantized<decltype(from), To>(node, scaling);
      });
    });
  }
};

float FromHalf(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16, rest = half & 0x7FFF;
  if (rest < 0x0400) {  // zero, or too small for a leading one
    const float value = static_cast<float>(rest) * (1.0f / (1 << 24));
    return sign != 0 ? -value : value;
  }
  const uint32_t exponent = rest >= 0x7C00 ? 0x70000000u : 0x38000000u;  // infinities stay ones
  union {
    uint32_t bits;
    float value;
  } real = {sign | ((rest << 13) + exponent)};
  return real.value;
}

TfLiteStatus Dequantize(const Node& node) {
  const TfLiteTensor* input = node.input(0);
  if (node.output()->type != kTfLiteFloat32) return RefuseType(node);
  if (input->type == kTfLiteFloat16) return Convert<uint16_t, float>(node, FromHalf);
  const float scale = input->params.scale;
  const int32_t zero = input->params.zero_point;
  return WithQuantized(node, input->type, [&](auto element) {
    using T = decltype(element);
    return Convert<T, float>(node,
                             [=](T value) { return static_cast<float>(value - zero) * scale; });
  });
}

template <typename F>
TfLiteStatus WithType(const Node& node, TfLiteType type, F run) {
  switch (type) {
    case kTfLiteFloat32: return run(float());
    case kTfLiteInt64: return run(int64_t());
    case kTfLiteBool: return run(bool());
    default: return WithQuantized(node, type, run);
  }
}

TfLiteStatus Cast(const Node& node) {
  return WithType(node, node.input(0)->type, [&](auto from) {
    return WithType(node, node.output()->type, [&](auto to) {
      using From = decltype(from);
      using To = decltype(to);
      return Convert<From, To>(node, [](From value) { return static_cast<To>(value); });
    });
  });
}

}  // namespace
}  // namespace simbench

SIMBENCH_KERNEL(CAST, Stateless<simbench::Cast>())
SIMBENCH_KERNEL(DEQUANTIZE, Stateless<simbench::Dequantize>())
SIMBENCH_KERNEL(QUANTIZE, Stateful<simbench::Quantize>::Registration())
