// What TensorFlow's allocator made of the arena.
#ifndef SIMBENCH_HARNESS_PLAN_H_
#define SIMBENCH_HARNESS_PLAN_H_

#include <cstddef>
#include <cstdint>

#include "tensorflow/lite/micro/micro_interpreter.h"

namespace simbench {

// Bytes in use: tensors and scratch buffers from the start of the arena, what stays from its end.
struct ArenaUse {
  size_t head_bytes;
  size_t tail_bytes;
};

ArenaUse ArenaUseOf(const tflite::MicroInterpreter& interpreter);

// Prints both as m-plan-head-N and m-plan-tail-N, and m-plan-[kind,number,offset,bytes] for each
// tensor (by its index) and each scratch buffer (by its layer's) in the head of the arena at `arena`.
void PrintPlan(tflite::MicroInterpreter* interpreter, const uint8_t* arena);

}  // namespace simbench

#endif  // SIMBENCH_HARNESS_PLAN_H_
