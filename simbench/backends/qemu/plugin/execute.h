// clang-format Language: C
/* What happens when a block is executed, or an access made.
 *
 * A block that branches to itself or else falls through is a loop. It has no callback: each turn
 * adds to turns[0] and to its own entry, inline; the next block's callback settles what that means.
 * No loop falls through to another, so between two callbacks only one loop turns.
 *
 *   block A          callback: previous = A
 *      |
 *   loop B <--+      inline: turns[0]++, turns[B.loop]++           n times
 *      |  +---+
 *   block C          callback: turns[0] is not turns_settled, so the core came by way of a loop:
 *                    A -> B once, B -> B n - 1 times, B executed n times; then B -> C
 */
#ifndef SIMBENCH_PLUGIN_EXECUTE_H_
#define SIMBENCH_PLUGIN_EXECUTE_H_

#include "caches.h"
#include "exceptions.h"
#include "qemu.h"
#include "records.h"

static struct block nowhere; /* where the core came from before its first block */
static struct block *previous = &nowhere;
static uint64_t turns_settled;
static bool ran_on; /* to the present piece, from the one before it in memory */
static struct block *loops[MAX_LOOPS];
static uint32_t n_loops = 1;

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

/* The function whose call the window is: it is over where the core is back behind the call, on the
 * stack of its beginning, whichever function led there; of a handler, where its exception ends. */
static struct {
    bool is_open;
    uint32_t back, stack;
    unsigned depth; /* of exceptions, of a handler; or 0 */
} call;

static void open_call(void)
{
    if (in_window || is_done)
        return;
    uint32_t link = read_register(LINK);
    call.is_open = true;
    call.back = link & ~1u;
    call.stack = read_register(STACK);
    call.depth = link >= exception_return ? n_active : 0;
    pass_marker(SECTION_OPENS);
}

static bool is_back(uint32_t start, bool is_exception, enum exception_kind kind)
{
    if (call.depth)
        return is_exception && has_ended(kind, call.depth);
    return start == call.back && read_register(STACK) == call.stack;
}

static void close_call(void)
{
    call.is_open = false;
    pass_marker(WINDOW_CLOSES);
}

/* A piece of a block, in whatever exception the core is now. */
static inline struct block *enter_piece(struct block **piece)
{
    struct block *from = previous;
    uint32_t start = (*piece)->start, number;
    enum exception_kind kind = ENTERED;
    ran_on = from->end == start;
    bool is_elsewhere = !ran_on && from->direct != start;
    bool is_exception = is_elsewhere && look_for_exception(start, &kind, &number);
    struct block *b = *piece = in_context(*piece);
    if (is_exception)
        note_passage(from, b, number, kind);
    else
        pass_edge(from, b);
    if (__builtin_expect(context, 0))
        note_floats(b);
    previous = b;
    if (__builtin_expect(call.is_open && !ran_on, 0) && is_back(start, is_exception, kind))
        close_call();
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

static void on_piece(unsigned cpu, void *user)
{
    (void)cpu;
    struct block *b = user;
    const struct block *from = enter_piece(&b);
    fetch_block(b, from);
    count_block(b);
}

static void on_marker(unsigned cpu, void *user)
{
    (void)cpu;
    struct block *b = user;
    const struct block *from = config.pieces ? enter_piece(&b) : enter(b);
    if (b->marker != CALLED)
        pass_marker(b->marker);
    else if (!ran_on)
        open_call();
    fetch_block(b, from);
    count_block(b);
}

static void on_restart(unsigned cpu, void *user)
{
    (void)cpu;
    struct block *b = user;
    enter(b);
    start_anew();
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

static inline void watch_caches(struct probe *p, mem_info info, uint32_t address, unsigned slot)
{
    if (!p->bytes) {
        p->bytes = (uint8_t)(1u << qemu_plugin_mem_size_shift(info));
        p->is_store = qemu_plugin_mem_is_store(info);
    }
    if (fetching)
        fetch_until(fetching->start + p->end);
    if (!caches_rest)
        for (unsigned i = 0; i < data_caches[slot].n; i++) {
            unsigned index = data_caches[slot].cache[i];
            load_or_store(&caches[index], index, p->block, address, p->bytes, p->is_store);
        }
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
    unsigned slot = map[(uint32_t)address >> 8];
    watch_caches(p, info, (uint32_t)address, slot);
    note_alignment(p, (uint32_t)address);
    p->count[slot] += p->bytes == 8 ? p->units_of_eight : 1;
}

static void on_vector_access(unsigned cpu, mem_info info, uint64_t address, void *user)
{
    (void)cpu;
    struct probe *p = user;
    unsigned slot = map[(uint32_t)address >> 8];
    watch_caches(p, info, (uint32_t)address, slot);
    if (p->armed)
        p->count[slot]++;
    p->armed = false;
}

static void on_vector_instruction(unsigned cpu, void *user)
{
    (void)cpu;
    ((struct probe *)user)->armed = true;
}

/* Of a piece, in whatever exception the core is. */
static void on_sized_access_of_piece(unsigned cpu, mem_info info, uint64_t address, void *user)
{
    on_sized_access(cpu, info, address, probe_in_context(user));
}

static void on_vector_access_of_piece(unsigned cpu, mem_info info, uint64_t address, void *user)
{
    on_vector_access(cpu, info, address, probe_in_context(user));
}

static void on_vector_instruction_of_piece(unsigned cpu, void *user)
{
    on_vector_instruction(cpu, probe_in_context(user));
}

#endif // SIMBENCH_PLUGIN_EXECUTE_H_
