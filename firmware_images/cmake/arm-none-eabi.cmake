set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES C_COMPILER CXX_COMPILER LIBRARIES)
set(CMAKE_C_COMPILER ${C_COMPILER})
set(CMAKE_CXX_COMPILER ${CXX_COMPILER})
if(LIBRARIES)
  # the compiler alone is another: archives and images are made as with the GCC whose libraries these are
  set(CMAKE_AR ${LIBRARIES}/bin/arm-none-eabi-ar)
  set(CMAKE_RANLIB ${LIBRARIES}/bin/arm-none-eabi-ranlib)
  set(CMAKE_OBJCOPY ${LIBRARIES}/bin/arm-none-eabi-objcopy)
endif()
# a bare-metal program does not link before its own startup code and linker script are there
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
