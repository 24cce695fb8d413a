// Part of a stand-in: see its README.md.
#pragma once

#include "tensorflow/lite/c/common.h"
#include "tensorflow/lite/micro/memory_helpers.h"
#include "tensorflow/lite/micro/micro_allocator.h"
#include "tensorflow/lite/micro/micro_op_resolver.h"
#include "tensorflow/lite/micro/micro_profiler_interface.h"
#include "tensorflow/lite/micro/micro_resource_variable.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace tflite {

class MicroInterpreter {
 public:
  MicroInterpreter(const Model* model, const MicroOpResolver& ops, MicroAllocator* allocator,
                   MicroResourceVariables* = nullptr, MicroProfilerInterface* profiler = nullptr)
      : graph_(*model->subgraphs()->Get(0)),
        codes_(*model->operator_codes()),
        ops_(ops),
        allocator_(*allocator),
        profiler_(*profiler) {}

  TfLiteStatus AllocateTensors();
  TfLiteStatus Invoke();

  size_t inputs_size() const { return graph_.inputs()->size(); }
  size_t outputs_size() const { return graph_.outputs()->size(); }
  TfLiteTensor* input(size_t index) { return End(graph_.inputs()->Get(index)); }
  TfLiteTensor* output(size_t index) { return End(graph_.outputs()->Get(index)); }
  TfLiteEvalTensor* GetTensor(int index, int = 0) {
    return allocator_.planner->preserves_all_tensors() ? &tensors_[index] : nullptr;
  }
  size_t arena_used_bytes() const {
    return allocator_.planner->GetMaximumMemorySize() + allocator_.kept;
  }

 private:
  TfLiteTensor* End(int index);
  bool IsComputed(int index) const;

  const SubGraph& graph_;
  const flatbuffers::Vector<flatbuffers::Offset<OperatorCode>>& codes_;
  const MicroOpResolver& ops_;
  MicroAllocator& allocator_;
  MicroProfilerInterface& profiler_;
  TfLiteEvalTensor* tensors_ = nullptr;
};

}  // namespace tflite
