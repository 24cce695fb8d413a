// How a model is set up: what it reaches is checked, its kernels are initialised, its memory
// planned.
#include <cstring>

#include "harness/node.h"
#include "harness/ops.h"
#include "runtime/runtime.h"
#include "runtime/tensor.h"
#include "tensorflow/lite/core/api/flatbuffer_conversions.h"

namespace simbench {
namespace {

constexpr int kDeepestCall =
    8;  // of subgraphs in each other: a level takes some 200 bytes of stack
constexpr char kTooDeep[] = "The model's subgraphs call each other too deep";
constexpr uint32_t kLastTick = 0xFFFF;
constexpr size_t kMostPlaces = 0xFFFF;  // nodes, and subgraphs: a Place has 16 bits for each

// How a tensor has been touched, in Buffer::order until the planner takes it.
constexpr uint16_t kRead = 1;
constexpr uint16_t kWritten = 2;

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

bool IsEqual(const flatbuffers::String* a, const flatbuffers::String* b) {
  const bool is_empty = a == nullptr || b == nullptr;
  return is_empty ? a == b
                  : a->size() == b->size() && memcmp(a->c_str(), b->c_str(), a->size()) == 0;
}

}  // namespace

TfLiteNode NodeBeingInitialised(const char*) { return *node_being_initialised; }

const tflite::Operator* OperatorBeingInitialised() { return operator_being_initialised; }

bool Runtime::SetUp(const File& file, const Arena& arena) {
  problem_.Forget();
  file_ = file;
  model_ = tflite::GetModel(file.start);
  arena_ = arena;
  head_bytes_ = scratch_size_ = window_size_ = 0;
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
  const size_t tensors = SizeOf(op.inputs()) + SizeOf(op.outputs()) + SizeOf(op.intermediates());
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
  if (!window_.Keep(&arena_, window_size_, file_)) return false;
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

// A tensor that is a variable begins as zero in real numbers, as do the variables of VAR_HANDLE.
static void SetToZero(const tflite::Tensor& tensor, void* data, size_t bytes) {
  const auto* quantization = tensor.quantization();
  const auto* zeros = quantization == nullptr ? nullptr : quantization->zero_point();
  const bool is_shifted =
      TypeOf(tensor).type() == kTfLiteInt8 && zeros != nullptr && zeros->size() > 0;
  memset(data, is_shifted ? static_cast<int>(zeros->Get(0)) : 0, bytes);
}

bool Runtime::KeepVariableTensors() {
  for (size_t i = 0; i < model_->subgraphs()->size(); ++i) {
    if (!IsReached(i)) continue;
    const auto& tensors = *source(i).tensors();
    for (size_t j = 0; j < tensors.size(); ++j) {
      const tflite::Tensor& tensor = *tensors.Get(j);
      if (!tensor.is_variable() || graphs_[i].data[j] != nullptr) continue;
      const size_t bytes = BytesOf(tensor);
      void* data = graphs_[i].data[j] = arena_.Keep(bytes, kBufferAlignment);
      if (data == nullptr) return false;
      SetToZero(tensor, data, bytes);
    }
  }
  return true;
}

bool Runtime::KeepVariables() {
  variables_ = arena_.Keep<Variable>(variables_size_);
  if (variables_ == nullptr) return false;
  variables_size_ = 0;
  for (const int code : {kVarHandle, kAssignVariable, kReadVariable}) {
    const auto bind = [this, code](Place place, const tflite::Operator& op) {
      if (CodeOf(*model_, op) != code || BindVariable(place.graph, op, code)) return true;
      Blame(place);
      return false;
    };
    if (!EachNode(bind)) return false;
  }
  return true;
}

bool Runtime::BindVariable(size_t graph, const tflite::Operator& op, int code) {
  void** data = graphs_[graph].data;
  if (code == kVarHandle) {
    if (SizeOf(op.outputs()) != 1) return Fail("has not one output");
    data[op.outputs()->Get(0)] = VariableNamed(op);
    return true;
  }
  const bool is_read = code == kReadVariable;
  if (SizeOf(op.inputs()) != (is_read ? 1 : 2) || SizeOf(op.outputs()) != (is_read ? 1 : 0)) {
    return Fail("has wrongly many inputs or outputs");
  }
  const int32_t value_index = is_read ? op.outputs()->Get(0) : op.inputs()->Get(1);
  if (value_index < 0 || op.inputs()->Get(0) < 0) return Fail("leaves an input out");
  const auto* variable_address = static_cast<Variable*>(data[op.inputs()->Get(0)]);
  if (variable_address < variables_ || variable_address >= variables_ + variables_size_)
    return true;
  Variable& variable = variables_[variable_address - variables_];
  const tflite::Tensor& value = *source(graph).tensors()->Get(value_index);
  const size_t bytes = BytesOf(value);
  if (variable.data != nullptr)
    return variable.bytes == bytes || Fail("has a value of another size than its variable");
  variable.bytes = bytes;
  variable.data = static_cast<uint8_t*>(arena_.Keep(bytes, kBufferAlignment));
  if (variable.data == nullptr) return false;
  SetToZero(value, variable.data, bytes);
  return true;
}

Variable* Runtime::VariableNamed(const tflite::Operator& handle) {
  const auto name = [](const tflite::Operator& op, int field) {
    const flatbuffers::Table* options = OptionsOf(op);
    return options == nullptr ? nullptr
                              : options->GetPointer<const flatbuffers::String*>(FieldOffset(field));
  };
  for (int32_t i = 0; i < variables_size_; ++i) {
    const tflite::Operator& other = *variables_[i].handle;
    if (IsEqual(name(other, 0), name(handle, 0)) && IsEqual(name(other, 1), name(handle, 1)))
      return &variables_[i];
  }
  Variable* variable = &variables_[variables_size_];
  *variable = {variables_size_++, 0, nullptr, &handle};
  return variable;
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

bool Runtime::PlanMemory() {
  const size_t tensors = BorrowBuffers();
  if (arena_.is_exhausted()) return false;
  if (buffers_size_ > kMostBuffers)
    return Fail("The model has more than %d tensors", static_cast<int>(kMostBuffers));
  uint32_t tick = 0;
  if (!Walk(0, 0, &tick) || !CheckWritten()) return false;
  head_bytes_ = PlanBuffers(buffers_, buffers_size_);
  const size_t bytes = head_bytes_ + arena_.kept_bytes();
  if (bytes > arena_.bytes()) {
    return Fail("The model needs an arena of %d bytes, and there are %d", static_cast<int>(bytes),
                static_cast<int>(arena_.bytes()));
  }
  Commit(tensors);
  return true;
}

// Until all is planned, what has no address yet has its buffer's. Returns how many are tensors'.
size_t Runtime::BorrowBuffers() {
  buffers_ = arena_.Borrow<Buffer>(0);
  buffers_size_ = 0;
  for (size_t i = 0; i < model_->subgraphs()->size(); ++i) {
    if (!IsReached(i)) continue;
    const auto& tensors = *source(i).tensors();
    for (size_t j = 0; j < tensors.size(); ++j) {
      if (graphs_[i].data[j] != nullptr) continue;
      Buffer* buffer = arena_.Borrow<Buffer>(1);
      if (buffer == nullptr) return 0;
      *buffer = {AlignUp(BytesOf(*tensors.Get(j))), 0, 0, 0, 0, 0};
      graphs_[i].data[j] = buffer;
      ++buffers_size_;
    }
  }
  const size_t tensors = buffers_size_;
  for (size_t i = 0; i < scratch_size_; ++i) {
    Buffer* buffer = arena_.Borrow<Buffer>(1);
    if (buffer == nullptr) return 0;
    *buffer = {AlignUp(scratch_[i].bytes), 0, 0, 0, 0, 0};
    scratch_[i].data = reinterpret_cast<uint8_t*>(buffer);
    ++buffers_size_;
  }
  return tensors;
}

// Time runs in ticks: one for each operator, and within that of an operator that calls a subgraph,
// those of the subgraph. What a subgraph is given and what it gives are alive at its ends.
bool Runtime::Walk(size_t graph, int depth, uint32_t* tick) {
  if (depth == kDeepestCall) return Fail(kTooDeep);
  const tflite::SubGraph& subgraph = source(graph);
  TouchAll(graph, subgraph.inputs(), *tick, kWritten);
  for (size_t i = 0; i < subgraph.operators()->size(); ++i) {
    if (!WalkNode({static_cast<uint16_t>(graph), static_cast<uint16_t>(i)}, depth, tick))
      return false;
  }
  TouchAll(graph, subgraph.outputs(), *tick, kRead);
  return true;
}

bool Runtime::WalkNode(Place place, int depth, uint32_t* tick) {
  const tflite::Operator& op = operator_at(place);
  const Callees callees = CalleesOf(CodeOf(*model_, op), op);
  const uint32_t begin = (*tick)++;
  for (size_t i = 0; i < callees.count; ++i) {
    if (!Walk(callees.graphs[i], depth + 1, tick)) return false;
    ++*tick;
  }
  if (*tick > kLastTick) return Fail("The model runs more operators than can be planned");
  for (const uint32_t now : {begin, *tick - 1}) {
    TouchAll(place.graph, op.inputs(), now, kRead);
    TouchAll(place.graph, op.outputs(), now, kWritten);
    TouchScratch(place, now);
  }
  return true;
}

void Runtime::TouchAll(size_t graph, const Indices* indices, uint32_t tick, uint16_t how) {
  for (size_t i = 0; i < SizeOf(indices); ++i) {
    const int32_t index = indices->Get(i);
    if (index >= 0) Touch(BufferOf(graphs_[graph].data[index]), tick, how);
  }
}

// Scratch buffers are in order of their nodes.
void Runtime::TouchScratch(Place place, uint32_t tick) {
  const auto number = [](uint32_t graph, uint32_t node) { return graph << 16 | node; };
  const uint32_t wanted = number(place.graph, place.node);
  size_t low = 0;
  for (size_t high = scratch_size_; low < high;) {
    const size_t middle = (low + high) / 2;
    const bool is_below = number(scratch_[middle].graph, scratch_[middle].node) < wanted;
    (is_below ? low : high) = is_below ? middle + 1 : middle;
  }
  for (; low < scratch_size_ && number(scratch_[low].graph, scratch_[low].node) == wanted; ++low) {
    Touch(BufferOf(scratch_[low].data), tick, kWritten);
  }
}

void Runtime::Touch(Buffer* buffer, uint32_t tick, uint16_t how) {
  if (buffer == nullptr) return;
  const uint16_t now = static_cast<uint16_t>(tick);
  if (buffer->order == 0 || now < buffer->first) buffer->first = now;
  if (buffer->order == 0 || now > buffer->last) buffer->last = now;
  buffer->order |= how;
}

// Null for what has an address.
Buffer* Runtime::BufferOf(const void* data) const {
  const auto* buffer = static_cast<const Buffer*>(data);
  return buffer >= buffers_ && buffer < buffers_ + buffers_size_ ? &buffers_[buffer - buffers_]
                                                                 : nullptr;
}

// Takes what nothing touches out of the plan: intermediates hold scales only, outputs may be
// unused.
bool Runtime::CheckWritten() {
  for (size_t i = 0; i < model_->subgraphs()->size(); ++i) {
    if (!IsReached(i)) continue;
    for (size_t j = 0; j < source(i).tensors()->size(); ++j) {
      Buffer* buffer = BufferOf(graphs_[i].data[j]);
      if (buffer == nullptr || (buffer->order & kWritten) != 0) continue;
      if (buffer->order == kRead && buffer->bytes != 0) {
        return Fail("Tensor %d is read, but it has no elements and nothing writes it",
                    static_cast<int>(j));
      }
      if (buffer->order == 0) graphs_[i].data[j] = nullptr;
      buffer->bytes = 0;
    }
  }
  return true;
}

void Runtime::Commit(size_t tensors) {
  // the head overwrites nothing yet: addresses are all that is stored
  for (size_t i = 0; i < model_->subgraphs()->size(); ++i) {
    if (!IsReached(i)) continue;
    for (size_t j = 0; j < source(i).tensors()->size(); ++j) {
      void*& data = graphs_[i].data[j];
      const Buffer* buffer = BufferOf(data);
      if (buffer != nullptr) data = arena_.start() + buffer->offset;
    }
  }
  for (size_t i = 0; i < scratch_size_; ++i)
    scratch_[i].data = arena_.start() + buffers_[tensors + i].offset;
}

}  // namespace simbench
