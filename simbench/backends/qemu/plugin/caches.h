// clang-format Language: C
/* Caches of any geometry. The least recently used line goes first.
 *
 *   slot_of, by line number: its slot plus one, or 0        line, by slot; a set has `ways` of them
 *   +---+---+---+---+---+---+---+--                         +----------+----------+----------+--
 *   | 0 | 2 | 0 | 3 | 0 | 1 | 0 | ...                       | number 5 | number 1 | number 3 |
 *   +---+---+---+---+---+-|-+---+--                         | valid 11 | valid 01 | valid 11 | ...
 *                         +-------------------------------> | used 907 | used 411 | used 912 |
 *                                                           +----------+----------+----------+--
 *
 * A look-up that hits takes constant time: it only notes when. A miss looks for the slot of its set
 * that was used longest ago. A sector is what a miss reads, one or more of a line; valid has a bit
 * for each. A cache that shares the lines of another has its arrays. Pages of slot_of that no
 * address needs do not exist.
 *
 * Nearly every block finds its lines where they were. What a block misses, and that it brings
 * nothing in, is so until something is brought in: b->memo says in which generation it was found,
 * by how the block was entered. Such an execution is counted, and noted when it was: `waiting` are
 * the blocks that lines must still be told of, before the next is brought in and where an interval
 * ends.
 *
 * Where code and data share lines, what comes first takes them: a block's lines are looked up as
 * its execution gets to them, those up to an instruction before what it accesses, and the rest when
 * the block is over.
 */
#ifndef SIMBENCH_PLUGIN_CACHES_H_
#define SIMBENCH_PLUGIN_CACHES_H_

#include <string.h>
#include <sys/mman.h>

#include "blocks.h"

enum { NO_SECTOR = -2 }; /* nor is the one after it */

struct line {
    uint64_t used;          /* when */
    uint32_t number, valid; /* valid: one bit a sector */
};

struct cache {
    bool is_data, allocates, keeps;
    bool is_joint;  /* code and data share its lines: their order counts */
    bool remembers; /* its lines are of code alone: see memo */
    uint32_t lines, shift, sector_shift, phase, ways, sets, segments;
    uint16_t *slot_of;
    struct line *line;
    uint32_t *taken;       /* slots in use, by set */
    uint32_t *read;        /* the sector that was read last, as of the memory behind the lines */
    uint32_t next, target; /* of the block being fetched: sectors */
};

static struct cache caches[MAX_CACHES];
static unsigned n_caches;
static struct {
    unsigned n, cache[MAX_CACHES];
} data_caches[SEGMENTS]; /* by slot of the segment, see map */
static bool has_data_cache;
static unsigned n_joint, joint[MAX_CACHES]; /* of those, the instruction caches */
static bool remembers;
static bool caches_rest; /* they see nothing */

static uint64_t now;
static uint64_t generation = 1; /* of what is in caches with code */
static struct block **waiting;
static size_t n_waiting, waiting_size;

static void tell_waiting(void);

static uint32_t free_slot(struct cache *c, uint32_t set)
{
    uint32_t first = set * c->ways, oldest = first;
    if (c->taken[set] < c->ways)
        return first + c->taken[set]++;
    for (uint32_t slot = first + 1; slot < first + c->ways; slot++)
        if (c->line[slot].used < c->line[oldest].used)
            oldest = slot;
    c->slot_of[c->line[oldest].number] = 0;
    return oldest;
}

/* Sectors first to last, counted from the line's first. */
static inline uint32_t sectors(uint32_t first, uint32_t last)
{
    return (UINT32_MAX >> (31 - last)) & (UINT32_MAX << first);
}

static void bring_in(struct cache *c, uint32_t number, uint32_t wanted)
{
    if (c->remembers) {
        tell_waiting();
        generation++;
    }
    uint32_t found = c->slot_of[number];
    if (found) {
        c->line[found - 1].valid |= wanted;
        return;
    }
    uint32_t slot = free_slot(c, number % c->sets);
    c->line[slot].number = number;
    c->line[slot].valid = wanted;
    c->slot_of[number] = (uint16_t)(slot + 1);
}

/* Looks sectors of a line up and brings in those that are not there, which it returns. */
static inline uint32_t touch(struct cache *c, uint32_t number, uint32_t wanted)
{
    uint32_t found = c->slot_of[number];
    uint32_t missing = wanted & ~(found ? c->line[found - 1].valid : 0);
    if (__builtin_expect(missing != 0, 0))
        bring_in(c, number, wanted);
    c->line[c->slot_of[number] - 1].used = ++now;
    return missing;
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
            *c->read = (s & ~mask) + 31 - (uint32_t)__builtin_clz(missing);
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
            c->line[found - 1].used = ++now;
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
        if (!touch(c, number, 1u << (s & mask)))
            continue;
        bool goes_on = s == *c->read + 1;
        *c->read = s;
        if (!store) {
            b->misses[index].sequential += goes_on;
            b->misses[index].jump += !goes_on;
        }
    }
}

static bool fits(const struct cache *c, const struct block *b)
{
    return ((b->end - 1 + c->phase) >> c->shift) - ((b->start + c->phase) >> c->shift) < c->lines;
}

/* The sectors of a block that are looked up, none where last is below first. */
struct span {
    uint32_t first, last;
};

static struct span span_of(const struct cache *c, const struct block *b, bool jumped)
{
    struct span s = {(b->start + c->phase) >> c->sector_shift,
                     (b->end - 1 + c->phase) >> c->sector_shift};
    if (!jumped && s.first == (b->start - 1 + c->phase) >> c->sector_shift)
        s.first++;
    return s;
}

static const struct line *line_with(const struct cache *c, uint32_t sector)
{
    unsigned per_line = c->shift - c->sector_shift;
    uint32_t found = c->slot_of[sector >> per_line];
    const struct line *l = found ? &c->line[found - 1] : NULL;
    return l && l->valid >> (sector & ((1u << per_line) - 1)) & 1 ? l : NULL;
}

static void tell_lines(struct cache *c, const struct block *b, bool jumped)
{
    struct span span = span_of(c, b, jumped);
    for (uint32_t s = span.first; s <= span.last; s++) {
        struct line *l = (struct line *)line_with(c, s);
        uint64_t when = b->last[jumped] + 1 + s - span.first;
        if (l && l->used < when)
            l->used = when;
    }
}

static void tell_waiting(void)
{
    for (size_t w = 0; w < n_waiting; w++) {
        struct block *b = waiting[w];
        for (unsigned i = 0; i < n_caches; i++) {
            struct cache *c = &caches[i];
            if (!c->remembers || !goes_through(c, b->start))
                continue;
            for (unsigned jumped = 0; jumped < 2; jumped++) {
                if (!b->runs[jumped])
                    continue;
                b->misses[i].sequential += b->runs[jumped] * b->missing[jumped][i];
                tell_lines(c, b, jumped);
            }
        }
        b->runs[0] = b->runs[1] = 0;
        b->waits = false;
    }
    n_waiting = 0;
}

static __attribute__((noinline)) void grow_waiting(void)
{
    waiting_size = 2 * waiting_size + 1024;
    waiting = realloc(waiting, waiting_size * sizeof *waiting);
    if (!waiting)
        fail("out of memory");
}

/* An execution that finds all as it was the last time. */
static inline void note_runs(struct block *b, bool jumped, uint64_t n)
{
    b->runs[jumped] += n;
    b->last[jumped] = now;
    now += b->sectors;
    if (b->waits)
        return;
    b->waits = true;
    if (__builtin_expect(n_waiting == waiting_size, 0))
        grow_waiting();
    waiting[n_waiting++] = b;
}

/* What an execution misses until something is brought in; none, where it would bring something in.
 */
static void make_memo(struct block *b, bool jumped)
{
    uint32_t most = 0;
    for (unsigned i = 0; i < n_caches; i++) {
        const struct cache *c = &caches[i];
        b->missing[jumped][i] = 0;
        if (!c->remembers || !goes_through(c, b->start))
            continue;
        struct span span = span_of(c, b, jumped);
        for (uint32_t s = span.first; s <= span.last; s++) {
            if (line_with(c, s))
                continue;
            if (c->keeps || (jumped && s == span.first))
                return;
            b->missing[jumped][i]++;
        }
        if (span.last - span.first + 1 > most && span.last >= span.first)
            most = span.last - span.first + 1;
    }
    b->sectors = most + 1 > b->sectors ? most + 1 : b->sectors;
    b->memo[jumped] = generation;
}

static __attribute__((noinline)) void look_up(struct block *b, const struct block *from,
                                              bool jumped)
{
    tell_waiting();
    uint64_t before = generation;
    for (unsigned i = 0; i < n_caches; i++) {
        struct cache *c = &caches[i];
        if (!c->remembers || !goes_through(c, b->start))
            continue;
        /* The same block once more finds its own lines, in the order they had. */
        if (from == b && c->keeps && fits(c, b))
            continue;
        fetch(c, &b->misses[i], b, jumped, from->end - 1);
    }
    if (generation == before)
        make_memo(b, jumped);
}

/* The block whose lines joint caches look up, or NULL, and up to where each has. */
static struct block *fetching;
static uint32_t fetched;

static void fetch_on(uint32_t end)
{
    fetched = UINT32_MAX;
    for (unsigned i = 0; i < n_joint; i++) {
        struct cache *c = &caches[joint[i]];
        uint32_t last = (end - 1 + c->phase) >> c->sector_shift;
        if (c->next <= last) {
            if (goes_through(c, fetching->start))
                (c->keeps ? fetch_lines : fetch_sectors)(c, &fetching->misses[joint[i]], c->next,
                                                         last, c->next == c->target);
            c->next = last + 1;
        }
        uint32_t until = (c->next << c->sector_shift) - c->phase;
        fetched = until < fetched ? until : fetched;
    }
}

static inline void fetch_until(uint32_t end)
{
    if (end > fetched)
        fetch_on(end);
}

static void fetch_rest(void)
{
    if (fetching)
        fetch_until(fetching->end);
    fetching = NULL;
}

static inline void begin_fetching(struct block *b, const struct block *from, bool jumped)
{
    bool goes_on = !jumped && fetching == from;
    fetch_rest();
    fetching = b;
    if (goes_on)
        return;
    fetched = b->start;
    for (unsigned i = 0; i < n_joint; i++) {
        struct cache *c = &caches[joint[i]];
        c->next = span_of(c, b, jumped).first;
        c->target = jumped ? c->next : UINT32_MAX;
    }
}

static inline void fetch_block(struct block *b, const struct block *from)
{
    if (caches_rest)
        return;
    bool jumped = from->end != b->start;
    if (n_joint)
        begin_fetching(b, from, jumped);
    if (!remembers)
        return;
    if (__builtin_expect(b->memo[jumped] == generation, 1))
        note_runs(b, jumped, 1);
    else
        look_up(b, from, jumped);
}

/* A loop's turns after the first, in caches that do not keep all of it: they are alike, but for
 * the first jump to its start. */
static void fetch_turns(struct block *b, uint64_t n)
{
    if (caches_rest)
        return;
    if (b->memo[1] == generation) {
        note_runs(b, true, n);
        return;
    }
    tell_waiting();
    uint64_t before = generation;
    for (unsigned i = 0; i < n_caches; i++) {
        struct cache *c = &caches[i];
        if (c->is_data || c->keeps || !goes_through(c, b->start))
            continue;
        struct misses turn = {0};
        fetch(c, &turn, b, true, 0);
        b->misses[i].jump += turn.jump;
        b->misses[i].sequential += turn.sequential * n;
    }
    if (generation == before)
        make_memo(b, true);
}

static bool watched_by_cache(int segment)
{
    for (unsigned i = 0; i < n_caches; i++)
        if (caches[i].is_data && caches[i].segments >> segment & 1)
            return true;
    return false;
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

static void share_lines(struct cache *c, const struct cache *owner)
{
    c->line = owner->line;
    c->taken = owner->taken;
    c->slot_of = owner->slot_of;
    c->read = owner->read;
}

static void make_lines(struct cache *c)
{
    c->line = allocate(c->lines, sizeof *c->line);
    c->taken = allocate(c->sets, sizeof *c->taken);
    c->read = allocate(1, sizeof *c->read);
    *c->read = (uint32_t)NO_SECTOR;
    size_t bytes = ((size_t)1 << (32 - c->shift)) * sizeof *c->slot_of;
    c->slot_of = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (c->slot_of == MAP_FAILED)
        fail("out of memory");
}

/* As after add_cache. */
static void forget_lines(void)
{
    tell_waiting();
    generation++;
    for (struct cache *c = caches; c < caches + n_caches; c++) {
        for (uint32_t set = 0; set < c->sets; set++)
            for (uint32_t i = 0; i < c->taken[set]; i++)
                c->slot_of[c->line[set * c->ways + i].number] = 0;
        memset(c->taken, 0, c->sets * sizeof *c->taken);
        *c->read = (uint32_t)NO_SECTOR;
    }
}

/* A statement of the configuration, see plugin.c. */
static void add_cache(const unsigned value[10])
{
    uint32_t lines = value[1], bytes = value[2], ways = value[3], sector = value[6];
    uint32_t phase = value[8], owner = value[9];
    if (n_caches == MAX_CACHES || !lines || lines > UINT16_MAX - 1 || !ways || lines % ways
        || bytes & (bytes - 1) || sector & (sector - 1) || sector < 4 || sector > bytes
        || bytes / sector > 16 || phase >= bytes || owner > n_caches)
        fail("a cache that cannot be built");
    struct cache *c = &caches[n_caches++];
    c->is_data = value[0];
    c->lines = lines;
    c->shift = (uint32_t)__builtin_ctz(bytes);
    c->sector_shift = (uint32_t)__builtin_ctz(sector);
    c->phase = phase;
    c->ways = ways;
    c->sets = lines / ways;
    c->allocates = value[4];
    c->segments = value[5];
    c->keeps = value[7];
    has_data_cache = has_data_cache || c->is_data;
    if (owner)
        share_lines(c, &caches[owner - 1]);
    else
        make_lines(c);
    for (struct cache *other = caches; other < c; other++)
        if (other->line == c->line && (other->is_joint || other->is_data != c->is_data))
            other->is_joint = c->is_joint = true;
    remembers = false;
    n_joint = 0;
    for (unsigned i = 0; i < n_caches; i++) {
        caches[i].remembers = !caches[i].is_data && !caches[i].is_joint;
        remembers |= caches[i].remembers;
        if (caches[i].is_joint && !caches[i].is_data)
            joint[n_joint++] = i;
    }
    for (unsigned slot = 0; c->is_data && slot < SEGMENTS; slot++)
        if (c->segments >> segment_of_slot(slot) & 1)
            data_caches[slot].cache[data_caches[slot].n++] = n_caches - 1;
}

#endif // SIMBENCH_PLUGIN_CACHES_H_
