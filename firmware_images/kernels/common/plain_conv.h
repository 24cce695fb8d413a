// Convolutions that not every kernel set has: in groups, of int16 with int8 weights, of floats.
#ifndef SIMBENCH_KERNELS_COMMON_PLAIN_CONV_H_
#define SIMBENCH_KERNELS_COMMON_PLAIN_CONV_H_

#include "kernels/common/kernels.h"

namespace simbench {

// Bytes of scratch memory that RunPlain needs, 0 for none.
size_t PlainScratchBytes(const ConvData& data, const Tensors& tensors);
inline size_t PlainScratchBytes(const DepthwiseConvData&, const Tensors&) { return 0; }

TfLiteStatus RunPlain(const ConvData& data, const Tensors& tensors, void* scratch);
TfLiteStatus RunPlain(const DepthwiseConvData& data, const Tensors& tensors, void* scratch);
TfLiteStatus RunPlain(const FullyConnectedData& data, const Tensors& tensors);

}  // namespace simbench

#endif  // SIMBENCH_KERNELS_COMMON_PLAIN_CONV_H_
