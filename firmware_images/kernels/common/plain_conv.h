// Convolutions that neither kernel set has: in groups, and of int16 with int8 weights.
#ifndef SIMBENCH_KERNELS_COMMON_PLAIN_CONV_H_
#define SIMBENCH_KERNELS_COMMON_PLAIN_CONV_H_

#include "kernels/common/kernels.h"

namespace simbench {

TfLiteStatus RunPlain(const ConvData& data, const Tensors& tensors);
TfLiteStatus RunPlain(const DepthwiseConvData& data, const Tensors& tensors);
TfLiteStatus RunPlain(const FullyConnectedData& data, const Tensors& tensors);

}  // namespace simbench

#endif  // SIMBENCH_KERNELS_COMMON_PLAIN_CONV_H_
