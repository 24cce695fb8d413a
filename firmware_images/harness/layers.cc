#include "harness/layers.h"

#include "harness/marker.h"

extern "C" {

SIMBENCH_MARKER(simbench_op_begin)
SIMBENCH_MARKER(simbench_op_end)

}  // extern "C"
