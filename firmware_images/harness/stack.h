// How deep the stack went: it is painted at boot, and what is no longer paint has been used.
#ifndef SIMBENCH_HARNESS_STACK_H_
#define SIMBENCH_HARNESS_STACK_H_

#include <cstddef>

namespace simbench {

// Paints the stack below its caller.
void PaintStack();

// The deepest that the stack has been since, in bytes.
size_t StackUsedBytes();

}  // namespace simbench

#endif  // SIMBENCH_HARNESS_STACK_H_
