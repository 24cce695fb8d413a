"""Replace every shown output in README.md and docs/ by what the command prints now.

A shown output is a fenced block after a comment ``<!-- output: COMMAND -->``. With ``--check``,
write nothing, name the commands whose blocks are stale, and exit 1 if there are any; ``--only
PATTERN`` takes only the commands in which that regular expression is found.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(<!-- output: (?P<command>.+?) -->\n```\w*\n)(?P<shown>.*?)(?=```)", re.DOTALL)


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


def stale(text: str, pattern: str) -> Iterator[str]:
    """The commands that ``pattern`` is in and whose shown output is not what they print."""
    for match in BLOCK.finditer(text):
        if re.search(pattern, match["command"]) and printed(match["command"]) != match["shown"]:
            yield match["command"]


def refreshed(text: str, commands: Collection[str]) -> str:
    """``text`` with the shown output of each of ``commands`` made anew."""

    def renew(match: re.Match[str]) -> str:
        command = match["command"]
        return match[1] + printed(command) if command in commands else match[0]

    return BLOCK.sub(renew, text)


def main() -> int:
    """Refresh or check; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--only", default="", metavar="PATTERN")
    options = parser.parse_args()
    verb = "stale" if options.check else "refreshed"
    found = False
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        text = page.read_text()
        commands = list(stale(text, options.only))
        for command in commands:
            found = True
            print(f"{verb}: {page.relative_to(ROOT)}: {command}")
        if commands and not options.check:
            page.write_text(refreshed(text, commands))
    return int(options.check and found)


if __name__ == "__main__":
    sys.exit(main())
