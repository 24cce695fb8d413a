/* Counts what a Cortex-M core executes, for simbench. Policy-free: it counts, Python thinks.
 *
 *   qemu.h         QEMU's plugin interface, and what differs between its versions
 *   decode.h       Thumb instructions: what they access, which registers they write
 *   blocks.h       what is counted, and where it is kept
 *   caches.h       caches and what an execution or an access does to them
 *   tasks.h        which task of an RTOS it is in
 *   exceptions.h   which exception the core is in
 *   records.h      what is written, and the windows it is written for
 *   execute.h      callbacks: a block is executed, an access made
 *   translate.h    what to watch of a block when QEMU translates it
 *   plugin.c       the configuration, the start and the end: all is one translation unit
 *
 * Argument: config=FILE, a text file of one statement a line:
 *   output PATH                 where the counts go
 *   marker KIND ADDRESS         KIND 0 opens a window, 1 closes it, 2 opens a layer, 3 closes it;
 *                               4 opens a window where none is open, 0 begins an open one anew;
 *                               5 lets caches rest but in a window, from the start on too where
 *                               there is one, and 6, like 0, wakes them; 7 closes the window that
 *                               is open and opens the next; 8 opens one where none is open and it
 *                               is called or branched to, not run into, and its return closes it
 *   segment INDEX START END     addresses whose accesses are counted under INDEX (0..3); else 4
 *   base REGISTER INDEX         what REGISTER (13 or 15) points at always is in segment INDEX
 *   grouping 0|1                one probe may serve all accesses through one unchanged base
 *   pieces 0|1                  a block is counted in pieces, as it may be left at an access
 *   tasks ADDRESS [NAME ELSEWHERE]
 *                               an RTOS has a pointer to its current task at ADDRESS; NAME bytes
 *                               behind what that points at the task's name is or, with ELSEWHERE, a
 *                               pointer to it
 *   cache KIND LINES BYTES WAYS ALLOCATE SEGMENTS SECTOR KEEPS PHASE OWNER
 *                               KIND 0 instruction, 1 data; ALLOCATE: stores do; SEGMENTS: a bit
 *                               mask; SECTOR: bytes a miss reads; KEEPS: also what execution ran on
 *                               into; PHASE: added to every address; OWNER: whose lines it shares,
 *                               counted from 1, or 0
 *   limit N                     instructions a window may take
 *   windows N LEAVE             how many are counted, 0 is all; the core then runs on uncounted,
 *                               and with LEAVE at full speed
 *   restart ADDRESS             where the firmware begins: executed, nothing is left of what ran
 *   leash DESCRIPTOR            a pipe; when its other end is gone, so are we
 *
 * Output: records of {u32 kind, u32 bytes} and that many bytes, little endian; see records.py.
 */
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "blocks.h"
#include "caches.h"
#include "exceptions.h"
#include "execute.h"
#include "qemu.h"
#include "records.h"
#include "tasks.h"
#include "translate.h"

enum { WATCH_INTERVAL_MS = 100, OUTPUT_BUFFER = 1 << 20 };

static const struct block *current(void)
{
    return !turns || turns[0] == turns_settled ? previous : turning_loop();
}

static void at_exit(EXIT_ARGUMENTS)
{
    pthread_mutex_lock(&writing);
    write_place(LAST, current()->start);
}

/* A loop that never ends calls nobody, so its limit is kept from here: a turn is an instruction at
 * least. The number of the other loops' turns that are still to be settled is zero then. */
static void *keep_watch(void *user)
{
    struct pollfd leash = {.fd = (int)(intptr_t)user};
    for (;;) {
        if (poll(&leash, 1, WATCH_INTERVAL_MS) > 0)
            _exit(0);
        if (in_window && (int64_t)(turns[0] - turns_settled) > budget)
            over_limit(current());
    }
}

static void start_watching(int descriptor)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, keep_watch, (void *)(intptr_t)descriptor))
        fail("cannot start a thread");
}

static void add_segment(unsigned index, uint32_t start, uint32_t end)
{
    if (index >= OTHER || start & 255 || end & 255)
        fail("a segment that does not start and end at a multiple of 256");
    if (end > start)
        memset(map + (start >> 8), (int)slot_of_segment(index), (end - start) >> 8);
}

static void add_marker(uint32_t kind, uint32_t address)
{
    if (config.n_markers == MAX_MARKERS || kind >= NO_MARKER)
        fail("a marker too many");
    config.markers[config.n_markers++] = (struct marker){kind, address};
    config.begins_at_rest |= kind == CACHES_REST;
    caches_rest = config.begins_at_rest;
}

static void read_cache(const char *numbers)
{
    unsigned v[10];
    int n = sscanf(numbers, "%u %u %u %u %u %u %u %u %u %u", v, v + 1, v + 2, v + 3, v + 4, v + 5,
                   v + 6, v + 7, v + 8, v + 9);
    if (n != 10)
        fail("a cache that is not ten numbers");
    add_cache(v);
}

static void read_tasks(const char *numbers)
{
    int n = sscanf(numbers, "%u %u %u", &tasks.pointer, &tasks.name_at, &tasks.is_name_elsewhere);
    if (n != 1 && n != 3)
        fail("tasks that are not one number, or three");
    tasks.are_known = true;
    tasks.have_names = n == 3;
    find_memory();
}

static void read_statement(char *line)
{
    unsigned v[3], n;
    unsigned long long limit;
    line[strcspn(line, "\n")] = 0;
    if (!strncmp(line, "output ", 7)) {
        config.output = fopen(line + 7, "wb");
        if (!config.output || setvbuf(config.output, NULL, _IOFBF, OUTPUT_BUFFER))
            fail("cannot write the counts");
    } else if (sscanf(line, "marker %u %u", v, v + 1) == 2) {
        add_marker(v[0], v[1]);
    } else if (sscanf(line, "segment %u %u %u", v, v + 1, v + 2) == 3) {
        add_segment(v[0], v[1], v[2]);
    } else if (sscanf(line, "base %u %u", v, v + 1) == 2 && v[0] < 16 && v[1] < OTHER) {
        config.base_segment[v[0]] = (int)v[1];
    } else if (sscanf(line, "restart %u", &n) == 1) {
        config.restart = n;
    } else if (sscanf(line, "grouping %u", &n) == 1) {
        config.grouping = n;
    } else if (sscanf(line, "pieces %u", &n) == 1) {
        config.pieces = n;
    } else if (!strncmp(line, "tasks ", 6)) {
        read_tasks(line + 6);
    } else if (!strncmp(line, "cache ", 6)) {
        read_cache(line + 6);
    } else if (sscanf(line, "leash %u", &n) == 1) {
        start_watching((int)n);
    } else if (sscanf(line, "limit %llu", &limit) == 1) {
        config.limit = limit;
    } else if (sscanf(line, "windows %u %u", v, v + 1) == 2) {
        config.windows = windows_left = v[0];
        config.leaves = v[1];
    } else {
        fail("a statement it does not know in its configuration");
    }
}

static void read_config(const char *path)
{
    char line[4608];
    FILE *file = fopen(path, "r");
    if (!file)
        fail("cannot read its configuration");
    while (fgets(line, sizeof line, file))
        read_statement(line);
    fclose(file);
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    (void)info;
    own_id = id;
    for (unsigned r = 0; r < 16; r++)
        config.base_segment[r] = -1;
    config.limit = INT64_MAX;
    config.restart = UINT32_MAX;
    map = mmap(NULL, (size_t)1 << 24, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED)
        fail("out of memory");
    if (argc != 1 || strncmp(argv[0], "config=", 7))
        fail("needs config=FILE");
    make_turns();
    read_config(argv[0] + 7);
    sees_alignment = has_data_cache || !config.grouping;
    if (config.pieces)
        find_core();
    if (!config.output)
        fail("needs an output");
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate WITH_NO_POINTER);
    qemu_plugin_register_atexit_cb(id, at_exit, NULL);
    return 0;
}
