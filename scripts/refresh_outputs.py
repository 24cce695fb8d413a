"""Replace every shown output in README.md and docs/ by what the command prints now.

A shown output is a fenced block after a comment ``<!-- output: COMMAND -->``. A block of Python is
run after those before it on its page, in a folder with ``my_model.tflite``; what it prints is after
a comment ``<!-- printed -->``. The list after ``<!-- model error -->`` is what docs/model-error.md
says of the model. With ``--check``, write nothing and exit 1 where a block is stale;
``--only PATTERN`` takes only the commands in which that regular expression is found, of which
"python PAGE" and "model error" are two. The commands of stale blocks are told.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(<!-- output: (?P<command>.+?) -->\n```\w*\n)(?P<shown>.*?)(?=```)", re.DOTALL)
PYTHON = re.compile(
    r"```python\n(?P<code>.*?)```\n(?:(?P<head>\n<!-- printed -->\n```text\n)(?P<shown>.*?)```\n)?",
    re.DOTALL,
)
MODEL_ERROR = re.compile(r"(<!-- (?P<command>model error) -->\n)(?P<shown>(?:\* .*\n)*)")
SAID = re.compile(r"^\* \*\*.*\n", re.MULTILINE)
PROGRAMS = re.compile(
    r"its (?P<count>\d+) programs.+?mean absolute error is (?P<mean>\*\*[\d.]+%\*\*), the largest "
    r"(?P<largest>[\d.]+%), and (?P<inside>\d+) lie inside",
    re.DOTALL,
)
OWN_MODEL = "ad"
"""The benchmark whose model is the user's own on pages of Python."""


@cache
def printed(command: str) -> str:
    """Standard output of ``command`` in a terminal of 80 columns without colour."""
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1"}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    done = subprocess.run(
        shlex.split(command), cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    lines = (done.stdout or done.stderr).splitlines()
    return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"


def refreshed(text: str, pattern: str) -> str:
    """``text`` with every shown output of a command that ``pattern`` is in made anew."""

    def renew(match: re.Match[str]) -> str:
        command = match["command"]
        if not re.search(pattern, command) or match["shown"] == printed(command):
            return match[0]
        print(f"shows what is not so: {command}")
        return match[1] + printed(command)

    return BLOCK.sub(renew, text)


def quoted(text: str, pattern: str) -> str:
    """``text`` with what it says of the model's error as the page on it does."""
    if not re.search(pattern, "model error"):
        return text
    return MODEL_ERROR.sub(lambda match: match[1] + model_error(), text)


@cache
def model_error() -> str:
    """The errors of the model over networks, their energy and other programs, a line each."""
    page = (ROOT / "docs" / "model-error.md").read_text()
    of_programs = PROGRAMS.search(page)
    assert of_programs is not None
    programs = (
        "* **Programs** that are no networks: {count}, timed on a Cortex-M4: mean absolute error "
        "{mean}, largest {largest}; {inside} lie inside the stated range.\n"
    )
    return "".join(SAID.findall(page)[:2]) + programs.format(**of_programs.groupdict())


def rerun(text: str) -> str:
    """``text`` with its blocks of Python run in their order, and what they print made anew."""
    from simbench.catalog.benchmarks import load_benchmarks
    from simbench.models.source import source_bytes

    names: dict[str, Any] = {"__name__": "__main__"}

    def renew(match: re.Match[str]) -> str:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(match["code"], "<page>", "exec"), names)
        if match["head"] is None:
            return match[0]
        return f"```python\n{match['code']}```\n{match['head']}{said.getvalue()}```\n"

    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("my_model.tflite").write_bytes(source_bytes(load_benchmarks()[OWN_MODEL].model))
        return PYTHON.sub(renew, text)


def main() -> int:
    """Refresh or check; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--only", default="", metavar="PATTERN")
    options = parser.parse_args()
    stale = []
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        before = page.read_text()
        after = quoted(refreshed(before, options.only), options.only)
        command = f"python {page.relative_to(ROOT)}"
        if "<!-- printed -->" in before and re.search(options.only, command):
            after = rerun(after)
        if after != before:
            stale.append(page.relative_to(ROOT))
            if not options.check:
                page.write_text(after)
    verb = "stale" if options.check else "refreshed"
    for page in stale:
        print(f"{verb}: {page}")
    return int(options.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
