#include "tflm/planner.h"

#include <new>

#include "harness/config.h"

namespace simbench {
namespace {

constexpr size_t kMostPlaced = 4096;
constexpr size_t kNotesBytes = kMostPlaced * sizeof(Placed);

alignas(NotingPlanner) uint8_t planner[sizeof(NotingPlanner)];

Placed* Notes() {
  return reinterpret_cast<Placed*>(simbench_config.arena_address + RoomForModel());
}

}  // namespace

size_t RoomForModel() { return (simbench_config.arena_bytes - kNotesBytes) / 16 * 16; }

NotingPlanner& CurrentPlanner() { return *reinterpret_cast<NotingPlanner*>(planner); }

void RestartPlanner() { new (planner) NotingPlanner; }

const Placed& NotingPlanner::placed(size_t index) const { return Notes()[index]; }

void NotingPlanner::Note(int size, int first, int last) {
  if (size_ == kMostPlaced) return;
  Notes()[size_++] = {static_cast<uint32_t>(size), UINT32_MAX, static_cast<uint16_t>(first),
                      static_cast<uint16_t>(last)};
}

TfLiteStatus NotingPlanner::AddBuffer(int size, int first_time_used, int last_time_used) {
  Note(size, first_time_used, last_time_used);
  return planner_.AddBuffer(size, first_time_used, last_time_used);
}

TfLiteStatus NotingPlanner::AddBuffer(int size, int first_time_used, int last_time_used,
                                      int offline_offset) {
  Note(size, first_time_used, last_time_used);
  return planner_.AddBuffer(size, first_time_used, last_time_used, offline_offset);
}

size_t NotingPlanner::GetMaximumMemorySize() {
  return head_bytes_ = planner_.GetMaximumMemorySize();
}

TfLiteStatus NotingPlanner::GetOffsetForBuffer(int buffer_index, int* offset) {
  const TfLiteStatus status = planner_.GetOffsetForBuffer(buffer_index, offset);
  const auto index = static_cast<size_t>(buffer_index);
  if (status == kTfLiteOk && index < size_) Notes()[index].offset = *offset;
  return status;
}

}  // namespace simbench
