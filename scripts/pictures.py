"""Draw the pictures of README.md and docs/studies anew, all of real runs.

Two are of ``simbench run --platform all --benchmark ad``: docs/pictures/terminal.svg is what the
command writes to a terminal of 80 columns, docs/pictures/page.png what Chromium shows of its page.
Each study that is a file has docs/pictures/STUDY.png, in the look of its page. ``python
scripts/pictures.py STUDY...`` draws those of these studies alone.
"""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

import simbench
from simbench.exports.html.blocks import Bar, Bars, Block, Link, Section
from simbench.exports.html.page import render_page
from simbench.exports.html.sweep_lines import line_axis, line_figures
from simbench.exports.html.what_if import ranged
from simbench.sweeps.answers import pareto
from simbench.sweeps.points import Points
from simbench.sweeps.sweep import Sweep

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
COMMAND = ("simbench", "run", "--platform", "all", "--benchmark", "ad")
INSTALLED = (str(Path(sys.executable).parent / COMMAND[0]), *COMMAND[1:])
COLUMNS = 80
PAGE = (1200, 900)  # pixels
STUDIES = {"clock-m4": "kws", "placement-m7": "kws", "cores": "kws"}
"""Each study with the benchmark that its picture is of."""
FIGURES = {"clock-m4": (1000, 660), "placement-m7": (1000, 520), "cores": (1000, 360)}
# rich's own fetches its font from a server
WINDOW = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img"
    aria-label="a terminal">
    <style>
    .{unique_id}-matrix {{ font-family: ui-monospace, Menlo, "DejaVu Sans Mono", monospace;
        font-size: {char_height}px; line-height: {line_height}px; }}
    .{unique_id}-title {{ font: bold 18px sans-serif; }}
    {styles}
    </style>
    <defs>
    <clipPath id="{unique_id}-clip-terminal">
      <rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
    </clipPath>
    {lines}
    </defs>
    {chrome}
    <g transform="translate({terminal_x}, {terminal_y})"
        clip-path="url(#{unique_id}-clip-terminal)">
    {backgrounds}
    <g class="{unique_id}-matrix">
    {matrix}
    </g>
    </g>
</svg>
"""


def in_a_terminal(command: tuple[str, ...]) -> str:
    """What ``command`` writes to a terminal, with its colours."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    process = subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL, env=environment)
    os.close(theirs)
    said = b""
    while chunk := _read(ours):
        said += chunk
    os.close(ours)
    if process.wait() != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return said.decode().replace("\r\n", "\n")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:  # so Linux ends a terminal that nobody holds any more
        return b""


def terminal() -> str:
    """A terminal's window with the run, as SVG."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text(f"$ {' '.join(COMMAND)}", "bold"))
    console.print(Text.from_ansi(in_a_terminal(INSTALLED)))
    return console.export_svg(
        title="simbench", theme=MONOKAI, code_format=WINDOW, unique_id="terminal"
    )


def take_page(picture: Path) -> None:
    """Have Chromium take the top of the page of the run."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        run = [*INSTALLED, "--export", f"html={page}"]
        subprocess.run(run, check=True, stdout=subprocess.DEVNULL)
        photograph(page, picture, PAGE)


def take_study(name: str, picture: Path) -> None:
    """Have Chromium take what the study ``name`` says of its benchmark, in one figure or bars."""
    benchmark = STUDIES[name]
    sweep = simbench.sweep_study(ROOT / "docs" / "studies" / f"{name}.yaml")
    points = sweep.points.where(sweep.points["benchmark"] == benchmark)
    along = line_axis(points, sweep.study.groups)
    if along is None:
        blocks: Sequence[Block] = list(time_bars(sweep, points))
    else:
        best = pareto(points, sweep.study.pareto)
        blocks = [*line_figures(points, best, sweep.study.groups, along)][-1:]  # energy
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(render_page(f"{name}: {benchmark}", [Section("", blocks)]))
        photograph(page, picture, FIGURES[name])


def time_bars(sweep: Sweep, points: Points) -> Iterator[Bars]:
    """The time of each point, with its range: by board, and where there are axes by setting."""
    longest = float(points["time_s_upper"].max())
    names = sweep.axes or ("platform",)
    boards = dict.fromkeys(points["platform"].tolist()) if sweep.axes else [None]
    for board in boards:
        rows = [row for row in points.rows() if board in (None, row["platform"])]
        called = ", ".join(names).replace("placement.", "")
        caption = "Time" if board is None else f"{board}: time by {called}"
        yield Bars(caption, [_bar(row, names, longest) for row in rows])


def _bar(row: Mapping[str, Any], names: Sequence[str], longest: float) -> Bar:
    span = (row["time_s"], row["time_s_lower"], row["time_s_upper"])
    return Bar(
        Link(", ".join(str(row[name]) for name in names), ""),
        ranged(span, "s"),
        span[0] / longest,
        (span[1] / longest, span[2] / longest),
    )


def photograph(page: Path, picture: Path, size: tuple[int, int]) -> None:
    """Have Chromium take the top of ``page`` once its figures are drawn."""
    subprocess.run(
        [
            *("chromium", "--headless", "--no-sandbox", "--hide-scrollbars"),
            f"--window-size={size[0]},{size[1]}",
            "--virtual-time-budget=20000",
            f"--screenshot={picture}",
            page.as_uri(),
        ],
        check=True,
    )


def main() -> None:
    """Draw all, or those of the studies that are named."""
    PICTURES.mkdir(exist_ok=True)
    asked = sys.argv[1:]
    if not asked:
        (PICTURES / "terminal.svg").write_text(terminal())
        take_page(PICTURES / "page.png")
    for name in asked or STUDIES:
        take_study(name, PICTURES / f"{name}.png")


if __name__ == "__main__":
    main()
