// Which node of the model is being initialised. TensorFlow Lite Micro tells a kernel only when it
// prepares, and at that time one allocation from the arena's tail after another node's request for
// scratch memory is an error. So kernels that need both allocate when they initialise.
#ifndef SIMBENCH_HARNESS_NODE_H_
#define SIMBENCH_HARNESS_NODE_H_

#include "tensorflow/lite/c/common.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace simbench {

// To be called before tensors are allocated, and then before each node's initialisation.
void StartNodes();
void AdvanceNode(TfLiteContext* context);

// The node being initialised, as it will be when prepared, with `builtin_data`.
TfLiteNode NodeBeingInitialised(const char* builtin_data);

// The same as the model has it.
const tflite::Operator* OperatorBeingInitialised();

}  // namespace simbench

#endif  // SIMBENCH_HARNESS_NODE_H_
