#include "runtime/source.h"

namespace simbench {
namespace {

constexpr int kBuiltinCode = 3;  // of OperatorCode: what took the place of a field of one byte

}  // namespace

int CodeOf(const tflite::OperatorCode& code) {
  const auto& table = reinterpret_cast<const flatbuffers::Table&>(code);
  const int later = table.GetField<int32_t>(FieldOffset(kBuiltinCode), 0);
  return later > code.builtin_code() ? later : code.builtin_code();
}

Callees CalleesOf(int code, const tflite::Operator& op) {
  const size_t count = code == kIf || code == kWhile ? 2 : code == kCallOnce ? 1 : 0;
  Callees callees = {count, {0, 0}};
  const flatbuffers::Table* options = OptionsOf(op);
  for (size_t i = 0; i < count && options != nullptr; ++i) {
    callees.graphs[i] = options->GetField<int32_t>(FieldOffset(i), 0);
  }
  return callees;
}

}  // namespace simbench
