#include "runtime/model.h"

#include "harness/config.h"
#include "harness/model.h"
#include "harness/seam.h"

namespace simbench {
namespace {

Problem problem;
Runtime runtime(&problem);
bool has_model = false;

constexpr int kSchemaVersion = 3;  // of every .tflite file

bool FindModel() {
  if (!IsConfigured()) {
    TF_LITE_REPORT_ERROR(&problem, "The loader wrote no configuration");
  } else if (simbench_config.model_bytes == 0) {
    TF_LITE_REPORT_ERROR(&problem, "The loader wrote no model");
  } else {
    const auto* file = reinterpret_cast<const uint8_t*>(simbench_config.model_address);
    const uint32_t version = tflite::GetModel(file)->version();
    if (version == kSchemaVersion) return true;
    TF_LITE_REPORT_ERROR(&problem, "The model's schema has version %d, not %d", version,
                         kSchemaVersion);
  }
  return false;
}

bool SetUp(size_t arena_bytes) {
  const Arena arena(reinterpret_cast<uint8_t*>(simbench_config.arena_address), arena_bytes);
  const File file = {reinterpret_cast<const uint8_t*>(simbench_config.model_address),
                     simbench_config.model_bytes};
  return runtime.SetUp(file, arena);
}

}  // namespace

void InitializeModel() {
  // the second time in just what it took: what stays is at the arena's end
  if (!FindModel() || !SetUp(simbench_config.arena_bytes / kBufferAlignment * kBufferAlignment))
    return;
  if (!SetUp(runtime.needed_bytes()) || runtime.CallOnce() != kTfLiteOk) return;
  problem.Forget();  // as in th_infer
  has_model = true;
}

bool HasModel() { return has_model; }

bool IsReady() { return HasModel() && problem.IsNone(); }

void ReportProblem() { th_printf("e-[%s]\r\n", problem.text()); }

Problem& CurrentProblem() { return problem; }

bool Infer() { return runtime.Invoke(0) == kTfLiteOk; }

size_t InputsSize() { return SizeOf(runtime.source(0).inputs()); }

size_t OutputsSize() { return SizeOf(runtime.source(0).outputs()); }

TfLiteTensor InputAt(size_t index, TfLiteAffineQuantization* quantization) {
  return runtime.tensor(runtime.source(0).inputs()->Get(index), quantization);
}

TfLiteTensor OutputAt(size_t index, TfLiteAffineQuantization* quantization) {
  return runtime.tensor(runtime.source(0).outputs()->Get(index), quantization);
}

Runtime& CurrentRuntime() { return runtime; }

size_t ArenaBytes() { return runtime.arena_bytes(); }

size_t ArenaUsedBytes() { return runtime.head_bytes() + runtime.tail_bytes(); }

}  // namespace simbench
