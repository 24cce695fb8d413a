// clang-format Language: C
/* UARTs as far as firmware uses them: a byte comes, by polling or by interrupt, a byte goes, and
 * there is always room. All of a chip's are at one line, as it is not known which a board uses. */
#ifndef SIMBENCH_CHIP_UART_H_
#define SIMBENCH_CHIP_UART_H_

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "exports.h"

enum {
    UART_BYTES = 0x400,
    DMA_BYTES = 0x1000,
    UART_PATIENCE_US = 200,
    UART_ASLEEP_US = 20000,
    MAX_UARTS = 16
};

/* A UART with a status word and a data register for each direction. `idle` bits of the status are
 * always set, `waiting` bits where a byte has come, `empty` bits where none has; a byte interrupts
 * where `asks` bits of the register `control` are set. */
struct uart_kind {
    const char *name;
    uint32_t status, receive, transmit, idle, waiting, empty, control, asks;
    bool has_dma; /* as Nordic's; see dma.h */
};

static const struct uart_kind uart_kinds[] = {
    /* ISR, RDR, TDR: TXE, TC, TEACK, REACK; RXNE; CR1.RXNEIE (ST RM0432, 50.8) */
    {"stm32", 0x1c, 0x24, 0x28, 0x6000c0, 0x20, 0, 0x00, 0x20},
    /* SR, DR: TXE, TC; RXNE; CR1.RXNEIE (ST RM0090, 30.6) */
    {"stm32f4", 0x00, 0x04, 0x04, 0xc0, 0x20, 0, 0x0c, 0x20},
    /* FR, DR: TXFE; RXFE; IMSC.RXIM (Arm DDI 0183, 3.3) */
    {"pl011", 0x18, 0x00, 0x00, 0x80, 0, 0x10, 0x38, 0x10},
    /* STATE, DATA; RX full; CTRL.RXIE (Arm DDI 0479, 4.3) */
    {"cmsdk", 0x04, 0x00, 0x00, 0, 0x2, 0, 0x08, 0x8},
    /* EVENTS_RXDRDY, RXD, TXD; INTENSET.RXDRDY (nRF52840 PS, 6.33 and 6.34) */
    {"nrf", 0x108, 0x518, 0x51c, 0, 0x1, 0, 0x304, 0x4, true},
};

struct uart {
    const struct uart_kind *kind;
    uint32_t *words;
    void *interrupt; /* NULL where the firmware polls */
    bool is_raised, receives;
    uint32_t received, enabled;
};

static struct uart uarts[MAX_UARTS];
static unsigned n_uarts;
static int uart_line = -1;
static uint64_t sent_us, sent_core_us;
static clockid_t core_clock = CLOCK_MONOTONIC;

static const struct uart_kind *uart_kind(const char *name)
{
    for (unsigned i = 0; i < sizeof uart_kinds / sizeof *uart_kinds; i++)
        if (!strcmp(uart_kinds[i].name, name))
            return &uart_kinds[i];
    return NULL;
}

static uint32_t uart_bytes(const char *name)
{
    return uart_kind(name)->has_dma ? DMA_BYTES : UART_BYTES;
}

static uint64_t time_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Drivers that hold a lock while they send drop what comes meanwhile. As on a line of 115,200 baud,
 * no answer comes before the core has gone on for a while, or sleeps. */
static bool has_gone_on(void)
{
    return time_us(core_clock) - sent_core_us >= UART_PATIENCE_US
           || time_us(CLOCK_MONOTONIC) - sent_us >= UART_ASLEEP_US;
}

static void uart_send(const uint8_t *bytes, uint32_t count)
{
    while (count) {
        ssize_t sent = write(uart_line, bytes, count);
        if (sent < 0)
            break; /* whoever listened is gone */
        bytes += sent;
        count -= (uint32_t)sent;
    }
    pthread_getcpuclockid(pthread_self(), &core_clock);
    sent_core_us = time_us(core_clock);
    sent_us = time_us(CLOCK_MONOTONIC);
}

static bool byte_has_come(void)
{
    struct pollfd line = {.fd = uart_line, .events = POLLIN};
    return has_gone_on() && poll(&line, 1, 0) > 0 && line.revents & POLLIN;
}

#include "dma.h"

static bool uart_asks(struct uart *u)
{
    if (u->kind->has_dma && dma_is_on(u))
        return dma_asks(u);
    return u->words[u->kind->control / 4] & u->kind->asks && byte_has_come();
}

/* With QEMU's lock held. */
static void uart_interrupt(struct uart *u)
{
    bool raises = uart_asks(u);
    if (u->interrupt && raises != u->is_raised)
        qemu.qemu_set_irq(u->interrupt, u->is_raised = raises);
}

static uint32_t uart_read(struct uart *u, uint32_t offset)
{
    const struct uart_kind *k = u->kind;
    uint8_t byte = 0;
    if (k->has_dma && dma_is_on(u)) {
        dma_receive(u);
        return u->words[offset / 4];
    }
    if (offset == k->status)
        return k->idle | (byte_has_come() ? k->waiting : k->empty);
    if (offset != k->receive)
        return u->words[offset / 4];
    bool has_come = byte_has_come() && read(uart_line, &byte, 1) == 1;
    uart_interrupt(u);
    return has_come ? byte : 0;
}

static void uart_write(struct uart *u, uint32_t offset, uint32_t value)
{
    uint8_t byte = (uint8_t)value;
    if (u->kind->has_dma && dma_is_on(u))
        dma_write(u, offset, value);
    else if (offset == u->kind->transmit)
        uart_send(&byte, 1);
    uart_interrupt(u);
}

/* The core may sleep until a byte comes. */
static void *uart_listen(void *unused)
{
    struct pollfd line = {.fd = uart_line, .events = POLLIN};
    while (poll(&line, 1, -1) > 0 && !(line.revents & POLLHUP)) {
        lock_emulator();
        for (unsigned i = 0; i < n_uarts; i++)
            uart_interrupt(&uarts[i]);
        unlock_emulator();
        usleep(UART_PATIENCE_US);
    }
    return unused;
}

static void uart_start(void)
{
    pthread_t thread;
    if (n_uarts && pthread_create(&thread, NULL, uart_listen, NULL))
        fail("cannot start a thread");
}

#endif
