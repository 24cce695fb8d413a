"""Pieces of Markdown as GitHub and GitLab read it; text from models and files cannot break out."""

from __future__ import annotations

from collections.abc import Sequence

MOST_ROWS = 100
MOST_LINES = 60
SENTENCE = 300
"""Rows of a table, lines of a list and characters of a sentence that are shown."""
LONGEST = 65_000
"""Characters: a comment on GitHub may have 65,536."""


def code(text: str | None, longest: int = 80) -> str:
    """``text`` in one line as a code span: shown as it is, not as markup, mention or link."""
    line = " ".join((text or "").split()).replace("`", "'")
    if not line:
        return "–"
    return f"`{line if len(line) <= longest else line[: longest - 1] + '…'}`"


def listed(items: Sequence[str]) -> str:
    """A list; it says how many items it leaves out."""
    lines = [f"- {item}" for item in items[:MOST_LINES]]
    if len(items) > MOST_LINES:
        lines.append(f"- {len(items) - MOST_LINES:,} more are left out")
    return "\n".join(lines)


def table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1, most: int = MOST_ROWS
) -> str:
    """A table whose first ``left`` columns are flush left; it says how many rows beyond ``most`` it
    leaves out."""
    rules = [":--" if column < left else "--:" for column in range(len(headings))]
    lines = [_row(headings), _row(rules), *map(_row, rows[:most])]
    if len(rows) > most:
        lines += ["", f"{len(rows) - most:,} more rows are left out"]
    return "\n".join(lines)


def folded(title: str, body: str) -> str:
    """``body`` behind a line that opens it; ``title`` is plain text of simbench's own."""
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
