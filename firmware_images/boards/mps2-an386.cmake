# Arm MPS2 with FPGA image AN386: Cortex-M4 with single-precision FPU, 25 MHz (Arm DAI 0386).
set(BOARD_CORE cortex-m4)
set(BOARD_CPU_FLAGS -mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard)
set(BOARD_DEFINITIONS
  BOARD_CLOCK_HZ=25000000
  BOARD_UART_ADDRESS=0x40004000     # CMSDK UART 0
  BOARD_UART_RX_INTERRUPT=0
  BOARD_FPGAIO_ADDRESS=0x40028000   # its prescaled counter is the clock of timestamps
  BOARD_HAS_FPU=1)
