"""The rooms of simbench/, in layers, and the table of them in docs/explanation/design.md.

A room is a folder of simbench/ or a module beside them. ``python scripts/rooms.py`` writes the
table anew from the first line of each room's docstring; with ``--check`` it writes nothing and
exits 1 where the table is stale.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "simbench"
PAGE = ROOT / "docs" / "explanation" / "design.md"
TABLE = re.compile(r"(<!-- rooms: scripts/rooms\.py -->\n)(?:\|.*\n)*")

LAYERS = (
    ("errors", "counts", "isa"),
    ("files",),
    ("result",),
    ("catalog", "store"),
    ("firmware",),
    ("backends", "cost", "models"),
    ("cluster", "task"),
    ("session", "profiles"),
    ("accuracy", "hardware", "validation"),
    ("suites",),
    ("runs",),
    ("comparisons", "search", "serve", "sweeps"),
    ("exports",),
    ("api",),
    ("cli", "pytest_plugin"),
)
"""Rooms, the lowest first. A room may import those of the layers before its own."""


def rooms() -> dict[str, Path]:
    """Each room's name, and the file with its docstring."""
    modules = {path.stem: path for path in PACKAGE.glob("*.py") if path.stem != "__init__"}
    return modules | {path.parent.name: path for path in PACKAGE.glob("*/__init__.py")}


def summary(file: Path) -> str:
    """The first line of a module's docstring, as Markdown; "" where it has none."""
    first = (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n")[0]
    return re.sub(r"(?::\w+:)?`+([^`]+)`+", r"`\1`", first)


def imported(name: str) -> dict[str, Path]:
    """The rooms that a room imports, each with one of the files that do."""
    folder = PACKAGE / name
    files = sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{name}.py"]
    return {room: file for file in files for room in _imported_by(file) if room != name}


def _imported_by(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == PACKAGE.name:
            yield from (alias.name for alias in node.names if alias.name in rooms())
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from _room(node.module)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield from _room(alias.name)


def _room(module: str) -> Iterator[str]:
    first, *rest = module.split(".")
    if first == PACKAGE.name and rest:
        yield rest[0]


def table() -> str:
    """The rooms as a Markdown table, the highest layer first."""
    found = rooms()
    rows = ["| room | what is in it |", "|---|---|"]
    for layer in reversed(LAYERS):
        for name in layer:
            shown = f"{name}/" if (PACKAGE / name).is_dir() else f"{name}.py"
            rows.append(f"| `{shown}` | {summary(found[name])} |")
    return "\n".join(rows) + "\n"


def main() -> int:
    """Write or check; returns the exit code."""
    before = PAGE.read_text()
    after = TABLE.sub(lambda match: match[1] + table(), before)
    if "--check" in sys.argv[1:]:
        return int(after != before)
    PAGE.write_text(after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
