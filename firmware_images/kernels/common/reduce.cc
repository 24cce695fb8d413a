// Operators that make one element of many.
#include <limits>

#include "kernels/common/copy.h"
#include "kernels/common/node.h"
#include "kernels/common/rescale.h"

namespace simbench {
namespace {

// A tensor's dimensions in two groups: those that stay, and those that are reduced.
struct Groups {
  Walk kept, gone;  // the walks' "from" is the input
  int32_t reduced = 1;

  // False where an axis is not there.
  bool Fill(const Node& node) {
    const TfLiteTensor* input = node.input(0);
    const TfLiteTensor* axes = node.input(1);
    const Shape shape = ShapeOf(input);
    if (shape.rank != input->dims->size || axes->type != kTfLiteInt32) return false;
    int mask = 0;
    for (int i = 0; i < tflite::NumElements(axes); ++i) {
      const int axis = axes->data.i32[i] < 0 ? axes->data.i32[i] + shape.rank : axes->data.i32[i];
      if (shape.rank == 0) continue;  // of a scalar, any axis is none
      if (axis < 0 || axis >= shape.rank) return false;
      mask |= 1 << axis;
    }
    for (int i = 0; i < shape.rank; ++i) {
      const bool goes = mask >> i & 1;
      (goes ? gone : kept).Add(shape.size[i], 0, shape.stride[i]);
      if (goes) reduced *= shape.size[i];
    }
    Merge(&kept);
    Merge(&gone);
    return true;
  }

  static void Merge(Walk* walk) {
    int count = 0;
    for (int i = 0; i < walk->rank; ++i) {
      if (walk->size[i] == 1) continue;
      const bool merges =
          count > 0 && walk->from_stride[count - 1] == walk->size[i] * walk->from_stride[i];
      const int at = merges ? count - 1 : count++;
      walk->size[at] = merges ? walk->size[at] * walk->size[i] : walk->size[i];
      walk->from_stride[at] = walk->from_stride[i];
    }
    walk->rank = count;
    if (count == 0) walk->Add(1, 0, 1);
  }
};

// The next place of a walk but for its innermost loop; false behind the last.
bool Advance(const Walk& walk, int levels, int32_t* index, int32_t* place) {
  for (int i = levels - 1; i >= 0; --i) {
    *place += walk.from_stride[i];
    if (++index[i] < walk.size[i]) return true;
    *place -= walk.size[i] * walk.from_stride[i];
    index[i] = 0;
  }
  return false;
}

// Calls store(i, total) for each element of the output; a total starts as the first element taken
// in by first(), and goes on by next().
template <typename T, typename Total, typename Next, typename Store>
void Reduce(const Groups& groups, const T* input, Total start, Next next, Store store) {
  const Walk kept = groups.kept, gone = groups.gone;
  const int last = gone.rank - 1;
  const int32_t count = gone.size[last], stride = gone.from_stride[last];
  int32_t outer[kMostWalkDims] = {}, base = 0, i = 0;
  do {
    Total total = start;
    int32_t inner[kMostWalkDims] = {}, place = base;
    do {
      const T* from = input + place;
      for (int32_t left = count; left > 0; --left, from += stride) total = next(total, *from);
    } while (Advance(gone, last, inner, &place));
    store(i++, total);
  } while (Advance(kept, kept.rank, outer, &base));
}

// The scaling of a mean: that of a sum, divided by how many there are, as exactly as it goes.
Scaling Divided(Scaling scaling, int32_t count) {
  int shift = 31 - __builtin_clz(count);
  if (shift > 31 + scaling.shift) shift = 31 + scaling.shift;
  const int64_t multiplier = (static_cast<int64_t>(scaling.multiplier) << shift) / count;
  return {static_cast<int32_t>(multiplier), scaling.shift - shift};
}

template <typename T, bool kIsSum>
TfLiteStatus QuantizedMean(const Node& node, const Groups& groups) {
  constexpr int32_t kLeast = std::numeric_limits<T>::min(), kMost = std::numeric_limits<T>::max();
  const TfLiteTensor* input = node.input(0);
  const TfLiteTensor* output = node.output();
  if (output->type != input->type) return RefuseType(node);
  T* to = tflite::GetTensorData<T>(node.output());
  const int32_t zero = input->params.zero_point * groups.reduced,
                out_zero = output->params.zero_point;
  Scaling scaling = ScalingOf(static_cast<double>(input->params.scale) /
                              static_cast<double>(output->params.scale));
  if (!kIsSum) scaling = Divided(scaling, groups.reduced);
  Reduce(
      groups, tflite::GetTensorData<T>(input), int32_t(0),
      [](int32_t total, T element) { return total + element; },
      [=](int32_t i, int32_t total) {
        to[i] = static_cast<T>(Within(Rescale(total - zero, scaling) + out_zero, kLeast, kMost));
      });
  return kTfLiteOk;
}

template <typename T, typename Total, bool kIsSum>
TfLiteStatus PlainMean(const Node& node, const Groups& groups) {
  T* to = tflite::GetTensorData<T>(node.output());
  const Total count = static_cast<Total>(groups.reduced);
  Reduce(
      groups, tflite::GetTensorData<T>(node.input(0)), Total(0),
      [](Total total, T element) { return total + element; },
      [&](int32_t i, Total total) { to[i] = static_cast<T>(kIsSum ? total : total / count); });
  return kTfLiteOk;
}

template <bool kIsSum>
TfLiteStatus Mean(const Node& node) {
  Groups groups;
  if (!groups.Fill(node)) return node.Refuse("has an axis that is not there");
  switch (node.input(0)->type) {
    case kTfLiteFloat32: return PlainMean<float, float, kIsSum>(node, groups);
    case kTfLiteInt32:
      return kIsSum ? PlainMean<int32_t, int32_t, true>(node, groups)
                    : PlainMean<int32_t, int64_t, false>(node, groups);
    case kTfLiteInt8: return QuantizedMean<int8_t, kIsSum>(node, groups);
    case kTfLiteUInt8: return QuantizedMean<uint8_t, kIsSum>(node, groups);
    case kTfLiteInt16: return QuantizedMean<int16_t, kIsSum>(node, groups);
    default: return RefuseType(node);
  }
}

template <typename T, typename Next>
TfLiteStatus ReduceAll(const Node& node, const Groups& groups, T start, Next next) {
  T* to = tflite::GetTensorData<T>(node.output());
  Reduce(groups, tflite::GetTensorData<T>(node.input(0)), start, next,
         [to](int32_t i, T total) { to[i] = total; });
  return kTfLiteOk;
}

template <bool kLargest>
TfLiteStatus ReduceExtreme(const Node& node) {
  Groups groups;
  if (!groups.Fill(node)) return node.Refuse("has an axis that is not there");
  const auto reduce = [&](auto element) {
    using T = decltype(element);
    const T start = kLargest ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::max();
    return ReduceAll<T>(node, groups, start, [](T total, T next) {
      return kLargest ? (next > total ? next : total) : (next < total ? next : total);
    });
  };
  switch (node.input(0)->type) {
    case kTfLiteFloat32: return reduce(float());
    case kTfLiteInt32: return reduce(int32_t());
    case kTfLiteInt8: return reduce(int8_t());
    case kTfLiteUInt8: return reduce(uint8_t());
    case kTfLiteInt16: return reduce(int16_t());
    default: return RefuseType(node);
  }
}

template <bool kAll>
TfLiteStatus ReduceLogical(const Node& node) {
  Groups groups;
  if (!groups.Fill(node)) return node.Refuse("has an axis that is not there");
  if (node.input(0)->type != kTfLiteBool) return RefuseType(node);
  return ReduceAll<bool>(node, groups, kAll, [](bool total, bool next) {
    return kAll ? total && next : total || next;
  });
}

TfLiteStatus ReduceProduct(const Node& node) {
  Groups groups;
  if (!groups.Fill(node)) return node.Refuse("has an axis that is not there");
  switch (node.input(0)->type) {
    case kTfLiteFloat32:
      return ReduceAll<float>(node, groups, 1,
                              [](float total, float next) { return total * next; });
    case kTfLiteInt32:
      return ReduceAll<int32_t>(node, groups, 1,
                                [](int32_t total, int32_t next) { return total * next; });
    default: return RefuseType(node);
  }
}

}  // namespace
}  // namespace simbench

SIMBENCH_KERNEL(MEAN, Stateless<simbench::Mean<false>>())
SIMBENCH_KERNEL(REDUCE_ALL, Stateless<simbench::ReduceLogical<true>>())
SIMBENCH_KERNEL(REDUCE_ANY, Stateless<simbench::ReduceLogical<false>>())
SIMBENCH_KERNEL(REDUCE_MAX, Stateless<simbench::ReduceExtreme<true>>())
SIMBENCH_KERNEL(REDUCE_MIN, Stateless<simbench::ReduceExtreme<false>>())
SIMBENCH_KERNEL(REDUCE_PROD, Stateless<simbench::ReduceProduct>())
SIMBENCH_KERNEL(SUM, Stateless<simbench::Mean<true>>())
