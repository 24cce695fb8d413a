// clang-format Language: C
/* What QEMU exports for its own modules, as far as it is used here. No header of it is packaged, so
 * the few prototypes used are declared here. */
#ifndef SIMBENCH_CHIP_EXPORTS_H_
#define SIMBENCH_CHIP_EXPORTS_H_

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef uint64_t read_function(void *, uint64_t, unsigned);
typedef void write_function(void *, uint64_t, uint64_t, unsigned);

/* As QEMU's MemoryRegionOps: these members, in this order, since 2.12. */
struct region_ops {
    read_function *read;
    write_function *write;
    void *with_attributes[2];
    int endianness;
    struct {
        unsigned least, most;
        bool unaligned;
        void *accepts;
    } valid;
    struct {
        unsigned least, most;
        bool unaligned;
    } implemented;
    void *reserved[8];
};

struct notifier {
    void (*notify)(struct notifier *, void *);
    void *node[2];
};

/* What QEMU exports. */
static struct {
    void *(*qemu_get_cpu)(int);
    void *(*object_property_get_link)(void *, const char *, void **);
    void (*memory_region_init_ram)(void *, void *, const char *, uint64_t, void **);
    void (*memory_region_init_io)(void *, void *, const struct region_ops *, void *, const char *,
                                  uint64_t);
    void (*memory_region_init_alias)(void *, void *, const char *, void *, uint64_t, uint64_t);
    void *(*memory_region_get_ram_ptr)(void *);
    void (*memory_region_add_subregion_overlap)(void *, uint64_t, void *, int);
    void *(*object_resolve_path_type)(const char *, const char *, bool *);
    int64_t (*object_property_get_int)(void *, const char *, void **);
    void *(*qdev_get_gpio_in)(void *, int);
    void (*qemu_set_irq)(void *, int);
    void (*lock)(const char *, int);
    void (*unlock)(void);
    void (*qemu_add_machine_init_done_notifier)(struct notifier *);
    void **error_fatal;
} qemu;

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "simbench chip: %s\n", what);
    exit(2);
}

static void *find(const char *name)
{
    void *found = dlsym(RTLD_DEFAULT, name);
    if (!found) {
        fprintf(stderr,
                "simbench chip: this QEMU was built without modules and does not export %s\n",
                name);
        exit(2);
    }
    return found;
}

#define FIND(name) qemu.name = find(#name)

static void find_exports(void)
{
    FIND(qemu_get_cpu);
    FIND(object_property_get_link);
    FIND(memory_region_init_ram);
    FIND(memory_region_init_io);
    FIND(memory_region_init_alias);
    FIND(memory_region_get_ram_ptr);
    FIND(memory_region_add_subregion_overlap);
    FIND(qemu_add_machine_init_done_notifier);
    FIND(object_resolve_path_type);
    FIND(object_property_get_int);
    FIND(qdev_get_gpio_in);
    FIND(qemu_set_irq);
    FIND(error_fatal);
    qemu.lock = dlsym(RTLD_DEFAULT, "bql_lock_impl");
    if (!qemu.lock)
        qemu.lock = find("qemu_mutex_lock_iothread_impl");
    qemu.unlock = dlsym(RTLD_DEFAULT, "bql_unlock");
    if (!qemu.unlock)
        qemu.unlock = find("qemu_mutex_unlock_iothread");
}

static void lock_emulator(void)
{
    qemu.lock(__FILE__, __LINE__);
}

static void unlock_emulator(void)
{
    qemu.unlock();
}

#endif
