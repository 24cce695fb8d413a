"""``simbench validate``: the model against published measurements on real boards."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import click
from rich.table import Table

from simbench.backends import pricing_backend
from simbench.catalog.benchmarks import load_benchmarks
from simbench.catalog.chosen import called
from simbench.catalog.platforms import load_platform, platform_files
from simbench.catalog.scenario import PINNED_TOOLCHAIN, Variant
from simbench.cli.console import console, log_to
from simbench.cli.formats import export_option, outputs, write_all
from simbench.cli.names import PLATFORM
from simbench.cli.options import (
    backend_option,
    chosen_store,
    no_cache_option,
    toolchain_option,
)
from simbench.cli.output import OutputFile
from simbench.cli.published import report, validated_firmware
from simbench.cli.tables.nearest import nearest_tables
from simbench.errors import EXIT_GOOD, UsageError
from simbench.exports import VALIDATION, formats
from simbench.exports.validation import Validated
from simbench.firmware.toolchain import toolchain_version, toolchains_called
from simbench.validation.exact import kept_results, render_exact
from simbench.validation.programs import kept_programs
from simbench.validation.silicon import LIKE, SiliconRow, silicon_rows
from simbench.validation.validate import Comparison, Summary, summary, validate

FORMATS = formats(VALIDATION)


@click.command(name="validate")
@click.option(
    "--platform",
    "platforms",
    type=PLATFORM,
    multiple=True,
    metavar="NAME",
    help="Platform to validate (repeat). Default: every one with published results.",
)
@click.option(
    "--board",
    metavar="NAME",
    help="Show the published results of this board beside simbench's, the nearest first.",
)
@click.option(
    "--silicon",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Your own measurements, as CSV like the built-in platforms/silicon.csv.",
)
@click.option(
    "--firmware",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Run the published images themselves: a checkout of mlcommons/tiny_results_v1.1 or "
    "v1.2, or a folder of several.",
)
@click.option(
    "--exact",
    "exact_path",
    metavar="PATH",
    help="With --firmware: write what came of the images, as platforms/exact.csv.",
)
@toolchain_option(multiple=False)
@backend_option
@no_cache_option
@click.option(
    "--json",
    "json_path",
    metavar="PATH",
    help="Write rows and summary as JSON; '-' is standard output, instead of the table.",
)
@click.option("--page", "page_path", metavar="PATH", help="Write the documentation's page.")
@click.option(
    "--residuals",
    "residuals_path",
    metavar="PATH",
    help="Write the errors that ranges are widened by: the cost model's residuals.yaml.",
)
@export_option(FORMATS)
def command(
    platforms: tuple[str, ...],
    board: str | None,
    silicon: Path | None,
    firmware: Path | None,
    exact_path: str | None,
    toolchain: str,
    backend_name: str,
    no_cache: bool,
    json_path: str | None,
    page_path: str | None,
    residuals_path: str | None,
    exports: tuple[str, ...],
) -> int:
    """Compare modelled cycles and energy with published measurements, row by row.

    \b
    Examples:
      simbench validate
      simbench validate --platform stm32l4r5 --json validation.json
      simbench validate --board stm32l4r5
      simbench validate --firmware tiny_results_v1.2
    """
    emulator = pricing_backend(backend_name)
    log, store = log_to(console(stderr=True)), chosen_store(no_cache=no_cache)
    others = (silicon, json_path, page_path, residuals_path, *exports)
    if board is not None and (platforms or firmware or any(others[1:])):
        raise UsageError("--board shows a table alone: leave out what else is asked for")
    (compiler,) = toolchains_called((toolchain,))
    if firmware is not None and (any(others) or compiler != PINNED_TOOLCHAIN):
        raise UsageError("--firmware goes with --platform and --exact alone: leave the others out")
    if exact_path is not None and firmware is None:
        raise UsageError("--exact is of published images: name their folder with --firmware")
    if firmware is not None:
        results = validated_firmware(firmware, platforms, emulator, log, store)
        if exact_path is None:
            report(results)
        else:
            OutputFile(exact_path).write(render_exact(results))
        return EXIT_GOOD
    rows = silicon_rows(silicon)
    platforms = (
        platforms if board is None else (called("platform", board, tuple(platform_files())),)
    )
    boards = {name: load_platform(name) for name in _names(platforms, rows)}
    asked = {"json": json_path, "page": page_path, "residuals": residuals_path}
    flags = [f"{form}={path}" for form, path in asked.items() if path]
    files = outputs(None, [*flags, *exports], FORMATS)
    variant = Variant(toolchain=compiler)
    compared = validate(rows, boards, load_benchmarks(), emulator, log, store, variant)
    if board is not None:
        for part in nearest_tables(boards[platforms[0]], compared):
            console().print(part)
        return EXIT_GOOD
    said = toolchain_version(compiler)
    validated = Validated(compared, summary(compared), kept_results(), kept_programs(), said)
    write_all(files, lambda form: FORMATS[form](validated), lambda: _report(validated))
    return EXIT_GOOD


def _names(wanted: Sequence[str], rows: Sequence[SiliconRow]) -> list[str]:
    published = {row.platform for row in rows}
    for name in wanted:
        if name not in published:
            known = ", ".join(sorted(published & set(platform_files())))
            raise UsageError(f"no measurements of {name} are published: there are some of {known}")
    return list(wanted) or sorted(published & set(platform_files()))


def _report(validated: Validated) -> None:
    terminal = console()
    ordered = sorted(validated.comparisons, key=lambda c: (c.row.likeness != LIKE, c.row.platform))
    for title, group in groupby(ordered, _title):
        terminal.print(title, style="bold" if title.endswith(LIKE) else "dim", soft_wrap=True)
        terminal.print(_table(list(group)))
    terminal.print(_verdict(validated.summary))
    terminal.print(f"Firmware by {validated.toolchain}.", soft_wrap=True)


def _title(c: Comparison) -> str:
    row = c.row
    weights = ", weights in RAM" if row.weights_in_ram else ""
    calibrates = f", calibrates {row.calibrates}" if row.calibrates else ""
    who = f"{row.submitter} {row.round}".strip()
    text = f"{row.platform}: {who}, {row.stack}, {row.kernels}{weights}"
    return f"{text}{calibrates}: {row.likeness}"


def _table(group: Sequence[Comparison]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2))
    headings = ("", "measured", "modelled", "range", "error", "energy error")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True, min_width=len(heading))
    for c in group:
        table.add_row(*_cells(c), style=None if c.row.likeness == LIKE else "dim")
    return table


def _cells(c: Comparison) -> tuple[str, ...]:
    cycles = c.modelled_cycles
    return (
        c.row.benchmark,
        f"{c.row.cycles / 1e6:.3f} M",
        f"{cycles.value / 1e6:.3f} M",
        f"{cycles.lower / 1e6:.2f}–{cycles.upper / 1e6:.2f}",
        f"{c.error:+.1%}",
        "–" if c.energy_error is None else f"{c.energy_error:+.1%}",
    )


def _verdict(figures: Summary) -> str:
    if figures.mean_abs_error is None or figures.max_abs_error is None or figures.covered is None:
        return "No row is like simbench's own firmware."
    text = (
        f"{figures.rows} rows like simbench's firmware: cycles off by {figures.mean_abs_error:.1%} "
        f"in the mean, {figures.max_abs_error:.1%} at most, {figures.covered:.0%} inside the range"
    )
    if figures.energy_mean_abs_error is None:
        return f"{text}."
    return (
        f"{text}; energy of {figures.energy_rows}, scaled by modelled cycles, off by "
        f"{figures.energy_mean_abs_error:.1%}."
    )
