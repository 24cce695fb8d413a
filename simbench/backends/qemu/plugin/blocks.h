// clang-format Language: C
/* What is counted, and where it is kept.
 *
 *   touched: the blocks executed in this interval
 *   +-----+-----+-----+
 *   |  *  |  *  |  *  | ...
 *   +--|--+-----+-----+
 *      v
 *   block 0x1000..0x1014                 edge: where branches from here led, each with its count;
 *   +------------------+                 the last one taken is the first
 *   | count            |
 *   | edge    *        |---> block 0x1000 x 41 --> block 0x1080 x 2 --> ...
 *   | probes  *        |---> probe at +4: count by slot, splits --> probe at +12 --> ...
 *   |                  |       followers *---> at +6, 1 unit --> at +8, 1 unit
 *   | known[segment] * |---> at +2, 1 unit --> ...
 *   | misses[cache]    |
 *   +------------------+
 *
 * An access is counted in one of three ways. A probe asks for its address every time. A follower of
 * a probe goes where that probe went. What is known goes to its segment at every execution.
 */
#ifndef SIMBENCH_PLUGIN_BLOCKS_H_
#define SIMBENCH_PLUGIN_BLOCKS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SEGMENTS = 5, OTHER = 4, MAX_CACHES = 16, MAX_MARKERS = 16 };
enum {
    WINDOW_OPENS,
    WINDOW_CLOSES,
    LAYER_OPENS,
    LAYER_CLOSES,
    SECTION_OPENS,
    CACHES_REST,
    CACHES_WAKE,
    PERIOD,
    CALLED,
    NO_MARKER
};

struct block;
struct task;

/* How an exception came to be executed, or was left. FLOATS: what a handler does with the FPU for
 * the first time has the registers of whom it interrupted saved. */
enum exception_kind { ENTERED, CHAINED, RETURNED, FLOATS };

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
    uint32_t offset, end;   /* of its instruction */
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
    uint32_t direct;    /* where a branch at its end leads always, or 0 */
    uint32_t context;   /* what it is executed in: see exceptions.h */
    struct task *task;  /* by whom, see tasks.h, or NULL */
    struct block *twin; /* the same code in other contexts */
    uint8_t marker;
    bool floats; /* uses the FPU */
    bool written;
    uint32_t loop; /* index into turns, or 0: not a loop */
    uint64_t settled;
    struct block *loop_before; /* the loop that falls through to here */
    uint32_t id;
    struct probe *probes;
    struct follower *known[SEGMENTS]; /* by segment */
    struct misses misses[MAX_CACHES];
    /* by whether it was jumped to: see caches.h */
    uint64_t memo[2], runs[2], last[2];
    uint32_t missing[2][MAX_CACHES];
    uint32_t sectors;
    bool waits;
    uint8_t *code;
    struct block *next_in_bucket;
};

struct marker {
    uint32_t kind, address;
};

static struct {
    struct marker markers[MAX_MARKERS];
    unsigned n_markers;
    int base_segment[16];
    bool grouping, pieces;
    uint64_t limit;
    unsigned windows;    /* of a start, to be counted; 0: all */
    uint32_t restart;    /* where the firmware begins */
    bool begins_at_rest; /* the caches are, when it does */
    bool leaves;
    FILE *output;
} config;

/* One byte for each 256 addresses: the segment's slot. Zero, a page never touched, is OTHER. */
static uint8_t *map;

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

#endif // SIMBENCH_PLUGIN_BLOCKS_H_
