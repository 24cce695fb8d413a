"""What a page is made of: sections of blocks, each shown without JavaScript but for figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; a ``warning`` stands out, and so does what is ``strong``."""

    kind: ClassVar[str] = "text"
    text: str
    warning: bool = False
    strong: bool = False


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
class Bar:
    """A bar of :class:`Bars`: its name, what is said of it, and how much of the widest it is (None
    where that is not known), with its range. One that is ``faint`` is no result that counts."""

    name: Link
    said: str
    share: float | None = None
    span: tuple[float, float] | None = None
    is_faint: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars under a caption, drawn without JavaScript."""

    kind: ClassVar[str] = "bars"
    caption: str
    bars: Sequence[Bar]


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


@dataclass(frozen=True, slots=True)
class Slider:
    """A choice of one of ``values``: what each is in words (``shown``), and what ``simbench sweep``
    must be told to set for it. It is called ``name`` in links, and begins at ``start``."""

    label: str
    name: str
    values: Sequence[str]
    shown: Sequence[str]
    settings: Sequence[Sequence[str]]
    start: int


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Sliders, and what is shown for each combination of their values, the last one's changing
    fastest: cycles, time and energy, or a sentence. It is called ``name`` in links."""

    kind: ClassVar[str] = "what-if"
    name: str
    caption: str
    sliders: Sequence[Slider]
    cells: Sequence[Sequence[str] | str]
    notes: Sequence[str] = ()

    @property
    def data(self) -> dict[str, Any]:
        """What the page's script needs."""
        sliders = [asdict(slider) for slider in self.sliders]
        return {"name": self.name, "sliders": sliders, "cells": self.cells}


Block = Text | Facts | Rows | Bars | Figure | Details | WhatIf


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page under its title; ``anchor`` is its id in the page."""

    title: str
    blocks: Sequence[Block]
    anchor: str = ""
