"""What a page is made of: sections of blocks, each shown without JavaScript but for figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; a ``warning`` stands out."""

    kind: ClassVar[str] = "text"
    text: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and what is to be said of each, one a line; ``monospace`` for hashes."""

    kind: ClassVar[str] = "facts"
    facts: Sequence[tuple[str, str]]
    monospace: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A cell of a table that leads to the section called ``anchor``."""

    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows under headings, with a caption. Columns after the first ``text_columns`` are numbers."""

    kind: ClassVar[str] = "table"
    headings: Sequence[str]
    rows: Sequence[Sequence[str | Link]]
    text_columns: int = 1
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A Bokeh figure under its caption, with a legend of (label, colour)."""

    kind: ClassVar[str] = "figure"
    caption: str
    plot: Any
    legend: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Details:
    """A table that is shown on request."""

    kind: ClassVar[str] = "details"
    summary: str
    table: Rows


Block = Text | Facts | Rows | Figure | Details


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page under its title; ``anchor`` is its id in the page."""

    title: str
    blocks: Sequence[Block]
    anchor: str = ""
