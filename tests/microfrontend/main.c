/* TensorFlow's microfrontend over 16 bit samples on standard input: features on standard output.
 * Arguments: window ms, step ms, channels, lower Hz, upper Hz, samples a second. */
#include <stdio.h>
#include <stdlib.h>

#include "tensorflow/lite/experimental/microfrontend/lib/frontend.h"
#include "tensorflow/lite/experimental/microfrontend/lib/frontend_util.h"

static int16_t samples[1 << 20];

int main(int count, char **words)
{
    struct FrontendConfig config;
    struct FrontendState state;
    if (count != 7)
        return 2;
    FrontendFillConfigWithDefaults(&config);
    config.window.size_ms = atoi(words[1]);
    config.window.step_size_ms = atoi(words[2]);
    config.filterbank.num_channels = atoi(words[3]);
    config.filterbank.lower_band_limit = atof(words[4]);
    config.filterbank.upper_band_limit = atof(words[5]);
    config.noise_reduction.min_signal_remaining = 1; /* no reduction */
    if (!FrontendPopulateState(&config, &state, atoi(words[6])))
        return 1;
    size_t left = fread(samples, sizeof *samples, 1 << 20, stdin);
    for (const int16_t *next = samples; left > 0;) {
        size_t taken;
        struct FrontendOutput out = FrontendProcessSamples(&state, next, left, &taken);
        next += taken;
        left -= taken;
        if (out.values)
            fwrite(out.values, sizeof *out.values, out.size, stdout);
    }
    return 0;
}
