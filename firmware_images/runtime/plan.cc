#include "harness/plan.h"

#include "harness/seam.h"
#include "runtime/model.h"
#include "runtime/tensor.h"

namespace simbench {
namespace {

void PrintBuffer(const char* kind, size_t number, size_t offset, size_t bytes) {
  th_printf("m-plan-[%s,%u,%u,%u]\r\n", kind, static_cast<unsigned>(number),
            static_cast<unsigned>(offset), static_cast<unsigned>(bytes));
}

template <typename Act>
void EachTensor(const Runtime& runtime, size_t graph, const Act& act) {
  const auto& tensors = *runtime.source(graph).tensors();
  for (size_t i = 0; i < tensors.size(); ++i) {
    const void* data = runtime.data(graph, i);
    if (runtime.IsInHead(data)) act(i, runtime.OffsetOf(data), BytesOf(*tensors.Get(i)));
  }
}

// Calls `act(offset, bytes)` for what a node has for itself: its scratch buffers and, of the
// subgraphs that it calls, every buffer.
template <typename Act>
void EachOwn(const Runtime& runtime, Place place, const Act& act) {
  for (size_t i = runtime.FirstScratch(place); runtime.IsScratchOf(place, i); ++i) {
    const Scratch& scratch = runtime.scratch(i);
    act(runtime.OffsetOf(scratch.data), scratch.bytes);
  }
  const tflite::Operator& op = runtime.operator_at(place);
  const Callees callees = CalleesOf(CodeOf(runtime.model(), op), op);
  for (size_t i = 0; i < callees.count; ++i) {
    const uint16_t graph = callees.graphs[i];
    EachTensor(runtime, graph, [&act](size_t, size_t offset, size_t bytes) { act(offset, bytes); });
    const size_t nodes = runtime.source(graph).operators()->size();
    for (uint16_t node = 0; node < nodes; ++node) EachOwn(runtime, {graph, node}, act);
  }
}

// Subgraphs run one after the other, and their buffers may overlap: what overlaps is one piece.
void PrintPieces(const Runtime& runtime, Place layer) {
  constexpr size_t kNone = SIZE_MAX;
  for (size_t end = 0;;) {
    size_t start = kNone;
    const auto find = [&](size_t offset, size_t bytes) {
      if (bytes > 0 && offset >= end && offset < start) start = offset;
    };
    EachOwn(runtime, layer, find);
    if (start == kNone) return;
    end = start + 1;
    const auto grow = [&](size_t offset, size_t bytes) {
      if (offset >= start && offset < end && offset + bytes > end) end = offset + bytes;
    };
    for (size_t before = 0; before != end;) {
      before = end;
      EachOwn(runtime, layer, grow);
    }
    PrintBuffer("scratch", layer.node, start, end - start);
  }
}

}  // namespace

void PrintArenaPlan() {
  const Runtime& runtime = CurrentRuntime();
  th_printf("m-plan-head-%u\r\nm-plan-tail-%u\r\n", static_cast<unsigned>(runtime.head_bytes()),
            static_cast<unsigned>(runtime.tail_bytes()));
  EachTensor(runtime, 0, [](size_t i, size_t offset, size_t bytes) {
    PrintBuffer("tensor", i, offset, bytes);
  });
  const size_t layers = runtime.source(0).operators()->size();
  for (uint16_t layer = 0; layer < layers; ++layer) PrintPieces(runtime, {0, layer});
}

}  // namespace simbench
