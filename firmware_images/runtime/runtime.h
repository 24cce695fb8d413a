// Runs a model: its subgraphs, its variables and its memory. A kernel is a TfLiteRegistration, and
// what it may rely on is in runtime/node.h.
//
// Of a tensor only an address is kept, of a node only its kernel and what that made: TfLiteTensor
// is five times as large as what differs between inferences, so those of one node are made from the
// model when it runs, in a window that all nodes share.
#ifndef SIMBENCH_RUNTIME_RUNTIME_H_
#define SIMBENCH_RUNTIME_RUNTIME_H_

#include <cstddef>
#include <cstdint>

#include "harness/problem.h"
#include "runtime/arena.h"
#include "runtime/planner.h"
#include "runtime/source.h"
#include "runtime/window.h"
#include "tensorflow/lite/c/common.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace simbench {

struct Node {
  const TfLiteRegistration* kernel;
  void* user_data;
  void* builtin_data;
};

// A subgraph that is reached from the first. All null for one that is not.
struct Graph {
  void** data;  // of each tensor, its address
  Node* nodes;
};

struct Scratch {
  uint8_t* data;
  uint32_t bytes;
  uint16_t graph;
  uint16_t node;
};

// What VAR_HANDLE names. A tensor that is a handle has its elements here: `id`.
struct Variable {
  int32_t id;
  uint32_t bytes;
  uint8_t* data;
  const tflite::Operator* handle;
};

// Of subgraphs in each other: a level takes some 200 bytes of stack.
constexpr int kDeepestCall = 8;
constexpr char kTooDeep[] = "The model's subgraphs call each other too deep";

// A place in the model.
struct Place {
  uint16_t graph;
  uint16_t node;
};

class Runtime {
 public:
  constexpr explicit Runtime(Problem* problem) : problem_(*problem) {}

  // Sets the model in `file` up in `arena`, or says what the problem is. May be called again.
  bool SetUp(const File& file, const Arena& arena);

  // Runs what is to run once, before the first inference.
  TfLiteStatus CallOnce();

  // Runs a subgraph: the first is the model, and its operators are the layers.
  TfLiteStatus Invoke(size_t graph);

  // What SetUp used: from the arena's start, from its end, and the smallest arena in which it
  // works, which may be more, as it needs room for a moment.
  size_t head_bytes() const { return head_bytes_; }
  size_t tail_bytes() const { return arena_.kept_bytes(); }
  size_t needed_bytes() const;
  size_t arena_bytes() const { return arena_.bytes(); }

  // For kernels that run subgraphs or keep variables.
  Place place() const { return place_; }
  const tflite::Operator& operator_at(Place place) const {
    return *source(place.graph).operators()->Get(place.node);
  }
  const tflite::SubGraph& source(size_t graph) const { return *model_->subgraphs()->Get(graph); }
  const tflite::Model& model() const { return *model_; }
  void* data(size_t graph, int32_t tensor) const { return graphs_[graph].data[tensor]; }
  Variable* variable(int32_t id) const {
    return id >= 0 && id < variables_size_ ? &variables_[id] : nullptr;
  }
  Problem& problem() const { return problem_; }

  // A tensor of the first subgraph.
  TfLiteTensor tensor(int32_t index, TfLiteAffineQuantization* quantization) const;

  // For the plan.
  const Scratch& scratch(size_t index) const { return scratch_[index]; }
  // Scratch buffers are in order of their nodes: a node's are those from its first on.
  size_t FirstScratch(Place place) const;
  bool IsScratchOf(Place place, size_t index) const {
    return index < scratch_size_ && scratch_[index].graph == place.graph &&
           scratch_[index].node == place.node;
  }
  bool IsInHead(const void* data) const {
    return data >= arena_.start() && data < arena_.start() + head_bytes_;
  }
  size_t OffsetOf(const void* data) const {
    return static_cast<const uint8_t*>(data) - arena_.start();
  }
  bool IsReached(size_t graph) const { return graphs_[graph].data != nullptr; }

 private:
  // set-up, in this order: setup.cc, variables.cc, lifetimes.cc
  bool Reach(size_t graph, int depth);
  bool ReachTensors(size_t graph);
  bool ReachNodes(size_t graph, int depth);
  bool ReachNode(size_t graph, size_t node, int depth);
  bool KeepWindow();
  bool KeepVariableTensors();
  bool KeepVariables();
  bool BindVariable(size_t graph, const tflite::Operator& op, int code);
  Variable* VariableNamed(const tflite::Operator& handle);
  bool InitialiseNodes();
  bool InitialiseNode(size_t graph, size_t node);
  bool KeepScratch();
  bool PlanMemory();
  size_t BorrowBuffers();
  bool Walk(size_t graph, int depth, uint32_t* tick);
  bool WalkNode(Place place, int depth, uint32_t* tick);
  void TouchAll(size_t graph, const Indices* indices, uint32_t tick, uint16_t how);
  void TouchScratch(Place place, uint32_t tick);
  void Touch(Buffer* buffer, uint32_t tick, uint16_t how);
  Buffer* BufferOf(const void* data) const;
  bool CheckWritten();
  void Commit(size_t tensors);

  bool Fail(const char* format, ...);

  // Whether `act` is true of every node that is reached, in order.
  template <typename Act>
  bool EachNode(Act act) {
    for (size_t i = 0; i < model_->subgraphs()->size(); ++i) {
      if (!IsReached(i)) continue;
      for (size_t j = 0; j < source(i).operators()->size(); ++j) {
        const Place place = {static_cast<uint16_t>(i), static_cast<uint16_t>(j)};
        if (!act(place, operator_at(place))) return false;
      }
    }
    return true;
  }

  void Open(Place place);
  void Blame(Place place);

  static TfLiteStatus AllocatePersistentBuffer(TfLiteContext* context, size_t bytes, void** memory);
  static TfLiteStatus RequestScratchBuffer(TfLiteContext* context, size_t bytes, int* index);
  static void* GetScratchBuffer(TfLiteContext* context, int index);
  static void ReportError(TfLiteContext* context, const char* format, ...);

  Problem& problem_;
  const tflite::Model* model_ = nullptr;
  File file_ = {};
  Arena arena_;
  size_t head_bytes_ = 0;

  Graph* graphs_ = nullptr;
  Variable* variables_ = nullptr;
  int32_t variables_size_ = 0;
  Scratch* scratch_ = nullptr;
  size_t scratch_size_ = 0;
  Buffer* buffers_ = nullptr;  // during set-up: tensors, then scratch
  size_t buffers_size_ = 0;

  TfLiteContext context_ = {};
  TfLiteNode node_ = {};
  Place place_ = {};
  size_t window_size_ = 0;    // the most tensors of a node
  size_t window_places_ = 0;  // the same with those that are left out
  Window window_;
};

}  // namespace simbench

#endif  // SIMBENCH_RUNTIME_RUNTIME_H_
