// Where buffers go that are not all needed at the same time.
#ifndef SIMBENCH_RUNTIME_PLANNER_H_
#define SIMBENCH_RUNTIME_PLANNER_H_

#include <cstddef>
#include <cstdint>

namespace simbench {

// A buffer that is needed from one tick to another, both inclusive.
struct Buffer {
  uint32_t bytes;
  uint32_t offset;
  uint16_t first;
  uint16_t last;
  uint16_t order;  // the planner's own, as is the next
  uint16_t in_time;
};

constexpr size_t kMostBuffers = 0xFFFF;

// Gives each of `count` buffers an offset, so that no two that are needed in one tick overlap. The
// largest goes first, each as low as it fits; of three ways to order equals the best is taken.
// Returns the highest end.
size_t PlanBuffers(Buffer* buffers, size_t count);

}  // namespace simbench

#endif  // SIMBENCH_RUNTIME_PLANNER_H_
