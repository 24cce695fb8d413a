"""The part of the model error's page that is of integer programs."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from textwrap import fill

from simbench.validation.programs import ProgramResult


def programs_part(programs: Sequence[ProgramResult]) -> str:
    """What came of ``programs``, as Markdown; at least one of them."""
    alone = [program for program in programs if not program.calls_library]
    text = f"{_INTRODUCTION} {_figures(programs)} {_LIBRARY} {_alone(alone)}"
    paragraph = fill(" ".join(text.split()), width=100, break_on_hyphens=False)
    return "\n".join(("## Programs that are no networks\n", paragraph + "\n", _table(programs)))


_INTRODUCTION = """Embench publishes how long its 19 programs take on an STM32F407 (Cortex-M4) at
16 MHz without wait states, counted by the core's own counter. They are C, so they were built again,
by the next release of the same compiler (GCC 14.2 for 14.1), and none was looked at while the model
was made."""

_LIBRARY = """The C library is not the one that was measured, and a byte-wise one stands for it, as
the configuration of Embench's results of 2020 has the option of newlib that makes it so; with
newlib as Debian builds it, the program that fills most memory would take 62 % less than was
measured. The option was looked up after that was seen."""


def _figures(programs: Sequence[ProgramResult]) -> str:
    errors = [abs(program.error) for program in programs]
    inside = sum(program.covered for program in programs)
    return (
        f"Of {len(programs)} programs the mean absolute error is **{fmean(errors):.1%}**, the "
        f"largest {max(errors):.1%}, and {inside} lie inside the stated range."
    )


def _alone(alone: Sequence[ProgramResult]) -> str:
    if not alone:
        return ""
    errors = [abs(program.error) for program in alone]
    return (
        f"The {len(alone)} that call nothing of a library, marked ∘, are off by {fmean(errors):.1%}"
        f" in the mean, {max(errors):.1%} at most."
    )


def _table(programs: Sequence[ProgramResult]) -> str:
    lines = [
        "| program | board | measured | modelled | range | error |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for p in programs:
        mark = "" if p.calls_library else " ∘"
        lines.append(
            f"| {p.program}{mark} | {p.board} | {p.cycles / 1e6:.1f} M | {p.modelled / 1e6:.1f} M "
            f"| {p.lower / 1e6:.1f}–{p.upper / 1e6:.1f} M | {p.error:+.1%} |"
        )
    sources = dict.fromkeys(f"{p.suite}: {p.source}" for p in programs)
    return "\n".join([*lines, "", *(f"* {source}" for source in sources), ""])
