#include "harness/runner.h"

#include <cmath>
#include <cstdarg>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>

#include "harness/config.h"
#include "harness/marker.h"
#include "harness/node.h"
#include "harness/ops.h"
#include "harness/plan.h"
#include "harness/protocol.h"
#include "harness/seam.h"
#include "tensorflow/lite/core/api/error_reporter.h"
#include "tensorflow/lite/micro/compatibility.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_string.h"
#include "tensorflow/lite/version.h"

namespace simbench {
namespace {

constexpr size_t kArenaStep = 16;
constexpr size_t kSmallestArena = 1024;  // the allocator itself lives in the arena

// The first thing that went wrong since the last Forget, in words, and in which node.
class Problem : public tflite::ErrorReporter {
 public:
  using tflite::ErrorReporter::Report;

  int Report(const char* format, va_list arguments) override {
    // the interpreter names the node after its kernel has complained
    const bool names_node = strncmp(format, "Node ", 5) == 0;
    char* end = text_ + strlen(text_);
    if (end != text_) {
      if (!names_node || has_node_ || end + 1 == text_ + sizeof(text_)) return 0;
      *end++ = ' ';
    }
    has_node_ = names_node;
    MicroVsnprintf(end, text_ + sizeof(text_) - end, format, arguments);
    for (char* c = text_; *c != '\0'; ++c) {
      if (*c == '\r' || *c == '\n') *c = ' ';
    }
    return 0;
  }

  void Forget() {
    text_[0] = '\0';
    has_node_ = false;
  }
  bool IsNone() const { return text_[0] == '\0'; }
  const char* text() const { return text_; }

 private:
  char text_[160] = "";
  bool has_node_ = false;

  TF_LITE_REMOVE_VIRTUAL_DELETE
};

Problem problem;
OpResolver* resolver = nullptr;
tflite::MicroInterpreter* interpreter = nullptr;  // null until the model is set up
const tflite::Model* model = nullptr;
size_t arena_bytes = 0;

alignas(OpResolver) uint8_t resolver_memory[sizeof(OpResolver)];
alignas(tflite::MicroInterpreter) uint8_t interpreter_memory[sizeof(tflite::MicroInterpreter)];

// TensorFlow's own hands a list of arguments on as if it were the arguments.
void ReportFromKernel(TfLiteContext*, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  problem.Report(format, arguments);
  va_end(arguments);
}

const tflite::Operator* current_operator = nullptr;
size_t next_node = 0;

// A fresh interpreter in the first `bytes` of the arena, or null. It is never destroyed: it holds
// nothing outside of its own memory and the arena.
tflite::MicroInterpreter* Allocate(size_t bytes) {
  problem.Forget();
  StartNodes();
  auto* fresh = new (interpreter_memory) tflite::MicroInterpreter(
      model, *resolver, reinterpret_cast<uint8_t*>(simbench_config.arena_address), bytes, &problem);
  if (fresh->AllocateTensors() != kTfLiteOk) {
    TF_LITE_REPORT_ERROR(&problem, "The model's tensors cannot be allocated");
    return nullptr;
  }
  problem.Forget();  // what it says along the way is not a problem
  return fresh;
}

// The smallest arena that works, by bisection between what is used of a large one and all of it.
// Less than what is used cannot work, and would fail where the kernels do not look.
size_t SmallestArena(size_t used_bytes, size_t largest) {
  size_t too_small = (used_bytes - 1) / kArenaStep;
  size_t works = largest / kArenaStep;
  for (size_t step = 1; works - too_small > 1;) {
    // first in growing steps: the answer is close to what is used
    const size_t tried = step < (works - too_small) / 2 ? too_small + step : (too_small + works) / 2;
    if (Allocate(tried * kArenaStep) != nullptr) {
      works = tried;
    } else {
      too_small = tried;
      step *= 2;
    }
  }
  return works * kArenaStep;
}

bool FindModel() {
  if (!IsConfigured()) {
    TF_LITE_REPORT_ERROR(&problem, "The loader wrote no configuration");
  } else if (simbench_config.model_bytes == 0) {
    TF_LITE_REPORT_ERROR(&problem, "The loader wrote no model");
  } else {
    model = tflite::GetModel(reinterpret_cast<const void*>(simbench_config.model_address));
    if (model->version() == TFLITE_SCHEMA_VERSION) return true;
    TF_LITE_REPORT_ERROR(&problem, "The model's schema has version %d, not %d", model->version(),
                         TFLITE_SCHEMA_VERSION);
  }
  return false;
}

size_t Elements(const TfLiteTensor* tensor) {
  size_t elements = 1;
  for (int i = 0; i < tensor->dims->size; ++i) elements *= tensor->dims->data[i];
  return elements;
}

float Dequantize(const TfLiteTensor* tensor, int32_t element) {
  return static_cast<float>(element - tensor->params.zero_point) * tensor->params.scale;
}

// Element `index` of `tensor`, whose elements are at `bytes` (as aligned as they may be).
float RealElement(const TfLiteTensor* tensor, const void* bytes, size_t index) {
  const auto read = [bytes, index](auto value) {
    memcpy(&value, static_cast<const char*>(bytes) + index * sizeof(value), sizeof(value));
    return value;
  };
  switch (tensor->type) {
    case kTfLiteFloat32: return read(float());
    case kTfLiteInt8: return Dequantize(tensor, read(int8_t()));
    case kTfLiteUInt8: return Dequantize(tensor, read(uint8_t()));
    case kTfLiteInt16: return Dequantize(tensor, read(int16_t()));
    case kTfLiteInt32: return static_cast<float>(read(int32_t()));
    case kTfLiteInt64: return static_cast<float>(read(int64_t()));
    case kTfLiteBool: return read(uint8_t()) != 0 ? 1.0f : 0.0f;
    default: return std::numeric_limits<float>::quiet_NaN();
  }
}

int8_t Quantize(const TfLiteTensor* tensor, float value) {
  const float element = roundf(value / tensor->params.scale) + tensor->params.zero_point;
  if (element != element) return static_cast<int8_t>(tensor->params.zero_point);
  if (element >= 127.0f) return 127;
  if (element <= -128.0f) return -128;
  return static_cast<int8_t>(element);
}

// How many bytes of the wire make up `tensor`.
size_t WireBytes(const TfLiteTensor* tensor) {
  switch (simbench_config.input_encoding) {
    case InputEncoding::kUint8: return Elements(tensor);
    case InputEncoding::kFloat32: return Elements(tensor) * sizeof(float);
    default: return tensor->bytes;
  }
}

float WireFloat(const uint8_t* wire, size_t index) {
  float value;
  memcpy(&value, wire + index * sizeof(value), sizeof(value));
  return value;
}

void LoadTensor(TfLiteTensor* tensor, const uint8_t* wire) {
  const InputEncoding encoding = simbench_config.input_encoding;
  if (encoding == InputEncoding::kRaw || WireBytes(tensor) == 0 ||
      (encoding == InputEncoding::kFloat32 && tensor->type == kTfLiteFloat32) ||
      (encoding == InputEncoding::kUint8 && tensor->type == kTfLiteUInt8)) {
    memcpy(tensor->data.raw, wire, tensor->bytes);
  } else if (tensor->type != kTfLiteInt8) {
    TF_LITE_REPORT_ERROR(&problem, "The input's encoding does not suit its type");
  } else if (encoding == InputEncoding::kUint8) {
    for (size_t i = 0; i < tensor->bytes; ++i) tensor->data.int8[i] = static_cast<int8_t>(wire[i] ^ 0x80);
  } else {
    for (size_t i = 0; i < tensor->bytes; ++i) tensor->data.int8[i] = Quantize(tensor, WireFloat(wire, i));
  }
}

// Element `index` of the input, as it came over the wire.
float RealInput(const TfLiteTensor* tensor, size_t index) {
  const uint8_t* wire = CurrentInput().bytes;
  switch (simbench_config.input_encoding) {
    case InputEncoding::kUint8: return Dequantize(tensor, static_cast<int8_t>(wire[index] ^ 0x80));
    case InputEncoding::kFloat32: return WireFloat(wire, index);
    default: return RealElement(tensor, wire, index);
  }
}

void PrintOutputs() {
  const char* separator = "";
  for (size_t i = 0; i < interpreter->outputs_size(); ++i) {
    const TfLiteTensor* output = interpreter->output(i);
    for (size_t j = 0; j < Elements(output); ++j) {
      th_printf("%s%0.3f", separator, RealElement(output, output->data.raw, j));
      separator = ",";
    }
  }
}

void PrintMeanSquaredError() {
  const TfLiteTensor* input = interpreter->input(0);
  const TfLiteTensor* output = interpreter->output(0);
  const size_t elements = Elements(output) < Elements(input) ? Elements(output) : Elements(input);
  float sum = 0;
  for (size_t i = 0; i < elements; ++i) {
    const float difference = RealElement(output, output->data.raw, i) - RealInput(input, i);
    sum += difference * difference;
  }
  th_printf("%0.3f", sum / elements);
}

}  // namespace

void StartNodes() {
  current_operator = nullptr;
  next_node = 0;
}

void AdvanceNode(TfLiteContext* context) {
  context->ReportError = ReportFromKernel;
  current_operator = (*model->subgraphs())[0]->operators()->Get(next_node++);
}

TfLiteNode NodeBeingInitialised(const char* builtin_data) {
  const auto as_array = [](const flatbuffers::Vector<int32_t>* indices) {
    // as TensorFlow does: the two have one layout
    return const_cast<TfLiteIntArray*>(reinterpret_cast<const TfLiteIntArray*>(indices));
  };
  TfLiteNode node = {};
  node.inputs = as_array(current_operator->inputs());
  node.outputs = as_array(current_operator->outputs());
  node.builtin_data = const_cast<char*>(builtin_data);
  return node;
}

const tflite::Operator* OperatorBeingInitialised() { return current_operator; }

void InitializeRunner() {
  if (!FindModel()) return;
  resolver = new (resolver_memory) OpResolver();
  const size_t largest = simbench_config.arena_bytes / kArenaStep * kArenaStep;
  if (largest < kSmallestArena) {
    TF_LITE_REPORT_ERROR(&problem, "The arena has %d bytes, too few for any model",
                         static_cast<int>(simbench_config.arena_bytes));
    return;
  }
  const tflite::MicroInterpreter* roomy = Allocate(largest);
  if (roomy == nullptr) return;
  arena_bytes = SmallestArena(roomy->arena_used_bytes(), largest);
  interpreter = Allocate(arena_bytes);
}

bool HasModel() { return interpreter != nullptr; }

bool IsReady() { return HasModel() && problem.IsNone(); }

void ReportProblem() { th_printf("e-[%s]\r\n", problem.text()); }

size_t ArenaBytes() { return arena_bytes; }

size_t ArenaUsedBytes() {
  const ArenaUse use = ArenaUseOf(*interpreter);
  return use.head_bytes + use.tail_bytes;
}

void PrintArenaPlan() {
  PrintPlan(interpreter, reinterpret_cast<const uint8_t*>(simbench_config.arena_address));
}

void PrintOutputBytes() {
  th_printf("m-output-[");
  for (size_t i = 0; i < interpreter->outputs_size(); ++i) {
    const TfLiteTensor* output = interpreter->output(i);
    for (size_t j = 0; j < output->bytes; ++j) th_printf("%02x", output->data.uint8[j]);
  }
  th_printf("]\r\n");
}

}  // namespace simbench

extern "C" {

SIMBENCH_MARKER(th_pre)
SIMBENCH_MARKER(th_post)

void th_final_initialize(void) {
  simbench::InitializeRunner();
  if (!simbench::IsReady()) simbench::ReportProblem();
}

void th_load_tensor(void) {
  using namespace simbench;
  problem.Forget();
  size_t expected = 0;
  for (size_t i = 0; i < interpreter->inputs_size(); ++i) expected += WireBytes(interpreter->input(i));
  const Input input = CurrentInput();
  if (input.size < expected) {
    TF_LITE_REPORT_ERROR(&problem, "Input db has %d bytes, expected %d", static_cast<int>(input.size),
                         static_cast<int>(expected));
    return;
  }
  const uint8_t* wire = input.bytes;
  for (size_t i = 0; i < interpreter->inputs_size(); ++i) {
    LoadTensor(interpreter->input(i), wire);
    wire += WireBytes(interpreter->input(i));
  }
  interpreter->ResetVariableTensors();
}

void th_infer(void) { simbench::interpreter->Invoke(); }

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
