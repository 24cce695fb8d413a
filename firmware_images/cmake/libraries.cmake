# For a compiler that brings no libraries for bare Arm: newlib, libgcc, the headers of libstdc++ and
# the linker are those of the GCC in LIBRARIES. FAMILY is clang, or zig, which names cores its own way.
set(gcc ${LIBRARIES}/bin/arm-none-eabi-gcc)
execute_process(COMMAND ${gcc} ${BOARD_CPU_FLAGS} -print-multi-directory
  OUTPUT_VARIABLE multilib OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${gcc} -dumpversion
  OUTPUT_VARIABLE version OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
set(newlib ${LIBRARIES}/lib/arm-none-eabi/include)
set(libstdcxx ${newlib}/c++/${version})
add_compile_options(
  -nostdlibinc
  "$<$<COMPILE_LANGUAGE:CXX>:-nostdinc++;SHELL:-isystem ${libstdcxx};SHELL:-isystem ${libstdcxx}/arm-none-eabi/${multilib}>"
  "SHELL:-isystem ${newlib}")
set(CMAKE_C_LINK_EXECUTABLE "${gcc} <LINK_FLAGS> <OBJECTS> -o <TARGET> <LINK_LIBRARIES>")

if(FAMILY STREQUAL zig)
  # its cores come without their FPU, whatever the ABI is
  function(zig_cpu_flags result)
    list(FILTER ARGN INCLUDE REGEX "^-m(cpu|fpu|float-abi)=")
    string(REGEX MATCH "-mcpu=([^;]+)" cpu "${ARGN}")
    string(REPLACE "+nomve" "" cpu ${CMAKE_MATCH_1})
    string(REPLACE "-" "_" name ${cpu})
    set(abi eabihf)
    if("${ARGN}" MATCHES "float-abi=soft")
      set(abi eabi)
    elseif("${ARGN}" MATCHES "fpv4-sp-d16")
      string(APPEND name +vfp4d16sp)
    elseif("${ARGN}" MATCHES "fpv5-sp-d16")
      string(APPEND name +fp_armv8d16sp)
    elseif("${ARGN}" MATCHES "nomve")
      string(APPEND name -mve-mve_fp+fp_armv8d16+fullfp16)
    else()
      string(APPEND name +mve_fp+fp_armv8d16+fullfp16)
    endif()
    set(${result} "SHELL:-target thumb-freestanding-${abi}" -mcpu=${name} PARENT_SCOPE)
  endfunction()
  if(BOARD_KERNEL_FLAGS)
    zig_cpu_flags(BOARD_KERNEL_FLAGS ${BOARD_KERNEL_FLAGS})
  endif()
  zig_cpu_flags(BOARD_CPU_FLAGS ${BOARD_CPU_FLAGS})
else()
  add_compile_options(--target=arm-none-eabi)
endif()
