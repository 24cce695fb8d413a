"""``simbench validate --firmware``: published images in a checkout, run as they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from simbench.backends import Backend
from simbench.catalog.benchmarks import load_benchmarks
from simbench.catalog.platforms import load_platform, platform_files
from simbench.cli.console import console
from simbench.errors import NothingRun, UsageError
from simbench.files.fetch import Progress
from simbench.store import Store
from simbench.validation.exact import ExactFigures, ExactResult, figures, integers
from simbench.validation.firmware import firmware_rows, found_images, validate_firmware


def validated_firmware(
    folder: Path, names: Sequence[str], emulator: Backend, log: Progress, store: Store | None
) -> tuple[ExactResult, ...]:
    """The published images in ``folder``, of the platforms called ``names`` or all, run and priced.

    Raises UsageError for a platform of which none is published, NothingRun where none was found, or
    none ran.
    """
    rows = firmware_rows()
    published = {row.platform for row in rows} & set(platform_files())
    for name in names:
        if name not in published:
            raise UsageError(
                f"no firmware of {name} is published: there is some of "
                f"{', '.join(sorted(published))}"
            )
    wanted = set(names) or published
    found = found_images((row for row in rows if row.platform in wanted), folder)
    log(f"{len(found)} of {len(rows)} published images found")
    boards = {name: load_platform(name) for name in wanted}
    results = validate_firmware(found, boards, load_benchmarks(), emulator, log, store)
    if not results:
        raise NothingRun(f"none of the images in {folder} ran")
    return results


def report(results: Sequence[ExactResult]) -> None:
    """A table of ``results``, and the figures by core."""
    terminal = console()
    terminal.print(_table(results))
    for core in sorted({result.core for result in results}):
        terminal.print(_line(core, [r for r in integers(results) if r.core == core]))
    terminal.print(_line("all", integers(results)))
    floats = [result for result in results if result not in integers(results)]
    if floats:
        terminal.print(_line("float32, in none of these", floats))


def _line(title: str, results: Sequence[ExactResult]) -> str:
    found = figures(results)
    blind = sum(result.blind for result in results)
    return f"{title}: no row" if found is None else f"{title}: {_said(found)}, {blind} blind"


def _said(found: ExactFigures) -> str:
    return (
        f"{found.rows} rows, cycles off by {found.mean_abs_error:.1%} in the mean, "
        f"{found.max_abs_error:.1%} at most, {found.covered:.0%} inside the range"
    )


def _table(results: Sequence[ExactResult]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for heading in ("", "measured", "modelled", "range", "error", "energy"):
        table.add_column(heading, justify="right", no_wrap=True, min_width=len(heading))
    for r in results:
        energy = "–" if r.energy_error is None else f"{r.energy_error:+.1%}"
        name = r.system.removeprefix("NUCLEO_").removesuffix("_int8")
        table.add_row(
            f"{r.submitter[:5]} {r.round} {name[:22]}",
            r.benchmark,
            f"{r.cycles / 1e6:.3f} M",
            f"{r.modelled / 1e6:.3f} M",
            f"{r.lower / r.cycles - 1:+.0%}…{r.upper / r.cycles - 1:+.0%}",
            f"{r.error:+.1%}",
            energy,
            style=None if r.covered else "bold",
        )
    return table
