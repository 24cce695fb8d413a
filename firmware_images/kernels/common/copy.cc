#include "kernels/common/copy.h"

#include <cstring>

namespace simbench {
namespace {

// Loops of one turn go, and two loops that step through both memories as one would become one.
void Simplify(Walk* walk) {
  int kept = 0;
  for (int i = 0; i < walk->rank; ++i) {
    if (walk->size[i] == 1) continue;
    const int last = kept - 1;
    const bool merges = kept > 0 && walk->to_stride[last] == walk->size[i] * walk->to_stride[i] &&
                        walk->from_stride[last] == walk->size[i] * walk->from_stride[i];
    const int at = merges ? last : kept++;
    walk->size[at] = merges ? walk->size[last] * walk->size[i] : walk->size[i];
    walk->to_stride[at] = walk->to_stride[i];
    walk->from_stride[at] = walk->from_stride[i];
  }
  walk->rank = kept;
}

struct Bytes8 {
  uint32_t half[2];  // tensors of eight-byte elements may lie at multiples of four
};

template <typename T>
void CopyRow(T* to, const T* from, int32_t count, int32_t to_stride, int32_t from_stride) {
  for (; count > 0; --count, to += to_stride, from += from_stride) *to = *from;
}

// The innermost loop; strides are in elements.
void Row(char* to, const char* from, int32_t count, int32_t to_stride, int32_t from_stride,
         size_t element_bytes) {
  if (to_stride == 1 && from_stride == 1) {
    memcpy(to, from, count * element_bytes);
    return;
  }
  const auto copy = [&](auto element) {
    using T = decltype(element);
    CopyRow(reinterpret_cast<T*>(to), reinterpret_cast<const T*>(from), count, to_stride,
            from_stride);
  };
  switch (element_bytes) {
    case 1: return copy(uint8_t());
    case 2: return copy(uint16_t());
    case 4: return copy(uint32_t());
    case 8: return copy(Bytes8());
  }
}

}  // namespace

int32_t Shape::Elements() const {
  int32_t elements = 1;
  for (int i = 0; i < rank; ++i) elements *= size[i];
  return elements;
}

void SetStrides(Shape* shape) {
  int32_t stride = 1;
  for (int i = shape->rank - 1; i >= 0; --i) {
    shape->stride[i] = stride;
    stride *= shape->size[i];
  }
}

Shape ShapeOf(const TfLiteTensor* tensor) { return ShapeOf(tensor, tensor->dims->size); }

Shape ShapeOf(const TfLiteTensor* tensor, int rank) {
  Shape shape;
  const int added = rank - tensor->dims->size;
  if (rank > kMostDims || added < 0) return shape;
  shape.rank = rank;
  for (int i = 0; i < rank; ++i) shape.size[i] = i < added ? 1 : tensor->dims->data[i - added];
  SetStrides(&shape);
  return shape;
}

size_t ElementBytes(TfLiteType type) {
  switch (type) {
    case kTfLiteInt8:
    case kTfLiteUInt8:
    case kTfLiteBool: return 1;
    case kTfLiteInt16:
    case kTfLiteFloat16: return 2;
    case kTfLiteInt32:
    case kTfLiteFloat32: return 4;
    case kTfLiteInt64: return 8;
    default: return 0;
  }
}

void Copy(Walk walk, void* to, const void* from, size_t element_bytes) {
  for (int i = 0; i < walk.rank; ++i) {
    if (walk.size[i] <= 0) return;
  }
  Simplify(&walk);
  char* target = static_cast<char*>(to);
  const char* source = static_cast<const char*>(from);
  if (walk.rank == 0) walk.Add(1, 1, 1);
  const int inner = walk.rank - 1;
  int32_t at[kMostWalkDims] = {};
  for (;;) {
    Row(target, source, walk.size[inner], walk.to_stride[inner], walk.from_stride[inner],
        element_bytes);
    int i = inner - 1;
    for (; i >= 0; --i) {
      const int bytes = static_cast<int>(element_bytes);
      target += walk.to_stride[i] * bytes;
      source += walk.from_stride[i] * bytes;
      if (++at[i] < walk.size[i]) break;
      target -= walk.size[i] * walk.to_stride[i] * bytes;
      source -= walk.size[i] * walk.from_stride[i] * bytes;
      at[i] = 0;
    }
    if (i < 0) return;
  }
}

void Fill(void* to, const void* element, size_t count, size_t element_bytes) {
  if (element_bytes == 1) {
    memset(to, *static_cast<const uint8_t*>(element), count);
    return;
  }
  Walk walk;
  walk.Add(static_cast<int32_t>(count), 1, 0);
  Copy(walk, to, element, element_bytes);
}

}  // namespace simbench
