// Sums of products, four at a time.
#ifndef SIMBENCH_KERNELS_COMMON_DOT_H_
#define SIMBENCH_KERNELS_COMMON_DOT_H_

#include <cstdint>

namespace simbench {

// Of `count` elements, `offset` added to each, and weights; the strides are in elements. A product
// fits 32 bits.
template <typename Acc, typename T, typename W>
Acc Dot(const T* element, int32_t element_stride, const W* weight, int32_t weight_stride,
        int32_t count, int32_t offset) {
  Acc total = 0;
  const auto next = [&]() {
    total += (*element + offset) * *weight;
    element += element_stride;
    weight += weight_stride;
  };
  for (; count >= 4; count -= 4) {
    next();
    next();
    next();
    next();
  }
  for (; count > 0; --count) next();
  return total;
}

// The same of elements beside each other.
template <typename Acc, typename T, typename W>
Acc Dot(const T* element, const W* weight, int32_t count, int32_t offset) {
  return Dot<Acc>(element, 1, weight, 1, count, offset);
}

constexpr int32_t kChannels = 4;  // that take in an element at a time

// Adds the sums of the same elements for `channels` rows of weights, `step` elements apart.
template <typename Acc, typename T, typename W>
void AddDots(const T* element, const W* weight, int32_t step, int32_t channels, int32_t count,
             int32_t offset, Acc* sums) {
  for (; channels > 0; --channels, weight += step)
    *sums++ += Dot<Acc>(element, weight, count, offset);
}

#ifdef __ARM_FEATURE_DSP

template <>
void AddDots<int32_t, int8_t, int8_t>(const int8_t* element, const int8_t* weight, int32_t step,
                                      int32_t channels, int32_t count, int32_t offset,
                                      int32_t* sums);

// Two products an instruction, four elements a turn: functions, for the registers' sake.
template <>
int32_t Dot<int32_t, int8_t, int8_t>(const int8_t* element, const int8_t* weight, int32_t count,
                                     int32_t offset);

// Elements of int16 have no offset.
template <>
int64_t Dot<int64_t, int16_t, int8_t>(const int16_t* element, const int8_t* weight, int32_t count,
                                      int32_t offset);

#endif

}  // namespace simbench

#endif  // SIMBENCH_KERNELS_COMMON_DOT_H_
