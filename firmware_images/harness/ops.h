// The operators of this firmware.
#ifndef SIMBENCH_HARNESS_OPS_H_
#define SIMBENCH_HARNESS_OPS_H_

#include "tensorflow/lite/c/common.h"

extern "C" {

// Bracket each layer.
void simbench_op_begin(void);
void simbench_op_end(void);

}  // extern "C"

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

#endif  // SIMBENCH_HARNESS_OPS_H_
