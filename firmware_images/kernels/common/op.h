// Operators that take the place of TensorFlow Lite Micro's: made of two, ours for int8 and its own
// for every other type.
#ifndef SIMBENCH_KERNELS_COMMON_OP_H_
#define SIMBENCH_KERNELS_COMMON_OP_H_

#include "kernels/common/kernels.h"
#include "runtime/node.h"
#include "tensorflow/lite/kernels/kernel_util.h"

namespace simbench {

inline Tensors TensorsOf(TfLiteContext* context, const TfLiteNode* node) {
  const bool has_filter = node->inputs->size > 1;
  return {tflite::GetInput(context, node, 0),
          has_filter ? tflite::GetInput(context, node, 1) : nullptr,
          has_filter ? tflite::GetOptionalInputTensor(context, node, 2) : nullptr,
          tflite::GetOutput(context, node, 0)};
}

// Memory that lasts as long as the interpreter, or null.
template <typename T>
T* AllocatePersistent(TfLiteContext* context, size_t count) {
  void* memory = nullptr;
  const TfLiteStatus status =
      context->AllocatePersistentBuffer(context, count * sizeof(T), &memory);
  return status == kTfLiteOk ? static_cast<T*>(memory) : nullptr;
}

constexpr int kNoScratch = -1;

inline TfLiteStatus RequestScratch(TfLiteContext* context, size_t bytes, int* index) {
  *index = kNoScratch;
  return bytes == 0 ? kTfLiteOk : context->RequestScratchBufferInArena(context, bytes, index);
}

inline void* Scratch(TfLiteContext* context, int index) {
  return index == kNoScratch ? nullptr : context->GetScratchBuffer(context, index);
}

// Initialises and prepares `node` for a kernel of TensorFlow's at once, because its preparation
// allocates: what the interpreter later calls its preparation is empty. Null on failure.
inline void* InitWhole(const TfLiteRegistration* kernel, TfLiteContext* context, TfLiteNode* node,
                       const char* buffer, size_t length) {
  static char nothing;  // for a kernel without data of its own
  node->user_data = kernel->init == nullptr ? &nothing : kernel->init(context, buffer, length);
  if (node->user_data == nullptr) return nullptr;
  const bool is_good = kernel->prepare == nullptr || kernel->prepare(context, node) == kTfLiteOk;
  return is_good ? node->user_data : nullptr;
}

// `Ours` has: type Data; static TfLiteStatus Fill(context, node, Data*); static size_t Needs(Data,
// Tensors); static TfLiteStatus Invoke(Data, Tensors, void* scratch); static bool IsOurs(const
// Tensors&), and static const TfLiteRegistration* Others(), the registration for others.
template <typename Ours>
struct Op {
  struct Node {
    typename Ours::Data data;
    int scratch;
  };

  static bool IsOurs(TfLiteContext* context, const TfLiteNode* node) {
    return Ours::IsOurs(TensorsOf(context, node));
  }

  static void* Init(TfLiteContext* context, const char* buffer, size_t length) {
    TfLiteNode node = NodeBeingInitialised(buffer);
    if (!IsOurs(context, &node)) return InitWhole(Ours::Others(), context, &node, buffer, length);
    Node* own = AllocatePersistent<Node>(context, 1);
    if (own == nullptr || Ours::Fill(context, &node, &own->data) != kTfLiteOk) return nullptr;
    return own;
  }

  static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
    if (!IsOurs(context, node)) return kTfLiteOk;
    Node* own = static_cast<Node*>(node->user_data);
    return RequestScratch(context, Ours::Needs(own->data, TensorsOf(context, node)), &own->scratch);
  }

  static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
    if (!IsOurs(context, node)) return Ours::Others()->invoke(context, node);
    const Node* own = static_cast<const Node*>(node->user_data);
    return Ours::Invoke(own->data, TensorsOf(context, node), Scratch(context, own->scratch));
  }

  static TfLiteRegistration* Registration() {
    static TfLiteRegistration registration = {Init,    nullptr, Prepare, Invoke,
                                              nullptr, 0,       nullptr, 0};
    return &registration;
  }
};

}  // namespace simbench

#endif  // SIMBENCH_KERNELS_COMMON_OP_H_
