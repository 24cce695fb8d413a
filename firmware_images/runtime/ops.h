// The operators of this firmware.
#ifndef SIMBENCH_RUNTIME_OPS_H_
#define SIMBENCH_RUNTIME_OPS_H_

#include "tensorflow/lite/c/common.h"

namespace simbench {

struct Op {
  int code;
  int highest_version;
  const char* name;
  TfLiteRegistration* (*kernel)();
};

// The builtin operator of that number in the schema, or null.
const Op* FindOp(int code);

}  // namespace simbench

#endif  // SIMBENCH_RUNTIME_OPS_H_
