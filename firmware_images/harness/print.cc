// A small printf: newlib's brings a heap and 20 KB with it.
#include "harness/print.h"

#include <cstdint>

#include "harness/board.h"
#include "harness/seam.h"

namespace simbench {
namespace {

// Where the text goes: to the serial port, or to a buffer while there is room.
class Printer {
 public:
  Printer() = default;
  Printer(char* buffer, size_t size) : next_(buffer), end_(buffer + size) {}

  void Print(const char* format, va_list arguments);

  char* end() const { return next_; }

 private:
  void Put(char c) {
    if (end_ == nullptr) {
      WriteSerialPort(c);
    } else if (next_ + 1 < end_) {
      *next_++ = c;
    }
  }
  void PrintText(const char* text) {
    while (*text != '\0') Put(*text++);
  }
  void PrintInteger(uint64_t value, unsigned base, int width);
  void PrintSigned(int value);
  void PrintThousandths(double value);

  char* next_ = nullptr;
  char* end_ = nullptr;
};

void Printer::PrintInteger(uint64_t value, unsigned base, int width) {
  char digits[20];
  int count = 0;
  do {
    digits[count++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  for (; width > count; --width) Put('0');
  while (count > 0) Put(digits[--count]);
}

void Printer::PrintSigned(int value) {
  if (value < 0) Put('-');
  PrintInteger(value < 0 ? -static_cast<int64_t>(value) : value, 10, 0);
}

// Three decimals, rounded half to even as C's printf does.
void Printer::PrintThousandths(double value) {
  constexpr double kLargest = 9e15;  // beyond, thousandths do not fit 64 bits
  if (value != value) return PrintText("nan");
  if (value < 0) Put('-');
  const double magnitude = value < 0 ? -value : value;
  if (magnitude > kLargest) return PrintText("inf");
  const double scaled = magnitude * 1000.0;  // exact for a float up to 2^19: 24 + 10 bits
  uint64_t thousandths = static_cast<uint64_t>(scaled);
  const double rest = scaled - static_cast<double>(thousandths);
  if (rest > 0.5 || (rest == 0.5 && thousandths % 2 == 1)) ++thousandths;
  PrintInteger(thousandths / 1000, 10, 0);
  Put('.');
  PrintInteger(thousandths % 1000, 10, 3);
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

void Printer::Print(const char* format, va_list arguments) {
  for (; *format != '\0'; ++format) {
    if (*format != '%') {
      Put(*format);
      continue;
    }
    int width = 0;
    while (IsDigit(*++format)) width = 10 * width + (*format - '0');
    while (*format == '.' || *format == 'l' || *format == 'z' || IsDigit(*format)) ++format;
    switch (*format) {
      case 's': PrintText(va_arg(arguments, const char*)); break;
      case 'c': Put(static_cast<char>(va_arg(arguments, int))); break;
      case 'i':
      case 'd': PrintSigned(va_arg(arguments, int)); break;
      case 'u': PrintInteger(va_arg(arguments, unsigned), 10, width); break;
      case 'p':
      case 'x': PrintInteger(va_arg(arguments, unsigned), 16, width); break;
      case 'f': PrintThousandths(va_arg(arguments, double)); break;
      default: Put(*format); break;
    }
  }
}

}  // namespace

int FormatTo(char* buffer, size_t size, const char* format, va_list arguments) {
  Printer printer(buffer, size);
  printer.Print(format, arguments);
  if (size > 0) *printer.end() = '\0';
  return static_cast<int>(printer.end() - buffer);
}

}  // namespace simbench

extern "C" void th_vprintf(const char* format, va_list arguments) {
  simbench::Printer().Print(format, arguments);
}

extern "C" void th_printf(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  th_vprintf(format, arguments);
  va_end(arguments);
}
