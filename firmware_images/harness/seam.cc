// The seam's functions that have to do with the model. The board's are in main.cc.
#include "harness/seam.h"

#include "harness/config.h"
#include "harness/ends.h"
#include "harness/marker.h"
#include "harness/model.h"

extern "C" {

SIMBENCH_MARKER(th_pre)
SIMBENCH_MARKER(th_post)

void th_final_initialize(void) {
  simbench::InitializeModel();
  if (!simbench::IsReady()) simbench::ReportProblem();
}

// Variables keep their values: a streaming model is fed one input after the other.
void th_load_tensor(void) {
  simbench::CurrentProblem().Forget();
  simbench::LoadInputs();
}

// What a kernel says and does not fail by is no problem: MUL of floats complains of its type.
void th_infer(void) {
  if (simbench::Infer()) simbench::CurrentProblem().Forget();
}

void th_results(void) {
  th_printf("m-results-[");
  if (simbench::simbench_config.result_kind == simbench::ResultKind::kMeanSquaredError) {
    simbench::PrintMeanSquaredError();
  } else {
    simbench::PrintOutputs();
  }
  th_printf("]\r\n");
}

}  // extern "C"
