// clang-format Language: C
/* Which exception the core is in, and how often it came there, and how.
 *
 * QEMU tells a plugin nothing of exceptions. But whenever one is taken or left, execution goes on
 * elsewhere, and to where no branch that is written in the code leads: then the core is asked.
 *
 *   thread   A --- interrupted --> ............................ B
 *   SysTick        |              T --- its end --> .........   ^
 *   PendSV         |              ^     |          P --- end ---|
 *                  +-- ENTERED ---+     +- CHAINED -^  RETURNED
 *
 * What is executed in an exception is counted apart: its number is the context of the blocks. So is
 * what each task of an RTOS executes. Code that two of them execute is a block in each, twins.
 */
#ifndef SIMBENCH_PLUGIN_EXCEPTIONS_H_
#define SIMBENCH_PLUGIN_EXCEPTIONS_H_

#include <stdbool.h>
#include <stdint.h>

#include "blocks.h"
#include "tasks.h"

enum { STACK = 13, LINK = 14, XPSR = 25, NUMBER = 0x1FF, MAX_NESTED = 256, PASSAGES = 1 << 10 };
static const uint32_t exception_return = 0xFFFFFF80; /* and what is above */
static const uint32_t basic_frame = 1 << 4;          /* clear: the FPU's registers have a place */
static const uint32_t process_stack = 1 << 2;        /* set: what was interrupted is on it */
static const uint32_t largest_frame = 0x94; /* with both security states' registers, and aligned */

/* What QEMU exports for its own modules, as to the plugin that makes the chip. */
static struct {
    void *(*qemu_get_cpu)(int);
    int (*arm_cpu_gdb_read_register)(void *, void *, int);
    void *(*g_byte_array_set_size)(void *, unsigned);
    void **bytes; /* a GByteArray, which begins with its data */
} core;

struct active {
    uint32_t number, start, stack;
    bool has_floats, saved_floats;
    bool of_process; /* what it interrupted is on a process stack */
};

static struct active active[MAX_NESTED];
static unsigned n_active;
static uint32_t context; /* the number of the exception, 0: none */

struct passage {
    struct block *source, *target;
    uint32_t number;
    enum exception_kind kind;
    uint64_t count;
    struct passage *next;
};

static struct passage *passages[PASSAGES];

static void find_core(void)
{
    void **(*new_bytes)(void) = export_of("g_byte_array_new");
    core.qemu_get_cpu = export_of("qemu_get_cpu");
    core.arm_cpu_gdb_read_register = export_of("arm_cpu_gdb_read_register");
    core.g_byte_array_set_size = export_of("g_byte_array_set_size");
    core.bytes = new_bytes();
}

/* Right only where a translated block begins: within one QEMU has registers elsewhere. */
static uint32_t read_register(int number)
{
    uint32_t value = 0;
    core.g_byte_array_set_size(core.bytes, 0);
    if (core.arm_cpu_gdb_read_register(core.qemu_get_cpu(0), core.bytes, number) != sizeof value)
        fail("a register that QEMU does not give");
    memcpy(&value, *core.bytes, sizeof value);
    return value;
}

static struct block *new_twin(struct block *b)
{
    struct block *t = allocate(1, sizeof *t);
    *t = (struct block){.start = b->start,
                        .end = b->end,
                        .instructions = b->instructions,
                        .direct = b->direct,
                        .context = context,
                        .task = task,
                        .twin = b->twin,
                        .marker = b->marker,
                        .floats = b->floats,
                        .id = n_blocks++,
                        .code = b->code};
    memcpy(t->known, b->known, sizeof t->known);
    return b->twin = t;
}

/* The block as it is in the present context. */
static inline struct block *in_context(struct block *b)
{
    if (__builtin_expect(b->context == context && b->task == task, 1))
        return b;
    for (struct block *t = b->twin; t; t = t->twin)
        if (t->context == context && t->task == task)
            return t;
    return new_twin(b);
}

/* The probe of an access likewise. */
static inline struct probe *probe_in_context(struct probe *p)
{
    if (__builtin_expect(!context && !task, 1))
        return p;
    struct block *b = in_context(p->block);
    for (struct probe *t = b->probes; t; t = t->next)
        if (t->offset == p->offset)
            return t;
    struct probe *t = allocate(1, sizeof *t);
    *t = (struct probe){.block = b,
                        .offset = p->offset,
                        .end = p->end,
                        .units_of_eight = p->units_of_eight,
                        .followers = p->followers,
                        .next = b->probes};
    return b->probes = t;
}

static void note_passage(struct block *source, struct block *target, uint32_t number,
                         enum exception_kind kind)
{
    struct passage **p = &passages[(source->id * 31 + target->id * 7 + kind) % PASSAGES];
    for (; *p; p = &(*p)->next)
        if ((*p)->source == source && (*p)->target == target && (*p)->number == number
            && (*p)->kind == kind) {
            (*p)->count++;
            return;
        }
    *p = allocate(1, sizeof **p);
    **p = (struct passage){source, target, number, kind, 1, NULL};
}

static void forget_passages(void)
{
    for (unsigned i = 0; i < PASSAGES; i++)
        for (struct passage *p = passages[i]; p; p = p->next)
            p->count = 0;
}

static unsigned place_of(uint32_t number)
{
    unsigned place = 0;
    while (place < n_active && active[place].number != number)
        place++;
    return place;
}

/* Whether passing into or out of an exception ended the one that was active[depth - 1]. */
static bool has_ended(enum exception_kind kind, unsigned depth)
{
    return kind == RETURNED ? n_active < depth : kind == CHAINED && n_active == depth;
}

static void take(uint32_t number, uint32_t start, uint32_t stack)
{
    if (n_active == MAX_NESTED)
        fail("exceptions nested deeper than the core allows");
    uint32_t link = read_register(LINK);
    active[n_active++] = (struct active){.number = number,
                                         .start = start,
                                         .stack = stack,
                                         .has_floats = !(link & basic_frame),
                                         .of_process = link & process_stack};
    context = number;
    task = NULL;
}

/* Whether the core is back on the main stack, as before there is a task: what was interrupted there
 * has its frame where the first handler's stack began. */
static bool is_on_main_stack(void)
{
    return !active[0].of_process && read_register(STACK) - active[0].stack <= largest_frame;
}

static void return_to(uint32_t number, unsigned place)
{
    n_active = number ? place + 1 : 0;
    context = number;
    task = !number && tasks.are_known && !is_on_main_stack() ? current_task() : NULL;
}

/* What of an exception led from the end of a block to `start`, which no branch there names; false
 * where nothing did. */
static bool look_for_exception(uint32_t start, enum exception_kind *kind, uint32_t *number)
{
    uint32_t now = read_register(XPSR) & NUMBER;
    struct active *top = n_active ? &active[n_active - 1] : NULL;
    *number = now;
    if (now == context) {
        /* left and taken again: its handler begins, with nobody to return to but the core */
        if (!top || start != top->start || read_register(LINK) < exception_return)
            return false;
        n_active--;
        *kind = CHAINED;
        take(now, start, top->stack);
        return true;
    }
    unsigned place = place_of(now);
    if (!now || place < n_active) {
        *number = context;
        return_to(now, place);
        *kind = RETURNED;
        return true;
    }
    uint32_t stack = read_register(STACK);
    /* on the frame of the last one: that has ended */
    *kind = top && stack >= top->stack ? CHAINED : ENTERED;
    n_active -= *kind == CHAINED;
    take(now, start, stack);
    return true;
}

static inline void note_floats(struct block *b)
{
    struct active *top = &active[n_active - 1];
    if (!b->floats || !top->has_floats || top->saved_floats)
        return;
    top->saved_floats = true;
    note_passage(b, b, context, FLOATS);
}

#endif // SIMBENCH_PLUGIN_EXCEPTIONS_H_
