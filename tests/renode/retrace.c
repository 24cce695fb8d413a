/* A QEMU plugin of the tests: writes what the core executes in the layout of Renode's binary
 * execution trace (format version 4, see simbench/backends/renode/trace.py), so that the reading
 * and counting of such traces is tested on real runs where there is no Renode. Arguments:
 * output=FILE, and begin=ADDRESS, end=ADDRESS: write only from the one to a little after the other.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id;
typedef uint32_t mem_info;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { NO_REGISTERS = 0, READS_AND_WRITES = 3 };

/* from 7 on callbacks get a pointer of the plugin's own in place of its number */
#if SIMBENCH_PLUGIN_API >= 7
#define TRANSLATION_ARGUMENTS struct qemu_plugin_tb *tb, void *user
#define EXIT_ARGUMENTS void *user
#define WITH_A_POINTER , void *
#define WITH_NO_POINTER , NULL
#else
#define TRANSLATION_ARGUMENTS plugin_id user, struct qemu_plugin_tb *tb
#define EXIT_ARGUMENTS plugin_id id, void *user
#define WITH_A_POINTER
#define WITH_NO_POINTER
#endif

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id,
                                           void (*)(TRANSLATION_ARGUMENTS) WITH_A_POINTER);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned, void *),
                                            int, void *);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *,
                                      void (*)(unsigned, mem_info, uint64_t, void *), int, int,
                                      void *);
void qemu_plugin_register_atexit_cb(plugin_id, void (*)(EXIT_ARGUMENTS), void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
bool qemu_plugin_mem_is_store(mem_info);
#if SIMBENCH_PLUGIN_API >= 3
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *, void *, size_t);
#else
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
#endif

EXPORT int qemu_plugin_version = SIMBENCH_PLUGIN_API;

struct instruction {
    uint32_t address;
    uint8_t width;
    uint8_t opcode[4];
};

enum { AFTER_THE_END = 64 };

static FILE *output;
static bool is_open; /* the last instruction's data may go on */
static uint32_t begin, end;
static unsigned left = 1; /* instructions to write; while between begin and end, it stays */
static bool is_between = true;

static void end_instruction(void)
{
    if (is_open)
        fputc(0, output);
    is_open = false;
}

static void on_instruction(unsigned cpu, void *user)
{
    const struct instruction *i = user;
    (void)cpu;
    end_instruction();
    if (begin && i->address == begin)
        left = AFTER_THE_END, is_between = true;
    else if (begin && i->address == end)
        is_between = false;
    if (!left || (!is_between && !--left))
        return;
    fwrite(&i->address, 4, 1, output);
    fputc(i->width, output);
    fwrite(i->opcode, i->width, 1, output);
    is_open = true;
}

static void on_access(unsigned cpu, mem_info info, uint64_t address, void *user)
{
    uint64_t words[3] = {address, 0, address};
    (void)cpu;
    (void)user;
    if (!is_open)
        return;
    fputc(1, output);
    fputc(qemu_plugin_mem_is_store(info) ? 3 : 2, output);
    fwrite(words, sizeof words, 1, output);
}

static void on_translation(TRANSLATION_ARGUMENTS)
{
    (void)user;
    for (size_t n = 0; n < qemu_plugin_tb_n_insns(tb); n++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, n);
        struct instruction *i = calloc(1, sizeof *i);
#if SIMBENCH_PLUGIN_API >= 3
        qemu_plugin_insn_data(insn, i->opcode, sizeof i->opcode);
#else
        memcpy(i->opcode, qemu_plugin_insn_data(insn), 2);
        if (i->opcode[1] >= 0xE8)
            memcpy(i->opcode, qemu_plugin_insn_data(insn), 4);
#endif
        i->width = i->opcode[1] >= 0xE8 ? 4 : 2;
        i->address = (uint32_t)qemu_plugin_insn_vaddr(insn);
        qemu_plugin_register_vcpu_insn_exec_cb(insn, on_instruction, NO_REGISTERS, i);
        qemu_plugin_register_vcpu_mem_cb(insn, on_access, NO_REGISTERS, READS_AND_WRITES, i);
    }
}

static void at_exit(EXIT_ARGUMENTS)
{
#if SIMBENCH_PLUGIN_API < 7
    (void)id;
#endif
    (void)user;
    end_instruction();
    fclose(output);
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    static const char header[] = "ReTrace\4\4\1\0\17thumb cortex-m4";
    (void)info;
    for (int n = 0; n < argc; n++) {
        const char *value = strchr(argv[n], '=') + 1;
        if (!strncmp(argv[n], "output=", 7))
            output = fopen(value, "wb");
        else if (!strncmp(argv[n], "begin=", 6))
            begin = (uint32_t)strtoul(value, NULL, 0), left = 0;
        else if (!strncmp(argv[n], "end=", 4))
            end = (uint32_t)strtoul(value, NULL, 0);
    }
    if (!output)
        return 1;
    fwrite(header, sizeof header - 1, 1, output);
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation WITH_NO_POINTER);
    qemu_plugin_register_atexit_cb(id, at_exit, NULL);
    return 0;
}
