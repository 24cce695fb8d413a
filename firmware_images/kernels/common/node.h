// A node of the model as its kernel sees it, and the two ways to register a kernel of our own: with
// nothing kept between inferences, or with data that is filled when the node is initialised.
#ifndef SIMBENCH_KERNELS_COMMON_NODE_H_
#define SIMBENCH_KERNELS_COMMON_NODE_H_

#include <cstdint>

#include "flatbuffers/flatbuffers.h"
#include "kernels/common/op.h"
#include "runtime/node.h"
#include "tensorflow/lite/kernels/internal/tensor_ctypes.h"
#include "tensorflow/lite/kernels/kernel_util.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace simbench {

class Node {
 public:
  Node(TfLiteContext* context, const TfLiteNode* node, const tflite::Operator* source)
      : context_(context), node_(node), source_(source) {}

  TfLiteContext* context() const { return context_; }
  int inputs() const { return node_->inputs->size; }
  int outputs() const { return node_->outputs->size; }

  // Null where the model leaves it out.
  const TfLiteTensor* input(int index) const {
    return index < inputs() ? tflite::GetOptionalInputTensor(context_, node_, index) : nullptr;
  }
  TfLiteTensor* output(int index = 0) const { return tflite::GetOutput(context_, node_, index); }

  // Option number `field` of the operator's table in the schema, counted from 0. By number, because
  // options that came after 2020 have no name in this TensorFlow's schema.
  template <typename T>
  T Option(int field, T otherwise) const {
    const auto* table = static_cast<const flatbuffers::Table*>(source_->builtin_options());
    const auto offset =
        static_cast<flatbuffers::voffset_t>(sizeof(flatbuffers::voffset_t) * (field + 2));
    return table == nullptr ? otherwise : table->GetField<T>(offset, otherwise);
  }

  // Says why the node cannot run.
  TfLiteStatus Refuse(const char* why) const {
    context_->ReportError(context_, "%s", why);
    return kTfLiteError;
  }

 private:
  TfLiteContext* context_;
  const TfLiteNode* node_;
  const tflite::Operator* source_;
};

inline TfLiteStatus RefuseType(const Node& node) {
  return node.Refuse("has tensors of a type without a kernel");
}

inline const tflite::Operator* SourceOf(const TfLiteNode* node) {
  return static_cast<const tflite::Operator*>(node->user_data);
}

// A kernel that looks at its node anew in each inference, and takes no memory.
template <TfLiteStatus (*kRun)(const Node&)>
TfLiteRegistration* Stateless() {
  static TfLiteRegistration registration = {
      [](TfLiteContext*, const char*, size_t) -> void* {
        return const_cast<tflite::Operator*>(OperatorBeingInitialised());
      },
      nullptr,
      nullptr,
      [](TfLiteContext* context, TfLiteNode* node) {
        return kRun(Node(context, node, SourceOf(node)));
      },
      nullptr,
      0,
      nullptr,
      0};
  return &registration;
}

// A kernel with data: `K` has type Data, static TfLiteStatus Fill(const Node&, Data*), and static
// TfLiteStatus Run(const Node&, const Data&).
template <typename K>
struct Stateful {
  struct Own {
    const tflite::Operator* source;
    typename K::Data data;
  };

  static void* Init(TfLiteContext* context, const char* buffer, size_t) {
    const TfLiteNode node = NodeBeingInitialised(buffer);
    Own* own = AllocatePersistent<Own>(context, 1);
    if (own == nullptr) return nullptr;
    own->source = OperatorBeingInitialised();
    own->data = {};
    return K::Fill(Node(context, &node, own->source), &own->data) == kTfLiteOk ? own : nullptr;
  }

  static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
    const Own* own = static_cast<const Own*>(node->user_data);
    return K::Run(Node(context, node, own->source), own->data);
  }

  static TfLiteRegistration* Registration() {
    static TfLiteRegistration registration = {Init,    nullptr, nullptr, Invoke,
                                              nullptr, 0,       nullptr, 0};
    return &registration;
  }
};

// TensorFlow's kernel, and ours where `Ours::IsOurs(const Node&)` says so by the tensors' types and
// shapes.
template <typename Ours, TfLiteRegistration* (*kTensorFlows)()>
struct Either {
  static bool IsOurs(TfLiteContext* context, const TfLiteNode* node) {
    return Ours::IsOurs(Node(context, node, nullptr));
  }

  static void* Init(TfLiteContext* context, const char* buffer, size_t length) {
    TfLiteNode node = NodeBeingInitialised(buffer);
    return IsOurs(context, &node) ? Stateful<Ours>::Init(context, buffer, length)
                                  : InitWhole(kTensorFlows(), context, &node, buffer, length);
  }

  static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
    return IsOurs(context, node) ? Stateful<Ours>::Invoke(context, node)
                                 : kTensorFlows()->invoke(context, node);
  }

  static TfLiteRegistration* Registration() {
    static TfLiteRegistration registration = {Init,    nullptr, nullptr, Invoke,
                                              nullptr, 0,       nullptr, 0};
    return &registration;
  }
};

// Defines the registration of operator `name`, named from this namespace on, where the harness
// looks.
#define SIMBENCH_KERNEL(name, ...)                                        \
  namespace tflite::ops::micro {                                          \
  TfLiteRegistration* Register_##name();                                  \
  TfLiteRegistration* Register_##name() { return simbench::__VA_ARGS__; } \
  }

}  // namespace simbench

#endif  // SIMBENCH_KERNELS_COMMON_NODE_H_
