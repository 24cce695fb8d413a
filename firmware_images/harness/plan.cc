#include "harness/plan.h"

#include "harness/seam.h"

namespace simbench {
namespace {

// The allocator's records are private. An explicit instantiation may name private members all the
// same (C++17, [temp.explicit] 12): each of these hands a pointer to one out as Private(tag).
template <typename Tag, auto kMember>
struct Reveal {
  friend auto Private(Tag) { return kMember; }
};

struct Allocator { friend auto Private(Allocator); };
struct Memory { friend auto Private(Memory); };
struct Scratch { friend auto Private(Scratch); };
struct ScratchCount { friend auto Private(ScratchCount); };

template struct Reveal<Allocator, &tflite::MicroInterpreter::allocator_>;
template struct Reveal<Memory, &tflite::MicroAllocator::memory_allocator_>;
template struct Reveal<Scratch, &tflite::MicroAllocator::scratch_buffer_handles_>;
template struct Reveal<ScratchCount, &tflite::MicroAllocator::scratch_buffer_count_>;

void PrintBuffer(const char* kind, int number, size_t offset, size_t bytes) {
  th_printf("m-plan-[%s,%d,%u,%u]\r\n", kind, number, static_cast<unsigned>(offset),
            static_cast<unsigned>(bytes));
}

}  // namespace

ArenaUse ArenaUseOf(const tflite::MicroInterpreter& interpreter) {
  const auto* memory = (interpreter.*Private(Allocator())).*Private(Memory());
  return {memory->GetHeadUsedBytes(), memory->GetTailUsedBytes()};
}

void PrintPlan(tflite::MicroInterpreter* interpreter, const uint8_t* arena) {
  const auto [head, tail] = ArenaUseOf(*interpreter);
  th_printf("m-plan-head-%u\r\nm-plan-tail-%u\r\n", static_cast<unsigned>(head),
            static_cast<unsigned>(tail));
  for (size_t i = 0; i < interpreter->tensors_size(); ++i) {
    const TfLiteTensor* tensor = interpreter->tensor(i);
    // variables are in the tail, constants in the model
    if (tensor->data.uint8 < arena || tensor->data.uint8 >= arena + head) continue;
    PrintBuffer("tensor", i, tensor->data.uint8 - arena, tensor->bytes);
  }
  const tflite::MicroAllocator& allocator = interpreter->*Private(Allocator());
  const auto* last = allocator.*Private(Scratch());
  for (size_t i = allocator.*Private(ScratchCount()); i-- > 0;) {  // the last one is stored first
    PrintBuffer("scratch", last[i].node_idx, last[i].data - arena, last[i].bytes);
  }
}

}  // namespace simbench
