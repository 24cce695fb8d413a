// How a model is set up: what it reaches is checked, its kernels are initialised.
#include <cstring>

#include "runtime/node.h"
#include "runtime/ops.h"
#include "runtime/runtime.h"
#include "runtime/tensor.h"
#include "tensorflow/lite/core/api/flatbuffer_conversions.h"

namespace simbench {
namespace {

constexpr size_t kMostPlaces = 0xFFFF;  // nodes, and subgraphs: a Place has 16 bits for each

// Hands out what the parser of options asks for. It does not look whether there is any.
class OptionsAllocator : public tflite::BuiltinDataAllocator {
 public:
  explicit OptionsAllocator(Arena* arena) : arena_(*arena) {}

  void* Allocate(size_t size, size_t alignment) override {
    void* memory = arena_.Keep(size, alignment);
    if (memory != nullptr) return memory;
    static uint64_t discarded[32];
    return size <= sizeof(discarded) ? discarded : nullptr;
  }
  void Deallocate(void*) override {}

 private:
  Arena& arena_;

  TF_LITE_REMOVE_VIRTUAL_DELETE
};

const tflite::Operator* operator_being_initialised = nullptr;
const TfLiteNode* node_being_initialised = nullptr;

}  // namespace

TfLiteNode NodeBeingInitialised(const char*) { return *node_being_initialised; }

const tflite::Operator* OperatorBeingInitialised() { return operator_being_initialised; }

bool Runtime::SetUp(const File& file, const Arena& arena) {
  problem_.Forget();
  file_ = file;
  model_ = tflite::GetModel(file.start);
  arena_ = arena;
  head_bytes_ = scratch_size_ = window_size_ = window_places_ = 0;
  variables_size_ = 0;
  scratch_ = nullptr;
  const auto* subgraphs = model_->subgraphs();
  if (subgraphs == nullptr || subgraphs->size() == 0 || subgraphs->size() > kMostPlaces ||
      model_->buffers() == nullptr || model_->operator_codes() == nullptr) {
    return Fail("The model has no subgraph, or too many");
  }
  graphs_ = arena_.Keep<Graph>(subgraphs->size());
  const bool is_set_up = graphs_ != nullptr && Reach(0, 0) && KeepWindow() &&
                         KeepVariableTensors() && KeepVariables() && InitialiseNodes() &&
                         KeepScratch() && PlanMemory();
  if (arena_.is_exhausted()) {
    problem_.Forget();  // what a kernel says then is but what follows from it
    return Fail("The model needs an arena of more than %d bytes", static_cast<int>(arena_.bytes()));
  }
  if (is_set_up) problem_.Forget();  // what was said along the way is no problem
  return is_set_up;
}

size_t Runtime::needed_bytes() const {
  const size_t most_borrowed = AlignUp(arena_.most_borrowed_bytes());
  return (head_bytes_ > most_borrowed ? head_bytes_ : most_borrowed) + tail_bytes();
}

bool Runtime::Fail(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  problem_.Report(format, arguments);
  va_end(arguments);
  return false;
}

bool Runtime::Reach(size_t graph, int depth) {
  if (depth == kDeepestCall) return Fail(kTooDeep);
  if (IsReached(graph)) return true;
  return ReachTensors(graph) && ReachNodes(graph, depth);
}

bool Runtime::ReachTensors(size_t graph) {
  const auto* tensors = source(graph).tensors();
  if (tensors == nullptr) return Fail("Subgraph %d has no tensors", static_cast<int>(graph));
  void** data = graphs_[graph].data = arena_.Keep<void*>(tensors->size());
  if (data == nullptr) return false;
  for (size_t i = 0; i < tensors->size(); ++i) {
    const tflite::Tensor& tensor = *tensors->Get(i);
    const size_t bytes = BytesOf(tensor);
    const int index = static_cast<int>(i);
    if (bytes == kNoSize)
      return Fail("Tensor %d has a type or a shape that no kernel takes", index);
    if (!HasPlainZeroPoints(tensor))
      return Fail("Tensor %d has several zero points that are not zero", index);
    const auto* constant = ConstantOf(*model_, tensor);
    if (constant == nullptr) continue;
    if (constant->size() < bytes) return Fail("Tensor %d has fewer elements than its shape", index);
    data[i] = const_cast<uint8_t*>(constant->data());
  }
  return true;
}

bool Runtime::ReachNodes(size_t graph, int depth) {
  const tflite::SubGraph& subgraph = source(graph);
  if (subgraph.operators() == nullptr || subgraph.operators()->size() > kMostPlaces) {
    return Fail("Subgraph %d has no operators, or too many", static_cast<int>(graph));
  }
  const auto has = [&subgraph](const Indices* indices, int32_t lowest) {
    const int32_t end = static_cast<int32_t>(subgraph.tensors()->size());
    for (size_t i = 0; i < SizeOf(indices); ++i) {
      if (indices->Get(i) < lowest || indices->Get(i) >= end) return false;
    }
    return true;
  };
  graphs_[graph].nodes = arena_.Keep<Node>(subgraph.operators()->size());
  if (graphs_[graph].nodes == nullptr) return false;
  bool is_good = has(subgraph.inputs(), 0) && has(subgraph.outputs(), 0);
  for (const tflite::Operator* op : *subgraph.operators()) {
    is_good = is_good && has(op->inputs(), kTfLiteOptionalTensor) && has(op->outputs(), 0) &&
              has(op->intermediates(), kTfLiteOptionalTensor) &&
              op->opcode_index() < model_->operator_codes()->size();
  }
  if (!is_good)
    return Fail("Subgraph %d speaks of tensors or operators that it has not",
                static_cast<int>(graph));
  for (size_t i = 0; i < subgraph.operators()->size(); ++i) {
    if (!ReachNode(graph, i, depth)) return false;
  }
  return true;
}

bool Runtime::ReachNode(size_t graph, size_t node, int depth) {
  const tflite::Operator& op = *source(graph).operators()->Get(node);
  const size_t places = SizeOf(op.inputs()) + SizeOf(op.outputs());
  const size_t tensors = CountPresent(op.inputs()) + CountPresent(op.outputs());
  if (places > window_places_) window_places_ = places;
  if (tensors > window_size_) window_size_ = tensors;
  const int code = CodeOf(*model_, op);
  if (code == kVarHandle) ++variables_size_;
  const Callees callees = CalleesOf(code, op);
  for (size_t i = 0; i < callees.count; ++i) {
    const int32_t callee = callees.graphs[i];
    if (callee <= 0 || callee >= static_cast<int32_t>(model_->subgraphs()->size())) {
      return Fail("Subgraph %d calls one that it may not", static_cast<int>(graph));
    }
    if (!Reach(callee, depth + 1)) return false;
  }
  return true;
}

bool Runtime::KeepWindow() {
  if (!window_.Keep(&arena_, window_size_, window_places_, file_)) return false;
  context_ = {};
  context_.impl_ = this;
  context_.tensors = window_.tensors();
  context_.tensors_size = window_size_;
  context_.recommended_num_threads = 1;
  context_.ReportError = ReportError;
  context_.AllocatePersistentBuffer = AllocatePersistentBuffer;
  context_.RequestScratchBufferInArena = RequestScratchBuffer;
  context_.GetScratchBuffer = GetScratchBuffer;
  return true;
}

bool Runtime::InitialiseNodes() {
  scratch_ = arena_.Borrow<Scratch>(0);
  const bool are_good = EachNode([this](Place place, const tflite::Operator&) {
    if (InitialiseNode(place.graph, place.node)) return true;
    Blame(place);
    return false;
  });
  context_.AllocatePersistentBuffer = nullptr;
  context_.RequestScratchBufferInArena = nullptr;
  return are_good;
}

bool Runtime::InitialiseNode(size_t graph, size_t index) {
  const Place place = {static_cast<uint16_t>(graph), static_cast<uint16_t>(index)};
  const tflite::Operator& source = operator_at(place);
  const tflite::OperatorCode& code = *model_->operator_codes()->Get(source.opcode_index());
  const int number = CodeOf(code);
  const Op* op = FindOp(number);
  if (op == nullptr) return Fail("builtin operator %d is not in this firmware", number);
  if (code.version() > op->highest_version) {
    return Fail("version %d is not in this firmware, which has up to %d", code.version(),
                op->highest_version);
  }
  Node& node = graphs_[graph].nodes[index];
  node.kernel = op->kernel();
  if (number <= tflite::BuiltinOperator_MAX) {
    OptionsAllocator allocator(&arena_);
    const auto builtin = static_cast<tflite::BuiltinOperator>(number);
    if (tflite::ParseOpData(&source, builtin, &problem_, &allocator, &node.builtin_data) !=
        kTfLiteOk)
      return false;
  }
  Open(place);
  operator_being_initialised = &source;
  node_being_initialised = &node_;
  if (node.kernel->init != nullptr && !arena_.is_exhausted()) {
    node.user_data = node.kernel->init(&context_, static_cast<const char*>(node.builtin_data), 0);
    if (node.user_data == nullptr)
      return false;  // kernels do not look whether they got their memory
    node_.user_data = node.user_data;
  }
  if (arena_.is_exhausted()) return false;
  return node.kernel->prepare == nullptr || node.kernel->prepare(&context_, &node_) == kTfLiteOk;
}

TfLiteStatus Runtime::AllocatePersistentBuffer(TfLiteContext* context, size_t bytes,
                                               void** memory) {
  constexpr size_t kWord = 4, kDoubleWord = 8;
  auto* self = static_cast<Runtime*>(context->impl_);
  *memory = self->arena_.Keep(bytes, bytes < kDoubleWord ? kWord : kDoubleWord);
  return *memory == nullptr ? kTfLiteError : kTfLiteOk;
}

TfLiteStatus Runtime::RequestScratchBuffer(TfLiteContext* context, size_t bytes, int* index) {
  auto* self = static_cast<Runtime*>(context->impl_);
  Scratch* scratch = self->arena_.Borrow<Scratch>(1);  // next to those before
  if (scratch == nullptr) return kTfLiteError;
  *scratch = {nullptr, static_cast<uint32_t>(bytes), self->place_.graph, self->place_.node};
  *index = static_cast<int>(self->scratch_size_++);
  return kTfLiteOk;
}

bool Runtime::KeepScratch() {
  Scratch* kept = arena_.Keep<Scratch>(scratch_size_);
  if (kept == nullptr) return false;
  memcpy(kept, scratch_, scratch_size_ * sizeof(Scratch));
  scratch_ = kept;
  arena_.Return();
  return true;
}

}  // namespace simbench
