set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
# the folder whose bin/ has the compiler
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES TOOLCHAIN)
set(CMAKE_C_COMPILER ${TOOLCHAIN}/bin/arm-none-eabi-gcc)
set(CMAKE_CXX_COMPILER ${TOOLCHAIN}/bin/arm-none-eabi-g++)
# a bare-metal program does not link before its own startup code and linker script are there
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
