// clang-format Language: C
/* Nordic's UART with DMA, as far as firmware uses it: what is sent is gone at once, and what comes
 * is put where the firmware asked, a byte at a time. Source: nRF52840 PS v1.1, section 6.34, UARTE.
 */
#ifndef SIMBENCH_CHIP_DMA_H_
#define SIMBENCH_CHIP_DMA_H_

#include <stdbool.h>
#include <stdint.h>

enum {
    START_RX = 0x000,
    STOP_RX = 0x004,
    START_TX = 0x008,
    STOP_TX = 0x00c,
    EVENTS = 0x100,
    RX_READY = 0x108,
    END_RX = 0x110,
    TX_READY = 0x11c,
    END_TX = 0x120,
    RX_TIMEOUT = 0x144,
    RX_STARTED = 0x14c,
    TX_STARTED = 0x150,
    TX_STOPPED = 0x158,
    INTERRUPTS = 0x300,
    ENABLE_INTERRUPTS = 0x304,
    DISABLE_INTERRUPTS = 0x308,
    ENABLE = 0x500,
    RX_POINTER = 0x534,
    RX_COUNT = 0x538,
    RX_AMOUNT = 0x53c,
    TX_POINTER = 0x544,
    TX_COUNT = 0x548,
    TX_AMOUNT = 0x54c,
    ENABLED_WITH_DMA = 8,
    N_EVENTS = 32
};

/* The bytes of the chip's memory from `address` on, `count` of them, or NULL. */
static uint8_t *chip_memory(uint32_t address, uint32_t count);

static bool dma_is_on(const struct uart *u)
{
    return (u->words[ENABLE / 4] & 0xf) == ENABLED_WITH_DMA;
}

/* The bit of an event's interrupt is the number of its register. */
static bool dma_asks(const struct uart *u)
{
    if (u->receives && byte_has_come())
        return u->enabled & (1u << (RX_READY - EVENTS) / 4 | 1u << (END_RX - EVENTS) / 4);
    for (unsigned i = 0; i < N_EVENTS; i++)
        if (u->words[EVENTS / 4 + i] && u->enabled >> i & 1)
            return true;
    return false;
}

static void dma_end(struct uart *u)
{
    u->receives = false;
    u->words[RX_AMOUNT / 4] = u->received;
    u->words[END_RX / 4] = 1;
}

static void dma_receive(struct uart *u)
{
    while (u->receives && byte_has_come()) {
        uint8_t *place = chip_memory(u->words[RX_POINTER / 4] + u->received, 1);
        if (!place || read(uart_line, place, 1) != 1)
            return;
        u->words[RX_READY / 4] = 1;
        if (++u->received >= u->words[RX_COUNT / 4])
            dma_end(u);
    }
}

static void dma_send(struct uart *u)
{
    uint32_t count = u->words[TX_COUNT / 4];
    const uint8_t *bytes = chip_memory(u->words[TX_POINTER / 4], count);
    if (bytes)
        uart_send(bytes, count);
    u->words[TX_AMOUNT / 4] = bytes ? count : 0;
    u->words[TX_STARTED / 4] = u->words[TX_READY / 4] = u->words[END_TX / 4] = 1;
}

static void dma_write(struct uart *u, uint32_t offset, uint32_t value)
{
    switch (offset) {
    case START_RX:
        u->receives = true;
        u->received = 0;
        u->words[RX_STARTED / 4] = 1;
        break;
    case STOP_RX:
        if (u->receives)
            dma_end(u);
        u->words[RX_TIMEOUT / 4] = 1;
        break;
    case START_TX: dma_send(u); break;
    case STOP_TX: u->words[TX_STOPPED / 4] = 1; break;
    case INTERRUPTS: u->enabled = value; break;
    case ENABLE_INTERRUPTS: u->enabled |= value; break;
    case DISABLE_INTERRUPTS: u->enabled &= ~value;
    }
}

#endif
