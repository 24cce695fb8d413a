// clang-format Language: C
/* Thumb decoding, as far as loads, stores and the registers written go. */
#ifndef SIMBENCH_PLUGIN_DECODE_H_
#define SIMBENCH_PLUGIN_DECODE_H_

#include <stdbool.h>
#include <stdint.h>

enum { NO_BASE = 16, EVERY_REGISTER = 0xFFFF };
enum shape { NOT_MEMORY, SINGLE, DOUBLE, MULTIPLE, VECTOR };

struct decoded {
    enum shape shape;
    uint8_t base;     /* register, when the address is that register plus a small constant */
    uint16_t units;   /* accesses an execution, when it executes */
    uint16_t written; /* registers that no longer hold what they held plus a small constant */
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
    case 4 ... 5: return accesses(MULTIPLE, 13, (unsigned)__builtin_popcount(list) + extra, 0);
    case 12 ... 13: return accesses(MULTIPLE, 13, (unsigned)__builtin_popcount(list) + extra, list);
    case 2:
    case 10: return writes(bit(w & 7));
    default: return writes(0);
    }
}

static struct decoded decode_data16(unsigned w)
{
    static const unsigned compares = 1u << 8 | 1u << 10 | 1u << 11;
    if (w >> 10 == 16)
        return writes(compares >> (w >> 6 & 15) & 1 ? 0 : bit(w & 7));
    switch (w >> 8 & 3) {
    case 0:
    case 2: return writes(bit((w >> 4 & 8) | (w & 7)));
    default: return writes(0);
    }
}

static struct decoded decode16(unsigned w)
{
    unsigned low = w & 7, middle = w >> 3 & 7, high = w >> 8 & 7;
    bool load = w >> 11 & 1;
    switch (w >> 11) {
    case 0 ... 2: return writes(bit(low));
    case 3: /* add or subtract: a small constant to the same register moves it only a little */
        return writes((w >> 10 & 1) && low == middle ? 0 : bit(low));
    case 4: return writes(bit(high));
    case 5 ... 7: return writes(0); /* compare, add, subtract a constant */
    case 8: return decode_data16(w);
    case 9: return accesses(SINGLE, 15, 1, bit(high));
    case 10 ... 11: return accesses(SINGLE, NO_BASE, 1, (w >> 9 & 7) >= 3 ? bit(low) : 0);
    case 12 ... 17: return accesses(SINGLE, middle, 1, load ? bit(low) : 0);
    case 18 ... 19: return accesses(SINGLE, 13, 1, load ? bit(high) : 0);
    case 20 ... 21: return writes(bit(high));
    case 22 ... 23: return decode_misc16(w);
    case 24 ... 25:
        return accesses(MULTIPLE, high, (unsigned)__builtin_popcount(w & 0xFF),
                        load ? w & 0xFF : 0);
    default: return writes(0);
    }
}

/* LDRD, STRD, exclusives, table branches, TT. */
static struct decoded decode_dual(unsigned first, unsigned second)
{
    unsigned base = first & 15, t = second >> 12, t2 = second >> 8 & 15;
    if (first & 0x0120)
        return accesses(DOUBLE, base, 2, first >> 4 & 1 ? bit(t) | bit(t2) : 0);
    if ((first & 0xFFF0) == 0xE840 && (second & 0xF03F) == 0xF000)
        return writes(bit(t2));
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
    if ((first & 0xFFBF) == 0xEC9F) /* clears registers */
        return writes(0);
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
    bool is_transfer = (first & 0x03A0) == 0, load = first >> 4 & 1;
    bool is_access = (first & 0x0200) == 0 && !is_transfer && coprocessor != 8; /* 8: vector sums */
    bool of_status = (first & 0x1000) == 0 && (first & 0x0120) && (second & 0x1F80) == 0x0F80;
    if (is_access && of_status)
        return accesses(SINGLE, first & 15, 1, 0);
    if (is_access)
        return is_float && !(first & 0x1000) ? decode_float_access(first, second)
                                             : accesses(VECTOR, NO_BASE, 1, EVERY_REGISTER);
    if (!is_float)
        return writes(EVERY_REGISTER);
    if (is_transfer)
        return writes(load ? bit(second >> 12) | bit(first & 15) : 0);
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
    if ((first & 0xFFF0) == 0xEA50 && (second & 0x810D) == 0x010D) /* shifts one or two registers */
        return writes(to == 15 ? bit(first & 15) : bit(first & 14) | bit(to));
    if ((first & 0xFF80) == 0xFB80)
        return writes(bit(to) | bit(low));
    return writes(to == 15 ? 0 : bit(to));
}

static uint32_t width(const uint16_t word[2])
{
    return word[0] >= 0xE800 ? 4 : 2;
}

static struct decoded decode(const uint16_t word[2])
{
    return width(word) == 4 ? decode32(word[0], word[1]) : decode16(word[0]);
}

/* How many of the next instructions an IT makes conditional; 0 for anything else. */
static uint32_t made_conditional(const uint16_t word[2])
{
    bool is_if_then = word[0] >> 8 == 0xBF && (word[0] & 15);
    return is_if_then ? 4 - (uint32_t)__builtin_ctz(word[0]) : 0;
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

/* The offset of a branch of 32 bits, with J1 and J2 as they are. */
static uint32_t wide_offset(unsigned first, unsigned second)
{
    return (second & 0x7FF) << 1 | (first & 0x3FF) << 12 | (second >> 11 & 1) << 22
           | (second >> 13 & 1) << 23 | (first >> 10 & 1) << 24;
}

/* Where a branch, conditional or not, or a call leads that says so itself; 0 for anything else. */
static uint32_t direct_target(const uint16_t word[2], uint32_t address)
{
    unsigned first = word[0], second = word[1];
    uint32_t target = conditional_target(word, address);
    if (target)
        return target;
    if (width(word) == 2) {
        if (first >> 11 == 28)
            return address + 4 + (uint32_t)((int32_t)(first << 21) >> 20);
        if ((first & 0xF500) == 0xB100)
            return address + 4 + ((first >> 3 & 31) << 1 | (first >> 9 & 1) << 6);
        return 0;
    }
    if (first >> 11 != 30 || (second & 0x9000) != 0x9000)
        return 0;
    uint32_t offset = wide_offset(first, second), sign = offset >> 24 & 1;
    offset ^= sign ? 0 : 3u << 22; /* J1 and J2 differ from I1 and I2 where the sign is clear */
    return address + 4 + (uint32_t)((int32_t)(offset << 7) >> 7);
}

/* Whether an instruction uses the state that the FPU shares with MVE: registers, status,
 * predicates.
 */
static bool uses_floats(const uint16_t word[2])
{
    static const unsigned numbers = 1u << 8 | 1u << 9 | 1u << 10 | 1u << 11 | 1u << 14 | 1u << 15;
    if (width(word) == 2)
        return false;
    bool is_coprocessor = (word[0] & 0xEC00) == 0xEC00 && numbers >> (word[1] >> 8 & 15) & 1;
    bool is_predicate = (word[0] & 0xFFC0) == 0xF000 && word[1] == 0xE801; /* VCTP */
    return is_coprocessor || is_predicate || (word[0] & 0xEF00) == 0xEF00;
}

#endif // SIMBENCH_PLUGIN_DECODE_H_
