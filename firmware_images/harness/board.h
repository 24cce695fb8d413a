// What the harness needs of a board: a serial port and a clock, both polled.
#ifndef SIMBENCH_HARNESS_BOARD_H_
#define SIMBENCH_HARNESS_BOARD_H_

#include <cstdint>

namespace simbench {

void InitializeSerialPort();
char ReadSerialPort();  // waits for a byte, asleep
void WriteSerialPort(char byte);

void InitializeClock();
uint32_t Microseconds();  // wraps around after 71 minutes

}  // namespace simbench

#endif  // SIMBENCH_HARNESS_BOARD_H_
