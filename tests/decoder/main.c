/* What the plugin's decoder says: reads instructions of two halfwords, writes a row for each. */
#include <stdio.h>

#include "decode.h"

/* Where the instruction is thought to be, so that a branch cannot lead to 0, which means none. */
enum { ADDRESS = 0x10000000 };

int main(void)
{
    uint16_t word[2];
    while (fread(word, sizeof word, 1, stdin) == 1) {
        struct decoded d = decode(word);
        uint32_t row[] = {width(word),
                          d.shape,
                          d.base,
                          d.units,
                          d.written,
                          made_conditional(word),
                          conditional_target(word, ADDRESS),
                          direct_target(word, ADDRESS),
                          uses_floats(word)};
        fwrite(row, sizeof row, 1, stdout);
    }
    return 0;
}
