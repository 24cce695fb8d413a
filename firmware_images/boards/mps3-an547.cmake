# Arm MPS3 with FPGA image AN547: Corstone-300 with Cortex-M55, 32 MHz (Arm DAI 0547). Only the
# kernels use MVE: GCC 12 vectorises other code into conversions that its assembler does not take.
set(BOARD_CORE cortex-m55)
set(BOARD_CPU_FLAGS -mcpu=cortex-m55+nomve -mthumb -mfloat-abi=hard)
set(BOARD_KERNEL_FLAGS -mcpu=cortex-m55)
set(BOARD_DEFINITIONS
  BOARD_CLOCK_HZ=32000000
  BOARD_UART_ADDRESS=0x49303000     # CMSDK UART 0
  BOARD_UART_RX_INTERRUPT=33
  BOARD_FPGAIO_ADDRESS=0x49302000   # its prescaled counter is the clock of timestamps
  BOARD_HAS_FPU=1)
