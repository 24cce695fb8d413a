"""A core's fault status registers, in words.

Source: Armv7-M Architecture Reference Manual (DDI 0403E), B3.2.15 CFSR and B3.2.16 HFSR; STKOF is
Armv8-M's (DDI 0553B).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

_CAUSES = (
    (0, "it fetched an instruction from where none may be"),
    (1, "it accessed memory that is protected"),
    (3, "a protected stack was met returning from an exception"),
    (4, "a protected stack was met entering an exception"),
    (5, "a protected stack was met saving floating-point registers"),
    (8, "it fetched an instruction from an address with no memory"),
    (9, "it accessed an address with no memory"),
    (10, "a write reached an address with no memory"),
    (11, "the stack had no memory returning from an exception"),
    (12, "the stack had no memory entering an exception"),
    (13, "the stack had no memory saving floating-point registers"),
    (16, "it met an undefined instruction"),
    (17, "it branched to an address that is not Thumb code"),
    (18, "it returned from an exception to an address that is no such return"),
    (19, "it used a coprocessor, or the floating-point unit, that is off or absent"),
    (20, "the stack overflowed"),
    (24, "it accessed memory unaligned where that is refused"),
    (25, "it divided by zero"),
)
_ADDRESS_VALID = ((7, "mmfar"), (15, "bfar"))


STATUS_ADDRESS = 0xE000ED28
_STATUS = ("cfsr", "hfsr", "dfsr", "mmfar", "bfar")
_VECTOR_TABLE, _FORCED = 1 << 1, 1 << 30  # of HFSR: those that are a fault for good


def fault_status(words: Sequence[int]) -> Mapping[str, int] | None:
    """The registers from ``STATUS_ADDRESS`` on, where they tell of a fault that ended the program:
    one that became a hard fault, or that has no handler of its own."""
    found = dict(zip(_STATUS, words, strict=False))
    is_fault = found.get("hfsr", 0) & (_VECTOR_TABLE | _FORCED)
    return {name: found[name] for name in found if name != "dfsr"} if is_fault else None


def fault_sentence(registers: Mapping[str, int], where: Callable[[int], str]) -> str:
    """One sentence for a fault; ``where`` puts an address of code into words."""
    status = registers.get("cfsr", 0)
    causes = [text for bit, text in _CAUSES if status >> bit & 1]
    addresses = [
        f"0x{registers[name]:08x}"
        for bit, name in _ADDRESS_VALID
        if status >> bit & 1 and name in registers
    ]
    place = f" {where(registers['pc'])}" if registers.get("pc") else ""
    caller = f", called {where(registers['lr'])}" if _is_code(registers.get("lr", 0)) else ""
    told = "; ".join(causes) if causes else _unexplained(registers)
    about = f" ({', '.join(addresses)})" if addresses else ""
    return f"the firmware faulted{place}{caller}: {told}{about}"


def _is_code(link: int) -> bool:
    return 0 < link < 0xF0000000


def _unexplained(registers: Mapping[str, int]) -> str:
    listed = ", ".join(f"{name} 0x{value:08x}" for name, value in registers.items())
    return f"its registers do not say why ({listed})"
