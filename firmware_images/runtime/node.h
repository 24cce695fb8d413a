// What the runtime promises a kernel. Kernels are TfLiteRegistrations over TensorFlow's C API:
//
// * `init` runs once for each node, then `prepare` (which may be null) once, then `invoke` in every
//   inference. Where there is an `init`, null from it means that the node cannot run. In both,
//   AllocatePersistentBuffer (4 bytes aligned for sizes below 8, else 8) and
//   RequestScratchBufferInArena work. A scratch buffer is the node's own during each of its
//   invocations, and is aligned to 16 bytes.
// * `init` is given what TensorFlow's 2020 parser makes of the operator's options, which is also
// the
//   node's `builtin_data`; null for an operator that this parser does not know or has no options
//   of. Such a kernel reads OperatorBeingInitialised()->builtin_options() by number of the field.
// * `node->inputs` and `outputs` are indices into `context->tensors`, for
//   the length of this one call only: both the array and the indices are others in the next. So a
//   kernel keeps no TfLiteTensor*, nor an index. An index of -1 is an input that the model leaves
//   out.
// * A tensor has type, data (null before `invoke`, but for constants and variables), dims, params,
//   bytes, is_variable, allocation_type (kTfLiteMmapRo for a constant) and, where it has scales,
//   quantization (in `invoke` too). Scales and zero points are read in place from the model: those
//   of a tensor with several are all zero, which is checked. The other fields are zero.
// * A kernel says what it lacks with context->ReportError and returns kTfLiteError; the operator's
//   name and number are added. TF_LITE_ENSURE and its like do so.
#ifndef SIMBENCH_RUNTIME_NODE_H_
#define SIMBENCH_RUNTIME_NODE_H_

#include "tensorflow/lite/c/common.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace simbench {

// The node being initialised, as it will be when prepared. The argument is its `builtin_data`.
TfLiteNode NodeBeingInitialised(const char* builtin_data);

// The same as the model has it. Its tensors are those of the model, not of the node.
const tflite::Operator* OperatorBeingInitialised();

}  // namespace simbench

#endif  // SIMBENCH_RUNTIME_NODE_H_
