// What a submitter writes around MLCommons Tiny's API (benchmark/api): an STM32F405, as the example
// of an own firmware sets it up, and a model that gives its four inputs back, a step being 1/32.
// Decimals behind the third are cut, as the reference submissions cut them.
#include "api/submitter_implemented.h"

#include <cstdint>
#include <cstdio>

#include "api/internally_implemented.h"

namespace {

volatile uint32_t& Register(uint32_t address) {
  return *reinterpret_cast<volatile uint32_t*>(address);
}

constexpr int kValues = 4, kZeroPoint = 3;
int8_t input[kValues];

void Put(char c) {
  while (!(Register(0x40011000) & 1 << 7)) {
  }
  Register(0x40011004) = static_cast<uint8_t>(c);
}

}  // namespace

void th_load_tensor() {
  const size_t size = ee_get_buffer(reinterpret_cast<uint8_t*>(input), kValues);
  if (size != kValues)
    th_printf("Input db has %d elemented, expected %d\n", static_cast<int>(size), kValues);
}

void th_results() {
  th_printf("m-results-[");
  for (int i = 0; i < kValues; i++) {
    const int steps = input[i] - kZeroPoint, thousandths = (steps < 0 ? -steps : steps) * 125 / 4;
    th_printf("%s%d.%03d%s", steps < 0 ? "-" : "", thousandths / 1000, thousandths % 1000,
              i + 1 < kValues ? "," : "]\r\n");
  }
}

void th_infer() {
  for (int8_t& value : input) asm volatile("" : "+m"(value));
}

void th_final_initialize(void) {}
void th_pre() {}
void th_post() {}

void th_command_ready(char volatile* command) {
  ee_serial_command_parser_callback(const_cast<char*>(command));
}

size_t th_strnlen(const char* text, size_t most) { return strnlen(text, most); }

void th_printf(const char* format, ...) {
  char text[128];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  for (const char* c = text; *c; c++) Put(*c);
}

char th_getchar() {
  while (!(Register(0x40011000) & 1 << 5)) {
  }
  return static_cast<char>(Register(0x40011004));
}

void th_serialport_initialize(void) {
  Register(0x40023844) |= 1 << 4;
  Register(0x40011008) = 0x8B;
  Register(0x4001100C) = 1 << 13 | 1 << 3 | 1 << 2;
}

void th_timestamp(void) {
#if EE_CFG_ENERGY_MODE == 0
  static uint32_t last = 0xFFFFFF, cycles;
  const uint32_t now = Register(0xE000E018);
  cycles += (last - now) & 0xFFFFFF;
  last = now;
  th_printf(EE_MSG_TIMESTAMP, static_cast<unsigned long>(cycles / 16));
#endif
}

void th_timestamp_initialize(void) {
  Register(0xE000E014) = 0xFFFFFF;
  Register(0xE000E018) = 0;
  Register(0xE000E010) = 5;
  th_printf(EE_MSG_TIMESTAMP_MODE);
  th_timestamp();
}

extern "C" int main() {
  ee_benchmark_initialize();
  while (true) ee_serial_callback(th_getchar());
}
