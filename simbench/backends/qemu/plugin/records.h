// clang-format Language: C
/* What is written, and the windows it is written for.
 *
 * Between two markers lies an interval. What a record names by number is defined before it: a block
 * by a BLOCK record, the first time that anything is told of it.
 *
 *   marker           0 opens      2 layer      3 layer                  1 closes
 *   ------------------+------------+------------+------------------------+-----------> execution
 *   interval          |     0      |     2      |            3           |
 *   written                        ^            ^                        ^ and WINDOW
 *       (BLOCK [CONTEXT] [TASK])... EXECUTIONS EDGES ACCESSES [SPLITS] CACHE... [PASSAGES_MADE]
 *       INTERVAL: the marker it began with
 *
 * The last record of a run that ends early is LIMIT, TRAP or LAST: where the core was.
 */
#ifndef SIMBENCH_PLUGIN_RECORDS_H_
#define SIMBENCH_PLUGIN_RECORDS_H_

#include <pthread.h>
#include <string.h>

#include "blocks.h"
#include "caches.h"
#include "exceptions.h"
#include "qemu.h"

/* The exit status when the counts cannot be written: then no message can be either. */
enum { CANNOT_WRITE = 74 };

enum record {
    BLOCK = 1,
    EXECUTIONS,
    EDGES,
    ACCESSES,
    CACHE,
    INTERVAL,
    WINDOW,
    LIMIT,
    LAST,
    TRAP,
    SPLITS,
    CONTEXT,
    PASSAGES_MADE,
    TASK
};

static plugin_id own_id;
static int64_t budget = INT64_MAX; /* instructions until the window is over its limit */
static bool in_window;
static unsigned windows_left;
static bool is_done;           /* the last window has been counted */
static uint32_t interval_kind; /* the marker that the interval began with */
static bool sees_alignment;

/* The leash's thread may have to end a window that only turns in a loop. */
static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;

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
    if (b->context) {
        put32(b->id);
        put32(b->context);
        write_record(CONTEXT);
    }
    if (b->task) {
        put32(b->id);
        put32(b->task->address);
        put(b->task->name, NAME_BYTES);
        write_record(TASK);
    }
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

static void write_passages(void)
{
    for (unsigned i = 0; i < PASSAGES; i++)
        for (const struct passage *p = passages[i]; p; p = p->next) {
            if (!p->count)
                continue;
            need(p->source);
            need(p->target);
            put32(p->source->id);
            put32(p->target->id);
            put32(p->number);
            put32(p->kind);
            put64(p->count);
        }
    write_record(PASSAGES_MADE);
}

static void forget_probe(struct probe *p)
{
    memset(p->count, 0, sizeof p->count);
    p->splits = 0;
}

static void forget_counts(void)
{
    tell_waiting();
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
    forget_passages();
}

static void close_interval(void)
{
    fetch_rest();
    tell_waiting();
    write_executions();
    write_edges();
    write_accesses();
    if (sees_alignment)
        write_splits();
    for (unsigned i = 0; i < n_caches; i++)
        write_cache(i);
    if (config.pieces)
        write_passages();
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
    caches_rest = false;
    interval_kind = WINDOW_OPENS;
    budget = (int64_t)config.limit;
}

static void start_anew(void)
{
    fetch_rest();
    in_window = false;
    is_done = false;
    windows_left = config.windows;
    budget = INT64_MAX;
    caches_rest = config.begins_at_rest;
    forget_lines();
}

static void after_reset(RESET_ARGUMENTS)
{
    /* nothing is registered again */
}

static void pass_marker(uint32_t kind)
{
    fetch_rest();
    if (kind == CACHES_REST || kind == CACHES_WAKE) {
        caches_rest = kind == CACHES_REST && !in_window;
        return;
    }
    if (kind == PERIOD) {
        pass_marker(WINDOW_CLOSES);
        kind = SECTION_OPENS;
    }
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
        is_done = config.windows && --windows_left == 0;
        if (is_done && config.leaves)
            qemu_plugin_reset(own_id, after_reset WITH_NO_POINTER);
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

#endif // SIMBENCH_PLUGIN_RECORDS_H_
