// The harness's model on TensorFlow's own interpreter, of whatever tree the firmware is built from.
#include <new>

#include "harness/config.h"
#include "harness/layers.h"
#include "harness/model.h"
#include "harness/seam.h"
#include "tensorflow/lite/micro/micro_allocator.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_profiler_interface.h"
#include "tensorflow/lite/micro/micro_resource_variable.h"
#include "tflm/model.h"
#include "tflm/ops.h"
#include "tflm/planner.h"

namespace simbench {
namespace {

constexpr size_t kAlignment = 16;  // of the arena
constexpr int kVarHandle = 142;    // of the schema's builtin operators

// The interpreter tells of every operator; those within another's subgraphs are part of that layer.
class Layers : public tflite::MicroProfilerInterface {
 public:
  uint32_t BeginEvent(const char*) override {
    if (depth_++ == 0) simbench_op_begin();
    return 0;
  }
  void EndEvent(uint32_t) override {
    if (--depth_ == 0) simbench_op_end();
  }

 private:
  int depth_ = 0;
};

Problem problem;
Layers layers;
const tflite::Model* model = nullptr;
bool has_model = false;
alignas(tflite::MicroInterpreter) uint8_t interpreter[sizeof(tflite::MicroInterpreter)];

bool FindModel() {
  if (!IsConfigured()) {
    TF_LITE_REPORT_ERROR(&problem, "The loader wrote no configuration");
  } else if (simbench_config.model_bytes == 0) {
    TF_LITE_REPORT_ERROR(&problem, "The loader wrote no model");
  } else {
    model = tflite::GetModel(reinterpret_cast<const uint8_t*>(simbench_config.model_address));
    return true;
  }
  return false;
}

int CountVariables() {
  int count = 0;
  for (const tflite::SubGraph* graph : *model->subgraphs()) {
    if (graph->operators() == nullptr) continue;
    for (const tflite::Operator* op : *graph->operators()) {
      const auto* code = model->operator_codes()->Get(op->opcode_index());
      count += static_cast<int>(code->builtin_code()) == kVarHandle;
    }
  }
  return count;
}

bool SetUp() {
  auto* arena = reinterpret_cast<uint8_t*>(simbench_config.arena_address);
  RestartPlanner();
  auto* allocator = tflite::MicroAllocator::Create(arena, RoomForModel(), &CurrentPlanner());
  tflite::MicroResourceVariables* variables = nullptr;
  if (const int count = CountVariables()) {
    variables = tflite::MicroResourceVariables::Create(allocator, count);
  }
  new (interpreter) tflite::MicroInterpreter(model, Operators(), allocator, variables, &layers);
  return CurrentInterpreter().AllocateTensors() == kTfLiteOk;
}

}  // namespace

void InitializeModel() {
  if (!FindModel() || !SetUp()) return;
  problem.Forget();
  has_model = true;
}

bool HasModel() { return has_model; }

bool IsReady() { return HasModel() && problem.IsNone(); }

void ReportProblem() { th_printf("e-[%s]\r\n", problem.text()); }

Problem& CurrentProblem() { return problem; }

tflite::MicroInterpreter& CurrentInterpreter() {
  return *reinterpret_cast<tflite::MicroInterpreter*>(interpreter);
}

const tflite::SubGraph& FirstGraph() { return *model->subgraphs()->Get(0); }

size_t GraphsSize() { return model->subgraphs()->size(); }

bool Infer() {
  if (CurrentInterpreter().Invoke() == kTfLiteOk) return true;
  if (problem.IsNone()) TF_LITE_REPORT_ERROR(&problem, "failed without a word");
  return false;
}

size_t InputsSize() { return CurrentInterpreter().inputs_size(); }

size_t OutputsSize() { return CurrentInterpreter().outputs_size(); }

TfLiteTensor InputAt(size_t index, TfLiteAffineQuantization*) {
  return *CurrentInterpreter().input(index);
}

TfLiteTensor OutputAt(size_t index, TfLiteAffineQuantization*) {
  return *CurrentInterpreter().output(index);
}

// What is in use once all is set up, as the interpreter tells: smaller arenas are not tried,
// because one that is too small for what setting up needs for a moment need not end in an error.
size_t ArenaBytes() { return (ArenaUsedBytes() + kAlignment - 1) / kAlignment * kAlignment; }

size_t ArenaUsedBytes() { return CurrentInterpreter().arena_used_bytes(); }

}  // namespace simbench
