/* What Embench calls of a C library, a byte at a time, as a newlib that prefers size to speed has it:
 * the option is in the configuration of Embench's published results. Debian's prefers speed. */
#include <stddef.h>

#define AS_WRITTEN __attribute__((optimize("no-tree-loop-distribute-patterns")))

AS_WRITTEN void *memset(void *to, int value, size_t size)
{
    char *at = to;
    while (size--)
        *at++ = (char)value;
    return to;
}

AS_WRITTEN void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    char *at = to;
    const char *source = from;
    while (size--)
        *at++ = *source++;
    return to;
}

AS_WRITTEN void *memmove(void *to, const void *from, size_t size)
{
    char *at = to;
    const char *source = from;
    if (source < at && at < source + size) {
        source += size;
        at += size;
        while (size--)
            *--at = *--source;
    } else {
        while (size--)
            *at++ = *source++;
    }
    return to;
}

AS_WRITTEN int memcmp(const void *one, const void *other, size_t size)
{
    const unsigned char *a = one, *b = other;
    for (; size--; a++, b++)
        if (*a != *b)
            return *a - *b;
    return 0;
}

AS_WRITTEN size_t strlen(const char *text)
{
    const char *end = text;
    while (*end)
        end++;
    return (size_t)(end - text);
}

AS_WRITTEN char *strchr(const char *text, int value)
{
    while (*text && *text != (char)value)
        text++;
    return *text == (char)value ? (char *)text : NULL;
}
