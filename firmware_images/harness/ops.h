// The operators of this firmware, each with markers around its invocation.
#ifndef SIMBENCH_HARNESS_OPS_H_
#define SIMBENCH_HARNESS_OPS_H_

#include "tensorflow/lite/micro/compatibility.h"
#include "tensorflow/lite/micro/micro_op_resolver.h"

namespace simbench {

class OpResolver : public tflite::MicroOpResolver {
 public:
  OpResolver();

  const TfLiteRegistration* FindOp(tflite::BuiltinOperator op, int version) const override;
  const TfLiteRegistration* FindOp(const char* op, int version) const override;
  BuiltinParseFunction GetOpDataParser(tflite::BuiltinOperator op) const override;
  TfLiteStatus AddBuiltin(tflite::BuiltinOperator op, TfLiteRegistration* registration,
                          int version) override;

 private:
  TF_LITE_REMOVE_VIRTUAL_DELETE
};

}  // namespace simbench

#endif  // SIMBENCH_HARNESS_OPS_H_
