/* A user's own firmware for an STM32F405 that knows nothing of simbench: no protocol, no markers.
 *
 * It finds the loudest of 64 frequencies in a made-up signal, over and over. What simbench measures
 * is named on the command line: --section begin=correlate_all,end=show
 */
#include <stdint.h>

enum { SAMPLES = 256, FREQUENCIES = 64 };

static int16_t signal[SAMPLES];
static int32_t power[FREQUENCIES];
static volatile uint32_t loudest;

/* A square wave; the frequency is in 65536ths of a turn per sample. */
static int16_t wave(uint32_t frequency, uint32_t sample)
{
    return (frequency * sample) & 0x8000 ? -1 : 1;
}

__attribute__((noinline)) void make_signal(uint32_t frequency)
{
    for (uint32_t i = 0; i < SAMPLES; i++)
        signal[i] = (int16_t)(100 * wave(frequency, i));
}

__attribute__((noinline)) int32_t correlate(uint32_t frequency)
{
    int32_t sum = 0;
    for (uint32_t i = 0; i < SAMPLES; i++)
        sum += signal[i] * wave(frequency, i);
    return sum < 0 ? -sum : sum;
}

__attribute__((noinline)) void correlate_all(void)
{
    for (uint32_t k = 0; k < FREQUENCIES; k++)
        power[k] = correlate(k << 9);
}

__attribute__((noinline)) void show(void)
{
    uint32_t best = 0;
    for (uint32_t k = 1; k < FREQUENCIES; k++)
        if (power[k] > power[best])
            best = k;
    loudest = best;
}

int main(void)
{
    for (uint32_t turn = 0;; turn++) {
        make_signal((turn % FREQUENCIES) << 9);
        correlate_all();
        show();
    }
}
