#include "kernels/common/dot.h"

#ifdef __ARM_FEATURE_DSP

#include <arm_acle.h>

#include <cstring>

namespace simbench {
namespace {

uint32_t Word(const void* memory) {
  uint32_t word;
  memcpy(&word, memory, sizeof(word));
  return word;
}

uint32_t TurnedByByte(uint32_t word) { return word >> 8 | word << 24; }

uint32_t InBothHalves(int32_t offset) {
  return (static_cast<uint32_t>(offset) & 0xFFFF) | static_cast<uint32_t>(offset) << 16;
}

// Four products, of elements in two words of 16 bits each and weights of 8.
int32_t Four(uint32_t even, uint32_t odd, const int8_t* weight, int32_t total) {
  const uint32_t weights = Word(weight);
  total = __smlad(even, __sxtb16(weights), total);
  return __smlad(odd, __sxtb16(TurnedByByte(weights)), total);
}

}  // namespace

template <>
int32_t Dot<int32_t, int8_t, int8_t>(const int8_t* element, const int8_t* weight, int32_t count,
                                     int32_t offset) {
  const uint32_t offsets = InBothHalves(offset);
  int32_t total = 0;
  for (; count >= 4; count -= 4, element += 4, weight += 4) {
    const uint32_t elements = Word(element), weights = Word(weight);
    total = __smlad(__sxtab16(offsets, elements), __sxtb16(weights), total);
    total =
        __smlad(__sxtab16(offsets, TurnedByByte(elements)), __sxtb16(TurnedByByte(weights)), total);
  }
  for (; count > 0; --count) total += (*element++ + offset) * *weight++;
  return total;
}

template <>
void AddDots<int32_t, int8_t, int8_t>(const int8_t* element, const int8_t* weight, int32_t step,
                                      int32_t channels, int32_t count, int32_t offset,
                                      int32_t* sums) {
  if (channels != kChannels) {
    for (; channels > 0; --channels, weight += step)
      *sums++ += Dot<int32_t>(element, weight, count, offset);
    return;
  }
  const uint32_t offsets = InBothHalves(offset);
  const int8_t *w0 = weight, *w1 = w0 + step, *w2 = w1 + step, *w3 = w2 + step;
  int32_t a = sums[0], b = sums[1], c = sums[2], d = sums[3];
  for (; count >= 4; count -= 4, element += 4, w0 += 4, w1 += 4, w2 += 4, w3 += 4) {
    const uint32_t elements = Word(element);
    const uint32_t even = __sxtab16(offsets, elements),
                   odd = __sxtab16(offsets, TurnedByByte(elements));
    a = Four(even, odd, w0, a);
    b = Four(even, odd, w1, b);
    c = Four(even, odd, w2, c);
    d = Four(even, odd, w3, d);
  }
  for (; count > 0; --count) {
    const int32_t value = *element++ + offset;
    a += value * *w0++;
    b += value * *w1++;
    c += value * *w2++;
    d += value * *w3++;
  }
  sums[0] = a;
  sums[1] = b;
  sums[2] = c;
  sums[3] = d;
}

template <>
int64_t Dot<int64_t, int16_t, int8_t>(const int16_t* element, const int8_t* weight, int32_t count,
                                      int32_t) {
  int64_t total = 0;
  for (; count >= 4; count -= 4, element += 4, weight += 4) {
    const uint32_t first = Word(element), second = Word(element + 2), weights = Word(weight);
    const uint32_t even = (first & 0xFFFF) | second << 16,
                   odd = (second & 0xFFFF0000) | first >> 16;
    total = __smlald(even, __sxtb16(weights), total);
    total = __smlald(odd, __sxtb16(TurnedByByte(weights)), total);
  }
  for (; count > 0; --count) total += *element++ * *weight++;
  return total;
}

}  // namespace simbench

#endif
