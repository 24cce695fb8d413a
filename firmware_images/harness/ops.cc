#include "harness/ops.h"

#include <cstdint>

#include "harness/marker.h"
#include "tensorflow/lite/micro/kernels/micro_ops.h"

// TensorFlow declares its own; it does no harm to say it again.
namespace tflite::ops::micro {
#define SIMBENCH_OP(name, code, version, types, features, by) TfLiteRegistration* Register_##name();
#include "harness/ops.def"
#undef SIMBENCH_OP
}  // namespace tflite::ops::micro

extern "C" {

SIMBENCH_MARKER(simbench_op_begin)
SIMBENCH_MARKER(simbench_op_end)

struct SupportedOp {
  uint16_t code;
  uint16_t highest_version;
};

// Read from the ELF by Python, to say what a model needs and this firmware has not.
extern const SupportedOp simbench_ops[];
const SupportedOp simbench_ops[] = {
#define SIMBENCH_OP(name, code, version, types, features, by) {code, version},
#include "harness/ops.def"
#undef SIMBENCH_OP
    {0xFFFF, 0}};

}  // extern "C"

namespace simbench {
namespace {

constexpr Op kOps[] = {
#define SIMBENCH_OP(name, code, version, types, features, by) \
  {code, version, #name, tflite::ops::micro::Register_##name},
#include "harness/ops.def"
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
