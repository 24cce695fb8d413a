#include "tflm/ops.h"

#include "harness/supported.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

namespace simbench {
namespace {

constexpr uint16_t kAnyVersion = 0x7FFF;  // TensorFlow's kernels look at types and options

constexpr unsigned kOps = 0
#define SIMBENCH_TFLM_OP(method, code) +1
#include "tflm_ops.def"
#undef SIMBENCH_TFLM_OP
    ;

using Resolver = tflite::MicroMutableOpResolver<kOps>;

Resolver Filled() {
  Resolver resolver;
#define SIMBENCH_TFLM_OP(method, code) resolver.Add##method();
#include "tflm_ops.def"
#undef SIMBENCH_TFLM_OP
  return resolver;
}

}  // namespace

const tflite::MicroOpResolver& Operators() {
  static const Resolver resolver = Filled();
  return resolver;
}

}  // namespace simbench

extern "C" const SupportedOp simbench_ops[] = {
#define SIMBENCH_TFLM_OP(method, code) {tflite::BuiltinOperator_##code, simbench::kAnyVersion},
#include "tflm_ops.def"
#undef SIMBENCH_TFLM_OP
    {0xFFFF, 0}};
