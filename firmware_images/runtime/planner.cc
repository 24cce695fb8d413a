#include "runtime/planner.h"

#include <utility>

namespace simbench {
namespace {

constexpr uint16_t kNone = 0xFFFF;

// Which of equally large buffers goes first. None is best for every model.
enum class Tie { kNeededLongest, kFirst, kLast };

// The largest first.
bool GoesBefore(const Buffer* buffers, Tie tie, uint16_t a, uint16_t b) {
  const Buffer& one = buffers[a];
  const Buffer& other = buffers[b];
  if (one.bytes != other.bytes) return one.bytes > other.bytes;
  const int longer = (one.last - one.first) - (other.last - other.first);
  if (tie == Tie::kNeededLongest && longer != 0) return longer > 0;
  return tie == Tie::kLast ? a > b : a < b;
}

// Restores the heap below `root`: each after its two children in order.
void Sink(Buffer* buffers, Tie tie, size_t root, size_t count) {
  for (size_t child; (child = 2 * root + 1) < count; root = child) {
    const auto goes_before = [buffers, tie](size_t a, size_t b) {
      return GoesBefore(buffers, tie, buffers[a].order, buffers[b].order);
    };
    if (child + 1 < count && goes_before(child, child + 1)) ++child;
    if (!goes_before(root, child)) return;
    std::swap(buffers[root].order, buffers[child].order);
  }
}

// Fills `order`: of place i, the index of the buffer that goes there. A heap sort.
void Sort(Buffer* buffers, Tie tie, size_t count) {
  for (size_t i = 0; i < count; ++i) buffers[i].order = i;
  for (size_t i = count / 2; i-- > 0;) Sink(buffers, tie, i, count);
  for (size_t left = count; left-- > 1;) {
    std::swap(buffers[0].order, buffers[left].order);
    Sink(buffers, tie, 0, left);
  }
}

size_t Plan(Buffer* buffers, Tie tie, size_t count) {
  Sort(buffers, tie, count);
  size_t highest_end = 0;
  uint16_t lowest = kNone;  // of those placed: a list by offset
  for (size_t i = 0; i < count; ++i) {
    const uint16_t index = buffers[i].order;
    Buffer& placed = buffers[index];
    uint32_t offset = 0;
    uint16_t below = kNone;  // the last in the list that starts no higher than `offset`
    for (uint16_t at = lowest; at != kNone; at = buffers[at].next) {
      const Buffer& other = buffers[at];
      const bool is_needed_with = other.first <= placed.last && placed.first <= other.last;
      if (is_needed_with) {
        if (other.offset >= offset + placed.bytes) break;
        if (other.offset + other.bytes > offset) offset = other.offset + other.bytes;
      }
      if (other.offset <= offset) below = at;
    }
    placed.offset = offset;
    uint16_t& link = below == kNone ? lowest : buffers[below].next;
    placed.next = link;
    link = index;
    if (offset + placed.bytes > highest_end) highest_end = offset + placed.bytes;
  }
  return highest_end;
}

}  // namespace

size_t PlanBuffers(Buffer* buffers, size_t count) {
  Tie best = Tie::kLast;
  size_t least = Plan(buffers, best, count);
  for (const Tie tie : {Tie::kFirst, Tie::kNeededLongest}) {
    const size_t highest_end = Plan(buffers, tie, count);
    if (highest_end > least) continue;
    best = tie;
    least = highest_end;
  }
  return best == Tie::kNeededLongest ? least : Plan(buffers, best, count);
}

}  // namespace simbench
