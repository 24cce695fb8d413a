// clang-format Language: C
/* QEMU's plugin interface, as far as it is used here, and what differs between its versions. No
 * header of it is packaged, so the few prototypes used are declared here. */
#ifndef SIMBENCH_PLUGIN_QEMU_H_
#define SIMBENCH_PLUGIN_QEMU_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "blocks.h"

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

void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, exec_callback *, int, void *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, exec_callback *, int,
                                            void *);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *, mem_callback *, int, int, void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
unsigned qemu_plugin_mem_size_shift(mem_info);
bool qemu_plugin_mem_is_store(mem_info);

/* What callbacks are called with: from 7 on a pointer of the plugin's own, which it has no use for,
 * in place of its number; and what is given with a callback for that. */
#if SIMBENCH_PLUGIN_API >= 7
#define TRANSLATION_ARGUMENTS struct qemu_plugin_tb *tb, void *user
#define EXIT_ARGUMENTS void *user
#define RESET_ARGUMENTS void *user
#define WITH_A_POINTER , void *
#define WITH_NO_POINTER , NULL
#else
#define TRANSLATION_ARGUMENTS plugin_id id, struct qemu_plugin_tb *tb
#define EXIT_ARGUMENTS plugin_id id, void *user
#define RESET_ARGUMENTS plugin_id id
#define WITH_A_POINTER
#define WITH_NO_POINTER
#endif
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id,
                                           void (*)(TRANSLATION_ARGUMENTS) WITH_A_POINTER);
void qemu_plugin_reset(plugin_id, void (*)(RESET_ARGUMENTS) WITH_A_POINTER);
void qemu_plugin_register_atexit_cb(plugin_id, void (*)(EXIT_ARGUMENTS), void *);

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

enum { MAX_LOOPS = 4096 };

/* The turns of each loop, which QEMU adds to inline; the first entry is all loops together. */
static uint64_t *turns;

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

#endif // SIMBENCH_PLUGIN_QEMU_H_
