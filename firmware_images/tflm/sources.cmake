# TensorFlow's own interpreter and kernels, of a checkout of tflite-micro that a user has.
set(LITE ${TFLM}/tensorflow/lite)
set(MICRO ${LITE}/micro)
set(TFLM_DOWNLOADS ${MICRO}/tools/make/downloads)

# every builtin operator of which the tree has a kernel, as its resolver declares them
file(READ ${MICRO}/micro_mutable_op_resolver.h resolver)
string(REGEX MATCHALL "TfLiteStatus Add[A-Za-z0-9]+\\([^{]*{[^}]*AddBuiltin\\(BuiltinOperator_[A-Z0-9_]+"
  methods "${resolver}")
set(listed "")
foreach(method IN LISTS methods)
  if(method MATCHES "TfLiteStatus Add([A-Za-z0-9]+).*BuiltinOperator_([A-Z0-9_]+)$")
    string(APPEND listed "SIMBENCH_TFLM_OP(${CMAKE_MATCH_1}, ${CMAKE_MATCH_2})\n")
  endif()
endforeach()
if(listed STREQUAL "")
  message(FATAL_ERROR "error: micro_mutable_op_resolver.h declares no operator in a form known here")
endif()
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/tflm/tflm_ops.def "${listed}")

file(GLOB TFLM_CORE
  ${MICRO}/*.cc ${MICRO}/arena_allocator/*.cc ${MICRO}/memory_planner/*.cc
  ${MICRO}/tflite_bridge/*.cc ${LITE}/core/c/*.cc ${LITE}/core/api/*.cc ${LITE}/kernels/*.cc
  ${LITE}/kernels/internal/*.cc ${LITE}/kernels/internal/reference/*.cc ${LITE}/schema/*.cc
  ${TFLM}/tensorflow/compiler/mlir/lite/core/api/*.cc
  ${TFLM}/tensorflow/compiler/mlir/lite/schema/*.cc)
# tests, and what tflm/platform.cc is in the place of
list(FILTER TFLM_CORE EXCLUDE REGEX
  "_test\\.cc$|/(test_helpers|test_helper_custom_ops|fake_micro_context|mock_micro_graph|hexdump|debug_log|micro_time|system_setup|op_resolver_bridge)\\.cc$")
file(GLOB TFLM_KERNELS ${MICRO}/kernels/*.cc)
list(FILTER TFLM_KERNELS EXCLUDE REGEX "_test\\.cc$|/(kernel_runner|.*_test_common)\\.cc$")

function(add_tflm name)
  add_library(${name} STATIC EXCLUDE_FROM_ALL ${ARGN} ${TFLM_CORE})
  target_include_directories(${name} SYSTEM PUBLIC ${TFLM} ${TFLM_DOWNLOADS}
    ${TFLM_DOWNLOADS}/flatbuffers/include ${TFLM_DOWNLOADS}/gemmlowp ${TFLM_DOWNLOADS}/ruy)
  target_include_directories(${name} PUBLIC ${CMAKE_CURRENT_BINARY_DIR}/tflm)
  target_compile_options(${name} PRIVATE -O2 -w)
endfunction()

add_tflm(tflm_reference ${TFLM_KERNELS})
set(RUNTIME_SOURCES tflm/*.cc)
set(KERNELS_FOLDER tflm/kernels)
set(REFERENCE_LIBRARIES tflm_reference)

if(TFLM_CMSIS_NN)
  # in the place of a kernel, that of the folder cmsis_nn of the same name
  file(GLOB specialized RELATIVE ${MICRO}/kernels/cmsis_nn ${MICRO}/kernels/cmsis_nn/*.cc)
  set(TFLM_CMSIS_KERNELS ${TFLM_KERNELS})
  foreach(file IN LISTS specialized)
    list(REMOVE_ITEM TFLM_CMSIS_KERNELS ${MICRO}/kernels/${file})
    list(APPEND TFLM_CMSIS_KERNELS ${MICRO}/kernels/cmsis_nn/${file})
  endforeach()
  file(GLOB_RECURSE TREE_CMSIS_NN ${TFLM_CMSIS_NN}/Source/*.c)
  list(FILTER TREE_CMSIS_NN EXCLUDE REGEX "_f(16|32)\\.c$")
  add_library(tree_cmsis_nn STATIC EXCLUDE_FROM_ALL ${TREE_CMSIS_NN})
  # the pinned wheel has the headers of CMSIS-Core, which are of the core
  target_include_directories(tree_cmsis_nn SYSTEM PUBLIC
    ${TFLM_CMSIS_NN} ${TFLM_CMSIS_NN}/Include ${CMSIS_NN}/cmsis_core/Include)
  target_compile_definitions(tree_cmsis_nn PUBLIC ARM_NN_ENABLE_F16=0 ARM_NN_ENABLE_F32=0)
  target_compile_options(tree_cmsis_nn PRIVATE -O3 -w ${BOARD_KERNEL_FLAGS})
  add_tflm(tflm_cmsis_nn ${TFLM_CMSIS_KERNELS})
  target_compile_definitions(tflm_cmsis_nn PRIVATE CMSIS_NN)
  target_link_libraries(tflm_cmsis_nn PUBLIC tree_cmsis_nn)
  set(CMSIS_NN_LIBRARIES tflm_cmsis_nn)
endif()
