# Arm MPS2 with FPGA image AN385, 25 MHz (Arm DAI 0385), for Cortex-M0+ code.
# The board's core is a Cortex-M3, which runs all that a Cortex-M0+ does, instruction for instruction.
set(BOARD_CORE cortex-m0plus)
set(BOARD_CPU_FLAGS -mcpu=cortex-m0plus -mthumb -mfloat-abi=soft)
set(BOARD_DEFINITIONS
  BOARD_CLOCK_HZ=25000000
  BOARD_UART_ADDRESS=0x40004000     # CMSDK UART 0
  BOARD_UART_RX_INTERRUPT=0
  BOARD_FPGAIO_ADDRESS=0x40028000   # its prescaled counter is the clock of timestamps
  BOARD_HAS_FPU=0)
