// Sums of several tensors, and running sums along one dimension. Of int8, each element is made
// finer before it is added, and a sum starts at the input's offset, as TensorFlow Lite Micro has
// it.
#include "kernels/common/copy.h"
#include "kernels/common/node.h"
#include "kernels/common/rescale.h"

namespace simbench {
namespace {

constexpr int kFineBits = 20;

struct SumData {
  Scaling fine, out;
  int32_t in_offset, out_offset;

  int32_t Fine(int8_t element) const { return Finer(element + in_offset); }
  int32_t Start() const { return Finer(in_offset); }
  int32_t Finer(int32_t value) const { return Rescale(value * (1 << kFineBits), fine); }
  int8_t Element(int32_t total) const {
    return static_cast<int8_t>(Within(Rescale(total, out) + out_offset, -128, 127));
  }
};

TfLiteStatus FillScales(const Node& node, SumData* data) {
  const TfLiteTensor* input = node.input(0);
  const TfLiteTensor* output = node.output();
  if (output->type != input->type) return RefuseType(node);
  if (input->type == kTfLiteFloat32 || input->type == kTfLiteInt32) return kTfLiteOk;
  if (input->type != kTfLiteInt8) return RefuseType(node);
  const double twice = 2 * static_cast<double>(input->params.scale);
  data->fine = ScalingOf(static_cast<double>(input->params.scale) / twice);
  data->out = ScalingOf(twice / ((1 << kFineBits) * static_cast<double>(output->params.scale)));
  data->in_offset = -input->params.zero_point;
  data->out_offset = output->params.zero_point;
  return kTfLiteOk;
}

struct AddN {
  using Data = SumData;

  static TfLiteStatus Fill(const Node& node, SumData* data) {
    for (int j = 1; j < node.inputs(); ++j) {
      const TfLiteTensor* first = node.input(0);
      const TfLiteTensor* other = node.input(j);
      if (other->type != first->type || other->bytes != first->bytes) return RefuseType(node);
      if (first->type == kTfLiteInt8 && (other->params.scale != first->params.scale ||
                                         other->params.zero_point != first->params.zero_point))
        return node.Refuse("has inputs of different scales");
    }
    return FillScales(node, data);
  }

  template <typename T>
  static TfLiteStatus Plain(const Node& node) {
    T* to = tflite::GetTensorData<T>(node.output());
    const int32_t count = tflite::NumElements(node.output());
    for (int32_t i = 0; i < count; ++i) {
      T total = 0;
      for (int j = 0; j < node.inputs(); ++j) total += tflite::GetTensorData<T>(node.input(j))[i];
      to[i] = total;
    }
    return kTfLiteOk;
  }

  static TfLiteStatus Run(const Node& node, const SumData& data) {
    if (node.output()->type == kTfLiteFloat32) return Plain<float>(node);
    if (node.output()->type == kTfLiteInt32) return Plain<int32_t>(node);
    int8_t* to = node.output()->data.int8;
    const int32_t count = tflite::NumElements(node.output());
    for (int32_t i = 0; i < count; ++i) {
      int32_t total = data.Start();
      for (int j = 0; j < node.inputs(); ++j) total += data.Fine(node.input(j)->data.int8[i]);
      to[i] = data.Element(total);
    }
    return kTfLiteOk;
  }
};

struct Cumsum {
  using Data = SumData;

  static TfLiteStatus Fill(const Node& node, SumData* data) {
    if (node.input(1)->type != kTfLiteInt32 || node.input(0)->type == kTfLiteInt32)
      return RefuseType(node);
    return FillScales(node, data);
  }

  // `fine` and `element` are what becomes of an element before it is added, and of a total.
  template <typename T, typename Fine, typename Element>
  static TfLiteStatus Each(const Node& node, Fine fine, Element element,
                           decltype(fine(T())) start) {
    const Shape shape = ShapeOf(node.input(0));
    const int32_t given = node.input(1)->data.i32[0];
    const int32_t axis = given < 0 ? given + shape.rank : given;
    if (axis < 0 || axis >= shape.rank) return node.Refuse("has an axis that is not there");
    const bool is_exclusive = node.Option<uint8_t>(0, 0) != 0;
    const bool is_reverse = node.Option<uint8_t>(1, 0) != 0;
    const int32_t depth = shape.size[axis], inner = shape.stride[axis];
    const int32_t step = is_reverse ? -inner : inner;
    const int32_t total_elements = shape.Elements();
    for (int32_t outer = 0; outer < total_elements; outer += depth * inner) {
      for (int32_t i = 0; i < inner; ++i) {
        const int32_t first = outer + i + (is_reverse ? (depth - 1) * inner : 0);
        const T* from = tflite::GetTensorData<T>(node.input(0)) + first;
        T* to = tflite::GetTensorData<T>(node.output()) + first;
        auto total = start;
        for (int32_t left = depth; left > 0; --left, from += step, to += step) {
          const auto before = total;
          total += fine(*from);
          *to = element(is_exclusive ? before : total);
        }
      }
    }
    return kTfLiteOk;
  }

  static TfLiteStatus Run(const Node& node, const SumData& data) {
    if (node.output()->type == kTfLiteFloat32)
      return Each<float>(node, [](float x) { return x; }, [](float x) { return x; }, 0.0f);
    return Each<int8_t>(
        node, [&data](int8_t x) { return data.Fine(x); },
        [&data](int32_t total) { return data.Element(total); }, data.Start());
  }
};

}  // namespace
}  // namespace simbench

SIMBENCH_KERNEL(ADD_N, Stateful<simbench::AddN>::Registration())
SIMBENCH_KERNEL(CUMSUM, Stateful<simbench::Cumsum>::Registration())
