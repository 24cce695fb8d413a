#include "harness/plan.h"

#include "harness/config.h"
#include "harness/model.h"
#include "harness/seam.h"
#include "tensorflow/lite/micro/memory_helpers.h"
#include "tflm/model.h"
#include "tflm/planner.h"

namespace simbench {
namespace {

void PrintBuffer(const char* kind, size_t number, size_t offset, size_t bytes) {
  th_printf("m-plan-[%s,%u,%u,%u]\r\n", kind, static_cast<unsigned>(number),
            static_cast<unsigned>(offset), static_cast<unsigned>(bytes));
}

struct Piece {
  size_t offset;
  size_t bytes;
};

// Where tensor `index` of the first graph is in the head of the arena; no bytes where it is not.
Piece PieceOf(size_t index) {
  const TfLiteEvalTensor* tensor = CurrentInterpreter().GetTensor(static_cast<int>(index));
  const auto address = reinterpret_cast<uintptr_t>(tensor->data.data);
  const size_t offset = address - simbench_config.arena_address;
  size_t bytes = 0;
  const bool is_there = address >= simbench_config.arena_address &&
                        offset < CurrentPlanner().head_bytes() &&
                        tflite::TfLiteEvalTensorByteLength(tensor, &bytes) == kTfLiteOk;
  return is_there ? Piece{offset, bytes} : Piece{0, 0};
}

bool IsTensor(const Placed& placed) {
  for (size_t i = 0; i < FirstGraph().tensors()->size(); ++i) {
    const Piece piece = PieceOf(i);
    if (piece.bytes > 0 && piece.offset == placed.offset && piece.bytes <= placed.bytes &&
        placed.bytes < piece.bytes + 16) {
      return true;
    }
  }
  return false;
}

}  // namespace

// What the interpreter does not tell is which scratch buffer is whose: with one graph, those that
// are in use at one time only are the node's whose turn it is then.
void PrintArenaPlan() {
  NotingPlanner& planner = CurrentPlanner();
  planner.Tell();
  const size_t head = planner.head_bytes();
  th_printf("m-plan-head-%u\r\nm-plan-tail-%u\r\n", static_cast<unsigned>(head),
            static_cast<unsigned>(ArenaUsedBytes() - head));
  for (size_t i = 0; i < FirstGraph().tensors()->size(); ++i) {
    const Piece piece = PieceOf(i);
    if (piece.bytes > 0) PrintBuffer("tensor", i, piece.offset, piece.bytes);
  }
  const size_t layers = FirstGraph().operators()->size();
  if (GraphsSize() > 1) return;
  for (size_t i = 0; i < planner.size(); ++i) {
    const Placed& placed = planner.placed(i);
    const bool is_scratch = placed.offset != UINT32_MAX && placed.first == placed.last &&
                            placed.first > 0 && placed.first <= layers && !IsTensor(placed);
    if (is_scratch) PrintBuffer("scratch", placed.first - 1, placed.offset, placed.bytes);
  }
}

}  // namespace simbench
