"""Measure what simbench promises about itself, beside the baseline. Nothing here is a test.

python scripts/bench [--only SECTION]... [--json PATH] [--save]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import boards
import commands
import exact
import kernels
import many
import prices
from measuring import Row
from rich.console import Console
from rich.table import Table

from simbench.comparisons.measures import Measure, Measures, compare, read_measures
from simbench.comparisons.measures import render as render_measures
from simbench.comparisons.wording import ratio, relative

BASELINE = Path(__file__).resolve().parent / "baseline.json"
SECTIONS: Mapping[str, Callable[[], Iterator[Row]]] = {
    "counts": exact.counts,
    "parity": exact.parity,
    "kernels": kernels.kernels,
    "counting": boards.counting,
    "pricing": prices.pricing,
    "what-if": prices.what_if,
    "sweep": commands.sweep,
    "suite": commands.suite,
    "fingerprint": exact.fingerprint,
    "judging": boards.judging,
    "plugin": commands.plugin,
    "serving": boards.serving,
    "compare": commands.compare,
    "many": many.many,
}


def main() -> None:
    """Print the table row by row as it is measured, then whole, and write what was asked for."""
    asked = _asked()
    rows = list(_told(row for name in asked.only or SECTIONS for row in SECTIONS[name]()))
    found = Measures({row.name: Measure(row.value, row.how) for row in rows})
    baseline = read_measures(BASELINE)
    Console().print(_table(found, baseline))
    if asked.json is not None:
        asked.json.write_text(render_measures(found), encoding="utf-8")
    if asked.save:
        kept = {row.name: Measure(_rounded(row.value)) for row in rows}
        merged = Measures({**baseline.measures, **kept})
        BASELINE.write_text(render_measures(merged), encoding="utf-8")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--only",
        action="append",
        choices=SECTIONS,
        metavar="SECTION",
        help=f"measure this section (repeat): {', '.join(SECTIONS)}",
    )
    parser.add_argument(
        "--json",
        type=Path,
        metavar="PATH",
        help="write the numbers, for 'simbench compare OLD.json NEW.json'",
    )
    parser.add_argument("--save", action="store_true", help=f"put the numbers into {BASELINE.name}")
    return parser.parse_args()


def _rounded(value: float) -> float:
    """A count as it is, a ratio with the digits that are shown."""
    return int(value) if value == int(value) else float(f"{value:.4g}")


def _told(rows: Iterable[Row]) -> Iterator[Row]:
    console = Console(stderr=True)
    for row in rows:
        console.print(row.name, ratio(row.value), row.how, style="dim", highlight=False)
        yield row


def _table(found: Measures, baseline: Measures) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("what", no_wrap=True)
    for heading in ("measured", "baseline", "change"):
        table.add_column(heading, justify="right", no_wrap=True)
    for change in compare(baseline, found):
        if change.new is not None:
            base, new = ratio(change.base), ratio(change.new)
            table.add_row(change.metric, new, base, relative(change))
    return table


if __name__ == "__main__":
    main()
