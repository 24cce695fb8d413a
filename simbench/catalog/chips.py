"""A chip beside its memories: what its registers read as, and its UARTs.

Registers are words that read as they were written. A firmware that sets its clocks up waits for
bits that the hardware sets; those few are named in the platform's file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from simbench.files.datafile import Table

PERIPHERALS = (0x40000000, 0x20000000)
"""Where every Cortex-M has its peripherals, and how much: Armv7-M ARM (DDI 0403E), B3.1."""
CONTROLLED = ("prefetch", "instruction_cache", "data_cache", "associative")
"""What a register's bits may control of a memory."""
UART_KINDS = ("stm32", "stm32f4", "pl011", "cmsdk", "nrf")
_FOLLOWS = re.compile(r"(?P<first>\d+)(-(?P<last>\d+))? to (?P<to>\d+)")
_WORD = 0xFFFFFFFF
_NO_INTERRUPT = -1
_UART, _NORDIC = 0x400, 0x1000  # bytes of its registers


@dataclass(frozen=True, slots=True)
class Span:
    """Addresses from ``address`` on, ``size_bytes`` of them."""

    address: int
    size_bytes: int

    def holds(self, address: int) -> bool:
        """Whether ``address`` is one of them."""
        return self.address <= address < self.address + self.size_bytes


@dataclass(frozen=True, slots=True)
class Follow:
    """Bits of a register that read as ``bits`` of the same one do, ``shift`` to their left."""

    bits: int
    shift: int


@dataclass(frozen=True, slots=True)
class Controls:
    """Bits of a register that decide what ``memory`` costs: that its prefetch is on, its caches
    are, and that they have the ways of the platform's file, where clear one."""

    memory: str
    prefetch: int | None = None
    instruction_cache: int | None = None
    data_cache: int | None = None
    associative: int | None = None


@dataclass(frozen=True, slots=True)
class Register:
    """What a register reads as, beside what was written: bits always ``set`` or ``clear``, bits
    that follow others, ``ticks`` more at each reading, and ``reset`` before any writing; and what
    it ``controls``."""

    name: str
    address: int
    set: int = 0
    clear: int = 0
    follows: tuple[Follow, ...] = ()
    reset: int = 0
    ticks: int = 0
    controls: Controls | None = None


@dataclass(frozen=True, slots=True)
class Uart:
    """The registers of a UART, of a kind of :data:`UART_KINDS`; ``interrupt`` is its number, -1
    where it has none."""

    name: str
    kind: str
    address: int
    interrupt: int


@dataclass(frozen=True, slots=True)
class Chip:
    """``blocks`` are registers beyond the peripherals of every core, ``memories`` those that are
    not priced."""

    registers: tuple[Register, ...] = ()
    uarts: tuple[Uart, ...] = ()
    blocks: tuple[Span, ...] = ()
    memories: tuple[Span, ...] = ()

    def register_at(self, address: int) -> str:
        """The name of the register at ``address``, or the address."""
        for register in self.registers:
            if register.address == address & ~3:
                return f"{register.name} ({address:#010x})"
        for uart in self.uarts:
            if Span(uart.address, _NORDIC if uart.kind == "nrf" else _UART).holds(address):
                return f"{uart.name}+{address - uart.address:#x} ({address:#010x})"
        return f"{address:#010x}"


def chip_from(table: Table) -> Chip:
    """The chip that ``table`` of a platform's file describes.

    Raises UsageError with line and key.
    """
    blocks = tuple(_spans(table, "blocks"))
    known = (Span(*PERIPHERALS), *blocks)
    chip = Chip(
        registers=tuple(_registers(table, known)),
        uarts=tuple(_uarts(table, known)),
        blocks=blocks,
        memories=tuple(_spans(table, "memories")),
    )
    table.finish()
    return chip


def _spans(table: Table, key: str) -> Iterator[Span]:
    if key not in table:
        return
    spans = table.table(key)
    for name in spans:
        span = spans.table(name)
        address = span.integer("address", maximum=_WORD)
        yield Span(address, span.integer("size", "bytes", minimum=4, maximum=1 << 32))
        span.finish()


def _registers(table: Table, known: tuple[Span, ...]) -> Iterator[Register]:
    if "registers" not in table:
        return
    registers = table.table("registers")
    for name in registers:
        yield _register(name, registers.table(name), known)


def _register(name: str, table: Table, known: tuple[Span, ...]) -> Register:
    words = {key: _word(table, key) for key in ("set", "clear", "reset", "ticks")}
    texts = table.texts("follows") if "follows" in table else ()
    register = Register(
        name=name,
        address=_address(table, known, 4),
        follows=tuple(_follow(table, text) for text in texts),
        controls=_controls(table.table("controls")) if "controls" in table else None,
        **words,
    )
    table.finish()
    return register


def _controls(table: Table) -> Controls:
    bits = {key: table.integer(key, maximum=31) for key in CONTROLLED if key in table}
    if not bits:
        raise table.fail("memory", f"controls nothing of it: one of {', '.join(CONTROLLED)}")
    controls = Controls(table.text("memory"), **bits)
    table.finish()
    return controls


def _word(table: Table, key: str) -> int:
    return table.integer(key, maximum=_WORD) if key in table else 0


def _follow(table: Table, text: str) -> Follow:
    found = _FOLLOWS.fullmatch(text)
    if found is None:
        raise table.fail("follows", f"{text!r} is not bits, as '24 to 25' or '0-1 to 2'")
    first = int(found["first"])
    last, to = int(found["last"] or first), int(found["to"])
    if not first <= last <= 31 or to + last - first > 31:
        raise table.fail("follows", f"{text!r} is beyond the 32 bits of a register")
    return Follow((2 << last) - (1 << first), to - first)


def _uarts(table: Table, known: tuple[Span, ...]) -> Iterator[Uart]:
    if "uarts" not in table:
        return
    uarts = table.table("uarts")
    for name in uarts:
        uart = uarts.table(name)
        kind = uart.text("kind")
        if kind not in UART_KINDS:
            raise uart.fail("kind", f"{kind} is not one of {', '.join(UART_KINDS)}")
        interrupt = _NO_INTERRUPT
        if "interrupt" in uart:
            interrupt = uart.integer("interrupt", maximum=479)
        yield Uart(name, kind, _address(uart, known, _UART), interrupt)
        uart.finish()


def _address(table: Table, known: tuple[Span, ...], alignment: int) -> int:
    address = table.integer("address", maximum=_WORD)
    if address % alignment:
        raise table.fail("address", f"{address:#010x} is not a multiple of {alignment}")
    if not any(span.holds(address) for span in known):
        blocks = ", ".join(f"{s.address:#010x} to {s.address + s.size_bytes:#010x}" for s in known)
        raise table.fail("address", f"{address:#010x} is outside of the chip's registers, {blocks}")
    return address
