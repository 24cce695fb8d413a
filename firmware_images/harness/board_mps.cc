// The serial port and clock of Arm's MPS2 and MPS3 boards: a CMSDK UART (Arm DDI 0479, 4.3) and the
// counter of the FPGA's system registers (Arm DAI 0386, FPGAIO). No interrupt handler ever runs.
#include "harness/board.h"

namespace simbench {
namespace {

struct Uart {
  volatile uint32_t data;
  volatile uint32_t state;
  volatile uint32_t control;
  volatile uint32_t interrupts;  // read: pending; write: clear
  volatile uint32_t baud_divider;
};

struct FpgaIo {
  volatile uint32_t unused[6];
  volatile uint32_t counter;
  volatile uint32_t prescale;
};

constexpr uint32_t kTransmitFull = 1u << 0;
constexpr uint32_t kReceiveFull = 1u << 1;
constexpr uint32_t kEnableTransmit = 1u << 0;
constexpr uint32_t kEnableReceive = 1u << 1;
constexpr uint32_t kEnableReceiveInterrupt = 1u << 3;
constexpr uint32_t kReceiveInterrupt = 1u << 1;
constexpr uint32_t kBaud = 115200;

Uart& uart() { return *reinterpret_cast<Uart*>(BOARD_UART_ADDRESS); }
FpgaIo& fpga_io() { return *reinterpret_cast<FpgaIo*>(BOARD_FPGAIO_ADDRESS); }

constexpr uint32_t kNvicEnable = 0xE000E100;        // Armv7-M ARM B3.4.4
constexpr uint32_t kNvicClearPending = 0xE000E280;  // B3.4.7

void WriteNvic(uint32_t base, int interrupt) {
  *reinterpret_cast<volatile uint32_t*>(base + 4 * (interrupt / 32)) = 1u << (interrupt % 32);
}

// Sleeps until a byte is there. Interrupts are masked, so a pending one wakes the core and runs
// nothing; an emulator's core that polls instead would fight the emulator for its lock.
void WaitForByte() {
  uart().interrupts = kReceiveInterrupt;
  WriteNvic(kNvicClearPending, BOARD_UART_RX_INTERRUPT);
  if ((uart().state & kReceiveFull) == 0) __asm__ volatile("dsb\n wfi" ::: "memory");
}

}  // namespace

void InitializeSerialPort() {
  __asm__ volatile("cpsid i" ::: "memory");
  uart().baud_divider = BOARD_CLOCK_HZ / kBaud;
  uart().control = kEnableTransmit | kEnableReceive | kEnableReceiveInterrupt;
  WriteNvic(kNvicEnable, BOARD_UART_RX_INTERRUPT);
  // drops what came too early; an emulator looks for input again only when a byte is taken
  static_cast<void>(uart().data);
}

char ReadSerialPort() {
  while ((uart().state & kReceiveFull) == 0) WaitForByte();
  return static_cast<char>(uart().data);
}

void WriteSerialPort(char byte) {
  while ((uart().state & kTransmitFull) != 0) {
  }
  uart().data = static_cast<uint8_t>(byte);
}

void InitializeClock() { fpga_io().prescale = BOARD_CLOCK_HZ / 1000000 - 1; }

uint32_t Microseconds() { return fpga_io().counter; }

}  // namespace simbench
