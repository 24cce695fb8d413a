# Arm MPS2 with FPGA image AN385, 25 MHz (Arm DAI 0385), for Cortex-M3 code.
set(BOARD_CORE cortex-m3)
set(BOARD_CPU_FLAGS -mcpu=cortex-m3 -mthumb -mfloat-abi=soft)
set(BOARD_DEFINITIONS
  BOARD_CLOCK_HZ=25000000
  BOARD_UART_ADDRESS=0x40004000     # CMSDK UART 0
  BOARD_UART_RX_INTERRUPT=0
  BOARD_FPGAIO_ADDRESS=0x40028000   # its prescaled counter is the clock of timestamps
  BOARD_HAS_FPU=0)
