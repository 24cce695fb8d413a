// Part of a stand-in: see its README.md. What stays is taken from the arena's end.
#pragma once

#include <cstdint>

#include "tensorflow/lite/micro/memory_planner/micro_memory_planner.h"

namespace tflite {

class MicroAllocator {
 public:
  static MicroAllocator* Create(uint8_t* arena, size_t bytes, MicroMemoryPlanner* planner) {
    static MicroAllocator allocator;
    allocator = {arena, bytes, planner, 0};
    return &allocator;
  }

  void* Keep(size_t bytes) {
    kept += (bytes + 15) / 16 * 16;
    return kept <= size ? start + size - kept : nullptr;
  }

  uint8_t* start;
  size_t size;
  MicroMemoryPlanner* planner;
  size_t kept;
};

}  // namespace tflite
