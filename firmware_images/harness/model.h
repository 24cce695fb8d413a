// What the harness asks of whatever runs the model: runtime/ is ours, tflm/ is TensorFlow's.
#ifndef SIMBENCH_HARNESS_MODEL_H_
#define SIMBENCH_HARNESS_MODEL_H_

#include <cstddef>

#include "harness/problem.h"
#include "tensorflow/lite/c/common.h"

namespace simbench {

// Finds the model by the configuration block, sets it up, and runs what it has to run once.
void InitializeModel();

// Whether a model is set up.
bool HasModel();

// Whether it is, and the last thing asked of it worked.
bool IsReady();

// Prints why not, as an e-[...] line.
void ReportProblem();

Problem& CurrentProblem();

// Only where there is a model, from here on. Runs it once, with the layers between markers; false
// where that failed, and CurrentProblem() says why.
bool Infer();

// Its ends, in the model's order. What a tensor points to may be in `quantization`.
size_t InputsSize();
size_t OutputsSize();
TfLiteTensor InputAt(size_t index, TfLiteAffineQuantization* quantization);
TfLiteTensor OutputAt(size_t index, TfLiteAffineQuantization* quantization);

// The smallest arena in which it works, and what of that is in use once all is set up.
size_t ArenaBytes();
size_t ArenaUsedBytes();

}  // namespace simbench

#endif  // SIMBENCH_HARNESS_MODEL_H_
