#include "harness/problem.h"

#include <cstring>

#include "harness/print.h"

namespace simbench {
namespace {

constexpr size_t kLongestBlame = 80;

}  // namespace

int Problem::Report(const char* format, va_list arguments) {
  if (!IsNone()) return 0;
  FormatTo(text_, sizeof(text_), format, arguments);
  for (char* c = text_; *c != '\0'; ++c) {
    if (*c == '\r' || *c == '\n') *c = ' ';
  }
  return 0;
}

void Problem::Blame(const char* format, ...) {
  if (IsNone()) strcpy(text_, "failed without a word");
  char blame[kLongestBlame];
  va_list arguments;
  va_start(arguments, format);
  FormatTo(blame, sizeof(blame), format, arguments);
  va_end(arguments);
  const size_t length = strlen(blame);
  memmove(text_ + length, text_, sizeof(text_) - length);
  memcpy(text_, blame, length);
  text_[sizeof(text_) - 1] = '\0';
}

}  // namespace simbench
