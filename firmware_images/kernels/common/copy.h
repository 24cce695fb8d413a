// Data movement: what transposes, slices, joins, repeats or reverses is one walk over elements.
#ifndef SIMBENCH_KERNELS_COMMON_COPY_H_
#define SIMBENCH_KERNELS_COMMON_COPY_H_

#include <cstddef>
#include <cstdint>

#include "tensorflow/lite/c/common.h"

namespace simbench {

constexpr int kMostDims = 6;       // of a tensor
constexpr int kMostWalkDims = 12;  // of a walk over it, which may split each dimension in two

// The dimensions of a tensor, and how many elements apart its entries along each are.
struct Shape {
  int rank = 0;
  int32_t size[kMostDims] = {};
  int32_t stride[kMostDims] = {};

  int32_t Elements() const;
};

// Rank 0, as of a scalar, where there are more dimensions than kMostDims: callers check the rank.
Shape ShapeOf(const TfLiteTensor* tensor);

// Of `rank` dimensions, those before the tensor's own of size 1.
Shape ShapeOf(const TfLiteTensor* tensor, int rank);

// Strides of dimensions that follow each other in memory.
void SetStrides(Shape* shape);

// Bytes of an element, 0 for a type that has no size.
size_t ElementBytes(TfLiteType type);

// Nested loops over two memories at once, outermost first; strides are in elements, and may be 0 or
// negative.
struct Walk {
  int rank = 0;
  int32_t size[kMostWalkDims];
  int32_t to_stride[kMostWalkDims];
  int32_t from_stride[kMostWalkDims];

  void Add(int32_t dimension, int32_t to, int32_t from) {
    size[rank] = dimension;
    to_stride[rank] = to;
    from_stride[rank++] = from;
  }
};

void Copy(Walk walk, void* to, const void* from, size_t element_bytes);

// The same element `count` times.
void Fill(void* to, const void* element, size_t count, size_t element_bytes);

}  // namespace simbench

#endif  // SIMBENCH_KERNELS_COMMON_COPY_H_
