// clang-format Language: C
/* Which task of an RTOS the core executes outside exceptions.
 *
 * The RTOS keeps a pointer to what it knows of the current one. It is looked at whenever an
 * exception returns to a process stack: there tasks change. A task is told by its address and its
 * name, as one that ended leaves its place to others.
 */
#ifndef SIMBENCH_PLUGIN_TASKS_H_
#define SIMBENCH_PLUGIN_TASKS_H_

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "blocks.h"

enum { NAME_BYTES = 32 }; /* of a name that is longer, the beginning */

struct task {
    uint32_t address;
    uint8_t name[NAME_BYTES];
    struct task *next;
};

/* Where the pointer is; how far behind what it points at the name is, or else a pointer to it. */
static struct {
    bool are_known, have_names;
    uint32_t pointer, name_at, is_name_elsewhere;
} tasks;

static struct task *all_tasks;
static struct task *task; /* the current one; NULL in exceptions, and where none is known */

/* What QEMU exports for its own modules, as in exceptions.h. The third argument of a reading, what
 * kind of access it is, is a struct of four bytes in 7.2 and of eight later; nothing is set. */
static struct {
    void *(*qemu_get_cpu)(int);
    void *(*cpu_get_address_space)(void *, int);
    uint32_t (*address_space_read_full)(void *, uint64_t, uint64_t, void *, uint64_t);
} memory;

static void *export_of(const char *name)
{
    void *found = dlsym(RTLD_DEFAULT, name);
    if (!found)
        fail("this QEMU does not export how to read a register or memory");
    return found;
}

static void find_memory(void)
{
    memory.qemu_get_cpu = export_of("qemu_get_cpu");
    memory.cpu_get_address_space = export_of("cpu_get_address_space");
    memory.address_space_read_full = export_of("address_space_read_full");
}

static bool read_memory(uint32_t address, void *to, uint32_t bytes)
{
    void *space = memory.cpu_get_address_space(memory.qemu_get_cpu(0), 0);
    return !memory.address_space_read_full(space, address, 0, to, bytes);
}

static void read_name(uint32_t of, uint8_t name[NAME_BYTES])
{
    uint32_t at = of + tasks.name_at;
    memset(name, 0, NAME_BYTES);
    if (!tasks.have_names)
        return;
    if (tasks.is_name_elsewhere && !read_memory(at, &at, sizeof at))
        return;
    if (!read_memory(at, name, NAME_BYTES))
        memset(name, 0, NAME_BYTES);
    size_t length = strnlen((const char *)name, NAME_BYTES);
    memset(name + length, 0, NAME_BYTES - length);
}

static struct task *current_task(void)
{
    struct task found = {.next = all_tasks};
    if (!read_memory(tasks.pointer, &found.address, sizeof found.address) || !found.address)
        return NULL;
    read_name(found.address, found.name);
    for (struct task *t = all_tasks; t; t = t->next)
        if (t->address == found.address && !memcmp(t->name, found.name, NAME_BYTES))
            return t;
    all_tasks = allocate(1, sizeof *all_tasks);
    *all_tasks = found;
    return all_tasks;
}

#endif // SIMBENCH_PLUGIN_TASKS_H_
