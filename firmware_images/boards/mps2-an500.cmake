# Arm MPS2 with FPGA image AN500: Cortex-M7, 25 MHz (Arm DAI 0500). Single-precision FPU, as the
# smallest chips with a Cortex-M7 have: one image serves all.
set(BOARD_CORE cortex-m7)
set(BOARD_CPU_FLAGS -mcpu=cortex-m7 -mthumb -mfpu=fpv5-sp-d16 -mfloat-abi=hard)
set(BOARD_DEFINITIONS
  BOARD_CLOCK_HZ=25000000
  BOARD_UART_ADDRESS=0x40004000     # CMSDK UART 0
  BOARD_UART_RX_INTERRUPT=0
  BOARD_FPGAIO_ADDRESS=0x40028000   # its prescaled counter is the clock of timestamps
  BOARD_HAS_FPU=1)
