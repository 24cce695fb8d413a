/* A tiny image that speaks the benchmark protocol and runs the routines of work.S. */
#include <stdbool.h>
#include <stdint.h>

/* CMSDK: data, state, control, interrupt, divider */
#define UART ((volatile uint32_t *)0x40004000)
#define WEIGHTS ((uint32_t *)0x00200000)
#define ARENA ((uint32_t *)0x21000000)
#define BANK ((uint8_t *)0x21800000)

extern void th_pre(void), th_post(void), simbench_op_begin(void), simbench_op_end(void);
extern void work_copy(uint32_t *, uint32_t *, uint32_t), work_kinds(uint32_t *, uint32_t *);
extern void work_conditional(uint32_t *, uint32_t *), work_page(void);
extern void work_bases(uint32_t *, uint32_t *), work_table(void), work_forever(void);
extern void work_lines(uint32_t *, uint32_t, uint32_t), work_long(uint32_t);
extern void work_misaligned(uint32_t *, uint32_t *);
void reset(void);

static uint8_t input[1024];
static uint32_t expected, loaded, laps;

static void put(char c)
{
    while (UART[1] & 1)
        ;
    UART[0] = (uint8_t)c;
}

static void print(const char *s)
{
    while (*s)
        put(*s++);
}

static void line(const char *s)
{
    print(s);
    print("\r\n");
}

static void print_number(uint32_t n)
{
    char text[11];
    int i = 10;
    text[i] = 0;
    do
        text[--i] = (char)('0' + n % 10);
    while (n /= 10);
    print(text + i);
}

static void lap(void)
{
    print("m-lap-us-");
    print_number(laps += 1000);
    line("");
}

static bool same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

static uint32_t number(const char *s)
{
    uint32_t n = 0;
    while (*s >= '0' && *s <= '9')
        n = 10 * n + (uint32_t)(*s++ - '0');
    return n;
}

static uint8_t digit(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : (c & 0xDF) - 'A' + 10);
}

/* What is measured is chosen by the first byte of the input. */
static void work(void)
{
    simbench_op_begin();
    switch (input[0]) {
    case 0: work_copy(WEIGHTS, ARENA, 100); break;
    case 1: work_kinds(WEIGHTS, ARENA); break;
    case 2: work_conditional(WEIGHTS, ARENA); break;
    case 3: work_page(); break;
    case 4: work_bases(WEIGHTS, ARENA); break;
    case 5: work_table(); break;
    case 6: work_forever(); break;
    case 7: work_lines(WEIGHTS, input[1], input[2]); break;
    case 8: work_copy(WEIGHTS, ARENA, 20000000); break;
    case 10: work_long(input[1]); break;
    case 11: work_misaligned(WEIGHTS, ARENA); break;
    case 9: work_copy((uint32_t *)0x90000000, ARENA, 1); break;
    }
    simbench_op_end();
    simbench_op_begin();
    work_copy(WEIGHTS, ARENA, 10);
    simbench_op_end();
}

static void infer(const char *arguments)
{
    uint32_t n = number(arguments);
    line("m-warmup-start-0");
    line("m-warmup-done");
    print("m-infer-start-");
    print_number(n);
    line("");
    lap();
    th_pre();
    while (n--)
        work();
    th_post();
    lap();
    line("m-infer-done");
    line("m-results-[0.250,0.750]");
}

static void db(const char *arguments)
{
    if (arguments[0] == 'l') {
        expected = number(arguments + 5);
        loaded = 0;
        print("m-[Expecting ");
        print_number(expected);
        line(" bytes]");
        return;
    }
    for (; *arguments && loaded < sizeof input; arguments += 2)
        input[loaded++] = (uint8_t)(digit(arguments[0]) << 4 | digit(arguments[1]));
    if (loaded == expected)
        line("m-load-done");
}

static void load_bank(const char *arguments)
{
    for (int i = 0; i < 4; i++)
        input[i] = BANK[4 * number(arguments) + (uint32_t)i];
    line("m-load-done");
}

static void output(void)
{
    static const char hex[] = "0123456789ABCDEF";
    print("m-output-[");
    for (int i = 0; i < 4; i++) {
        put(hex[input[i] >> 4]);
        put(hex[input[i] & 15]);
    }
    line("]");
}

/* A fault inside a fault handler locks the core up. */
static void lock_up(void)
{
    *(volatile uint32_t *)0xE000ED08 = 0x00100000;
    __asm__ volatile("udf #0");
}

static void obey(const char *command)
{
    if (same(command, "name"))
        line("m-name-dut-[stub]");
    else if (same(command, "profile"))
        line("m-profile-[ULPMark for tinyML Firmware V0.0.1]\r\nm-model-[kws01]");
    else if (same(command, "arena"))
        line("m-arena-bytes-4096\r\nm-arena-used-4000");
    else if (same(command, "output"))
        output();
    else if (same(command, "lockup"))
        lock_up();
    else if (command[0] == 'i')
        infer(command + 6);
    else if (command[0] == 'd')
        db(command + 3);
    else if (command[0] == 'b')
        load_bank(command + 5);
    else {
        print("e-[Unknown command: ");
        print(command);
        line("]");
    }
    line("m-ready");
}

void reset(void)
{
    static char command[96];
    uint32_t n = 0;
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; /* the floating-point unit on: CPACR */
    UART[4] = 16;
    UART[2] = 3;
    line("m-init-done");
    line("m-ready");
    for (;;) {
        while (!(UART[1] & 2))
            ;
        char c = (char)UART[0];
        if (c != '%' && n < sizeof command - 1) {
            command[n++] = c;
            continue;
        }
        command[n] = 0;
        n = 0;
        obey(command);
    }
}

static void fault(void)
{
    uint32_t cfsr = *(volatile uint32_t *)0xE000ED28;
    static const char hex[] = "0123456789ABCDEF";
    print("e-[fault cfsr=");
    for (int shift = 28; shift >= 0; shift -= 4)
        put(hex[cfsr >> shift & 15]);
    line(" hfsr=40000000 mmfar=00000000 bfar=90000000 pc=00000000 lr=00000000]");
    for (;;)
        ;
}

__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    (void (*)(void))0x20400000, reset, fault, fault, fault, fault, fault,
};
