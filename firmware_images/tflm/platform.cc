// What TensorFlow's tree wants of a platform.
#include <cstring>

#include "harness/board.h"
#include "harness/model.h"
#include "harness/print.h"
#include "tensorflow/lite/micro/debug_log.h"
#include "tensorflow/lite/micro/micro_time.h"
#include "tensorflow/lite/micro/system_setup.h"

extern "C" void DebugLog(const char* format, va_list arguments) {
  if (strspn(format, "\r\n") != strlen(format))
    simbench::CurrentProblem().Report(format, arguments);
}

extern "C" int DebugVsnprintf(char* buffer, size_t size, const char* format, va_list arguments) {
  return simbench::FormatTo(buffer, size, format, arguments);
}

// Virtual destructors name these, and nothing calls them: there is no heap.
void operator delete(void*) noexcept {}
void operator delete(void*, size_t) noexcept {}

namespace tflite {

void InitializeTarget() {}

uint32_t ticks_per_second() { return 1000000; }

uint32_t GetCurrentTimeTicks() { return simbench::Microseconds(); }

}  // namespace tflite
