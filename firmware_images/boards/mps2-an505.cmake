# Arm MPS2 with FPGA image AN505: Cortex-M33, 20 MHz (Arm DAI 0505). The image stays in Secure state,
# in which the core starts, and uses the Secure addresses.
set(BOARD_CORE cortex-m33)
set(BOARD_CPU_FLAGS -mcpu=cortex-m33 -mthumb -mfpu=fpv5-sp-d16 -mfloat-abi=hard)
set(BOARD_DEFINITIONS
  BOARD_CLOCK_HZ=20000000
  BOARD_UART_ADDRESS=0x50200000     # CMSDK UART 0
  BOARD_UART_RX_INTERRUPT=32
  BOARD_FPGAIO_ADDRESS=0x50302000   # its prescaled counter is the clock of timestamps
  BOARD_HAS_FPU=1)
