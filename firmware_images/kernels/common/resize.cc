// Pictures made larger or smaller.
#include <cmath>
#include <cstring>

#include "kernels/common/copy.h"
#include "kernels/common/node.h"

namespace simbench {
namespace {

struct Resize {
  Shape from, to;
  bool aligns_corners, is_half_pixel;

  Resize(const Node& node, int options)
      : from(ShapeOf(node.input(0))),
        to(ShapeOf(node.output())),
        aligns_corners(node.Option<uint8_t>(options, 0) != 0),
        is_half_pixel(node.Option<uint8_t>(options + 1, 0) != 0) {}

  bool CanRun(const Node& node) const {
    return from.rank == 4 && to.rank == 4 && from.size[0] == to.size[0] &&
           from.size[3] == to.size[3] && node.input(0)->type == node.output()->type;
  }

  // How many entries of the input one of the output is, along a dimension.
  float Scale(int axis) const {
    const int32_t in = from.size[axis], out = to.size[axis];
    return aligns_corners && out > 1 ? (in - 1) / static_cast<float>(out - 1)
                                     : in / static_cast<float>(out);
  }
};

int32_t Nearest(const Resize& resize, int axis, int32_t entry) {
  const float place = (entry + (resize.is_half_pixel ? 0.5f : 0.0f)) * resize.Scale(axis);
  const int32_t nearest =
      static_cast<int32_t>(resize.aligns_corners ? roundf(place) : floorf(place));
  const int32_t last = resize.from.size[axis] - 1;
  return nearest < 0 ? 0 : nearest > last ? last : nearest;
}

TfLiteStatus ResizeNearest(const Node& node) {
  const Resize resize(node, 0);
  const size_t bytes = ElementBytes(node.input(0)->type);
  if (!resize.CanRun(node) || bytes == 0) return RefuseType(node);
  const size_t pixel = resize.from.size[3] * bytes;
  const char* from = node.input(0)->data.raw;
  char* to = node.output()->data.raw;
  for (int32_t batch = 0; batch < resize.to.size[0];
       ++batch, from += resize.from.stride[0] * bytes) {
    for (int32_t y = 0; y < resize.to.size[1]; ++y) {
      const char* row = from + Nearest(resize, 1, y) * resize.from.stride[1] * bytes;
      for (int32_t x = 0; x < resize.to.size[2]; ++x, to += pixel) {
        memcpy(to, row + Nearest(resize, 2, x) * pixel, pixel);
      }
    }
  }
  return kTfLiteOk;
}

// Between which two entries a place of the output is, and how far from the first.
struct RealPlace {
  float beyond;
  int32_t first, second;

  RealPlace(const Resize& resize, int axis, int32_t entry) {
    const float scale = resize.Scale(axis);
    const float place = resize.is_half_pixel ? (entry + 0.5f) * scale - 0.5f : entry * scale;
    const int32_t last = resize.from.size[axis] - 1;
    first = static_cast<int32_t>(floorf(place));
    if (first < 0) first = 0;
    second = static_cast<int32_t>(ceilf(place));
    if (second > last) second = last;
    beyond = place - first;
  }
};

// The same in integers: in parts of 1024.
struct WholePlace {
  static constexpr int32_t kOne = 1 << 10;
  int32_t beyond, first, second;

  WholePlace(const Resize& resize, int axis, int32_t entry) {
    const int32_t in = resize.from.size[axis], out = resize.to.size[axis];
    const bool aligns = resize.aligns_corners && out > 1;
    const int32_t steps = aligns ? out - 1 : out;
    const int32_t scale = (kOne * (aligns ? in - 1 : in) + steps / 2) / steps;
    const int32_t place = entry * scale + (resize.is_half_pixel ? scale / 2 - kOne / 2 : 0);
    first = place / kOne;
    if (first < 0) first = 0;
    second = (place + kOne - 1) / kOne;
    if (second > in - 1) second = in - 1;
    beyond = place - kOne * first;
  }
};

// The four neighbours of a pixel of the output, each with all its channels.
template <typename T>
struct Neighbours {
  const T *first_first, *second_first, *first_second, *second_second;  // by row, column

  template <typename Place>
  Neighbours(const T* from, const Shape& shape, const Place& y, const Place& x)
      : first_first(from + y.first * shape.stride[1] + x.first * shape.stride[2]),
        second_first(from + y.second * shape.stride[1] + x.first * shape.stride[2]),
        first_second(from + y.first * shape.stride[1] + x.second * shape.stride[2]),
        second_second(from + y.second * shape.stride[1] + x.second * shape.stride[2]) {}
};

void Interpolate(const Neighbours<float>& near, const RealPlace& y, const RealPlace& x, float* to,
                 int32_t channels) {
  for (int32_t c = 0; c < channels; ++c) {
    *to++ = near.first_first[c] * (1 - y.beyond) * (1 - x.beyond) +
            near.second_first[c] * y.beyond * (1 - x.beyond) +
            near.first_second[c] * (1 - y.beyond) * x.beyond +
            near.second_second[c] * y.beyond * x.beyond;
  }
}

// `Sum` holds an element times 2^20.
template <typename T, typename Sum>
void Interpolate(const Neighbours<T>& near, const WholePlace& y, const WholePlace& x, T* to,
                 int32_t channels) {
  constexpr int32_t kOne = WholePlace::kOne;
  const Sum a = (kOne - y.beyond) * (kOne - x.beyond), b = y.beyond * (kOne - x.beyond);
  const Sum c = (kOne - y.beyond) * x.beyond, d = y.beyond * x.beyond;
  for (int32_t i = 0; i < channels; ++i) {
    const Sum sum = near.first_first[i] * a + near.second_first[i] * b + near.first_second[i] * c +
                    near.second_second[i] * d;
    *to++ = static_cast<T>((sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20));
  }
}

template <typename T, typename Place,
          void (*kInterpolate)(const Neighbours<T>&, const Place&, const Place&, T*, int32_t)>
TfLiteStatus Bilinear(const Node& node, const Resize& resize) {
  const T* from = tflite::GetTensorData<T>(node.input(0));
  T* to = tflite::GetTensorData<T>(node.output());
  for (int32_t batch = 0; batch < resize.to.size[0]; ++batch, from += resize.from.stride[0]) {
    for (int32_t row = 0; row < resize.to.size[1]; ++row) {
      const Place y(resize, 1, row);
      for (int32_t column = 0; column < resize.to.size[2]; ++column, to += resize.to.size[3]) {
        const Place x(resize, 2, column);
        kInterpolate(Neighbours<T>(from, resize.from, y, x), y, x, to, resize.to.size[3]);
      }
    }
  }
  return kTfLiteOk;
}

TfLiteStatus ResizeBilinear(const Node& node) {
  const Resize resize(node, 2);
  if (!resize.CanRun(node)) return RefuseType(node);
  switch (node.input(0)->type) {
    case kTfLiteFloat32: return Bilinear<float, RealPlace, Interpolate>(node, resize);
    case kTfLiteInt8:
      return Bilinear<int8_t, WholePlace, Interpolate<int8_t, int32_t>>(node, resize);
    case kTfLiteInt16:
      return Bilinear<int16_t, WholePlace, Interpolate<int16_t, int64_t>>(node, resize);
    default: return RefuseType(node);
  }
}

}  // namespace
}  // namespace simbench

SIMBENCH_KERNEL(RESIZE_BILINEAR, Stateless<simbench::ResizeBilinear>())
SIMBENCH_KERNEL(RESIZE_NEAREST_NEIGHBOR, Stateless<simbench::ResizeNearest>())
