// The model and its interpreter.
#ifndef SIMBENCH_HARNESS_RUNNER_H_
#define SIMBENCH_HARNESS_RUNNER_H_

#include <cstddef>

namespace simbench {

// Finds the model by the configuration block, and the smallest arena in which it works.
void InitializeRunner();

// Whether a model is set up.
bool HasModel();

// Whether it is, and the last thing asked of it worked.
bool IsReady();

// Prints why not, as an e-[...] line.
void ReportProblem();

// The smallest arena that works, and what of it is in use once all is set up.
size_t ArenaBytes();
size_t ArenaUsedBytes();

// Prints what of the arena is used at either end, and where in it each buffer is.
void PrintArenaPlan();

// Prints the bytes of the output tensors as one m-output-[...] line.
void PrintOutputBytes();

}  // namespace simbench

#endif  // SIMBENCH_HARNESS_RUNNER_H_
