#include "harness/ops.h"

#include <cstdint>

#include "harness/marker.h"
#include "harness/node.h"
#include "tensorflow/lite/micro/kernels/micro_ops.h"

using tflite::BuiltinOperator;

namespace tflite {
namespace ops {
namespace micro {

// those of our own among them, which TensorFlow's header does not declare
#define SIMBENCH_OP(name, code, version, types, features, by) TfLiteRegistration* Register_##name();
#include "harness/ops.def"
#undef SIMBENCH_OP

}  // namespace micro
}  // namespace ops
}  // namespace tflite

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

// The registration of an operator as the interpreter sees it: the kernel's own, between markers.
template <int kCode>
struct Marked {
  static const TfLiteRegistration* kernel;
  static TfLiteRegistration registration;

  static void* Init(TfLiteContext* context, const char* buffer, size_t length) {
    AdvanceNode(context);
    return kernel->init == nullptr ? nullptr : kernel->init(context, buffer, length);
  }

  static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
    // the kernels do not look whether their own data could be allocated
    if (kernel->init != nullptr && node->user_data == nullptr) return kTfLiteError;
    return kernel->prepare == nullptr ? kTfLiteOk : kernel->prepare(context, node);
  }

  static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
    simbench_op_begin();
    const TfLiteStatus status = kernel->invoke(context, node);
    simbench_op_end();
    return status;
  }

  static void Register(const TfLiteRegistration* of_kernel) {
    kernel = of_kernel;
    registration = {Init, nullptr, Prepare, Invoke, nullptr, kCode, nullptr, 0};
  }
};

template <int kCode>
const TfLiteRegistration* Marked<kCode>::kernel;
template <int kCode>
TfLiteRegistration Marked<kCode>::registration;

}  // namespace

OpResolver::OpResolver() {
#define SIMBENCH_OP(name, code, version, types, features, by) \
  Marked<code>::Register(tflite::ops::micro::Register_##name());
#include "harness/ops.def"
#undef SIMBENCH_OP
}

const TfLiteRegistration* OpResolver::FindOp(BuiltinOperator op, int version) const {
  switch (static_cast<int>(op)) {
#define SIMBENCH_OP(name, code, highest, types, features, by) \
  case code:                                                  \
    return version <= highest ? &Marked<code>::registration : nullptr;
#include "harness/ops.def"
#undef SIMBENCH_OP
    default:
      return nullptr;
  }
}

const TfLiteRegistration* OpResolver::FindOp(const char*, int) const { return nullptr; }

tflite::MicroOpResolver::BuiltinParseFunction OpResolver::GetOpDataParser(BuiltinOperator) const {
  return tflite::ParseOpData;
}

TfLiteStatus OpResolver::AddBuiltin(BuiltinOperator, TfLiteRegistration*, int) {
  return kTfLiteError;  // the table above is all there is
}

}  // namespace simbench
