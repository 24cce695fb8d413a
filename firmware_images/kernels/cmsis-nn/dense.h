// Fully connected layers with a scale for each channel: CMSIS-NN 4.0.0 has those with one scale
// only.
#ifndef SIMBENCH_KERNELS_CMSIS_NN_DENSE_H_
#define SIMBENCH_KERNELS_CMSIS_NN_DENSE_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// A vector of `columns` elements times a matrix of `rows` rows; `bias` may be null.
struct DenseLayer {
  const int8_t* matrix;
  const int32_t* bias;
  const int32_t* multiplier;  // one a row, as is the next
  const int32_t* shift;
  int32_t rows;
  int32_t columns;
  int32_t input_offset;
  int32_t output_offset;
  int32_t least;
  int32_t most;
};

void DenseS8(const struct DenseLayer* layer, const int8_t* input, int8_t* output);

#ifdef __cplusplus
}
#endif

#endif  // SIMBENCH_KERNELS_CMSIS_NN_DENSE_H_
