"""Draw the README's pictures anew: a terminal's window with a real run, and the top of its page.

Both are of ``simbench run --platform all --benchmark ad``: docs/pictures/terminal.svg is what the
command writes to a terminal of 80 columns, docs/pictures/page.png what Chromium shows of its page.
"""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
COMMAND = ("simbench", "run", "--platform", "all", "--benchmark", "ad")
INSTALLED = (str(Path(sys.executable).parent / COMMAND[0]), *COMMAND[1:])
COLUMNS = 80
PAGE = (1200, 900)  # pixels
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
        browser = ["chromium", "--headless", "--no-sandbox", "--hide-scrollbars"]
        size = f"--window-size={PAGE[0]},{PAGE[1]}"
        subprocess.run([*browser, size, f"--screenshot={picture}", page.as_uri()], check=True)


def main() -> None:
    """Draw both."""
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / "terminal.svg").write_text(terminal())
    take_page(PICTURES / "page.png")


if __name__ == "__main__":
    main()
