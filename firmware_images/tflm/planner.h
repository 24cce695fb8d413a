// TensorFlow's planner, which also notes what it places.
#ifndef SIMBENCH_TFLM_PLANNER_H_
#define SIMBENCH_TFLM_PLANNER_H_

#include <cstddef>
#include <cstdint>

#include "tensorflow/lite/micro/compatibility.h"
#include "tensorflow/lite/micro/memory_planner/greedy_memory_planner.h"

namespace simbench {

struct Placed {
  uint32_t bytes;
  uint32_t offset;
  uint16_t first;  // when it is in use, as the interpreter counts
  uint16_t last;
};

class NotingPlanner : public tflite::MicroMemoryPlanner {
 public:
  TfLiteStatus Init(unsigned char* scratch_buffer, int scratch_buffer_size) override {
    return planner_.Init(scratch_buffer, scratch_buffer_size);
  }
  TfLiteStatus AddBuffer(int size, int first_time_used, int last_time_used) override;
  TfLiteStatus AddBuffer(int size, int first_time_used, int last_time_used,
                         int offline_offset) override;
  size_t GetMaximumMemorySize() override;
  int GetBufferCount() override { return planner_.GetBufferCount(); }
  TfLiteStatus GetOffsetForBuffer(int buffer_index, int* offset) override;
  bool preserves_all_tensors() const override { return tells_; }

  // The interpreter shows its tensors only where it believes that none overwrites another.
  void Tell() { tells_ = true; }

  size_t head_bytes() const { return head_bytes_; }
  size_t size() const { return size_; }
  const Placed& placed(size_t index) const;

 private:
  void Note(int size, int first, int last);

  tflite::GreedyMemoryPlanner planner_;
  size_t size_ = 0;
  size_t head_bytes_ = 0;
  bool tells_ = false;

  TF_LITE_REMOVE_VIRTUAL_DELETE
};

NotingPlanner& CurrentPlanner();
void RestartPlanner();

// How much of the arena's region is the model's: the notes are at its end, as they are not the
// firmware's own memory.
size_t RoomForModel();

}  // namespace simbench

#endif  // SIMBENCH_TFLM_PLANNER_H_
