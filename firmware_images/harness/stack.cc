#include "harness/stack.h"

#include <cstdint>

extern "C" uint32_t __stack_start, __stack_end;

namespace simbench {
namespace {

constexpr uint32_t kPaint = 0x57AC57AC;

// GCC takes the old syntax for a Cortex-M0+, and clang the unified one alone
#if defined(__clang__) && __ARM_ARCH_ISA_THUMB == 1
#define SIMBENCH_ADD "adds"
#else
#define SIMBENCH_ADD "add"
#endif

}  // namespace

void PaintStack() {
  uint32_t* word = &__stack_start;
  uint32_t* top;
  // in one piece: the compiler shall put nothing on the stack once it is known where that ends
  __asm__ volatile(
      "mov %1, sp\n"
      "0: cmp %0, %1\n"
      "bhs 1f\n"
      "str %2, [%0]\n" SIMBENCH_ADD
      " %0, #4\n"
      "b 0b\n"
      "1:"
      : "+l"(word), "=&l"(top)
      : "l"(kPaint)
      : "cc", "memory");
}

size_t StackUsedBytes() {
  const uint32_t* word = &__stack_start;
  while (word < &__stack_end && *word == kPaint) ++word;
  return (&__stack_end - word) * sizeof(*word);
}

}  // namespace simbench
