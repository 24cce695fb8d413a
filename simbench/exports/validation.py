"""Validation as JSON, and as the documentation's page of the model error."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean
from textwrap import fill
from typing import Any

from simbench.catalog.benchmarks import load_benchmarks
from simbench.exports.programs import programs_part
from simbench.exports.scatter import scatter_plot
from simbench.validation.basis import energy_basis, spread
from simbench.validation.exact import (
    ExactFigures,
    ExactResult,
    exact_residuals,
    figures,
    integers,
)
from simbench.validation.programs import ProgramResult
from simbench.validation.silicon import LIKE, SiliconRow
from simbench.validation.validate import Comparison, Summary

SCHEMA = "simbench.validation/1"
_OFFICIAL_FRAMES = 49  # of ten features: MLPerf Tiny's input of kws has 490 bytes


@dataclass(frozen=True, slots=True)
class Validated:
    """The rows of a validation, each compared, and what they add up to; and what came of published
    images and of programs. ``toolchain`` is the compiler of simbench's firmware, in its own
    words."""

    comparisons: Sequence[Comparison]
    summary: Summary
    exact: Sequence[ExactResult] = ()
    programs: Sequence[ProgramResult] = ()
    toolchain: str | None = None


def render_json(validated: Validated) -> str:
    """All rows and the summary, as JSON text."""
    rows = [_row(c) for c in validated.comparisons]
    summary = _summary(validated.summary)
    document = {
        "schema": SCHEMA,
        "toolchain": validated.toolchain,
        "rows": rows,
        "summary": summary,
    }
    return json.dumps(document, indent=2) + "\n"


def _row(c: Comparison) -> Mapping[str, Any]:
    row, cycles, energy = c.row, c.modelled_cycles, c.modelled_energy_j
    return {
        "platform": row.platform,
        "benchmark": row.benchmark,
        "kernels": row.kernels,
        "round": row.round,
        "submitter": row.submitter,
        "board": row.board,
        "stack": row.stack,
        "compiler": row.compiler,
        "weights": "ram" if row.weights_in_ram else "flash",
        "measured_cycles": row.cycles,
        "modelled_cycles": {"value": cycles.value, "lower": cycles.lower, "upper": cycles.upper},
        "error": c.error,
        "covered": c.covered,
        "measured_energy_j": row.energy_j,
        "modelled_energy_j": None if energy is None else energy.value,
        "energy_error": c.energy_error,
        "energy_reason": c.energy_reason,
        "likeness": row.likeness,
        "calibrates": c.calibrates,
        "source": row.source,
        "note": row.note,
    }


def _summary(summary: Summary) -> Mapping[str, Any]:
    return {
        "rows": summary.rows,
        "mean_abs_error": summary.mean_abs_error,
        "max_abs_error": summary.max_abs_error,
        "covered": summary.covered,
        "energy_rows": summary.energy_rows,
        "energy_mean_abs_error": summary.energy_mean_abs_error,
    }


def render_residuals(validated: Validated) -> str:
    """The cost model's file of residuals; nothing where no published image was run."""
    return residuals_file(exact_residuals(validated.exact)) if validated.exact else ""


def residuals_file(residuals: Mapping[str, float]) -> str:
    """The cost model's file of ``residuals``."""
    lines = [f"  {name}: {_up_to_thousandths(value):.3f}" for name, value in residuals.items()]
    return "\n".join((_RESIDUALS, "cycles:", *lines, ""))


def _up_to_thousandths(value: float) -> float:
    """``value``, not less, with three decimals."""
    return math.ceil(round(value * 1000, 6)) / 1000


_RESIDUALS = """\
# The error of modelled cycles that nine in ten published images stay within, by the board it is
# for: that of the other boards; by core, for boards of which none is published; "elsewhere" is that
# of all. Written by `simbench validate --residuals` from platforms/exact.csv."""


def render_page(validated: Validated) -> str:
    """The documentation's page."""
    return model_error_page(
        validated.comparisons, validated.summary, validated.exact, validated.programs
    )


def model_error_page(
    comparisons: Sequence[Comparison],
    summary: Summary,
    exact: Sequence[ExactResult] = (),
    programs: Sequence[ProgramResult] = (),
) -> str:
    """The documentation's page: what the figures mean, the plot, the tables."""
    like = [c for c in comparisons if c.row.likeness == LIKE]
    other = [c for c in comparisons if c.row.likeness != LIKE]
    parts = [
        _INTRODUCTION.format(exact=_exact_verdict(exact)),
        _paragraph(_how_blind(exact)),
        _exact_by_core(exact),
        "## Published images, one by one\n\n" + _EXACT,
        _exact_table(exact),
        *([programs_part(programs)] if programs else []),
        "## Difference of stacks\n\n" + _DIFFERENCE.format(verdict=_verdict(summary)),
        _paragraph(_not_blind(comparisons)),
        _paragraph(_what_a_difference_holds(comparisons)),
        scatter_plot(comparisons),
        "### Boards that run kernels like ours\n",
        _table(like),
        "### What the cycles are made of\n\n" + _STACKS,
        _stacks(like),
        "### Weights in flash or in RAM\n\n" + _PLACEMENT,
        _placements(comparisons),
        "### Other stacks\n\n" + _OTHERS,
        _table(other),
        "### Sources\n",
        _sources(comparisons),
    ]
    return "\n".join(parts)


_INTRODUCTION = """# How wrong the model is

<!-- written by `simbench validate --page docs/model-error.md` -->

Companies that submit to MLPerf Tiny publish the images that they measured. simbench runs these as
they are, on the chip's own map, and prices them with the board's file: the same instructions, the
same layout, the same board, so only the model can be wrong. An error is (model − silicon) /
silicon.

{exact}
"""

_EXACT = """The second inference is measured, as what the first brings into caches is there when a
board repeats it. How the flash is set up (its width, its prefetch, the ways of its cache) is as the
submission says, or as the image writes it into the registers. *Energy* is an inference's, where it
was measured. `simbench validate --firmware` writes these rows from a checkout of the results; the
images are their owners' and no part of simbench.
"""

_DIFFERENCE = """simbench's own firmware against other people's, on the same boards: other kernels,
compilers and layouts, so a difference says as much of these as of the model. A row is **like** ours
where CMSIS-NN was built with -O2 or -O3 and runs under TensorFlow Lite Micro or a compiler that
leaves the layers as they are. Those that gave a platform its energy are marked ⚙.

{verdict}
"""


def _exact_verdict(exact: Sequence[ExactResult]) -> str:
    found = figures(integers(exact))
    if found is None:
        return "No image was run."
    boards = len({result.platform for result in integers(exact)})
    lines = [
        f"* **Error of the model**: {found.rows} images of int8 networks on {boards} boards, "
        f"cycles: mean absolute error **{found.mean_abs_error:.1%}**, "
        f"largest {found.max_abs_error:.1%}; "
        f"{found.covered:.0%} of them lie inside the stated range."
    ]
    energy = [abs(r.energy_error) for r in exact if r.energy_error is not None]
    if energy:
        lines.append(
            f"* **Energy** of the same images: {len(energy)} measured, mean absolute error "
            f"**{fmean(energy):.1%}**, largest {max(energy):.1%}."
        )
    return "\n".join(lines)


def _how_blind(exact: Sequence[ExactResult]) -> Iterator[str]:
    yield (
        "No number of the model is fitted to any row. A row is **blind** where no effect of its "
        "core was looked for in rows of its board: on the M7, the M4 and the STM32U575's M33 "
        "effects were, and taken in where a public source has them (an extension behind a load, "
        "and a float load beside a multiply-accumulate, on the M7; loads that move their own base, "
        "on the M4; one wait for all words of a load, and a prefetch that reads ahead of loads "
        "too, on the M33). The STM32U385 was first run after the last of these."
    )
    yield (
        "The ranges are widened by what nine in ten images of the other boards stay within, of the "
        "same core where there are such boards: no row made its own range."
    )
    if any(result not in integers(exact) for result in exact):
        yield "Networks in float32 are not what simbench is for, and are in no figure."


def _exact_by_core(exact: Sequence[ExactResult]) -> str:
    known = integers(exact)
    lines = [
        "| core | images | blind | mean error | largest | nine in ten within | inside the range |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for core in sorted({result.core for result in known}):
        rows = [result for result in known if result.core == core]
        lines.append(_core_line(core, rows, figures(rows)))
    return "\n".join(lines) + "\n"


def _core_line(core: str, rows: Sequence[ExactResult], found: ExactFigures | None) -> str:
    assert found is not None  # a core has rows
    blind = sum(row.blind for row in rows)
    return (
        f"| {core} | {found.rows} | {blind} | {found.mean_abs_error:.1%} "
        f"| {found.max_abs_error:.1%} | {found.within:.1%} | {found.covered:.0%} |"
    )


def _exact_table(exact: Sequence[ExactResult]) -> str:
    lines = [
        "| platform | image | benchmark | measured | modelled | range | error | energy |",
        "|---|---|---|--:|--:|--:|--:|--:|",
    ]
    for r in exact:
        energy = "–" if r.energy_error is None else f"{r.energy_error:+.1%}"
        lines.append(
            f"| {r.platform} | {r.submitter} {r.round}: {r.system} | {r.benchmark} "
            f"| {r.cycles / 1e6:.3f} M | {r.modelled / 1e6:.3f} M "
            f"| {r.lower / 1e6:.2f}–{r.upper / 1e6:.2f} M | {r.error:+.1%} | {energy} |"
        )
    return "\n".join(lines) + "\n"


def _not_blind(comparisons: Sequence[Comparison]) -> Iterator[str]:
    yield (
        "These are not blind tests. The rows were known while the model was made: effects were "
        "looked for where it was off, and taken in only where a public source gives their size "
        "(rows of misaligned 32-bit instructions and the shared code bus of the Cortex-M33 came in "
        "that way)."
    )
    basis = energy_basis(comparisons, "stm32l4r5")
    if basis is not None:
        least, most = (f"{100 * share:.0f}" for share in basis.below)
        yield (
            f"The energy of the STM32L4R5 is the mean of {basis.systems} published systems, a "
            "second choice: the reference firmware alone, the first, leaves the model "
            f"{least} to {most} % below the rows like ours."
        )


def _what_a_difference_holds(comparisons: Sequence[Comparison]) -> Iterator[str]:
    yield (
        "A difference holds other releases of CMSIS-NN, other compilers, other layouts of the code."
    )
    apart = spread(comparisons, "Skymizer", "kws")
    if apart is not None:
        yield (
            "On one and the same board, two systems around the same kernels differ by "
            f"{100 * apart:.0f} % in kws (Skymizer's rows)."
        )
    frames = load_benchmarks()["kws"].input_shape[1]
    yield (
        f"The model of kws takes {frames} frames of features here, the official one "
        f"{_OFFICIAL_FRAMES}: its layers, their outputs and their multiply-accumulates are the "
        "same."
    )


def _paragraph(sentences: Iterator[str]) -> str:
    return fill(" ".join(sentences), width=100, break_on_hyphens=False) + "\n"


_STACKS = """Shares of the modelled cycles. *Fetch* is waiting for code, *weights and constants* for
data in flash; *elsewhere* is what a load loses that does not overlap the load before it, as that
went to another memory; *alignment* is 32-bit instructions in a row, each across two words;
*code bus* is fetches that wait for loads of weights and constants, where one bus carries both.
"""

_PLACEMENT = """What is saved of the cycles where the weights are in RAM, by results that differ
in nothing else. The stack is another one, so its share is compared, not its cycles.
"""

_OTHERS = """Other kernels, fused graphs or builds for size: how far these are from ours says little
of the model, but much of what a stack is worth.
"""


def _verdict(summary: Summary) -> str:
    if summary.mean_abs_error is None or summary.max_abs_error is None or summary.covered is None:
        return "No row is like ours."
    lines = [
        f"* **Cycles** of {summary.rows} rows like ours: mean difference "
        f"**{summary.mean_abs_error:.1%}**, largest {summary.max_abs_error:.1%}; "
        f"{summary.covered:.0%} of them lie inside the stated range."
    ]
    if summary.energy_mean_abs_error is not None:
        lines.append(
            f"* **Energy**, scaled by modelled cycles: {summary.energy_rows} rows, mean difference "
            f"**{summary.energy_mean_abs_error:.1%}**."
        )
    return "\n".join(lines)


def _table(comparisons: Sequence[Comparison]) -> str:
    lines = [
        "| platform | result | benchmark | measured | modelled | range | difference | of energy |",
        "|---|---|---|--:|--:|--:|--:|--:|",
    ]
    for c in comparisons:
        low, high = c.modelled_cycles.lower / 1e6, c.modelled_cycles.upper / 1e6
        mark = " ⚙" if c.calibrates else ""
        lines.append(
            f"| {c.row.platform} | {_short_title(c)}{mark} | {c.row.benchmark} "
            f"| {c.row.cycles / 1e6:.3f} M | {c.modelled_cycles.value / 1e6:.3f} M "
            f"| {low:.2f}–{high:.2f} M | {c.error:+.1%} | {_energy(c)} |"
        )
    return "\n".join(lines) + "\n"


def _energy(c: Comparison) -> str:
    error = "–" if c.energy_error is None else f"{c.energy_error:+.1%}"
    return f"{error} ({c.energy_reason})" if c.energy_reason and c.row.energy_j else error


def _title(c: Comparison) -> str:
    weights = ", weights in RAM" if c.row.weights_in_ram else ""
    who = f"{c.row.submitter} {c.row.round}".strip()
    return f"{who}: {c.row.stack}, {c.row.kernels}{weights}"


def _short_title(c: Comparison) -> str:
    """The same without what stands in brackets or behind a plus."""
    parts = (c.row.stack.split(" (")[0], c.row.kernels.split(" (")[0])
    weights = ", weights in RAM" if c.row.weights_in_ram else ""
    return f"{c.row.submitter} {c.row.round}: {', '.join(parts)}{weights}"


_SHARES = (
    ("issue", ("issue",)),
    ("load and store", ("load_store",)),
    ("elsewhere", ("other_memory",)),
    ("branches", ("branch_refill",)),
    ("alignment", ("alignment",)),
    ("fetch", ("fetch_wait",)),
    ("weights and constants", ("data_wait",)),
    ("code bus", ("code_bus",)),
    ("dependence", ("dependence",)),
)


def _stacks(comparisons: Sequence[Comparison]) -> str:
    lines = [
        f"| platform | benchmark | {' | '.join(name for name, _ in _SHARES)} | rest |",
        "|---|---|" + "--:|" * (len(_SHARES) + 1),
    ]
    seen = set()
    for c in comparisons:
        key = (c.row.platform, c.row.benchmark)
        if key in seen:
            continue
        seen.add(key)
        total, stack = c.modelled_cycles.value, c.modelled_cycles.stack
        shares = [sum(stack.get(part, 0.0) for part in parts) / total for _, parts in _SHARES]
        shares.append(max(1 - sum(shares), 0.0))
        lines.append(f"| {key[0]} | {key[1]} | {' | '.join(f'{s:.1%}' for s in shares)} |")
    return "\n".join(lines) + "\n"


def _placements(comparisons: Sequence[Comparison]) -> str:
    lines = ["| platform | result | measured | modelled |", "|---|---|--:|--:|"]
    for in_ram in comparisons:
        in_flash = _in_flash(in_ram, comparisons)
        if in_flash is None:
            continue
        measured = 1 - in_ram.row.cycles / in_flash.row.cycles
        modelled = 1 - in_ram.modelled_cycles.value / in_flash.modelled_cycles.value
        who = f"{in_ram.row.submitter} {in_ram.row.round}, {in_ram.row.benchmark}"
        lines.append(f"| {in_ram.row.platform} | {who} | {measured:.1%} | {modelled:.1%} |")
    return "\n".join(lines) + "\n"


def _in_flash(in_ram: Comparison, comparisons: Sequence[Comparison]) -> Comparison | None:
    """The result that differs from ``in_ram`` only in where the weights are."""

    def same(row: SiliconRow) -> tuple[str, ...]:
        return (row.platform, row.submitter, row.round, row.stack, row.benchmark)

    if not in_ram.row.weights_in_ram:
        return None
    others = (c for c in comparisons if not c.row.weights_in_ram)
    return next((c for c in others if same(c.row) == same(in_ram.row)), None)


def _sources(comparisons: Sequence[Comparison]) -> str:
    lines = []
    for title, group in groupby(comparisons, _title):
        first = next(group).row
        note = f" ({first.note})" if first.note else ""
        lines.append(f"* {title}: {first.compiler}. {first.source}{note}")
    return "\n".join(dict.fromkeys(lines)) + "\n"
