"""Texts as cells of a table that spreadsheets open."""

from __future__ import annotations

import re

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9]+)?([eE][-+]?[0-9]+)?[A-Za-z%]*")


def cell(text: str) -> str:
    """``text`` as no spreadsheet takes it for a formula: with an apostrophe before it, if need be.

    A number is left, with its sign and unit.
    """
    is_formula = text.startswith(_FORMULA) and _NUMBER.fullmatch(text) is None
    return f"'{text}" if is_formula else text
