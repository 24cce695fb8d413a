// clang-format Language: C
/* What to watch of a block when QEMU translates it.
 *
 *   buckets, by address             QEMU translates a block anew when it likes; one with the same
 *   +-----+-----+-----+--           address and bytes is the same block, and keeps its counts.
 *   |     |  *  |     | ...
 *   +-----+--|--+-----+--
 *            v
 *          block --> block --> ...   by next_in_bucket
 *
 * Within a block, accesses through one base register go to one segment until that register changes:
 * group[r] is the probe whose answer serves the accesses after it (see blocks.h).
 *
 *   ldr r1, [r0]        probe, group[0]
 *   str r1, [r0, #4]    follows it
 *   adds r0, #16        moves only a little: group[0] stays
 *   mov r0, r2          group[0] ends
 *   ldr r3, [r0]        another probe, the next group[0]
 */
#ifndef SIMBENCH_PLUGIN_TRANSLATE_H_
#define SIMBENCH_PLUGIN_TRANSLATE_H_

#include <string.h>

#include "caches.h"
#include "decode.h"
#include "execute.h"
#include "qemu.h"

enum { BUCKETS = 1 << 14, MAX_BLOCK = 512 };
static struct block *buckets[BUCKETS];

/* Instructions an IT made conditional that a later block may start with, by address. */
struct conditional {
    uint32_t address, remaining;
    struct conditional *next;
};

static struct conditional *conditionals[1024];

static struct conditional **find_conditional(uint32_t address)
{
    struct conditional **c = &conditionals[address >> 1 & 1023];
    while (*c && (*c)->address != address)
        c = &(*c)->next;
    return c;
}

static void note_conditional(uint32_t address, uint32_t remaining)
{
    struct conditional **c = find_conditional(address);
    if (*c)
        return;
    *c = allocate(1, sizeof **c);
    (*c)->address = address;
    (*c)->remaining = remaining;
}

struct translation {
    struct block *block;
    struct probe *group[16]; /* whose segment an access through that register shares */
    uint32_t offset, end, conditional;
};

static struct follower *follow(struct follower *next, uint32_t offset, uint32_t units)
{
    struct follower *f = allocate(1, sizeof *f);
    *f = (struct follower){offset, units, next};
    return f;
}

static struct probe *new_probe(struct translation *t, const struct decoded *d)
{
    struct probe *p = allocate(1, sizeof *p);
    p->block = t->block;
    p->offset = t->offset;
    p->end = t->end;
    p->units_of_eight = d->shape == DOUBLE && d->units == 1 ? 1 : 2;
    p->next = t->block->probes;
    t->block->probes = p;
    return p;
}

static struct probe *watch(struct translation *t, struct qemu_plugin_insn *insn,
                           const struct decoded *d)
{
    struct probe *p = new_probe(t, d);
    bool is_piece = config.pieces;
    mem_callback *callback = is_piece ? on_sized_access_of_piece : on_sized_access;
    if (d->shape == VECTOR) {
        callback = is_piece ? on_vector_access_of_piece : on_vector_access;
        qemu_plugin_register_vcpu_insn_exec_cb(
            insn, is_piece ? on_vector_instruction_of_piece : on_vector_instruction, NO_REGISTERS,
            p);
    } else if (d->shape != DOUBLE && !sees_alignment && !is_piece) {
        callback = on_access;
    }
    qemu_plugin_register_vcpu_mem_cb(insn, callback, NO_REGISTERS, READS_AND_WRITES, p);
    return p;
}

static void translate_access(struct translation *t, struct qemu_plugin_insn *insn,
                             const struct decoded *d)
{
    bool regular = d->base != NO_BASE && !t->conditional;
    if (regular) {
        int segment = config.base_segment[d->base];
        if (segment >= 0 && !watched_by_cache(segment)) {
            struct follower **known = &t->block->known[segment];
            *known = follow(*known, t->offset, d->units);
            return;
        }
    }
    regular = regular && config.grouping && !has_data_cache;
    if (regular && t->group[d->base]) {
        struct probe *leader = t->group[d->base];
        leader->followers = follow(leader->followers, t->offset, d->units);
        return;
    }
    struct probe *p = watch(t, insn, d);
    if (regular && d->shape == SINGLE)
        t->group[d->base] = p;
}

static void translate_instruction(struct translation *t, struct qemu_plugin_insn *insn,
                                  const uint16_t word[2])
{
    struct decoded d = decode(word);
    t->end = t->offset + width(word);
    if (t->conditional)
        note_conditional(t->block->start + t->offset, t->conditional);
    if (d.shape != NOT_MEMORY)
        translate_access(t, insn, &d);
    for (unsigned r = 0; r < 16; r++)
        if (d.written >> r & 1)
            t->group[r] = NULL;
    t->conditional = t->conditional ? t->conditional - 1 : made_conditional(word);
    t->offset = t->end;
}

static uint8_t marker_at(uint32_t address)
{
    for (unsigned i = 0; i < config.n_markers; i++)
        if (config.markers[i].address == address)
            return (uint8_t)config.markers[i].kind;
    return NO_MARKER;
}

static bool has_stray_marker(const struct block *b)
{
    for (unsigned i = 0; i < config.n_markers; i++) {
        uint32_t address = config.markers[i].address;
        if (address > b->start && address < b->end)
            return true;
    }
    return false;
}

/* Whether b, which branches to itself, may go without a callback. */
static bool may_turn(const struct block *b)
{
    if (n_joint) /* each turn fetches between its accesses */
        return false;
    if (n_loops == MAX_LOOPS || b->marker != NO_MARKER || has_stray_marker(b) || !lines_fit(b))
        return false;
    for (uint32_t i = 1; i < n_loops; i++)
        if (loops[i]->end == b->start || loops[i]->start == b->end)
            return false;
    return true;
}

static void make_loop(struct block *b)
{
    b->loop = n_loops;
    loops[n_loops++] = b;
    struct block *next = buckets[b->end >> 1 & (BUCKETS - 1)];
    for (; next; next = next->next_in_bucket)
        if (next->start == b->end)
            next->loop_before = b;
}

static void find_loop_before(struct block *b)
{
    for (uint32_t i = 1; i < n_loops; i++)
        if (loops[i]->end == b->start)
            b->loop_before = loops[i];
}

static struct block *new_block(uint32_t start, const uint8_t *code, uint32_t bytes, uint32_t n)
{
    struct block *b = allocate(1, sizeof *b);
    b->start = start;
    b->end = start + bytes;
    b->instructions = n;
    b->marker = marker_at(start);
    b->id = n_blocks++;
    b->code = allocate(bytes, 1);
    memcpy(b->code, code, bytes);
    struct block **bucket = &buckets[start >> 1 & (BUCKETS - 1)];
    b->next_in_bucket = *bucket;
    *bucket = b;
    find_loop_before(b);
    return b;
}

static struct block *find_block(uint32_t start, const uint8_t *code, uint32_t bytes)
{
    struct block *b = buckets[start >> 1 & (BUCKETS - 1)];
    while (b && !(b->start == start && b->end == start + bytes && !memcmp(b->code, code, bytes)))
        b = b->next_in_bucket;
    return b;
}

static exec_callback *callback_of(const struct block *b)
{
    return b->start == config.restart ? on_restart
           : b->marker != NO_MARKER   ? on_marker
           : has_stray_marker(b)      ? on_stray_marker
           : config.pieces            ? on_piece
           : n_caches                 ? on_block_with_caches
                                      : on_block;
}

/* Instructions of a translation block: `words` as long as they are, from `first` on. */
struct run {
    struct qemu_plugin_tb *tb;
    uint16_t (*words)[2];
    size_t first, n;
};

static struct block *block_of(const struct run *run, uint32_t start)
{
    static uint8_t code[4 * MAX_BLOCK];
    uint32_t bytes = 0;
    for (size_t i = 0; i < run->n; i++) {
        const uint16_t *word = run->words[run->first + i];
        memcpy(code + bytes, word, width(word));
        bytes += width(word);
    }
    struct block *b = find_block(start, code, bytes);
    if (b)
        return b;
    b = new_block(start, code, bytes, (uint32_t)run->n);
    const uint16_t *last = run->words[run->first + run->n - 1];
    b->direct = direct_target(last, b->end - width(last));
    for (size_t i = run->first; i < run->first + run->n; i++)
        b->floats |= uses_floats(run->words[i]);
    return b;
}

static void translate_run(const struct run *run, struct block *b)
{
    struct conditional *c = *find_conditional(b->start);
    struct translation t = {.block = b, .conditional = c ? c->remaining : 0};
    memset(b->known, 0, sizeof b->known);
    for (size_t i = run->first; i < run->first + run->n; i++)
        translate_instruction(&t, qemu_plugin_tb_get_insn(run->tb, i), run->words[i]);
    if (t.conditional)
        note_conditional(b->end, t.conditional);
}

/* An access to a device ends the execution of a block, and what follows it is entered as a block of
 * its own; one that faults is followed by nothing. So each access is a piece by itself, and what is
 * between two is one: a piece that is begun is executed whole. A marker begins one too. */
static size_t length_of_piece(const struct run *run, uint32_t at, size_t end)
{
    size_t n = 1;
    if (decode(run->words[run->first]).shape != NOT_MEMORY)
        return n;
    for (; run->first + n < end; n++) {
        at += width(run->words[run->first + n - 1]);
        if (decode(run->words[run->first + n]).shape != NOT_MEMORY || marker_at(at) != NO_MARKER)
            return n;
    }
    return n;
}

static void translate_pieces(struct run run, uint32_t start)
{
    for (size_t end = run.n; run.first < end; run.first += run.n) {
        run.n = length_of_piece(&run, start, end);
        struct block *b = block_of(&run, start);
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(run.tb, run.first);
        qemu_plugin_register_vcpu_insn_exec_cb(insn, callback_of(b), NO_REGISTERS, b);
        translate_run(&run, b);
        start = b->end;
    }
}

/* A block that is translated again has the same probes: keep them, and hang them on once more. */
static void translate(TRANSLATION_ARGUMENTS)
{
    static uint16_t words[MAX_BLOCK][2];
    struct run run = {.tb = tb, .words = words, .n = qemu_plugin_tb_n_insns(tb)};
    find_turns();
    uint32_t start = (uint32_t)qemu_plugin_tb_vaddr(tb);
    if (run.n > MAX_BLOCK)
        fail("a block of more instructions than the emulator allows");
    for (size_t i = 0; i < run.n; i++)
        read_instruction(qemu_plugin_tb_get_insn(tb, i), words[i]);
    if (config.pieces) {
        translate_pieces(run, start);
        return;
    }
    uint32_t known = n_blocks;
    struct block *b = block_of(&run, start);
    if (b->id == known) {
        const uint16_t *last = words[run.n - 1];
        if (conditional_target(last, b->end - width(last)) == start && may_turn(b))
            make_loop(b);
    }
    translate_run(&run, b);
    if (b->loop) {
        count_inline(tb, 0);
        count_inline(tb, b->loop);
        return;
    }
    qemu_plugin_register_vcpu_tb_exec_cb(tb, callback_of(b), NO_REGISTERS, b);
}

#endif // SIMBENCH_PLUGIN_TRANSLATE_H_
