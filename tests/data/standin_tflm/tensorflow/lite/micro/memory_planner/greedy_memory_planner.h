// Part of a stand-in: see its README.md. Buffers lie one after the other.
#pragma once

#include "tensorflow/lite/micro/compatibility.h"
#include "tensorflow/lite/micro/memory_planner/micro_memory_planner.h"

namespace tflite {

class GreedyMemoryPlanner : public MicroMemoryPlanner {
 public:
  TfLiteStatus Init(unsigned char*, int) override { return kTfLiteOk; }
  TfLiteStatus AddBuffer(int size, int, int) override {
    if (count_ == kMost) return kTfLiteError;
    offsets_[count_++] = end_;
    end_ += (size + 15) / 16 * 16;
    return kTfLiteOk;
  }
  TfLiteStatus AddBuffer(int size, int first, int last, int) override {
    return AddBuffer(size, first, last);
  }
  size_t GetMaximumMemorySize() override { return end_; }
  int GetBufferCount() override { return count_; }
  TfLiteStatus GetOffsetForBuffer(int index, int* offset) override {
    *offset = offsets_[index];
    return kTfLiteOk;
  }
  bool preserves_all_tensors() const override { return false; }

 private:
  static constexpr int kMost = 16;

  int count_ = 0;
  int end_ = 0;
  int offsets_[kMost] = {};

  TF_LITE_REMOVE_VIRTUAL_DELETE
};

}  // namespace tflite
