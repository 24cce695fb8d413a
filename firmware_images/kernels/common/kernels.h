// What differs between kernel sets: how an int8 operator computes. Parameters, quantization and
// memory are decided once, when a node is initialised.
#ifndef SIMBENCH_KERNELS_COMMON_KERNELS_H_
#define SIMBENCH_KERNELS_COMMON_KERNELS_H_

#include <cstddef>
#include <cstdint>

#include "tensorflow/lite/c/common.h"
#include "tensorflow/lite/kernels/internal/types.h"

namespace simbench {

// The tensors of a node; `bias` may be null.
struct Tensors {
  const TfLiteTensor* input;
  const TfLiteTensor* filter;
  const TfLiteTensor* bias;
  TfLiteTensor* output;
};

struct ConvData {
  tflite::ConvParams params;
  int32_t* multiplier;  // one a channel, as is the next
  int32_t* shift;
};

struct DepthwiseConvData {
  tflite::DepthwiseParams params;
  int32_t* multiplier;
  int32_t* shift;
};

struct FullyConnectedData {
  tflite::FullyConnectedParams params;
  int batches;
  int input_depth;
  int output_depth;
  int32_t* multiplier;  // one a channel, as is the next; null where all have one
  int32_t* shift;
};

struct PoolData { tflite::PoolParams params; };

// Bytes of scratch memory that Run needs, 0 for none.
size_t ScratchBytes(const ConvData& data, const Tensors& tensors);
size_t ScratchBytes(const DepthwiseConvData& data, const Tensors& tensors);
size_t AveragePoolScratchBytes(const PoolData& data, const Tensors& tensors);

TfLiteStatus Run(const ConvData& data, const Tensors& tensors, void* scratch);
TfLiteStatus Run(const DepthwiseConvData& data, const Tensors& tensors, void* scratch);
TfLiteStatus Run(const FullyConnectedData& data, const Tensors& tensors);
TfLiteStatus RunAveragePool(const PoolData& data, const Tensors& tensors, void* scratch);
TfLiteStatus RunMaxPool(const PoolData& data, const Tensors& tensors);

}  // namespace simbench

#endif  // SIMBENCH_KERNELS_COMMON_KERNELS_H_
