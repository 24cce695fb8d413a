"""Where do multiply-accumulates mislead? The tables and the picture of docs/studies/spotters.md.

``python examples/nas/spotters.py FOLDER --count 2200`` makes the networks, and ``simbench run
--models FOLDER --parity none --parquet ROWS --platform ...`` measures them on the boards below;
``python scripts/spotters_study.py ROWS`` writes what came of them into the page.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "studies" / "spotters.md"
PICTURE = ROOT / "docs" / "pictures" / "spotters.svg"
TABLES = re.compile(r"(<!-- spotters: scripts/spotters_study\.py -->\n).*", re.DOTALL)
BOARDS = {
    "stm32g0b1": ("Cortex-M0+", "#b3540a"),
    "stm32l4r5": ("Cortex-M4", "#00796b"),
    "stm32h7": ("Cortex-M7", "#5b3fa8"),
    "stm32u575": ("Cortex-M33", "#1565c0"),
    "corstone-300": ("Cortex-M55", "#ad1457"),
}
NEAR = 1.05
FEW = 0.1
BINS = 14

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Family:
    """Networks with their multiply-accumulates, and cycles and energy by board; NaN for none."""

    macs: Numbers
    cycles: Mapping[str, Numbers]
    energy_j: Mapping[str, Numbers]


def main() -> int:
    """Write the page's tables and the picture."""
    family = read(Path(sys.argv[1]))
    lines = [
        f"{len(family.macs):,} networks, {family.macs.min() / 1e3:,.0f} k to "
        f"{family.macs.max() / 1e6:.1f} M multiply-accumulates.",
        "",
        *misled(family),
        "",
        *between(family),
        "",
        *fronts(family),
        "",
    ]
    text = TABLES.sub(lambda head: head[1] + "\n" + "\n".join(lines), PAGE.read_text("utf-8"))
    PAGE.write_text(text, "utf-8")
    PICTURE.write_text("\n".join(picture(family)) + "\n", "utf-8")
    return 0


def read(path: Path) -> Family:
    """What was measured, of the networks that ran on every board."""
    rows = parquet.read_table(path).to_pylist()
    by_model: dict[str, dict[str, dict[str, float]]] = {}
    for row in rows:
        if row["status"] == "ok":
            by_model.setdefault(row["model"], {})[row["platform"]] = row
    whole = [found for _, found in sorted(by_model.items()) if set(found) >= set(BOARDS)]

    def column(name: str, board: str) -> Numbers:
        return np.array([found[board][name] for found in whole], dtype=np.float64)

    macs = column("macs", next(iter(BOARDS)))
    return Family(
        macs,
        {board: column("cycles", board) for board in BOARDS},
        {board: column("energy_j", board) for board in BOARDS},
    )


def misled(family: Family) -> Iterator[str]:
    """How far the count of multiply-accumulates is from cycles, by board."""
    yield (
        "| core | board | cycles a multiply-accumulate, median (1 in 20 below, above) | rank "
        f"correlation | most apart within {NEAR - 1:.0%} of each other | of the tenth with fewest "
        "cycles, in the tenth with fewest MACs |"
    )
    yield "|---|---|--:|--:|--:|--:|"
    for board, (core, _) in BOARDS.items():
        cycles = family.cycles[board]
        low, middle, high = np.quantile(cycles / family.macs, (0.05, 0.5, 0.95))
        yield (
            f"| {core} | {board} | {middle:.1f} ({low:.1f}, {high:.1f}) "
            f"| {correlation(family.macs, cycles):.3f} | {apart(family.macs, cycles):.1f} times "
            f"| {shared(family.macs, cycles):.0%} |"
        )


def between(family: Family) -> Iterator[str]:
    """How often two networks change places from one board to another."""
    names = [core for core, _ in BOARDS.values()]
    yield f"| pairs that change places | {' | '.join(names)} |"
    yield "|---|" + "--:|" * len(names)
    for board, (core, _) in BOARDS.items():
        shares = [swapped(family.cycles[board], family.cycles[other]) for other in BOARDS]
        cells = [
            "–" if other == board else f"{s:.1%}" for other, s in zip(BOARDS, shares, strict=True)
        ]
        yield f"| {core} | {' | '.join(cells)} |"


def fronts(family: Family) -> Iterator[str]:
    """Networks with the most multiply-accumulates for their cycles, and for their energy."""
    of_time = {board: front(family.macs, family.cycles[board]) for board in BOARDS}
    names = [core for core, _ in BOARDS.values()]
    also = " | ".join(f"on the {name}'s" for name in names)
    yield f"| front of MACs and cycles | networks | on that of MACs and energy | {also} |"
    yield "|---|--:|--:|" + "--:|" * len(names)
    for board, (core, _) in BOARDS.items():
        energy = family.energy_j[board]
        known = not np.isnan(energy).any()
        both = len(of_time[board] & front(family.macs, energy)) if known else None
        shared_by = [str(len(of_time[board] & of_time[other])) for other in BOARDS]
        yield (
            f"| {core} | {len(of_time[board])} | {'–' if both is None else both} "
            f"| {' | '.join(shared_by)} |"
        )


def correlation(a: Numbers, b: Numbers) -> float:
    """Spearman's."""
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def ranks(values: Numbers) -> Numbers:
    """From 0; equal values share the mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    means: Numbers = (ends - counts + ends - 1) / 2
    return means[inverse]


def apart(macs: Numbers, cycles: Numbers) -> float:
    """The largest ratio of cycles of two networks whose counts are near each other."""
    order = np.argsort(macs)
    macs, cycles = macs[order], cycles[order]
    ends = np.searchsorted(macs, macs * NEAR, side="right")
    windows = (cycles[start:end] for start, end in enumerate(ends))
    return max(float(window.max() / window.min()) for window in windows)


def shared(macs: Numbers, cycles: Numbers) -> float:
    """The share of the networks with fewest cycles that have fewest multiply-accumulates."""
    count = round(len(macs) * FEW)
    fewest = [set(np.argsort(values, kind="stable")[:count].tolist()) for values in (macs, cycles)]
    return len(fewest[0] & fewest[1]) / count


def swapped(a: Numbers, b: Numbers) -> float:
    """The share of pairs of which one is less by ``a``, the other by ``b``."""
    upper = np.triu_indices(len(a), 1)
    first, second = (np.sign(v[upper[0]] - v[upper[1]]) for v in (a, b))
    return float(np.mean(first * second < 0))


def front(value: Numbers, cost: Numbers) -> set[int]:
    """Those of which no other has as much value for less cost, or more for as little."""
    chosen, most = set(), -np.inf
    for index in np.lexsort((-value, cost)).tolist():
        if value[index] > most:
            chosen.add(index)
            most = value[index]
    return chosen


WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 760.0, 430.0, 64.0, 20.0, 130.0, 50.0
LEAST, MOST = 0.5, 100.0


def picture(family: Family) -> Iterator[str]:
    """Cycles a multiply-accumulate over the count: a line and a band for each board."""
    edges = np.geomspace(family.macs.min(), family.macs.max() * 1.001, BINS + 1)
    text = 'fill="currentColor" font-family="sans-serif" font-size="13"'
    yield (
        f'<svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" xmlns="http://www.w3.org/2000/svg" role="img" '
        'aria-label="cycles a multiply-accumulate over multiply-accumulates" color="#333">'
    )
    yield f'<rect width="{WIDTH:g}" height="{HEIGHT:g}" fill="#fff"/>'
    for value in (0.5, 1, 2, 5, 10, 20, 50, 100):
        y = _y(value)
        yield f'<path d="M{LEFT:g},{y:.1f} H{WIDTH - RIGHT:g}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 8:g}" y="{y + 4:.1f}" text-anchor="end" {text}>{value:g}</text>'
    for value in (1e4, 1e5, 1e6, 1e7):
        if edges[0] <= value <= edges[-1]:
            x, label = _x(value, edges), f"{value / 1e6:g} M"
            yield f'<path d="M{x:.1f},{TOP:g} V{HEIGHT - BOTTOM:g}" stroke="#ddd"/>'
            y = HEIGHT - BOTTOM + 18
            yield f'<text x="{x:.1f}" y="{y:g}" text-anchor="middle" {text}>{label}</text>'
    for board, (core, colour) in BOARDS.items():
        yield from _band(family.macs, family.cycles[board] / family.macs, edges, core, colour)
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield (
        f'<text x="{middle:g}" y="{HEIGHT - 8:g}" text-anchor="middle" {text}>'
        "multiply-accumulates of an inference</text>"
    )
    yield f'<text x="{LEFT:g}" y="{TOP - 6:g}" {text}>cycles a multiply-accumulate</text>'
    yield "</svg>"


def _band(macs: Numbers, each: Numbers, edges: Numbers, core: str, colour: str) -> Iterator[str]:
    found = []
    for low, high in pairwise(edges):
        inside = each[(macs >= low) & (macs < high)]
        if len(inside) >= 5:
            found.append((float(np.sqrt(low * high)), *np.quantile(inside, (0.05, 0.5, 0.95))))
    down = [f"{_x(m, edges):.1f},{_y(low):.1f}" for m, low, _, _ in found]
    up = [f"{_x(m, edges):.1f},{_y(high):.1f}" for m, _, _, high in reversed(found)]
    line = [f"{_x(m, edges):.1f},{_y(middle):.1f}" for m, _, middle, _ in found]
    yield f'<polygon points="{" ".join([*down, *up])}" fill="{colour}" opacity="0.15"/>'
    yield f'<polyline points="{" ".join(line)}" fill="none" stroke="{colour}" stroke-width="2"/>'
    x, y = line[-1].split(",")
    yield (
        f'<text x="{float(x) + 8:g}" y="{float(y) + 4:.1f}" fill="{colour}" '
        f'font-family="sans-serif" font-size="13">{core}</text>'
    )


def _x(value: float, edges: Numbers) -> float:
    share = np.log(value / edges[0]) / np.log(edges[-1] / edges[0])
    return float(LEFT + (WIDTH - LEFT - RIGHT) * share)


def _y(value: float) -> float:
    share = np.log(value / LEAST) / np.log(MOST / LEAST)
    return float(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share)


if __name__ == "__main__":
    sys.exit(main())
