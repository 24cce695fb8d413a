// The model that the loader wrote, as the harness asks for it in harness/model.h.
#ifndef SIMBENCH_RUNTIME_MODEL_H_
#define SIMBENCH_RUNTIME_MODEL_H_

#include "runtime/runtime.h"

namespace simbench {

// Only where there is a model.
Runtime& CurrentRuntime();

}  // namespace simbench

#endif  // SIMBENCH_RUNTIME_MODEL_H_
