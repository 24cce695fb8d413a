// From one scale to another in integers: a multiplier in Q31 and a shift, as TensorFlow Lite has
// it.
#ifndef SIMBENCH_KERNELS_COMMON_RESCALE_H_
#define SIMBENCH_KERNELS_COMMON_RESCALE_H_

#include <cstdint>

#include "tensorflow/lite/c/common.h"
#include "tensorflow/lite/kernels/internal/quantization_util.h"

namespace simbench {

struct Scaling {
  int32_t multiplier;
  int32_t shift;  // to the left; negative to the right
};

inline Scaling ScalingOf(double factor) {
  Scaling scaling;
  int shift;
  tflite::QuantizeMultiplier(factor, &scaling.multiplier, &shift);
  scaling.shift = shift;
  return scaling;
}

// x times the scaling's factor, rounded twice as the references do: the product's high half to
// nearest, halves up; then what is shifted out, halves away from zero.
inline int32_t Rescale(int32_t x, Scaling scaling) {
  const int left = scaling.shift > 0 ? scaling.shift : 0;
  const int right = scaling.shift > 0 ? 0 : -scaling.shift;
  const int64_t product =
      static_cast<int64_t>(static_cast<int32_t>(static_cast<uint32_t>(x) << left)) *
      scaling.multiplier;
  const int32_t high = static_cast<int32_t>((product + (1 << 30)) >> 31);
  if (right == 0) return high;
  const int32_t mask = static_cast<int32_t>((1u << right) - 1);
  return (high >> right) + ((high & mask) > (mask >> 1) + (high < 0));
}

// The same for loops, of an x that stays within 30 bits when it is shifted left.
struct Rescaler {
  int32_t multiplier, left, right, half, away;

  // What is given is first shifted left by `before` bits.
  explicit Rescaler(Scaling scaling, int before = 0)
      : multiplier(scaling.multiplier),
        left((scaling.shift > 0 ? scaling.shift : 0) + before + 1),
        right(scaling.shift > 0 ? 0 : -scaling.shift),
        half(right > 0 ? 1 << (right - 1) : 0),
        away(right > 0 ? -1 : 0) {}

  int32_t operator()(int32_t x) const {
    const int32_t high = RoundedHigh(x << left, multiplier);
    return (high + half + ((high >> 31) & away)) >> right;
  }

  // The high half of a product, to nearest, halves up.
  static int32_t RoundedHigh(int32_t a, int32_t b) {
#ifdef __ARM_FEATURE_DSP
    int32_t high;
    __asm__("smmulr %0, %1, %2" : "=r"(high) : "r"(a), "r"(b));
    return high;
#else
    return static_cast<int32_t>((static_cast<int64_t>(a) * b + 0x80000000LL) >> 32);
#endif
  }
};

// The same of a longer sum, rounded once, with a multiplier of 16 bits.
inline int32_t RescaleLong(int64_t x, Scaling scaling) {
  const int32_t multiplier =
      scaling.multiplier < 0x7FFF0000 ? (scaling.multiplier + (1 << 15)) >> 16 : 0x7FFF;
  const int shift = 15 - scaling.shift;
  return static_cast<int32_t>((x * multiplier + (static_cast<int64_t>(1) << (shift - 1))) >> shift);
}

inline int32_t Within(int32_t value, int32_t least, int32_t most) {
  return value < least ? least : value > most ? most : value;
}

inline float Within(float value, float least, float most) {
  return value < least ? least : value > most ? most : value;
}

}  // namespace simbench

#endif  // SIMBENCH_KERNELS_COMMON_RESCALE_H_
