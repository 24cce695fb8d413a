#include "harness/ops.h"

#include <cstdint>

#include "harness/marker.h"
#include "tensorflow/lite/micro/kernels/micro_ops.h"
#include "tensorflow/lite/schema/schema_generated.h"

// Each list below is of rows SIMBENCH_ROW(code, name, version).
#define SIMBENCH_OP(name, version) SIMBENCH_ROW(tflite::BuiltinOperator_##name, name, version)
#define SIMBENCH_LATER_OP(name, code, version) SIMBENCH_ROW(code, name, version)

// TensorFlow declares its own; it does no harm to say it again.
namespace tflite::ops::micro {
#define SIMBENCH_ROW(code, name, version) TfLiteRegistration* Register_##name();
#include "harness/ops.def"
#undef SIMBENCH_ROW
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
#define SIMBENCH_ROW(code, name, version) {code, version},
#include "harness/ops.def"
#undef SIMBENCH_ROW
    {0xFFFF, 0}};

}  // extern "C"

namespace simbench {
namespace {

constexpr Op kOps[] = {
#define SIMBENCH_ROW(code, name, version) \
  {code, version, #name, tflite::ops::micro::Register_##name},
#include "harness/ops.def"
#undef SIMBENCH_ROW
};

}  // namespace

const Op* FindOp(int code) {
  for (const Op& op : kOps) {
    if (op.code == code) return &op;
  }
  return nullptr;
}

}  // namespace simbench
