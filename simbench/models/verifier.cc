// The flatbuffers verifier over a .tflite file, as a shared library that verifier.py calls.
//
// The firmware reads models through the same generated schema, so what passes here is safe for it.

#include <cstddef>
#include <cstdint>

#include "flatbuffers/flatbuffers.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace {

// Deeper nesting than any model has, and few enough tables to bound the time a hostile file takes.
constexpr flatbuffers::uoffset_t kMaxDepth = 32;
constexpr flatbuffers::uoffset_t kMaxTables = 20000;

}  // namespace

extern "C" int32_t simbench_verify_model(const uint8_t* data, size_t size) {
  if (data == nullptr || size >= FLATBUFFERS_MAX_BUFFER_SIZE) return 0;
  flatbuffers::Verifier verifier(data, size, kMaxDepth, kMaxTables);
  return tflite::VerifyModelBuffer(verifier) ? 1 : 0;
}
