set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_CXX_COMPILER arm-none-eabi-g++)
# a bare-metal program does not link before its own startup code and linker script are there
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
