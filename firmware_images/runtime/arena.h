// The one memory of the runtime. What stays is taken from its end; from its start, what is needed
// while the model is set up, which tensors and scratch buffers then overwrite.
#ifndef SIMBENCH_RUNTIME_ARENA_H_
#define SIMBENCH_RUNTIME_ARENA_H_

#include <cstddef>
#include <cstdint>

namespace simbench {

constexpr size_t kBufferAlignment =
    16;  // of tensors and scratch buffers, as in TensorFlow Lite Micro

inline size_t AlignUp(size_t bytes, size_t alignment = kBufferAlignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

class Arena {
 public:
  constexpr Arena() = default;

  // `start` and `bytes` are multiples of kBufferAlignment.
  Arena(uint8_t* start, size_t bytes)
      : start_(start), low_(start), high_(start + bytes), end_(high_) {}

  // Zeroed memory that stays, or null where there is none left.
  void* Keep(size_t bytes, size_t alignment);

  template <typename T>
  T* Keep(size_t count) {
    return static_cast<T*>(Keep(count * sizeof(T), alignof(T)));
  }

  // Zeroed memory until it is returned, right after what was borrowed before it, or null.
  template <typename T>
  T* Borrow(size_t count) {
    return static_cast<T*>(BorrowBytes(count * sizeof(T)));
  }

  // Ends what is borrowed.
  void Return() { low_ = start_; }

  uint8_t* start() const { return start_; }
  size_t bytes() const { return end_ - start_; }
  size_t most_borrowed_bytes() const { return most_borrowed_; }
  size_t kept_bytes() const { return AlignUp(end_ - high_); }
  bool is_exhausted() const { return is_exhausted_; }

 private:
  void* BorrowBytes(size_t bytes);

  uint8_t* start_ = nullptr;
  uint8_t* low_ = nullptr;
  uint8_t* high_ = nullptr;
  uint8_t* end_ = nullptr;
  size_t most_borrowed_ = 0;
  bool is_exhausted_ = false;  // something was asked for in vain
};

}  // namespace simbench

#endif  // SIMBENCH_RUNTIME_ARENA_H_
