// The block that the loader writes: which model runs, and where things are. Python packs it.
#ifndef SIMBENCH_HARNESS_CONFIG_H_
#define SIMBENCH_HARNESS_CONFIG_H_

#include <cstdint>

namespace simbench {

enum class InputEncoding : uint32_t {
  kRaw = 0,      // elements of the input tensor as they are
  kUint8 = 1,    // unsigned bytes, 128 above the int8 elements
  kFloat32 = 2,  // real values, to be quantized as the input tensor is
};

enum class ResultKind : uint32_t {
  kOutputs = 0,           // every output, dequantized
  kMeanSquaredError = 1,  // between output and input, both dequantized
};

struct Config {
  uint32_t magic;
  uint32_t version;
  uint32_t model_address;
  uint32_t model_bytes;
  uint32_t arena_address;
  uint32_t arena_bytes;
  uint32_t bank_address;
  uint32_t bank_entries;
  uint32_t bank_stride;
  InputEncoding input_encoding;
  ResultKind result_kind;
  char dut_name[32];  // zero terminated, as is the next
  char model_id[16];
};

static_assert(sizeof(Config) == 92, "the layout is shared with simbench/firmware/config.py");

constexpr uint32_t kConfigMagic = 0x46434253;  // "SBCF"
constexpr uint32_t kConfigVersion = 1;

extern "C" const Config simbench_config;  // placed by the linker script

// Whether the loader wrote a block that this firmware understands.
inline bool IsConfigured() {
  return simbench_config.magic == kConfigMagic && simbench_config.version == kConfigVersion;
}

}  // namespace simbench

#endif  // SIMBENCH_HARNESS_CONFIG_H_
