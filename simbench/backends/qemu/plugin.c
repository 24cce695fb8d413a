/* Counts what a Cortex-M core executes, for simbench. Policy-free: it counts, Python thinks.
 *
 * Argument: config=FILE, a text file of one statement a line:
 *   output PATH                 where the counts go
 *   marker KIND ADDRESS         KIND 0 opens a window, 1 closes it, 2 opens a layer, 3 closes it;
 *                               4 opens a window where none is open, 0 begins an open one anew
 *   segment INDEX START END     addresses whose accesses are counted under INDEX (0..3); else 4
 *   base REGISTER INDEX         what REGISTER (13 or 15) points at always is in segment INDEX
 *   grouping 0|1                one probe may serve all accesses through one unchanged base
 *   cache KIND LINES BYTES WAYS ALLOCATE SEGMENTS SECTOR KEEPS PHASE OWNER
 *                               KIND 0 instruction, 1 data; ALLOCATE: stores do; SEGMENTS: bit mask;
 *                               SECTOR: bytes a miss reads; KEEPS: also what execution ran on into;
 *                               PHASE: added to every address; OWNER: whose lines it shares,
 *                               counted from 1, or 0
 *   limit N                     instructions a window may take
 *   windows N LEAVE             how many are counted, 0 is all; the core then runs on uncounted,
 *                               and with LEAVE at full speed
 *   leash DESCRIPTOR            a pipe; when its other end is gone, so are we
 *
 * Output: records of {u32 kind, u32 bytes} and that many bytes, little endian; see records.py.
 * No header of QEMU's plugin interface is packaged, so the few prototypes used are declared here.
 */
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- QEMU's plugin interface, as far as it is used here ---- */

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id;
typedef uint32_t mem_info;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void exec_callback(unsigned cpu, void *user);
typedef void mem_callback(unsigned cpu, mem_info info, uint64_t address, void *user);

enum { NO_REGISTERS = 0 };
enum { INLINE_ADD = 0 };
enum { READS_AND_WRITES = 3 };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, exec_callback *, int, void *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, exec_callback *, int,
                                            void *);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *, mem_callback *, int, int, void *);
void qemu_plugin_reset(plugin_id, void (*)(plugin_id));
void qemu_plugin_register_atexit_cb(plugin_id, void (*)(plugin_id, void *), void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
unsigned qemu_plugin_mem_size_shift(mem_info);
bool qemu_plugin_mem_is_store(mem_info);

#if SIMBENCH_PLUGIN_API >= 2
struct qemu_plugin_scoreboard;
typedef struct {
    struct qemu_plugin_scoreboard *score;
    size_t offset;
} scoreboard_entry;
struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t);
void *qemu_plugin_scoreboard_find(struct qemu_plugin_scoreboard *, unsigned);
void qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(struct qemu_plugin_tb *, int,
                                                       scoreboard_entry, uint64_t);
#else
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int, void *, uint64_t);
#endif

#if SIMBENCH_PLUGIN_API >= 3
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *, void *, size_t);
#else
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
#endif

EXPORT int qemu_plugin_version = SIMBENCH_PLUGIN_API;

/* ---- what is counted ---- */

enum { SEGMENTS = 5, OTHER = 4, MAX_CACHES = 16, MAX_MARKERS = 16, MAX_BLOCK = 512 };
enum { MAX_LOOPS = 4096, WATCH_INTERVAL_MS = 100, OUTPUT_BUFFER = 1 << 20 };

/* The exit status when the counts cannot be written: then no message can be either. */
enum { CANNOT_WRITE = 74 };
enum { WINDOW_OPENS, WINDOW_CLOSES, LAYER_OPENS, LAYER_CLOSES, SECTION_OPENS, NO_MARKER };
enum record { BLOCK = 1, EXECUTIONS, EDGES, ACCESSES, CACHE, INTERVAL, WINDOW, LIMIT, LAST, TRAP,
              SPLITS };

struct block;

struct edge {
    struct block *target;
    uint64_t count;
    struct edge *next;
};

/* An access that needs no probe of its own: where it goes is known, or a probe's answer serves. */
struct follower {
    uint32_t offset, units;
    struct follower *next;
};

/* A memory instruction with a probe. Counters are by slot, (segment + 1) % SEGMENTS: see map. */
struct probe {
    uint64_t count[SEGMENTS];
    uint64_t splits; /* bus accesses beyond the first, of those that are misaligned */
    struct block *block;
    uint32_t offset;
    uint8_t units_of_eight; /* what an access of eight bytes counts */
    uint8_t bytes;          /* of an access, learnt from the first; 0 before */
    bool is_store;
    bool armed; /* of those that count once an execution: not yet counted */
    struct follower *followers;
    struct probe *next;
};

struct misses {
    uint64_t jump, sequential;
};

struct block {
    uint32_t start, end;
    uint64_t count;
    struct edge edge; /* the commonest ones are first: found edges move here */
    uint32_t instructions;
    uint8_t marker;
    bool written;
    uint32_t loop; /* index into turns, or 0: not a loop */
    uint64_t settled;
    struct block *loop_before; /* the loop that falls through to here */
    uint32_t id;
    struct probe *probes;
    struct follower *known[SEGMENTS]; /* by segment */
    struct misses misses[MAX_CACHES];
    uint8_t *code;
    struct block *next_in_bucket;
};

struct line {
    uint32_t number, newer, older, valid; /* valid: one bit a sector */
};

/* Least recently used, any geometry, in constant time: slot_of finds a line's slot plus one. */
struct cache {
    bool is_data, allocates, keeps;
    uint32_t lines, shift, sector_shift, phase, ways, sets, segments;
    uint16_t *slot_of;
    struct line *line;
    uint32_t *newest, *oldest, *used;
};

struct marker {
    uint32_t kind, address;
};

static struct {
    struct marker markers[MAX_MARKERS];
    unsigned n_markers;
    int base_segment[16];
    bool grouping;
    uint64_t limit;
    unsigned windows; /* still to be counted; 0: all */
    bool leaves;
    FILE *output;
} config;

static struct cache caches[MAX_CACHES];
static unsigned n_caches;
static bool has_data_cache;
static bool sees_alignment;

/* One byte for each 256 addresses: the segment's slot. Zero, a page never touched, is OTHER. */
static uint8_t *map;
static struct block nowhere; /* where the core came from before its first block */
static struct block *previous = &nowhere;
static int64_t budget = INT64_MAX;
static bool in_window;
static plugin_id own_id;
static bool is_done; /* the last window has been counted */
static uint32_t interval_kind;

/* A block that branches to itself or else falls through is a loop. It has no callback: each turn adds
 * to turns[0] and to its own entry, inline; the next block's callback settles what that means. No
 * loop falls through to another, so between two callbacks only one loop turns. */
static uint64_t *turns, turns_settled;
static struct block *loops[MAX_LOOPS];
static uint32_t n_loops = 1;

/* The leash's thread may have to end a window that only turns in a loop. */
static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;

enum { BUCKETS = 1 << 14 };
static struct block *buckets[BUCKETS];
static uint32_t n_blocks;

/* The blocks executed in this interval. */
static struct block **touched;
static size_t n_touched, touched_size;

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "simbench plugin: %s\n", what);
    _exit(70);
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory)
        fail("out of memory");
    return memory;
}

static unsigned slot_of_segment(unsigned segment)
{
    return (segment + 1) % SEGMENTS;
}

static unsigned segment_of_slot(unsigned slot)
{
    return (slot + SEGMENTS - 1) % SEGMENTS;
}

/* ---- writing ---- */

static uint8_t *buffer;
static size_t buffer_used, buffer_size;

static void put(const void *data, size_t bytes)
{
    if (buffer_used + bytes > buffer_size) {
        buffer_size = 2 * buffer_size + bytes + 65536;
        buffer = realloc(buffer, buffer_size);
        if (!buffer)
            fail("out of memory");
    }
    memcpy(buffer + buffer_used, data, bytes);
    buffer_used += bytes;
}

static void put32(uint32_t value)
{
    put(&value, sizeof value);
}

static void put64(uint64_t value)
{
    put(&value, sizeof value);
}

static void write_record(enum record kind)
{
    uint32_t head[2] = {kind, (uint32_t)buffer_used};
    if (fwrite(head, sizeof head, 1, config.output) != 1
        || (buffer_used && fwrite(buffer, buffer_used, 1, config.output) != 1))
        _exit(CANNOT_WRITE);
    buffer_used = 0;
}

static void flush_output(void)
{
    if (fflush(config.output))
        _exit(CANNOT_WRITE);
}

static void need(struct block *b)
{
    if (b->written)
        return;
    b->written = true;
    size_t kept = buffer_used;
    uint8_t *waiting = NULL;
    if (kept) {
        waiting = allocate(kept, 1);
        memcpy(waiting, buffer, kept);
        buffer_used = 0;
    }
    put32(b->id);
    put32(b->start);
    put32(b->instructions);
    put(b->code, b->end - b->start);
    write_record(BLOCK);
    if (kept) {
        put(waiting, kept);
        free(waiting);
    }
}

static void write_executions(void)
{
    for (size_t i = 0; i < n_touched; i++) {
        struct block *b = touched[i];
        need(b);
        put32(b->id);
        put64(b->count);
    }
    write_record(EXECUTIONS);
}

static void write_edge(const struct block *source, const struct edge *e)
{
    if (!e->count)
        return;
    need(e->target);
    put32(source->id);
    put32(e->target->id);
    put64(e->count);
}

static void write_edges(void)
{
    for (size_t i = 0; i < n_touched; i++)
        for (const struct edge *e = &touched[i]->edge; e; e = e->next)
            write_edge(touched[i], e);
    write_record(EDGES);
}

static void write_access(const struct block *b, uint32_t offset, uint32_t segment, uint64_t count)
{
    put32(b->id);
    put32(offset);
    put32(segment);
    put64(count);
}

static void write_probe(const struct probe *p)
{
    for (unsigned slot = 0; slot < SEGMENTS; slot++) {
        uint64_t count = p->count[slot];
        if (!count)
            continue;
        uint32_t segment = segment_of_slot(slot);
        write_access(p->block, p->offset, segment, count);
        for (const struct follower *f = p->followers; f; f = f->next)
            write_access(p->block, f->offset, segment, count * f->units);
    }
}

static void write_accesses(void)
{
    for (size_t i = 0; i < n_touched; i++) {
        const struct block *b = touched[i];
        for (const struct probe *p = b->probes; p; p = p->next)
            write_probe(p);
        for (unsigned segment = 0; segment < SEGMENTS; segment++)
            for (const struct follower *f = b->known[segment]; f; f = f->next)
                write_access(b, f->offset, segment, b->count * f->units);
    }
    write_record(ACCESSES);
}

static void write_splits(void)
{
    for (size_t i = 0; i < n_touched; i++)
        for (const struct probe *p = touched[i]->probes; p; p = p->next)
            if (p->splits) {
                put32(touched[i]->id);
                put32(p->offset);
                put64(p->splits);
            }
    write_record(SPLITS);
}

static void write_cache(unsigned index)
{
    put32(index);
    for (size_t i = 0; i < n_touched; i++) {
        const struct misses *m = &touched[i]->misses[index];
        if (!m->jump && !m->sequential)
            continue;
        put32(touched[i]->id);
        put64(m->jump);
        put64(m->sequential);
    }
    write_record(CACHE);
}

static void forget_probe(struct probe *p)
{
    memset(p->count, 0, sizeof p->count);
    p->splits = 0;
}

static void forget_counts(void)
{
    for (size_t i = 0; i < n_touched; i++) {
        struct block *b = touched[i];
        b->count = 0;
        for (struct edge *e = &b->edge; e; e = e->next)
            e->count = 0;
        for (struct probe *p = b->probes; p; p = p->next)
            forget_probe(p);
        memset(b->misses, 0, n_caches * sizeof *b->misses);
    }
    n_touched = 0;
}

static void close_interval(void)
{
    write_executions();
    write_edges();
    write_accesses();
    if (sees_alignment)
        write_splits();
    for (unsigned i = 0; i < n_caches; i++)
        write_cache(i);
    put32(interval_kind);
    write_record(INTERVAL);
}

static void write_place(enum record kind, uint32_t address)
{
    buffer_used = 0; /* what an end in the middle of writing left */
    put32(address);
    write_record(kind);
    flush_output();
}

/* ---- sections ---- */

static void open_window(void)
{
    forget_counts();
    in_window = true;
    interval_kind = WINDOW_OPENS;
    budget = (int64_t)config.limit;
}

static void after_reset(plugin_id id)
{
    (void)id; /* nothing is registered again */
}

static void pass_marker(uint32_t kind)
{
    if (kind == WINDOW_OPENS || kind == SECTION_OPENS) {
        if (!is_done && !(kind == SECTION_OPENS && in_window))
            open_window();
        return;
    }
    if (!in_window)
        return;
    pthread_mutex_lock(&writing);
    close_interval();
    forget_counts();
    interval_kind = kind;
    if (kind == WINDOW_CLOSES) {
        in_window = false;
        budget = INT64_MAX;
        write_record(WINDOW);
        flush_output();
        is_done = config.windows && --config.windows == 0;
        if (is_done && config.leaves)
            qemu_plugin_reset(own_id, after_reset);
    }
    pthread_mutex_unlock(&writing);
}

static void over_limit(const struct block *b)
{
    if (!in_window) {
        budget = INT64_MAX;
        return;
    }
    pthread_mutex_lock(&writing);
    write_place(LIMIT, b->start);
    _exit(0);
}

/* ---- caches ---- */

static void unlink_line(struct cache *c, uint32_t set, uint32_t slot)
{
    struct line *l = &c->line[slot];
    if (l->newer != UINT32_MAX)
        c->line[l->newer].older = l->older;
    else
        c->newest[set] = l->older;
    if (l->older != UINT32_MAX)
        c->line[l->older].newer = l->newer;
    else
        c->oldest[set] = l->newer;
}

static void make_newest(struct cache *c, uint32_t set, uint32_t slot)
{
    struct line *l = &c->line[slot];
    l->newer = UINT32_MAX;
    l->older = c->newest[set];
    if (l->older != UINT32_MAX)
        c->line[l->older].newer = slot;
    else
        c->oldest[set] = slot;
    c->newest[set] = slot;
}

static uint32_t free_slot(struct cache *c, uint32_t set)
{
    if (c->used[set] < c->ways)
        return set * c->ways + c->used[set]++;
    uint32_t slot = c->oldest[set];
    c->slot_of[c->line[slot].number] = 0;
    unlink_line(c, set, slot);
    return slot;
}

/* Sectors first to last, counted from the line's first. */
static inline uint32_t sectors(uint32_t first, uint32_t last)
{
    return (UINT32_MAX >> (31 - last)) & (UINT32_MAX << first);
}

static inline void make_found_newest(struct cache *c, uint32_t number, uint32_t slot)
{
    if (c->line[slot].newer != UINT32_MAX) {
        uint32_t set = number % c->sets;
        unlink_line(c, set, slot);
        make_newest(c, set, slot);
    }
}

/* Looks sectors of a line up and brings in those that are not there, which it returns. */
static inline uint32_t touch(struct cache *c, uint32_t number, uint32_t wanted)
{
    uint32_t found = c->slot_of[number];
    if (found) {
        struct line *l = &c->line[found - 1];
        uint32_t missing = wanted & ~l->valid;
        l->valid |= wanted;
        make_found_newest(c, number, found - 1);
        return missing;
    }
    uint32_t set = number % c->sets, slot = free_slot(c, set);
    c->line[slot].number = number;
    c->line[slot].valid = wanted;
    c->slot_of[number] = (uint16_t)(slot + 1);
    make_newest(c, set, slot);
    return wanted;
}

static bool goes_through(const struct cache *c, uint32_t address)
{
    return c->segments >> segment_of_slot(map[address >> 8]) & 1;
}

/* Line by line: what is missed is kept, however execution came to it. */
static void fetch_lines(struct cache *c, struct misses *m, uint32_t first, uint32_t last,
                        bool jumped)
{
    unsigned per_line = c->shift - c->sector_shift;
    uint32_t mask = (1u << per_line) - 1;
    for (uint32_t s = first; s <= last;) {
        uint32_t number = s >> per_line, end = s | mask;
        uint32_t missing = touch(c, number, sectors(s & mask, (end < last ? end : last) & mask));
        if (missing) {
            bool at_target = jumped && s == first && missing >> (s & mask) & 1;
            m->jump += at_target;
            m->sequential += (uint32_t)__builtin_popcount(missing) - at_target;
        }
        s = end + 1;
    }
}

/* Sector by sector: only what a jump missed is kept; what is run into was read ahead. */
static void fetch_sectors(struct cache *c, struct misses *m, uint32_t first, uint32_t last,
                          bool jumped)
{
    unsigned per_line = c->shift - c->sector_shift;
    uint32_t mask = (1u << per_line) - 1;
    for (uint32_t s = first; s <= last; s++) {
        uint32_t found = c->slot_of[s >> per_line], bit = 1u << (s & mask);
        if (jumped && s == first)
            m->jump += touch(c, s >> per_line, bit) != 0;
        else if (found && c->line[found - 1].valid & bit)
            make_found_newest(c, s >> per_line, found - 1);
        else
            m->sequential++;
    }
}

/* The sector that execution only goes on in has been read already. */
static void fetch(struct cache *c, struct misses *m, const struct block *b, bool jumped,
                  uint32_t before)
{
    uint32_t first = (b->start + c->phase) >> c->sector_shift;
    uint32_t last = (b->end - 1 + c->phase) >> c->sector_shift;
    if (!jumped && first == (before + c->phase) >> c->sector_shift && first++ == last)
        return;
    (c->keeps ? fetch_lines : fetch_sectors)(c, m, first, last, jumped);
}

static void load_or_store(struct cache *c, unsigned index, struct block *b, uint32_t address,
                          uint32_t bytes, bool store)
{
    uint32_t mask = (1u << (c->shift - c->sector_shift)) - 1;
    address += c->phase;
    uint32_t first = address >> c->sector_shift, last = (address + bytes - 1) >> c->sector_shift;
    for (uint32_t s = first; s <= last; s++) {
        uint32_t number = s >> (c->shift - c->sector_shift);
        if (store && !c->allocates && !c->slot_of[number])
            continue;
        if (touch(c, number, 1u << (s & mask)) && !store)
            b->misses[index].jump++;
    }
}

/* ---- callbacks on execution ---- */

static __attribute__((noinline)) void other_edge(struct block *source, struct block *target)
{
    struct edge *e = &source->edge;
    if (e->target) {
        struct edge *found = e->next;
        while (found && found->target != target)
            found = found->next;
        if (!found) {
            found = allocate(1, sizeof *found);
            found->target = target;
            found->next = e->next;
            e->next = found;
        }
        uint64_t count = found->count;
        found->target = e->target;
        found->count = e->count;
        e->count = count;
    }
    e->target = target;
    e->count++;
}

static bool fits(const struct cache *c, const struct block *b)
{
    return ((b->end - 1 + c->phase) >> c->shift) - ((b->start + c->phase) >> c->shift) < c->lines;
}

static void fetch_block(struct block *b, const struct block *from)
{
    bool jumped = from->end != b->start;
    for (unsigned i = 0; i < n_caches; i++) {
        struct cache *c = &caches[i];
        if (c->is_data || !goes_through(c, b->start))
            continue;
        /* The same block once more finds its own lines, in the order they had. */
        if (from == b && c->keeps && fits(c, b))
            continue;
        fetch(c, &b->misses[i], b, jumped, from->end - 1);
    }
}

/* A loop's turns after the first, in caches that do not keep all of it: they are alike, but for
 * the first jump to its start. */
static void fetch_turns(struct block *b, uint64_t n)
{
    for (unsigned i = 0; i < n_caches; i++) {
        struct cache *c = &caches[i];
        if (c->is_data || c->keeps || !goes_through(c, b->start))
            continue;
        struct misses turn = {0};
        fetch(c, &turn, b, true, 0);
        b->misses[i].jump += turn.jump;
        b->misses[i].sequential += turn.sequential * n;
    }
}

static inline void pass_edge(struct block *from, struct block *to)
{
    if (from->end == to->start)
        return;
    if (__builtin_expect(from->edge.target == to, 1))
        from->edge.count++;
    else
        other_edge(from, to);
}

static __attribute__((noinline)) void grow_touched(void)
{
    touched_size = 2 * touched_size + 1024;
    touched = realloc(touched, touched_size * sizeof *touched);
    if (!touched)
        fail("out of memory");
}

static inline void add_executions(struct block *b, uint64_t n)
{
    if (!b->count) {
        if (n_touched == touched_size)
            grow_touched();
        touched[n_touched++] = b;
    }
    b->count += n;
    budget -= (int64_t)(n * b->instructions);
}

static struct block *turning_loop(void)
{
    for (uint32_t i = 1; i < n_loops; i++)
        if (turns[i] != loops[i]->settled)
            return loops[i];
    fail("a loop that turned is not known");
}

static __attribute__((noinline)) struct block *settle(struct block *from, const struct block *next)
{
    struct block *b = next->loop_before;
    if (!b || turns[b->loop] == b->settled)
        b = turning_loop();
    uint64_t n = turns[b->loop] - b->settled;
    b->settled += n;
    turns_settled += n;
    pass_edge(from, b);
    fetch_block(b, from);
    if (n > 1) {
        fetch_turns(b, n - 1);
        pass_edge(b, b);
        b->edge.count += n - 2; /* a block's last edge is its first: the self edge */
    }
    add_executions(b, n);
    return b;
}

static inline struct block *enter(struct block *b)
{
    struct block *from = previous;
    if (turns[0] != turns_settled)
        from = settle(from, b);
    pass_edge(from, b);
    previous = b;
    return from;
}

static inline void count_block(struct block *b)
{
    add_executions(b, 1);
    if (__builtin_expect(budget < 0, 0))
        over_limit(b);
}

static void on_block(unsigned cpu, void *user)
{
    (void)cpu;
    enter(user);
    count_block(user);
}

static void on_block_with_caches(unsigned cpu, void *user)
{
    (void)cpu;
    const struct block *from = enter(user);
    fetch_block(user, from);
    count_block(user);
}

static void on_marker(unsigned cpu, void *user)
{
    (void)cpu;
    struct block *b = user;
    const struct block *from = enter(b);
    pass_marker(b->marker);
    fetch_block(b, from);
    count_block(b);
}

static void on_stray_marker(unsigned cpu, void *user)
{
    (void)cpu;
    write_place(TRAP, ((struct block *)user)->start);
    _exit(0);
}

static void on_access(unsigned cpu, mem_info info, uint64_t address, void *user)
{
    (void)cpu;
    (void)info;
    struct probe *p = user;
    p->count[map[(uint32_t)address >> 8]]++;
}

static inline void watch_caches(struct probe *p, mem_info info, uint32_t address)
{
    if (!p->bytes) {
        p->bytes = (uint8_t)(1u << qemu_plugin_mem_size_shift(info));
        p->is_store = qemu_plugin_mem_is_store(info);
    }
    if (has_data_cache)
        for (unsigned i = 0; i < n_caches; i++)
            if (caches[i].is_data && goes_through(&caches[i], address))
                load_or_store(&caches[i], i, p->block, address, p->bytes, p->is_store);
}

/* Halfwords at odd addresses take two accesses, words two or, at odd addresses, three. */
static inline void note_alignment(struct probe *p, uint32_t address)
{
    uint32_t beyond = address & (p->bytes - 1u) & 3;
    if (__builtin_expect(beyond && p->bytes <= 4, 0))
        p->splits += p->bytes == 4 && beyond & 1 ? 2 : 1;
}

static void on_sized_access(unsigned cpu, mem_info info, uint64_t address, void *user)
{
    (void)cpu;
    struct probe *p = user;
    watch_caches(p, info, (uint32_t)address);
    note_alignment(p, (uint32_t)address);
    p->count[map[(uint32_t)address >> 8]] += p->bytes == 8 ? p->units_of_eight : 1;
}

static void on_vector_access(unsigned cpu, mem_info info, uint64_t address, void *user)
{
    (void)cpu;
    struct probe *p = user;
    watch_caches(p, info, (uint32_t)address);
    if (p->armed)
        p->count[map[(uint32_t)address >> 8]]++;
    p->armed = false;
}

static void on_vector_instruction(unsigned cpu, void *user)
{
    (void)cpu;
    ((struct probe *)user)->armed = true;
}

/* ---- Thumb decoding, as far as loads, stores and the registers written go ---- */

enum { NO_BASE = 16, EVERY_REGISTER = 0xFFFF };
enum shape { NOT_MEMORY, SINGLE, DOUBLE, MULTIPLE, VECTOR };

struct decoded {
    enum shape shape;
    uint8_t base;      /* register, when the address is that register plus a small constant */
    uint16_t units;    /* accesses an execution, when it executes */
    uint16_t written;  /* registers that no longer hold what they held plus a small constant */
};

static struct decoded writes(unsigned mask)
{
    return (struct decoded){NOT_MEMORY, NO_BASE, 0, (uint16_t)mask};
}

static struct decoded accesses(enum shape shape, unsigned base, unsigned units, unsigned written)
{
    return (struct decoded){shape, (uint8_t)base, (uint16_t)units, (uint16_t)written};
}

static unsigned bit(unsigned index)
{
    return 1u << index;
}

static struct decoded decode_misc16(unsigned w)
{
    unsigned list = w & 0xFF, extra = w >> 8 & 1;
    switch (w >> 8 & 15) {
    case 4: case 5:
        return accesses(MULTIPLE, 13, (unsigned)__builtin_popcount(list) + extra, 0);
    case 12: case 13:
        return accesses(MULTIPLE, 13, (unsigned)__builtin_popcount(list) + extra, list);
    case 2: case 10:
        return writes(bit(w & 7));
    default:
        return writes(0);
    }
}

static struct decoded decode_data16(unsigned w)
{
    static const unsigned compares = 1u << 8 | 1u << 10 | 1u << 11;
    if (w >> 10 == 16)
        return writes(compares >> (w >> 6 & 15) & 1 ? 0 : bit(w & 7));
    switch (w >> 8 & 3) {
    case 0: case 2:
        return writes(bit((w >> 4 & 8) | (w & 7)));
    default:
        return writes(0);
    }
}

static struct decoded decode16(unsigned w)
{
    unsigned low = w & 7, middle = w >> 3 & 7, high = w >> 8 & 7;
    bool load = w >> 11 & 1;
    switch (w >> 11) {
    case 0: case 1: case 2:
        return writes(bit(low));
    case 3: /* add or subtract: a small constant to the same register moves it only a little */
        return writes((w >> 10 & 1) && low == middle ? 0 : bit(low));
    case 4:
        return writes(bit(high));
    case 5: case 6: case 7: /* compare, add, subtract a constant */
        return writes(0);
    case 8:
        return decode_data16(w);
    case 9:
        return accesses(SINGLE, 15, 1, bit(high));
    case 10: case 11:
        return accesses(SINGLE, NO_BASE, 1, (w >> 9 & 7) >= 3 ? bit(low) : 0);
    case 12: case 13: case 14: case 15: case 16: case 17:
        return accesses(SINGLE, middle, 1, load ? bit(low) : 0);
    case 18: case 19:
        return accesses(SINGLE, 13, 1, load ? bit(high) : 0);
    case 20: case 21:
        return writes(bit(high));
    case 22: case 23:
        return decode_misc16(w);
    case 24: case 25:
        return accesses(MULTIPLE, high, (unsigned)__builtin_popcount(w & 0xFF),
                        load ? w & 0xFF : 0);
    default:
        return writes(0);
    }
}

/* LDRD, STRD, exclusives, table branches. */
static struct decoded decode_dual(unsigned first, unsigned second)
{
    unsigned base = first & 15, t = second >> 12, t2 = second >> 8 & 15;
    if (first & 0x0120)
        return accesses(DOUBLE, base, 2, first >> 4 & 1 ? bit(t) | bit(t2) : 0);
    if ((first & 0xFFF0) == 0xE8D0 && (second & 0xE0) == 0)
        return accesses(SINGLE, base == 15 ? 15 : NO_BASE, 1, 0);
    return accesses(SINGLE, NO_BASE, 1, EVERY_REGISTER);
}

static struct decoded decode_single(unsigned first, unsigned second)
{
    unsigned base = first & 15, t = second >> 12;
    bool load = first >> 4 & 1, word = (first >> 5 & 3) == 2;
    bool immediate = (first >> 7 & 1) || (second >> 11 & 1) || base == 15;
    if (load && t == 15 && !word)
        return writes(0); /* a preload hint */
    if ((first >> 5 & 3) == 3)
        return accesses(VECTOR, NO_BASE, 1, EVERY_REGISTER);
    return accesses(SINGLE, immediate ? base : NO_BASE, 1, load ? bit(t) : 0);
}

static struct decoded decode_float_access(unsigned first, unsigned second)
{
    unsigned base = first & 15, coprocessor = second >> 8 & 15, words = second & 0xFF;
    unsigned mode = first & 0x01A0;
    bool load = first >> 4 & 1;
    if (mode == 0)
        return writes(load ? bit(second >> 12) | bit(base) : 0);
    if (mode == 0x0020)
        return accesses(VECTOR, NO_BASE, 1, EVERY_REGISTER);
    if ((mode & 0x0120) == 0x0100)
        return accesses(coprocessor == 11 ? DOUBLE : SINGLE, base, 1, 0);
    return coprocessor == 11 ? accesses(DOUBLE, base, words & ~1u, 0)
                             : accesses(MULTIPLE, base, words, 0);
}

static struct decoded decode_coprocessor(unsigned first, unsigned second)
{
    unsigned coprocessor = second >> 8 & 15;
    bool is_float = coprocessor == 10 || coprocessor == 11;
    bool is_access = (first & 0x0200) == 0;
    if (is_access)
        return is_float && !(first & 0x1000) ? decode_float_access(first, second)
                                             : accesses(VECTOR, NO_BASE, 1, EVERY_REGISTER);
    if (!is_float)
        return writes(EVERY_REGISTER);
    bool to_core = (first & 0xFF10) == 0xEE10 && (second >> 4 & 1);
    return writes(to_core ? bit(second >> 12) : 0);
}

static struct decoded decode_immediate(unsigned first, unsigned second)
{
    if (second & 0x8000)
        return writes(EVERY_REGISTER);
    unsigned operation = first >> 5 & 15, from = first & 15, to = second >> 8 & 15;
    bool plain = first >> 9 & 1;
    bool small = plain || ((first >> 10 & 1) == 0 && (second & 0x7000) == 0);
    bool adds = plain ? operation == 0 || operation == 5 : operation == 8 || operation == 13;
    if (to == 15 || (adds && small && from == to))
        return writes(0);
    return writes(bit(to));
}

static struct decoded decode32(unsigned first, unsigned second)
{
    unsigned to = second >> 8 & 15, low = second >> 12;
    if (first == 0xE97F) /* a secure gateway */
        return writes(0);
    if (first == 0xE89F) /* clears registers */
        return writes(second);
    if ((first & 0xEC00) == 0xEC00)
        return decode_coprocessor(first, second);
    if ((first & 0xF800) == 0xF000)
        return decode_immediate(first, second);
    if ((first & 0xFE40) == 0xE800)
        return accesses(MULTIPLE, first & 15, (unsigned)__builtin_popcount(second),
                        first >> 4 & 1 ? second : 0);
    if ((first & 0xFE40) == 0xE840)
        return decode_dual(first, second);
    if ((first & 0xFE00) == 0xF800)
        return decode_single(first, second);
    if ((first & 0xFF80) == 0xFB80)
        return writes(bit(to) | bit(low));
    return writes(to == 15 ? 0 : bit(to));
}

/* ---- translation ---- */

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
    uint32_t offset, conditional;
};

#if SIMBENCH_PLUGIN_API >= 2
static struct qemu_plugin_scoreboard *scoreboard;

static void make_turns(void)
{
    scoreboard = qemu_plugin_scoreboard_new(MAX_LOOPS * sizeof *turns);
}

/* Its place is known only once there is a core. */
static void find_turns(void)
{
    turns = qemu_plugin_scoreboard_find(scoreboard, 0);
}

static void count_inline(struct qemu_plugin_tb *tb, uint32_t index)
{
    scoreboard_entry entry = {scoreboard, index * sizeof *turns};
    qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, INLINE_ADD, entry, 1);
}
#else
static void make_turns(void)
{
    turns = allocate(MAX_LOOPS, sizeof *turns);
}

static void find_turns(void)
{
}

static void count_inline(struct qemu_plugin_tb *tb, uint32_t index)
{
    qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD, &turns[index], 1);
}
#endif

static void read_instruction(const struct qemu_plugin_insn *insn, uint16_t word[2])
{
#if SIMBENCH_PLUGIN_API >= 3
    uint8_t data[4] = {0};
    qemu_plugin_insn_data(insn, data, sizeof data);
    memcpy(word, data, 4);
#else
    const uint8_t *data = qemu_plugin_insn_data(insn);
    memcpy(word, data, 2);
    word[1] = 0;
    if (word[0] >= 0xE800)
        memcpy(word + 1, data + 2, 2);
#endif
}

static uint32_t width(const uint16_t word[2])
{
    return word[0] >= 0xE800 ? 4 : 2;
}

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
    p->units_of_eight = d->shape == DOUBLE && d->units == 1 ? 1 : 2;
    p->next = t->block->probes;
    t->block->probes = p;
    return p;
}

static struct probe *watch(struct translation *t, struct qemu_plugin_insn *insn,
                           const struct decoded *d)
{
    struct probe *p = new_probe(t, d);
    mem_callback *callback = on_sized_access;
    if (d->shape == VECTOR) {
        callback = on_vector_access;
        qemu_plugin_register_vcpu_insn_exec_cb(insn, on_vector_instruction, NO_REGISTERS, p);
    } else if (d->shape != DOUBLE && !sees_alignment) {
        callback = on_access;
    }
    qemu_plugin_register_vcpu_mem_cb(insn, callback, NO_REGISTERS, READS_AND_WRITES, p);
    return p;
}

static bool watched_by_cache(int segment)
{
    for (unsigned i = 0; i < n_caches; i++)
        if (caches[i].is_data && caches[i].segments >> segment & 1)
            return true;
    return false;
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
    struct decoded d = width(word) == 4 ? decode32(word[0], word[1]) : decode16(word[0]);
    if (t->conditional)
        note_conditional(t->block->start + t->offset, t->conditional);
    if (d.shape != NOT_MEMORY)
        translate_access(t, insn, &d);
    for (unsigned r = 0; r < 16; r++)
        if (d.written >> r & 1)
            t->group[r] = NULL;
    if (t->conditional)
        t->conditional--;
    else if ((word[0] & 0xFF00) == 0xBF00 && (word[0] & 15))
        t->conditional = 4 - (uint32_t)__builtin_ctz(word[0]);
    t->offset += width(word);
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

/* Where a conditional branch goes; 0 for anything else. */
static uint32_t conditional_target(const uint16_t word[2], uint32_t address)
{
    unsigned first = word[0], second = word[1];
    if (width(word) == 2) {
        bool conditional = first >> 12 == 13 && (first >> 9 & 7) != 7;
        return conditional ? address + 4 + (uint32_t)((int8_t)first * 2) : 0;
    }
    bool conditional = first >> 11 == 30 && (second & 0xD000) == 0x8000 && (first >> 7 & 7) != 7;
    if (!conditional)
        return 0;
    uint32_t offset = (second & 0x7FF) << 1 | (first & 0x3F) << 12 | (second >> 13 & 1) << 18
                      | (second >> 11 & 1) << 19 | (first >> 10 & 1) << 20;
    return address + 4 + (uint32_t)((int32_t)(offset << 11) >> 11);
}

static bool lines_fit(const struct block *b)
{
    for (unsigned i = 0; i < n_caches; i++) {
        const struct cache *c = &caches[i];
        if (!c->is_data && !fits(c, b))
            return false;
    }
    return true;
}

/* Whether b, which branches to itself, may go without a callback. */
static bool may_turn(const struct block *b)
{
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
    for (struct block *next = buckets[b->end >> 1 & (BUCKETS - 1)]; next; next = next->next_in_bucket)
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

/* A block that is translated again has the same probes: keep them, and hang them on once more. */
static void translate(plugin_id id, struct qemu_plugin_tb *tb)
{
    (void)id;
    static uint16_t words[MAX_BLOCK][2];
    static uint8_t code[4 * MAX_BLOCK];
    size_t n = qemu_plugin_tb_n_insns(tb);
    find_turns();
    uint32_t start = (uint32_t)qemu_plugin_tb_vaddr(tb), bytes = 0;
    if (n > MAX_BLOCK)
        fail("a block of more instructions than the emulator allows");
    for (size_t i = 0; i < n; i++) {
        read_instruction(qemu_plugin_tb_get_insn(tb, i), words[i]);
        memcpy(code + bytes, words[i], width(words[i]));
        bytes += width(words[i]);
    }
    struct block *b = find_block(start, code, bytes);
    if (!b) {
        b = new_block(start, code, bytes, (uint32_t)n);
        uint32_t last = b->end - width(words[n - 1]);
        if (conditional_target(words[n - 1], last) == start && may_turn(b))
            make_loop(b);
    }
    struct conditional *c = *find_conditional(start);
    struct translation t = {.block = b, .conditional = c ? c->remaining : 0};
    memset(b->known, 0, sizeof b->known);
    for (size_t i = 0; i < n; i++)
        translate_instruction(&t, qemu_plugin_tb_get_insn(tb, i), words[i]);
    if (t.conditional)
        note_conditional(b->end, t.conditional);
    if (b->loop) {
        count_inline(tb, 0);
        count_inline(tb, b->loop);
        return;
    }
    exec_callback *callback = b->marker != NO_MARKER   ? on_marker
                              : has_stray_marker(b)    ? on_stray_marker
                              : n_caches               ? on_block_with_caches
                                                       : on_block;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, callback, NO_REGISTERS, b);
}

/* ---- start and end ---- */

static const struct block *current(void)
{
    return !turns || turns[0] == turns_settled ? previous : turning_loop();
}

static void at_exit(plugin_id id, void *user)
{
    (void)id;
    (void)user;
    pthread_mutex_lock(&writing);
    write_place(LAST, current()->start);
}

/* A loop that never ends calls nobody, so its limit is kept from here: a turn is an instruction at
 * least. The number of the other loops' turns that are still to be settled is zero then. */
static void *keep_watch(void *user)
{
    struct pollfd leash = {.fd = (int)(intptr_t)user};
    for (;;) {
        if (poll(&leash, 1, WATCH_INTERVAL_MS) > 0)
            _exit(0);
        if (in_window && (int64_t)(turns[0] - turns_settled) > budget)
            over_limit(current());
    }
}

static void start_watching(int descriptor)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, keep_watch, (void *)(intptr_t)descriptor))
        fail("cannot start a thread");
}

static void add_segment(unsigned index, uint32_t start, uint32_t end)
{
    if (index >= OTHER || start & 255 || end & 255)
        fail("a segment that does not start and end at a multiple of 256");
    if (end > start)
        memset(map + (start >> 8), (int)slot_of_segment(index), (end - start) >> 8);
}

static void add_cache(const unsigned value[10])
{
    struct cache *c = &caches[n_caches];
    *c = (struct cache){.is_data = value[0], .lines = value[1], .ways = value[3],
                        .allocates = value[4], .segments = value[5], .keeps = value[7],
                        .phase = value[8]};
    if (n_caches == MAX_CACHES || !c->lines || c->lines > UINT16_MAX - 1 || !c->ways
        || c->lines % c->ways || value[2] & (value[2] - 1) || value[6] & (value[6] - 1)
        || value[6] < 4 || value[6] > value[2] || value[2] / value[6] > 16 || value[8] >= value[2]
        || value[9] > n_caches)
        fail("a cache that cannot be built");
    n_caches++;
    c->shift = (uint32_t)__builtin_ctz(value[2]);
    c->sector_shift = (uint32_t)__builtin_ctz(value[6]);
    c->sets = c->lines / c->ways;
    has_data_cache = has_data_cache || c->is_data;
    if (value[9]) {
        const struct cache *owner = &caches[value[9] - 1];
        c->line = owner->line;
        c->newest = owner->newest;
        c->oldest = owner->oldest;
        c->used = owner->used;
        c->slot_of = owner->slot_of;
        return;
    }
    c->line = allocate(c->lines, sizeof *c->line);
    c->newest = allocate(c->sets, sizeof *c->newest);
    c->oldest = allocate(c->sets, sizeof *c->oldest);
    c->used = allocate(c->sets, sizeof *c->used);
    memset(c->newest, 0xFF, c->sets * sizeof *c->newest);
    memset(c->oldest, 0xFF, c->sets * sizeof *c->oldest);
    size_t bytes = ((size_t)1 << (32 - c->shift)) * sizeof *c->slot_of;
    c->slot_of = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (c->slot_of == MAP_FAILED)
        fail("out of memory");
}

static void add_marker(uint32_t kind, uint32_t address)
{
    if (config.n_markers == MAX_MARKERS || kind >= NO_MARKER)
        fail("a marker too many");
    config.markers[config.n_markers++] = (struct marker){kind, address};
}

static void read_statement(char *line)
{
    unsigned v[10], n;
    unsigned long long limit;
    line[strcspn(line, "\n")] = 0;
    if (!strncmp(line, "output ", 7)) {
        config.output = fopen(line + 7, "wb");
        if (!config.output || setvbuf(config.output, NULL, _IOFBF, OUTPUT_BUFFER))
            fail("cannot write the counts");
    } else if (sscanf(line, "marker %u %u", v, v + 1) == 2) {
        add_marker(v[0], v[1]);
    } else if (sscanf(line, "segment %u %u %u", v, v + 1, v + 2) == 3) {
        add_segment(v[0], v[1], v[2]);
    } else if (sscanf(line, "base %u %u", v, v + 1) == 2 && v[0] < 16 && v[1] < OTHER) {
        config.base_segment[v[0]] = (int)v[1];
    } else if (sscanf(line, "grouping %u", &n) == 1) {
        config.grouping = n;
    } else if (sscanf(line, "cache %u %u %u %u %u %u %u %u %u %u", v, v + 1, v + 2, v + 3, v + 4,
                      v + 5, v + 6, v + 7, v + 8, v + 9) == 10) {
        add_cache(v);
    } else if (sscanf(line, "leash %u", &n) == 1) {
        start_watching((int)n);
    } else if (sscanf(line, "limit %llu", &limit) == 1) {
        config.limit = limit;
    } else if (sscanf(line, "windows %u %u", v, v + 1) == 2) {
        config.windows = v[0];
        config.leaves = v[1];
    } else {
        fail("a statement it does not know in its configuration");
    }
}

static void read_config(const char *path)
{
    char line[4608];
    FILE *file = fopen(path, "r");
    if (!file)
        fail("cannot read its configuration");
    while (fgets(line, sizeof line, file))
        read_statement(line);
    fclose(file);
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    (void)info;
    own_id = id;
    for (unsigned r = 0; r < 16; r++)
        config.base_segment[r] = -1;
    config.limit = INT64_MAX;
    map = mmap(NULL, (size_t)1 << 24, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED)
        fail("out of memory");
    if (argc != 1 || strncmp(argv[0], "config=", 7))
        fail("needs config=FILE");
    make_turns();
    read_config(argv[0] + 7);
    sees_alignment = has_data_cache || !config.grouping;
    if (!config.output)
        fail("needs an output");
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_atexit_cb(id, at_exit, NULL);
    return 0;
}
