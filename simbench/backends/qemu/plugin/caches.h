// clang-format Language: C
/* Caches of any geometry. The least recently used line goes first; a look-up takes constant time.
 *
 *   slot_of, by line number: its slot plus one, or 0        line, by slot; a set has `ways` of them
 *   +---+---+---+---+---+---+---+--                         +----------+----------+----------+--
 *   | 0 | 2 | 0 | 3 | 0 | 1 | 0 | ...                       | number 5 | number 1 | number 3 |
 *   +---+---+---+---+---+-|-+---+--                         | valid 11 | valid 01 | valid 11 | ...
 *                         +-------------------------------> +----------+----------+----------+--
 *                                                             |  -- newer --> -- newer -->  |
 *   oldest[set] and newest[set] are the ends of a list        |  <-- older -- <-- older --  |
 *   through the used[set] slots in use of a set             oldest                     newest
 *
 * A sector is what a miss reads, one or more of a line; valid has a bit for each. A cache that
 * shares the lines of another has its arrays. Pages of slot_of that no address needs do not exist.
 */
#ifndef SIMBENCH_PLUGIN_CACHES_H_
#define SIMBENCH_PLUGIN_CACHES_H_

#include <string.h>
#include <sys/mman.h>

#include "blocks.h"

struct line {
    uint32_t number, newer, older, valid; /* valid: one bit a sector */
};

struct cache {
    bool is_data, allocates, keeps;
    uint32_t lines, shift, sector_shift, phase, ways, sets, segments;
    uint16_t *slot_of;
    struct line *line;
    uint32_t *newest, *oldest, *used;
};

static struct cache caches[MAX_CACHES];
static unsigned n_caches;
static bool has_data_cache;
static bool is_joint;    /* code and data share lines: their order counts */
static bool caches_rest; /* they see nothing */

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

static bool fits(const struct cache *c, const struct block *b)
{
    return ((b->end - 1 + c->phase) >> c->shift) - ((b->start + c->phase) >> c->shift) < c->lines;
}

static void fetch_block(struct block *b, const struct block *from)
{
    if (caches_rest)
        return;
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
    if (caches_rest)
        return;
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
    c->newest = owner->newest;
    c->oldest = owner->oldest;
    c->used = owner->used;
    c->slot_of = owner->slot_of;
}

static void make_lines(struct cache *c)
{
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

/* As after add_cache. */
static void forget_lines(void)
{
    for (struct cache *c = caches; c < caches + n_caches; c++) {
        for (uint32_t set = 0; set < c->sets; set++)
            for (uint32_t i = 0; i < c->used[set]; i++)
                c->slot_of[c->line[set * c->ways + i].number] = 0;
        memset(c->newest, 0xFF, c->sets * sizeof *c->newest);
        memset(c->oldest, 0xFF, c->sets * sizeof *c->oldest);
        memset(c->used, 0, c->sets * sizeof *c->used);
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
    if (!owner) {
        make_lines(c);
        return;
    }
    share_lines(c, &caches[owner - 1]);
    is_joint = is_joint || c->is_data != caches[owner - 1].is_data;
}

#endif // SIMBENCH_PLUGIN_CACHES_H_
