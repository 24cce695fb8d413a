// The model that the loader wrote, set up in the smallest arena in which it works.
#ifndef SIMBENCH_HARNESS_MODEL_H_
#define SIMBENCH_HARNESS_MODEL_H_

#include <cstddef>

#include "runtime/runtime.h"

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

// Only where there is a model.
Runtime& CurrentRuntime();

// The smallest arena in which it works, and what of that is in use once all is set up.
size_t ArenaBytes();
size_t ArenaUsedBytes();

}  // namespace simbench

#endif  // SIMBENCH_HARNESS_MODEL_H_
