// The tensors of one node at a time, as its kernel sees them: made from the model, in place, when
// the node runs.
#ifndef SIMBENCH_RUNTIME_WINDOW_H_
#define SIMBENCH_RUNTIME_WINDOW_H_

#include <cstddef>
#include <cstdint>

#include "runtime/arena.h"
#include "runtime/source.h"
#include "tensorflow/lite/c/common.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace simbench {

// The model's file: what lies in it is constant.
struct File {
  const uint8_t* start;
  size_t bytes;

  bool Has(const void* data) const { return data >= start && data < start + bytes; }
};

class Window {
 public:
  constexpr Window() = default;

  // Takes room for nodes of up to `tensors` inputs and outputs, which with those that are left out
  // have `places`. Whether there is any.
  bool Keep(Arena* arena, size_t tensors, size_t places, const File& file);

  void Clear() {
    open_ = 0;
    next_array_ = indices_;
  }

  // Makes the tensors `indices` of `graph`, whose elements are at `data` of each index. Returns
  // where in tensors() they are, and an index of -1 as it is.
  TfLiteIntArray* Open(const tflite::SubGraph& graph, void* const* data, const Indices* indices);

  TfLiteTensor* tensors() const { return tensors_; }

 private:
  TfLiteTensor* tensors_ = nullptr;
  TfLiteAffineQuantization* quantizations_ = nullptr;
  int* indices_ = nullptr;
  int open_ = 0;
  int* next_array_ = nullptr;
  File file_ = {};
};

// Makes `tensor` of `source`, with its elements at `data`. `quantization` is room for what it
// points to. What no tensor of a model has (a delegate, say) is left as it is: zero, from the
// start.
void Make(const tflite::Tensor& source, void* data, bool is_constant, TfLiteTensor* tensor,
          TfLiteAffineQuantization* quantization);

}  // namespace simbench

#endif  // SIMBENCH_RUNTIME_WINDOW_H_
