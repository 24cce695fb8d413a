/* Gives QEMU's board a chip's own memory map, for simbench: memories, registers and one UART.
 *
 * QEMU has no option for any of this, and its plugin interface has no call. So this uses what the
 * emulator itself exports for its own modules: a QEMU built without modules is refused in words.
 *
 * Argument: config=FILE, a text file of one statement a line, numbers in C's manner:
 *   memory BASE SIZE            RAM; what is loaded there, is
 *   alias BASE SIZE TARGET      the memory at TARGET seen again
 *   registers BASE SIZE         words that read as they were last written, and 0 before
 *   preset ADDRESS SET CLEAR    bits of a register that always read as 1, and as 0
 *   follow ADDRESS BITS SHIFT   bits that read as BITS of the same register do, SHIFT to their left
 *   reset ADDRESS VALUE         what a register holds before it is written
 *   ticks ADDRESS STEP          a register that is STEP more at each reading
 *   uart KIND BASE INTERRUPT    the registers of a UART there, of a KIND of uart_kinds[], and the
 *                               number of its interrupt, -1 for none
 *   line DESCRIPTOR             the socket that the UART is connected to
 *   told DESCRIPTOR             a pipe that is told of what the firmware waits for, at the end
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exports.h"
#include "uart.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT int qemu_plugin_version = SIMBENCH_PLUGIN_API;

/* From 7 on a callback is not called with the plugin's number. */
#if SIMBENCH_PLUGIN_API >= 7
#define EXIT_ARGUMENTS void *user
#else
#define EXIT_ARGUMENTS uint64_t id, void *user
#endif
void qemu_plugin_register_atexit_cb(uint64_t, void (*)(EXIT_ARGUMENTS), void *);

enum { MAX_PARTS = 256, REGION_BYTES = 4096, ABOVE_ALL = 100, LITTLE = 2, EXCEPTIONS = 16 };

struct part {
    enum { MEMORY, ALIAS, REGISTERS, UART } kind;
    uint32_t base, size, target;
    const struct uart_kind *uart_kind;
    int interrupt;
    struct uart *uart;
    void *region;
    uint32_t *words;
};

/* What a register reads as, beside what was written. A register may have several. */
struct preset {
    uint32_t address, set, clear, follows, step, count;
    int shift;
    bool is_reset;
};

static struct part parts[MAX_PARTS];
static unsigned n_parts;
static struct preset presets[MAX_PARTS];
static unsigned n_presets;
static int told = -1;

/* Registers that have been read since anything was written: one of a firmware that waits for ever
 * is read most. */
static struct {
    uint32_t address, answer;
    uint64_t times;
} asked[8];

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory)
        fail("out of memory");
    return memory;
}

static void note(uint32_t address, uint32_t answer)
{
    unsigned place = 0;
    for (unsigned i = 0; i < sizeof asked / sizeof *asked; i++) {
        if (asked[i].address == address) {
            place = i;
            break;
        }
        if (asked[i].times < asked[place].times)
            place = i;
    }
    if (asked[place].address != address)
        asked[place].times = 0;
    asked[place].address = address;
    asked[place].answer = answer;
    asked[place].times++;
}

static uint32_t moved(uint32_t bits, int shift)
{
    return shift < 0 ? bits >> -shift : bits << shift;
}

static uint32_t with_preset(struct preset *p, uint32_t word)
{
    p->count += p->step;
    uint32_t followed = moved(word & p->follows, p->shift);
    word = (word & ~moved(p->follows, p->shift)) | followed | p->set;
    return (word & ~p->clear) + p->count;
}

/* A narrow access is to a part of its word. */
static uint64_t part_of(uint32_t word, uint32_t address, unsigned size)
{
    return word >> 8 * (address & 3) & (size < 4 ? (1u << 8 * size) - 1 : ~0u);
}

/* The part of a register that the core is told, with its presets. */
static uint64_t told_part(uint32_t address, uint32_t word, unsigned size)
{
    for (unsigned i = 0; i < n_presets; i++)
        if (presets[i].address == (address & ~3u) && !presets[i].is_reset)
            word = with_preset(&presets[i], word);
    note(address, word);
    return part_of(word, address, size);
}

static uint64_t read_register(void *opaque, uint64_t offset, unsigned size)
{
    struct part *p = opaque;
    uint32_t address = p->base + (uint32_t)offset;
    return told_part(address, p->words[offset / 4], size);
}

static void write_register(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    struct part *p = opaque;
    unsigned shift = 8 * (offset & 3);
    uint32_t mask = (size < 4 ? (1u << 8 * size) - 1 : ~0u) << shift;
    uint32_t *word = &p->words[offset / 4];
    *word = (*word & ~mask) | ((uint32_t)value << shift & mask);
    memset(asked, 0, sizeof asked);
}

static uint64_t read_uart(void *opaque, uint64_t offset, unsigned size)
{
    struct part *p = opaque;
    uint32_t address = p->base + (uint32_t)offset;
    return told_part(address, uart_read(p->uart, (uint32_t)offset & ~3u), size);
}

static void write_uart(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
    struct part *p = opaque;
    write_register(opaque, offset, value, size);
    uart_write(p->uart, (uint32_t)offset, (uint32_t)value);
}

#define ACCESSES {.least = 1, .most = 4, .unaligned = false}

static const struct region_ops register_ops = {read_register, write_register, .endianness = LITTLE,
                                               ACCESSES, ACCESSES};
static const struct region_ops uart_ops = {read_uart, write_uart, .endianness = LITTLE, ACCESSES,
                                           ACCESSES};

static uint8_t *chip_memory(uint32_t address, uint32_t count)
{
    for (unsigned i = 0; i < n_parts; i++) {
        const struct part *m = &parts[i];
        uint32_t offset = address - m->base;
        if (m->kind == MEMORY && offset < m->size && count <= m->size - offset)
            return (uint8_t *)qemu.memory_region_get_ram_ptr(m->region) + offset;
    }
    return NULL;
}

static void map_alias(struct part *p)
{
    for (unsigned i = 0; i < n_parts; i++) {
        const struct part *m = &parts[i];
        if (m->kind == MEMORY && p->target >= m->base && p->target - m->base < m->size) {
            qemu.memory_region_init_alias(p->region, NULL, "simbench.alias", m->region,
                                          p->target - m->base, p->size);
            return;
        }
    }
    fail("an alias of no memory");
}

static void reset_registers(struct part *p)
{
    for (unsigned i = 0; i < n_presets; i++)
        if (presets[i].is_reset && presets[i].address - p->base < p->size)
            p->words[(presets[i].address - p->base) / 4] = presets[i].set;
}

/* A firmware that needs an interrupt which the emulated machine does not have waits for ever. */
static void *interrupt(int number)
{
    void *core = qemu.object_resolve_path_type("", "armv7m", NULL);
    if (!core || number < 0)
        return NULL;
    /* the controller has counted its own exceptions in */
    if (number + EXCEPTIONS >= qemu.object_property_get_int(core, "num-irq", NULL))
        return NULL;
    return qemu.qdev_get_gpio_in(core, number);
}

static void map_part(struct part *p, void *space)
{
    p->region = allocate(1, REGION_BYTES);
    int priority = ABOVE_ALL;
    char name[32];
    switch (p->kind) {
    case MEMORY:
        snprintf(name, sizeof name, "simbench.%08x", p->base);
        qemu.memory_region_init_ram(p->region, NULL, name, p->size, qemu.error_fatal);
        break;
    case ALIAS: map_alias(p); break;
    case UART:
        if (n_uarts == MAX_UARTS)
            fail("too many UARTs");
        p->uart = &uarts[n_uarts++];
        /* fall through */
    case REGISTERS:
        p->words = allocate(p->size / 4 + 1, 4);
        reset_registers(p);
        if (p->uart)
            *p->uart = (struct uart){p->uart_kind, p->words, interrupt(p->interrupt)};
        priority += 1 + (p->kind == UART);
        qemu.memory_region_init_io(p->region, NULL, p->kind == UART ? &uart_ops : &register_ops, p,
                                   "simbench.registers", p->size);
    }
    qemu.memory_region_add_subregion_overlap(space, p->base, p->region, priority);
}

/* The machine is whole and has not been reset yet: nothing has been loaded or executed. */
static void map_all(struct notifier *notifier, void *data)
{
    (void)notifier;
    (void)data;
    void *core = qemu.qemu_get_cpu(0);
    void *space = core ? qemu.object_property_get_link(core, "memory", qemu.error_fatal) : NULL;
    if (!space)
        fail("the machine has no core with a memory");
    for (unsigned i = 0; i < n_parts; i++)
        map_part(&parts[i], space);
    uart_start();
}

static void tell(EXIT_ARGUMENTS)
{
    unsigned most = 0;
    for (unsigned i = 0; i < sizeof asked / sizeof *asked; i++)
        if (asked[i].times > asked[most].times)
            most = i;
    if (told >= 0)
        dprintf(told, "%u %u %llu\n", asked[most].address, asked[most].answer,
                (unsigned long long)asked[most].times);
}

static void add_part(struct part part)
{
    if (n_parts == MAX_PARTS)
        fail("too many memories and registers");
    parts[n_parts++] = part;
}

static void add_preset(struct preset preset)
{
    if (n_presets == MAX_PARTS)
        fail("too many presets");
    presets[n_presets++] = preset;
}

static void read_statement(char *line)
{
    uint32_t v[3];
    char kind[32];
    if (sscanf(line, "memory %i %i", v, v + 1) == 2)
        add_part((struct part){MEMORY, v[0], v[1]});
    else if (sscanf(line, "alias %i %i %i", v, v + 1, v + 2) == 3)
        add_part((struct part){ALIAS, v[0], v[1], v[2]});
    else if (sscanf(line, "registers %i %i", v, v + 1) == 2)
        add_part((struct part){REGISTERS, v[0], v[1]});
    else if (sscanf(line, "preset %i %i %i", v, v + 1, v + 2) == 3)
        add_preset((struct preset){v[0], v[1], v[2]});
    else if (sscanf(line, "ticks %i %i", v, v + 1) == 2)
        add_preset((struct preset){v[0], .step = v[1]});
    else if (sscanf(line, "follow %i %i %i", v, v + 1, v + 2) == 3)
        add_preset((struct preset){v[0], .follows = v[1], .shift = (int)v[2]});
    else if (sscanf(line, "reset %i %i", v, v + 1) == 2)
        add_preset((struct preset){v[0], .set = v[1], .is_reset = true});
    else if (sscanf(line, "uart %31s %i %i", kind, v, v + 1) == 3 && uart_kind(kind))
        add_part((struct part){UART, v[0], uart_bytes(kind), 0, uart_kind(kind), (int)v[1]});
    else if (sscanf(line, "line %i", v) == 1)
        uart_line = (int)v[0];
    else if (sscanf(line, "told %i", v) == 1)
        told = (int)v[0];
    else
        fail("a statement it does not know in its configuration");
}

static void read_config(const char *path)
{
    char line[256];
    FILE *file = fopen(path, "r");
    if (!file)
        fail("cannot read its configuration");
    while (fgets(line, sizeof line, file))
        read_statement(line);
    fclose(file);
}

EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
    static struct notifier whole = {.notify = map_all};
    (void)info;
    if (argc != 1 || strncmp(argv[0], "config=", 7))
        fail("needs config=FILE");
    read_config(argv[0] + 7);
    find_exports();
    qemu_plugin_register_atexit_cb(id, tell, NULL);
    qemu.qemu_add_machine_init_done_notifier(&whole);
    return 0;
}
