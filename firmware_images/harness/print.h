// What th_printf knows, into a buffer.
#ifndef SIMBENCH_HARNESS_PRINT_H_
#define SIMBENCH_HARNESS_PRINT_H_

#include <cstdarg>
#include <cstddef>

namespace simbench {

// As vsnprintf, but what does not fit is not counted.
int FormatTo(char* buffer, size_t size, const char* format, va_list arguments);

}  // namespace simbench

#endif  // SIMBENCH_HARNESS_PRINT_H_
