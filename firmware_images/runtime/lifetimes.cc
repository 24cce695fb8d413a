// How long each tensor and scratch buffer is needed, and so where in the head of the arena it may
// be.
#include "runtime/runtime.h"
#include "runtime/tensor.h"

namespace simbench {
namespace {

constexpr uint32_t kLastTick = 0xFFFF;

// How a tensor has been touched, in Buffer::order until the planner takes it.
constexpr uint16_t kRead = 1;
constexpr uint16_t kWritten = 2;

}  // namespace

bool Runtime::PlanMemory() {
  const size_t tensors = BorrowBuffers();
  if (arena_.is_exhausted()) return false;
  if (buffers_size_ > kMostBuffers)
    return Fail("The model has more than %d tensors", static_cast<int>(kMostBuffers));
  uint32_t tick = 0;
  if (!Walk(0, 0, &tick) || !CheckWritten()) return false;
  head_bytes_ = PlanBuffers(buffers_, buffers_size_);
  const size_t bytes = head_bytes_ + arena_.kept_bytes();
  if (bytes > arena_.bytes()) {
    return Fail("The model needs an arena of %d bytes, and there are %d", static_cast<int>(bytes),
                static_cast<int>(arena_.bytes()));
  }
  Commit(tensors);
  return true;
}

// Until all is planned, what has no address yet has its buffer's. Returns how many are tensors'.
size_t Runtime::BorrowBuffers() {
  buffers_ = arena_.Borrow<Buffer>(0);
  buffers_size_ = 0;
  for (size_t i = 0; i < model_->subgraphs()->size(); ++i) {
    if (!IsReached(i)) continue;
    const auto& tensors = *source(i).tensors();
    for (size_t j = 0; j < tensors.size(); ++j) {
      if (graphs_[i].data[j] != nullptr) continue;
      Buffer* buffer = arena_.Borrow<Buffer>(1);
      if (buffer == nullptr) return 0;
      *buffer = {AlignUp(BytesOf(*tensors.Get(j))), 0, 0, 0, 0, 0};
      graphs_[i].data[j] = buffer;
      ++buffers_size_;
    }
  }
  const size_t tensors = buffers_size_;
  for (size_t i = 0; i < scratch_size_; ++i) {
    Buffer* buffer = arena_.Borrow<Buffer>(1);
    if (buffer == nullptr) return 0;
    *buffer = {AlignUp(scratch_[i].bytes), 0, 0, 0, 0, 0};
    scratch_[i].data = reinterpret_cast<uint8_t*>(buffer);
    ++buffers_size_;
  }
  return tensors;
}

// Time runs in ticks: one for each operator, and within that of an operator that calls a subgraph,
// those of the subgraph. What a subgraph is given and what it gives are alive at its ends.
bool Runtime::Walk(size_t graph, int depth, uint32_t* tick) {
  if (depth == kDeepestCall) return Fail(kTooDeep);
  const tflite::SubGraph& subgraph = source(graph);
  TouchAll(graph, subgraph.inputs(), *tick, kWritten);
  for (size_t i = 0; i < subgraph.operators()->size(); ++i) {
    if (!WalkNode({static_cast<uint16_t>(graph), static_cast<uint16_t>(i)}, depth, tick))
      return false;
  }
  TouchAll(graph, subgraph.outputs(), *tick, kRead);
  return true;
}

bool Runtime::WalkNode(Place place, int depth, uint32_t* tick) {
  const tflite::Operator& op = operator_at(place);
  const Callees callees = CalleesOf(CodeOf(*model_, op), op);
  const uint32_t begin = (*tick)++;
  for (size_t i = 0; i < callees.count; ++i) {
    if (!Walk(callees.graphs[i], depth + 1, tick)) return false;
    ++*tick;
  }
  if (*tick > kLastTick) return Fail("The model runs more operators than can be planned");
  for (const uint32_t now : {begin, *tick - 1}) {
    TouchAll(place.graph, op.inputs(), now, kRead);
    TouchAll(place.graph, op.outputs(), now, kWritten);
    TouchScratch(place, now);
  }
  return true;
}

void Runtime::TouchAll(size_t graph, const Indices* indices, uint32_t tick, uint16_t how) {
  for (size_t i = 0; i < SizeOf(indices); ++i) {
    const int32_t index = indices->Get(i);
    if (index >= 0) Touch(BufferOf(graphs_[graph].data[index]), tick, how);
  }
}

size_t Runtime::FirstScratch(Place place) const {
  const auto number = [](uint32_t graph, uint32_t node) { return graph << 16 | node; };
  const uint32_t wanted = number(place.graph, place.node);
  size_t low = 0;
  for (size_t high = scratch_size_; low < high;) {
    const size_t middle = (low + high) / 2;
    const bool is_below = number(scratch_[middle].graph, scratch_[middle].node) < wanted;
    (is_below ? low : high) = is_below ? middle + 1 : middle;
  }
  return low;
}

void Runtime::TouchScratch(Place place, uint32_t tick) {
  for (size_t i = FirstScratch(place); IsScratchOf(place, i); ++i) {
    Touch(BufferOf(scratch_[i].data), tick, kWritten);
  }
}

void Runtime::Touch(Buffer* buffer, uint32_t tick, uint16_t how) {
  if (buffer == nullptr) return;
  const uint16_t now = static_cast<uint16_t>(tick);
  if (buffer->order == 0 || now < buffer->first) buffer->first = now;
  if (buffer->order == 0 || now > buffer->last) buffer->last = now;
  buffer->order |= how;
}

// Null for what has an address.
Buffer* Runtime::BufferOf(const void* data) const {
  const auto* buffer = static_cast<const Buffer*>(data);
  return buffer >= buffers_ && buffer < buffers_ + buffers_size_ ? &buffers_[buffer - buffers_]
                                                                 : nullptr;
}

// Takes what nothing touches out of the plan: intermediates hold scales only, outputs may be
// unused.
bool Runtime::CheckWritten() {
  for (size_t i = 0; i < model_->subgraphs()->size(); ++i) {
    if (!IsReached(i)) continue;
    for (size_t j = 0; j < source(i).tensors()->size(); ++j) {
      Buffer* buffer = BufferOf(graphs_[i].data[j]);
      if (buffer == nullptr || (buffer->order & kWritten) != 0) continue;
      if (buffer->order == kRead && buffer->bytes != 0) {
        return Fail("Tensor %d is read, but it has no elements and nothing writes it",
                    static_cast<int>(j));
      }
      if (buffer->order == 0) graphs_[i].data[j] = nullptr;
      buffer->bytes = 0;
    }
  }
  return true;
}

void Runtime::Commit(size_t tensors) {
  // the head overwrites nothing yet: addresses are all that is stored
  for (size_t i = 0; i < model_->subgraphs()->size(); ++i) {
    if (!IsReached(i)) continue;
    for (size_t j = 0; j < source(i).tensors()->size(); ++j) {
      void*& data = graphs_[i].data[j];
      const Buffer* buffer = BufferOf(data);
      if (buffer != nullptr) data = arena_.start() + buffer->offset;
    }
  }
  for (size_t i = 0; i < scratch_size_; ++i)
    scratch_[i].data = arena_.start() + buffers_[tensors + i].offset;
}

}  // namespace simbench
