// Part of a stand-in: see its README.md.
#pragma once

#include <cstdint>

namespace tflite {
uint32_t ticks_per_second();
uint32_t GetCurrentTimeTicks();
}  // namespace tflite
