// Why something did not work, in one sentence for people.
#ifndef SIMBENCH_HARNESS_PROBLEM_H_
#define SIMBENCH_HARNESS_PROBLEM_H_

#include <cstdarg>

#include "tensorflow/lite/core/api/error_reporter.h"
#include "tensorflow/lite/micro/compatibility.h"

namespace simbench {

// The first thing that went wrong since the last Forget.
class Problem : public tflite::ErrorReporter {
 public:
  using tflite::ErrorReporter::Report;

  int Report(const char* format, va_list arguments) override;

  // Says before the text of whom it is, and something where it has said nothing.
  void Blame(const char* format, ...);

  void Forget() { text_[0] = '\0'; }
  bool IsNone() const { return text_[0] == '\0'; }
  const char* text() const { return text_; }

 private:
  char text_[512] = "";

  TF_LITE_REMOVE_VIRTUAL_DELETE
};

}  // namespace simbench

#endif  // SIMBENCH_HARNESS_PROBLEM_H_
