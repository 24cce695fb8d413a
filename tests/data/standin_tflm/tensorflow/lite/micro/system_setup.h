// Part of a stand-in: see its README.md.
#pragma once

namespace tflite {
void InitializeTarget();
}  // namespace tflite
