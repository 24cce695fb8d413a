// The serial protocol of MLPerf Tiny (the behaviour of its reference firmware), with simbench's own
// additions: arena, plan, stack, bank, output.
#ifndef SIMBENCH_HARNESS_PROTOCOL_H_
#define SIMBENCH_HARNESS_PROTOCOL_H_

#include <cstddef>
#include <cstdint>

namespace simbench {

// The input of the next inference, as it came over the wire.
struct Input {
  const uint8_t* bytes;
  size_t size;
};

Input CurrentInput();

// Brings up the serial port, the clock and the model, and greets the host.
void InitializeBenchmark();

// Reads and obeys commands for ever.
[[noreturn]] void ServeCommands();

}  // namespace simbench

#endif  // SIMBENCH_HARNESS_PROTOCOL_H_
