#include "kernels/cmsis-nn/dense.h"

#include "arm_nnsupportfunctions.h"

#if defined(ARM_MATH_MVEI)

// Four rows at a time, sixteen columns of each; the last rows and columns are masked out.
void DenseS8(const struct DenseLayer *layer, const int8_t *input, int8_t *output)
{
    const int32_t columns = layer->columns;
    const int8_t *matrix = layer->matrix;
    for (int32_t row = 0; row < layer->rows; row += 4, matrix += 4 * columns) {
        const int32_t left = layer->rows - row;
        // rows behind the last are the last again, and are not stored
        const int8_t *row0 = matrix;
        const int8_t *row1 = left > 1 ? row0 + columns : row0;
        const int8_t *row2 = left > 2 ? row1 + columns : row0;
        const int8_t *row3 = left > 3 ? row2 + columns : row0;
        const int8_t *vector = input;
        int32_t dot0 = 0, dot1 = 0, dot2 = 0, dot3 = 0, sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
        for (int32_t todo = columns; todo > 0; todo -= 16) {
            const mve_pred16_t valid = vctp8q((uint32_t)todo);
            const int8x16_t element = vldrbq_z_s8(vector, valid);
            vector += 16;
            int8x16_t weight = vldrbq_z_s8(row0, valid);
            sum0 = vaddvaq_s8(sum0, weight);
            dot0 = vmladavaq_s8(dot0, weight, element);
            weight = vldrbq_z_s8(row1, valid);
            sum1 = vaddvaq_s8(sum1, weight);
            dot1 = vmladavaq_s8(dot1, weight, element);
            weight = vldrbq_z_s8(row2, valid);
            sum2 = vaddvaq_s8(sum2, weight);
            dot2 = vmladavaq_s8(dot2, weight, element);
            weight = vldrbq_z_s8(row3, valid);
            sum3 = vaddvaq_s8(sum3, weight);
            dot3 = vmladavaq_s8(dot3, weight, element);
            row0 += 16;
            row1 += 16;
            row2 += 16;
            row3 += 16;
        }
        const mve_pred16_t stored = vctp32q((uint32_t)left);
        int32x4_t total = {dot0, dot1, dot2, dot3};
        const int32x4_t sums = {sum0, sum1, sum2, sum3};
        total = vmlaq_n_s32(total, sums, layer->input_offset);
        if (layer->bias)
            total = vaddq_s32(total, vldrwq_z_s32(layer->bias + row, stored));
        total = arm_requantize_mve_32x4(total, vldrwq_z_s32(layer->multiplier + row, stored),
                                        vldrwq_z_s32(layer->shift + row, stored));
        total = vaddq_n_s32(total, layer->output_offset);
        total = vmaxq_s32(total, vdupq_n_s32(layer->least));
        total = vminq_s32(total, vdupq_n_s32(layer->most));
        vstrbq_p_s32(output + row, total, stored);
    }
}

#else

static int8_t Finish(const struct DenseLayer *layer, int32_t row, int32_t total)
{
    int32_t value = arm_nn_requantize(total, layer->multiplier[row], layer->shift[row]);
    value += layer->output_offset;
    value = MAX(value, layer->least);
    return (int8_t)MIN(value, layer->most);
}

// Two rows at a time, four columns of each where the core multiplies pairs.
void DenseS8(const struct DenseLayer *layer, const int8_t *input, int8_t *output)
{
    const int32_t columns = layer->columns, offset = layer->input_offset;
    const int8_t *row0 = layer->matrix;
    for (int32_t row = 0; row < layer->rows; row += 2) {
        const int is_pair = row + 1 < layer->rows;
        const int8_t *row1 = is_pair ? row0 + columns : row0; // of the last odd one, the same twice
        const int8_t *vector = input;
        int32_t total0 = layer->bias ? layer->bias[row] : 0;
        int32_t total1 = layer->bias && is_pair ? layer->bias[row + 1] : 0;
        int32_t left = columns;
#if defined(ARM_MATH_DSP)
        const uint32_t offsets = __PKHBT(offset, offset, 16);
        for (; left >= 4; left -= 4) {
            const uint32_t elements = (uint32_t)arm_nn_read_s8x4_ia(&vector);
            const uint32_t weights0 = (uint32_t)arm_nn_read_s8x4_ia(&row0);
            const uint32_t weights1 = (uint32_t)arm_nn_read_s8x4_ia(&row1);
            const uint32_t odd = __SXTAB16_RORn(offsets, elements, 8),
                           even = __SXTAB16(offsets, elements);
            total0 = __SMLAD(__SXTB16_RORn(weights0, 8), odd, total0);
            total0 = __SMLAD(__SXTB16(weights0), even, total0);
            total1 = __SMLAD(__SXTB16_RORn(weights1, 8), odd, total1);
            total1 = __SMLAD(__SXTB16(weights1), even, total1);
        }
#endif
        for (; left > 0; --left) {
            const int32_t element = *vector++ + offset;
            total0 += element * *row0++;
            total1 += element * *row1++;
        }
        output[row] = Finish(layer, row, total0);
        if (is_pair)
            output[row + 1] = Finish(layer, row + 1, total1);
        row0 = row1;
    }
}

#endif
