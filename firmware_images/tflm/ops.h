// Every builtin operator that TensorFlow's tree has.
#ifndef SIMBENCH_TFLM_OPS_H_
#define SIMBENCH_TFLM_OPS_H_

#include "tensorflow/lite/micro/micro_op_resolver.h"

namespace simbench {

const tflite::MicroOpResolver& Operators();

}  // namespace simbench

#endif  // SIMBENCH_TFLM_OPS_H_
