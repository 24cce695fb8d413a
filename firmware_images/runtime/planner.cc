// What is needed with a buffer is found in time: buffers are in order of how long they are needed,
// in powers of two, and then of when that begins. Those of one power that are needed with another
// begin next to each other, but for the few that are over just before it.
#include "runtime/planner.h"

#include <utility>

namespace simbench {
namespace {

constexpr uint32_t kUnplaced = UINT32_MAX;
constexpr int kNever = 17;  // the power of what has no bytes: beyond that of all ticks

// Which of equally large buffers goes first. None is best for every model.
enum class Tie { kNeededLongest, kFirst, kLast };

using Order = bool (*)(const Buffer& one, const Buffer& other);

// Indices of buffers, in a field that each buffer has for that.
template <uint16_t Buffer::* kField>
class Indices {
 public:
  explicit Indices(Buffer* buffers) : buffers_(buffers) {}

  uint16_t& operator[](size_t place) const { return buffers_[place].*kField; }
  Buffer& Get(size_t place) const { return buffers_[(*this)[place]]; }

  // Restores the heap below `root`: each after its two children in order.
  __attribute__((noinline)) void Sink(size_t root, size_t count, Order goes_before) const {
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
      if (child + 1 < count && goes_before(Get(child), Get(child + 1))) ++child;
      if (!goes_before(Get(root), Get(child))) return;
      std::swap((*this)[root], (*this)[child]);
    }
  }

  void MakeHeap(size_t count, Order goes_before) const {
    for (size_t i = count / 2; i-- > 0;) Sink(i, count, goes_before);
  }

  __attribute__((noinline)) void SortAll(size_t count, Order goes_before) const {
    for (size_t i = 0; i < count; ++i) (*this)[i] = i;
    MakeHeap(count, goes_before);
    for (size_t left = count; left-- > 1;) {
      std::swap((*this)[0], (*this)[left]);
      Sink(0, left, goes_before);
    }
  }

 private:
  Buffer* const buffers_;
};

using InOrder = Indices<&Buffer::order>;
using InTime = Indices<&Buffer::in_time>;

// The largest first. Their addresses are in order of their indices.
template <Tie tie>
bool GoesBefore(const Buffer& one, const Buffer& other) {
  if (one.bytes != other.bytes) return one.bytes > other.bytes;
  const int longer = (one.last - one.first) - (other.last - other.first);
  if (tie == Tie::kNeededLongest && longer != 0) return longer > 0;
  return tie == Tie::kLast ? &one > &other : &one < &other;
}

Order OrderOf(Tie tie) {
  return tie == Tie::kNeededLongest ? GoesBefore<Tie::kNeededLongest>
         : tie == Tie::kFirst       ? GoesBefore<Tie::kFirst>
                                    : GoesBefore<Tie::kLast>;
}

int PowerOf(const Buffer& buffer) {
  const auto ticks = static_cast<unsigned>(buffer.last - buffer.first + 1);
  return buffer.bytes == 0 ? kNever : 31 - __builtin_clz(ticks);
}

bool IsBefore(const Buffer& buffer, int power, uint32_t first) {
  const int own = PowerOf(buffer);
  return own != power ? own < power : buffer.first < first;
}

// Of those that begin at once the largest first: about as they are placed.
bool IsEarlier(const Buffer& one, const Buffer& other) {
  if (IsBefore(one, PowerOf(other), other.first)) return true;
  return !IsBefore(other, PowerOf(one), one.first) && one.bytes > other.bytes;
}

// The place of the first, not below `low`, that is not before that of `power` and `first`.
__attribute__((noinline)) size_t Seek(InTime in_time, size_t low, size_t count, int power,
                                      uint32_t first) {
  for (size_t high = count; low < high;) {
    const size_t middle = (low + high) / 2;
    const bool is_before = IsBefore(in_time.Get(middle), power, first);
    (is_before ? low : high) = is_before ? middle + 1 : middle;
  }
  return low;
}

// Calls `act(index)` for each buffer that is needed in one of the ticks from `first` to `last`.
template <typename Act>
void EachNeeded(Buffer* buffers, size_t count, uint32_t first, uint32_t last, Act act) {
  const InTime in_time(buffers);
  for (size_t at = 0; at < count;) {
    const int power = PowerOf(in_time.Get(at));
    if (power == kNever) return;
    const uint32_t longest = (2u << power) - 1;
    at = Seek(in_time, at, count, power, first < longest ? 0 : first - longest + 1);
    const size_t end = Seek(in_time, at, count, power, last + 1);
    for (; at < end; ++at) {
      if (in_time.Get(at).last >= first) act(in_time[at]);
    }
    at = Seek(in_time, end, count, power + 1, 0);
  }
}

// The most bytes that are needed in one tick: no plan is lower.
size_t MostNeeded(Buffer* buffers, size_t count) {
  size_t most = 0;
  for (size_t i = 0; i < count; ++i) {
    size_t bytes = 0;
    const uint32_t tick = buffers[i].first;
    EachNeeded(buffers, count, tick, tick, [&](uint16_t index) { bytes += buffers[index].bytes; });
    if (bytes > most) most = bytes;
  }
  return most;
}

bool IsHigher(const Buffer& one, const Buffer& other) { return one.offset > other.offset; }

// The lowest offset for a buffer beside those that are placed. What was seen above where it then
// went is looked at again, the lowest first: as many places of the order as buffers are placed are
// done with, and used for that.
uint32_t LowestFit(Buffer* buffers, size_t count, const Buffer& buffer) {
  const InOrder above(buffers);
  size_t left = 0;
  uint32_t offset = 0;
  EachNeeded(buffers, count, buffer.first, buffer.last, [&](uint16_t index) {
    const Buffer& other = buffers[index];
    if (other.offset == kUnplaced || other.offset + other.bytes <= offset) return;
    if (other.offset < offset + buffer.bytes) {
      offset = other.offset + other.bytes;
    } else {
      above[left++] = index;
    }
  });
  above.MakeHeap(left, IsHigher);
  while (left > 0 && above.Get(0).offset < offset + buffer.bytes) {
    const Buffer& lowest = above.Get(0);
    if (lowest.offset + lowest.bytes > offset) offset = lowest.offset + lowest.bytes;
    above[0] = above[--left];
    above.Sink(0, left, IsHigher);
  }
  return offset;
}

__attribute__((noinline)) size_t Plan(Buffer* buffers, Tie tie, size_t count) {
  const InOrder in_order(buffers);
  in_order.SortAll(count, OrderOf(tie));
  for (size_t i = 0; i < count; ++i) buffers[i].offset = kUnplaced;
  size_t highest_end = 0;
  for (size_t i = 0; i < count; ++i) {
    Buffer& placed = in_order.Get(i);
    placed.offset = placed.bytes == 0 ? 0 : LowestFit(buffers, count, placed);
    if (placed.offset + placed.bytes > highest_end) highest_end = placed.offset + placed.bytes;
  }
  return highest_end;
}

}  // namespace

size_t PlanBuffers(Buffer* buffers, size_t count) {
  InTime(buffers).SortAll(count, IsEarlier);
  const size_t lowest = MostNeeded(buffers, count);
  Tie best = Tie::kNeededLongest, last = best;
  size_t least = Plan(buffers, best, count);
  for (const Tie tie : {Tie::kFirst, Tie::kLast}) {
    if (least == lowest) break;
    const size_t highest_end = Plan(buffers, last = tie, count);
    if (highest_end >= least) continue;
    best = tie;
    least = highest_end;
  }
  return best == last ? least : Plan(buffers, best, count);
}

}  // namespace simbench
