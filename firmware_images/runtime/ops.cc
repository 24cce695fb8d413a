#include "runtime/ops.h"

#include "harness/supported.h"
#include "tensorflow/lite/micro/kernels/micro_ops.h"

// TensorFlow declares its own; it does no harm to say it again.
namespace tflite::ops::micro {
#define SIMBENCH_OP(name, code, version, types, features, by) TfLiteRegistration* Register_##name();
#include "runtime/ops.def"
#undef SIMBENCH_OP
}  // namespace tflite::ops::micro

extern "C" const SupportedOp simbench_ops[] = {
#define SIMBENCH_OP(name, code, version, types, features, by) {code, version},
#include "runtime/ops.def"
#undef SIMBENCH_OP
    {0xFFFF, 0}};

namespace simbench {
namespace {

constexpr Op kOps[] = {
#define SIMBENCH_OP(name, code, version, types, features, by) \
  {code, version, #name, tflite::ops::micro::Register_##name},
#include "runtime/ops.def"
#undef SIMBENCH_OP
};

}  // namespace

const Op* FindOp(int code) {
  for (const Op& op : kOps) {
    if (op.code == code) return &op;
  }
  return nullptr;
}

}  // namespace simbench
