#include "runtime/arena.h"

#include <cstring>

namespace simbench {

void* Arena::Keep(size_t bytes, size_t alignment) {
  const size_t used = AlignUp(static_cast<size_t>(end_ - high_) + bytes, alignment);
  if (is_exhausted_ || bytes > Arena::bytes() || used > static_cast<size_t>(end_ - low_)) {
    is_exhausted_ = true;
    return nullptr;
  }
  high_ = end_ - used;
  return memset(high_, 0, bytes);
}

void* Arena::BorrowBytes(size_t bytes) {
  if (is_exhausted_ || bytes > static_cast<size_t>(high_ - low_)) {
    is_exhausted_ = true;
    return nullptr;
  }
  void* borrowed = memset(low_, 0, bytes);
  low_ += bytes;
  if (static_cast<size_t>(low_ - start_) > most_borrowed_) most_borrowed_ = low_ - start_;
  return borrowed;
}

}  // namespace simbench
