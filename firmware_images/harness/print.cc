// A small printf: newlib's brings a heap and 20 KB with it.
#include <cstdint>

#include "harness/board.h"
#include "harness/seam.h"

namespace {

void Print(const char* text) {
  while (*text != '\0') simbench::WriteSerialPort(*text++);
}

void PrintInteger(uint64_t value, unsigned base, int width) {
  char digits[20];
  int count = 0;
  do {
    digits[count++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  for (; width > count; --width) simbench::WriteSerialPort('0');
  while (count > 0) simbench::WriteSerialPort(digits[--count]);
}

void PrintSigned(int value) {
  if (value < 0) simbench::WriteSerialPort('-');
  PrintInteger(value < 0 ? -static_cast<int64_t>(value) : value, 10, 0);
}

// Three decimals, rounded half to even as C's printf does.
void PrintThousandths(double value) {
  constexpr double kLargest = 9e15;  // beyond, thousandths do not fit 64 bits
  if (value != value) return Print("nan");
  if (value < 0) simbench::WriteSerialPort('-');
  const double magnitude = value < 0 ? -value : value;
  if (magnitude > kLargest) return Print("inf");
  const double scaled = magnitude * 1000.0;  // exact for a float up to 2^19: 24 + 10 bits
  uint64_t thousandths = static_cast<uint64_t>(scaled);
  const double rest = scaled - static_cast<double>(thousandths);
  if (rest > 0.5 || (rest == 0.5 && thousandths % 2 == 1)) ++thousandths;
  PrintInteger(thousandths / 1000, 10, 0);
  simbench::WriteSerialPort('.');
  PrintInteger(thousandths % 1000, 10, 3);
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

extern "C" void th_vprintf(const char* format, va_list arguments) {
  for (; *format != '\0'; ++format) {
    if (*format != '%') {
      simbench::WriteSerialPort(*format);
      continue;
    }
    int width = 0;
    while (IsDigit(*++format)) width = 10 * width + (*format - '0');
    while (*format == '.' || *format == 'l' || IsDigit(*format)) ++format;
    switch (*format) {
      case 's': Print(va_arg(arguments, const char*)); break;
      case 'c': simbench::WriteSerialPort(static_cast<char>(va_arg(arguments, int))); break;
      case 'd': PrintSigned(va_arg(arguments, int)); break;
      case 'u': PrintInteger(va_arg(arguments, unsigned), 10, width); break;
      case 'x': PrintInteger(va_arg(arguments, unsigned), 16, width); break;
      case 'f': PrintThousandths(va_arg(arguments, double)); break;
      default: simbench::WriteSerialPort(*format); break;
    }
  }
}

extern "C" void th_printf(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  th_vprintf(format, arguments);
  va_end(arguments);
}
