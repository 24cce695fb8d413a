// From reset to main, and what happens when the core faults.
#include <cstddef>
#include <cstdint>

#include "harness/seam.h"
#include "harness/stack.h"

int main();

extern "C" {

extern uint32_t __data_start, __data_end, __data_load, __bss_start, __bss_end;
extern uint32_t __stack_start, __stack_end;
typedef void (*Function)();
extern Function __init_array_start, __init_array_end;

void* __dso_handle = nullptr;

[[noreturn]] static void Halt() {
  while (true) __asm__ volatile("wfi");
}

static uint32_t SystemRegister(uint32_t address) {
  return *reinterpret_cast<volatile uint32_t*>(address);
}

// `frame` is what the core pushed on entry, or null where the stack is not fit to be read.
[[noreturn, gnu::used]] void ReportFault(const uint32_t* frame) {
  const bool is_readable = frame >= &__stack_start && frame + 8 <= &__stack_end;
  // CFSR, HFSR, MMFAR, BFAR: Armv7-M ARM B3.2.15 to B3.2.18
  th_printf("\r\ne-[fault cfsr=%08x hfsr=%08x mmfar=%08x bfar=%08x pc=%08x lr=%08x]\r\n",
            static_cast<unsigned>(SystemRegister(0xE000ED28)),
            static_cast<unsigned>(SystemRegister(0xE000ED2C)),
            static_cast<unsigned>(SystemRegister(0xE000ED34)),
            static_cast<unsigned>(SystemRegister(0xE000ED38)),
            static_cast<unsigned>(is_readable ? frame[6] : 0),
            static_cast<unsigned>(is_readable ? frame[5] : 0));
  Halt();
}

// The report gets a stack of its own: the fault may be that the usual one is used up.
alignas(8) static uint32_t fault_stack[128];

[[gnu::naked]] void Fault_Handler() {
  __asm__ volatile(
      "mov r0, sp\n"
      "ldr r1, =%c0\n"
      "mov sp, r1\n"
      "b ReportFault\n"
      ".ltorg" ::"i"(&fault_stack[128]));
}

[[noreturn]] void abort() {
  __asm__ volatile("udf #0");
  __builtin_unreachable();
}

[[noreturn]] void Reset_Handler() {
#if BOARD_HAS_FPU
  // full access to coprocessors 10 and 11 (CPACR, Armv7-M ARM B3.2.20), before any float
  *reinterpret_cast<volatile uint32_t*>(0xE000ED88) |= 0xFu << 20;
  __asm__ volatile("dsb\n isb");
#endif
  simbench::PaintStack();
  const uint32_t* source = &__data_load;
  for (uint32_t* word = &__data_start; word < &__data_end; ++word) *word = *source++;
  for (uint32_t* word = &__bss_start; word < &__bss_end; ++word) *word = 0;
  for (Function* function = &__init_array_start; function < &__init_array_end; ++function) {
    (*function)();
  }
  main();
  Halt();
}

struct VectorTable {
  const void* initial_stack;
  Function handlers[15];
};

[[gnu::section(".vectors"), gnu::used]] extern const VectorTable simbench_vectors = {
    &__stack_end,
    {Reset_Handler, Fault_Handler, Fault_Handler, Fault_Handler, Fault_Handler, Fault_Handler,
     Fault_Handler, nullptr, nullptr, nullptr, Fault_Handler, Fault_Handler, nullptr, Fault_Handler,
     Fault_Handler}};

}  // extern "C"
