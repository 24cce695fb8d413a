# simbench's own runtime, with kernels of its own, of TensorFlow's of 2020 and of CMSIS-NN.
set(TENSORFLOW ${TFMICRO}/submodules/tensorflow)
set(LITE ${TENSORFLOW}/tensorflow/lite)
set(TENSORFLOW_DOWNLOADS ${LITE}/micro/tools/make/downloads)

if(LIBRARIES)
  # clang refuses to assign through a reference to what is never assigned, and nor is this ever called
  set(FLATBUFFERS_OVERLAY ${CMAKE_CURRENT_BINARY_DIR}/overlay)
  file(READ ${TENSORFLOW_DOWNLOADS}/flatbuffers/include/flatbuffers/flatbuffers.h header)
  string(REPLACE "buf_ = other.buf_;" "(void)other;" header "${header}")
  file(WRITE ${FLATBUFFERS_OVERLAY}/flatbuffers/flatbuffers.h "${header}")
endif()

# TensorFlow Lite Micro's kernels and what these need: the interpreter is runtime/'s own
file(GLOB TFLM_SOURCES ${LITE}/micro/kernels/*.cc)
list(FILTER TFLM_SOURCES EXCLUDE REGEX "_test\\.cc$|/(all_ops_resolver|circular_buffer)\\.cc$")
# what kernels/ has whole
list(FILTER TFLM_SOURCES EXCLUDE REGEX
  "/kernels/(activations|add|ceil|comparisons|concatenation|dequantize|elementwise|floor|maximum_minimum|mul|neg|pack|pad|prelu|quantize|reduce|reshape|resize_nearest_neighbor|split|strided_slice|sub|unpack)\\.cc$")
list(APPEND TFLM_SOURCES
  ${LITE}/micro/micro_string.cc
  ${LITE}/micro/micro_utils.cc
  ${LITE}/c/common.c
  ${LITE}/core/api/error_reporter.cc
  ${LITE}/core/api/flatbuffer_conversions.cc
  ${LITE}/kernels/internal/quantization_util.cc
  ${LITE}/kernels/kernel_util.cc)
add_library(tflm STATIC ${TFLM_SOURCES})
target_include_directories(tflm SYSTEM PUBLIC
  ${FLATBUFFERS_OVERLAY}
  ${TENSORFLOW}
  ${TENSORFLOW_DOWNLOADS}/flatbuffers/include
  ${TENSORFLOW_DOWNLOADS}/gemmlowp
  ${TENSORFLOW_DOWNLOADS}/ruy)
target_compile_options(tflm PRIVATE -O2 -w)

# kernels/ takes these operators' names, and calls TensorFlow's for what it leaves to it
foreach(pair conv:CONV_2D depthwise_conv:DEPTHWISE_CONV_2D fully_connected:FULLY_CONNECTED
    logistic:LOGISTIC pooling:AVERAGE_POOL_2D pooling:MAX_POOL_2D softmax:SOFTMAX tanh:TANH)
  string(REPLACE ":" ";" pair ${pair})
  list(GET pair 0 file)
  list(GET pair 1 op)
  set_property(SOURCE ${LITE}/micro/kernels/${file}.cc APPEND PROPERTY COMPILE_DEFINITIONS
    Register_${op}=Register_${op}_OTHERS)
endforeach()

file(GLOB_RECURSE CMSIS_NN_SOURCES ${CMSIS_NN}/cmsis_nn/Source/*.c kernels/cmsis-nn/*.c)
add_library(cmsis_nn STATIC EXCLUDE_FROM_ALL ${CMSIS_NN_SOURCES})
target_include_directories(cmsis_nn SYSTEM PUBLIC
  ${CMSIS_NN}/cmsis_nn/Include ${CMSIS_NN}/cmsis_core/Include)
target_include_directories(cmsis_nn PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_compile_options(cmsis_nn PRIVATE -O3 -w ${BOARD_KERNEL_FLAGS})

set(RUNTIME_SOURCES runtime/*.cc kernels/common/*.cc)
set(KERNELS_FOLDER kernels)
set(REFERENCE_LIBRARIES tflm)
set(CMSIS_NN_LIBRARIES tflm cmsis_nn)
