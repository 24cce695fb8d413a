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

}  // namespace

template <>
int32_t Dot<int32_t, int8_t, int8_t>(const int8_t* element, const int8_t* weight, int32_t count,
                                     int32_t offset) {
  const uint32_t offsets = (static_cast<uint32_t>(offset) & 0xFFFF) | static_cast<uint32_t>(offset)
                                                                          << 16;
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
