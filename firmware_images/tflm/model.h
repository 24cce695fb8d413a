// The model on TensorFlow's interpreter, for the plan of its arena.
#ifndef SIMBENCH_TFLM_MODEL_H_
#define SIMBENCH_TFLM_MODEL_H_

#include "tensorflow/lite/micro/micro_interpreter.h"

namespace simbench {

// Only where there is a model, as the next two.
tflite::MicroInterpreter& CurrentInterpreter();
const tflite::SubGraph& FirstGraph();
size_t GraphsSize();

}  // namespace simbench

#endif  // SIMBENCH_TFLM_MODEL_H_
