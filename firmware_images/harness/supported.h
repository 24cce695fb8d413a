// What Python reads from the image, to say what a model needs and this firmware has not.
#ifndef SIMBENCH_HARNESS_SUPPORTED_H_
#define SIMBENCH_HARNESS_SUPPORTED_H_

#include <cstdint>

extern "C" {

struct SupportedOp {
  uint16_t code;
  uint16_t highest_version;
};

// Ends with the code 0xFFFF.
extern const SupportedOp simbench_ops[];

}  // extern "C"

#endif  // SIMBENCH_HARNESS_SUPPORTED_H_
