/* A user's own firmware for an STM32F405: no TensorFlow, one small layer, and the protocol.
 *
 * What simbench asks of it: the replies below on USART1, and the functions th_pre and th_post
 * around what is to be measured. It runs on the chip too, at 16 MHz from the internal oscillator.
 */
#include <stddef.h>
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))

enum { TXE = 1 << 7, RXNE = 1 << 5 };
enum { INPUT_BYTES = 96 * 96 * 3, COMMAND_BYTES = 80, CLASSES = 4, CLOCK_MHZ = 16 };

static int8_t input[INPUT_BYTES];
static size_t input_bytes, expected_bytes;
static int32_t scores[CLASSES];

/* ---- the board: RM0090 sections 7.3 (RCC), 8.4 (GPIO), 30.6 (USART) ---- */

static void start_uart(void)
{
    REG(0x40023830) |= 1;                                        /* RCC_AHB1ENR: GPIOA */
    REG(0x40023844) |= 1 << 4;                                   /* RCC_APB2ENR: USART1 */
    REG(0x40020000) = (REG(0x40020000) & ~0x3C0000u) | 0x280000; /* PA9, PA10: alternate */
    REG(0x40020024) = (REG(0x40020024) & ~0xFF0u) | 0x770;       /* function 7 */
    REG(0x40011008) = 0x8B;                                      /* 115200 baud at 16 MHz */
    REG(0x4001100C) = 1 << 13 | 1 << 3 | 1 << 2;                 /* CR1: UE, TE, RE */
}

static void put(char c)
{
    while (!(REG(0x40011000) & TXE)) {
    }
    REG(0x40011004) = (uint8_t)c;
}

static char get(void)
{
    while (!(REG(0x40011000) & RXNE)) {
    }
    return (char)REG(0x40011004);
}

static void start_timer(void)
{
    REG(0xE000E014) = 0xFFFFFF; /* SysTick: reload, current value, run from the core's clock */
    REG(0xE000E018) = 0;
    REG(0xE000E010) = 5;
}

/* ---- text ---- */

static void say(const char *text)
{
    while (*text)
        put(*text++);
}

static void say_number(uint32_t number)
{
    char digits[11];
    size_t at = sizeof digits;
    digits[--at] = 0;
    do
        digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    say(digits + at);
}

static void say_line(const char *before, uint32_t number, const char *after)
{
    say(before);
    say_number(number);
    say(after);
    say("\r\n");
}

static uint32_t number_at(const char **text)
{
    uint32_t number = 0;
    while (**text == ' ')
        ++*text;
    for (; **text >= '0' && **text <= '9'; ++*text)
        number = 10 * number + (uint32_t)(**text - '0');
    return number;
}

static int starts_with(const char *text, const char *word)
{
    while (*word)
        if (*text++ != *word++)
            return 0;
    return 1;
}

/* ---- what is measured ---- */

__attribute__((noinline)) void th_pre(void)
{
    __asm volatile("");
}

__attribute__((noinline)) void th_post(void)
{
    __asm volatile("");
}

static const int8_t weights[CLASSES][16] = {
    {1, 2, 3, 4, 5, 6, 7, 8, 8, 7, 6, 5, 4, 3, 2, 1},
    {8, -8, 8, -8, 8, -8, 8, -8, 8, -8, 8, -8, 8, -8, 8, -8},
    {1, 1, 2, 2, 3, 3, 4, 4, -4, -4, -3, -3, -2, -2, -1, -1},
    {9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9},
};

__attribute__((noinline)) void infer(void)
{
    for (size_t c = 0; c < CLASSES; c++) {
        int32_t sum = 0;
        for (size_t i = 0; i < input_bytes; i++)
            sum += input[i] * weights[c][i % 16];
        scores[c] = sum;
    }
}

/* ---- the protocol ---- */

static void say_timestamp(void)
{
    static uint32_t last = 0xFFFFFF, cycles;
    uint32_t now = REG(0xE000E018);
    cycles += (last - now) & 0xFFFFFF;
    last = now;
    say_line("m-lap-us-", cycles / CLOCK_MHZ, "");
}

static void say_results(void)
{
    size_t best = 0;
    for (size_t c = 1; c < CLASSES; c++)
        if (scores[c] > scores[best])
            best = c;
    say("m-results-[");
    for (size_t c = 0; c < CLASSES; c++) {
        say(c == best ? "1.000" : "0.000");
        say(c + 1 < CLASSES ? "," : "]\r\n");
    }
}

static void handle_infer(const char *words)
{
    uint32_t inferences = number_at(&words);
    uint32_t warmups = *words ? number_at(&words) : 10;
    if (!inferences)
        inferences = 1;
    say_line("m-warmup-start-", warmups, "");
    for (uint32_t i = 0; i < warmups; i++)
        infer();
    say("m-warmup-done\r\n");
    say_line("m-infer-start-", inferences, "");
    say_timestamp();
    th_pre();
    for (uint32_t i = 0; i < inferences; i++)
        infer();
    th_post();
    say_timestamp();
    say("m-infer-done\r\n");
    say_results();
}

static uint8_t digit(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
}

static void handle_buffer(const char *words)
{
    if (starts_with(words, "load")) {
        words += 4;
        expected_bytes = number_at(&words);
        if (expected_bytes > INPUT_BYTES)
            expected_bytes = INPUT_BYTES;
        input_bytes = 0;
        say_line("m-[Expecting ", expected_bytes, " bytes]");
        return;
    }
    for (; words[0] && words[1] && input_bytes < expected_bytes; words += 2)
        input[input_bytes++] = (int8_t)(digit(words[0]) << 4 | digit(words[1]));
    if (input_bytes == expected_bytes)
        say("m-load-done\r\n");
}

static void handle(const char *command)
{
    if (starts_with(command, "name"))
        say("m-name-dut-[own]\r\n");
    else if (starts_with(command, "profile"))
        say("m-profile-[ULPMark for tinyML Firmware V0.0.1]\r\nm-model-[own01]\r\n");
    else if (starts_with(command, "timestamp"))
        say_timestamp();
    else if (starts_with(command, "results"))
        say_results();
    else if (starts_with(command, "infer"))
        handle_infer(command + 5);
    else if (starts_with(command, "db "))
        handle_buffer(command + 3);
    else
        say("e-[Unknown command]\r\n");
    say("m-ready\r\n");
}

int main(void)
{
    static char command[COMMAND_BYTES + 1];
    size_t length = 0;
    start_uart();
    start_timer();
    say("m-init-done\r\nm-ready\r\n");
    for (;;) {
        char c = get();
        if (c == '%') {
            command[length] = 0;
            handle(command);
            length = 0;
        } else if (length < COMMAND_BYTES && c != '\r' && c != '\n') {
            command[length++] = c;
        }
    }
}
