#include "harness/board.h"
#include "harness/protocol.h"
#include "harness/seam.h"

extern "C" {

void th_serialport_initialize(void) { simbench::InitializeSerialPort(); }

void th_timestamp_initialize(void) {
  simbench::InitializeClock();
  th_printf("m-timestamp-mode-performance\r\n");
  th_timestamp();
}

void th_timestamp(void) {
  th_printf("m-lap-us-%u\r\n", static_cast<unsigned>(simbench::Microseconds()));
}

char th_getchar(void) { return simbench::ReadSerialPort(); }

}  // extern "C"

int main() {
  simbench::InitializeBenchmark();
  simbench::ServeCommands();
}
