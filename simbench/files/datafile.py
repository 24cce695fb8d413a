"""Reads data files in YAML: numbers with units and sources, errors with file, line and key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from math import isfinite
from pathlib import Path

import yaml

from simbench.errors import UsageError

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where it was built
UNITS: Mapping[str, Mapping[str, float]] = {
    "Hz": {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9},
    "bytes": {"B": 1.0, "KiB": 1024.0, "MiB": 1048576.0},
    "V": {"V": 1.0, "mV": 1e-3},
    "W": {"W": 1.0, "mW": 1e-3, "uW": 1e-6},
    "J": {"J": 1.0, "mJ": 1e-3, "uJ": 1e-6, "nJ": 1e-9, "pJ": 1e-12},
    "s": {"s": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0, "h": 3600.0},
    "A": {"A": 1.0, "mA": 1e-3, "uA": 1e-6, "nA": 1e-9},
    "Ah": {"Ah": 1.0, "mAh": 1e-3},
    "": {},
}
_NUMBER = re.compile(
    r"\s*(?P<number>0[xX][0-9a-fA-F_]+|[-+]?[0-9][0-9_]*(\.[0-9]+)?([eE][-+]?[0-9]+)?)"
    r"\s*(?P<unit>[A-Za-z%]*)\s*"
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number of a data file: its value, what its source leaves open, and the source."""

    value: float
    lower: float
    upper: float
    source: str | None


class Table:
    """A mapping of a data file. Reading a key checks it and remembers that it is known.

    Two tables are equal where they are the same place of the same reading of a file.
    """

    def __init__(self, node: yaml.MappingNode, path: Path, prefix: str, sources: Table | None):
        self._whole = node
        self._path = path
        self._prefix = prefix
        self._line = node.start_mark.line + 1
        self._nodes: dict[str, yaml.Node] = {}
        self._lines: dict[str, int] = {}
        self._known: set[str] = set()
        for key, value in node.value:
            self._add(key, value)
        own = self._nodes.get("sources")
        if sources is None and own is not None:
            sources = self.table("sources")
        self._sources = sources

    def _add(self, key: yaml.Node, value: yaml.Node) -> None:
        name = key.value if isinstance(key, yaml.ScalarNode) else "?"
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or name in self._nodes:
            raise UsageError(f"{self._path}:{line}: {self._prefix}{name} is there twice")
        self._nodes[name] = value
        self._lines[name] = line

    def __eq__(self, other: object) -> bool:
        """Whether ``other`` is the same place, so that what was read there need not be again."""
        return isinstance(other, Table) and other._whole is self._whole

    def __hash__(self) -> int:
        """By the place."""
        return id(self._whole)

    def __contains__(self, key: str) -> bool:
        """Whether ``key`` is in the file; asking makes it a known one."""
        self._known.add(key)
        return key in self._nodes

    def __iter__(self) -> Iterator[str]:
        """The keys, in the order of the file."""
        return iter(self._nodes)

    def fail(self, key: str, what: str) -> UsageError:
        """An error at ``key``: "stm32f4.yaml:12: memories.flash.size: ..."."""
        return UsageError(f"{self.place(key)}: {what}")

    def place(self, key: str) -> str:
        """Where ``key`` is: "stm32f4.yaml:12: memories.flash.size"."""
        line = self._lines.get(key, self._line)
        return f"{self._path}:{line}: {self._prefix}{key}"

    def _node(self, key: str) -> yaml.Node:
        self._known.add(key)
        if key not in self._nodes:
            raise self.fail(key, "is missing")
        return self._nodes[key]

    def table(self, key: str) -> Table:
        """The mapping under ``key``."""
        node = self._node(key)
        if not isinstance(node, yaml.MappingNode):
            raise self.fail(key, "must be a table of keys and values")
        sources = self._sources if key != "sources" else None
        return Table(node, self._path, f"{self._prefix}{key}.", sources)

    def text(self, key: str) -> str:
        """The text under ``key``, not empty, on one line."""
        node = self._node(key)
        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            raise self.fail(key, "must be a text")
        return " ".join(node.value.split())

    def texts(self, key: str) -> tuple[str, ...]:
        """The list of texts under ``key``."""
        node = self._node(key)
        if not isinstance(node, yaml.SequenceNode) or not all(
            isinstance(item, yaml.ScalarNode) for item in node.value
        ):
            raise self.fail(key, "must be a list of texts")
        return tuple(str(item.value) for item in node.value)

    def is_null(self, key: str) -> bool:
        """Whether ``key`` is there and says ``null``: a fact that is not known."""
        node = self._nodes.get(key)
        is_null = isinstance(node, yaml.ScalarNode) and node.value == "null"
        if is_null:
            self._known.add(key)
        return is_null

    def flag(self, key: str) -> bool:
        """The yes or no under ``key``; no where the key is absent."""
        self._known.add(key)
        if key not in self:
            return False
        node = self._node(key)
        if not isinstance(node, yaml.ScalarNode) or node.value not in ("true", "false"):
            raise self.fail(key, "must be true or false")
        return bool(node.value == "true")

    def quantity(
        self, key: str, unit: str = "", *, minimum: float = 0.0, maximum: float = 1e18
    ) -> Quantity:
        """The number under ``key``, in ``unit``, a key of :data:`UNITS`.

        Written as ``5``, ``168MHz`` or ``{value, lower, upper, source}``.
        """
        node = self._node(key)
        if isinstance(node, yaml.ScalarNode):
            value = self._number(key, node, unit, minimum, maximum)
            return Quantity(value, value, value, self._source())
        if not isinstance(node, yaml.MappingNode):
            raise self.fail(key, "must be a number")
        table = self.table(key)
        value = table._plain("value", unit, minimum, maximum)
        lower = table._plain("lower", unit, minimum, maximum, value)
        upper = table._plain("upper", unit, minimum, maximum, value)
        source = table._source()
        table.finish()
        if not lower <= value <= upper:
            raise self.fail(key, f"{value:g} is not between {lower:g} and {upper:g}")
        return Quantity(value, lower, upper, source)

    def integer(self, key: str, unit: str = "", *, minimum: int = 0, maximum: int = 1 << 40) -> int:
        """The whole number under ``key``, in ``unit``."""
        quantity = self.quantity(key, unit, minimum=minimum, maximum=maximum)
        if quantity.value != int(quantity.value) or quantity.lower != quantity.upper:
            raise self.fail(key, f"{quantity.value:g} must be a whole number without a range")
        return int(quantity.value)

    def finish(self) -> None:
        """Refuse keys that nobody asked for: they are spelt wrong."""
        for key in self._nodes:
            if key not in self._known and key != "source":
                near = get_close_matches(key, self._known, 1)
                hint = f" (did you mean {near[0]}?)" if near else ""
                raise self.fail(key, f"is not a known key{hint}")

    def _plain(
        self, key: str, unit: str, minimum: float, maximum: float, default: float | None = None
    ) -> float:
        if default is not None and key not in self:
            self._known.add(key)
            return default
        node = self._node(key)
        if not isinstance(node, yaml.ScalarNode):
            raise self.fail(key, "must be a number")
        return self._number(key, node, unit, minimum, maximum)

    def _number(
        self, key: str, node: yaml.ScalarNode, unit: str, minimum: float, maximum: float
    ) -> float:
        try:
            value = parse_number(node.value, unit)
        except ValueError as error:
            raise self.fail(key, str(error)) from None
        if not minimum <= value <= maximum:
            possible = f"{minimum:g} to {maximum:g} {unit}".strip()
            raise self.fail(key, f"{node.value} is impossible: {possible} is possible")
        return value

    def _source(self) -> str | None:
        if "source" not in self:
            return None
        text = self.text("source")
        if self._sources is not None and text in self._sources:
            return self._sources.text(text)
        if " " not in text:
            raise self.fail("source", f"{text} is not one of the file's sources")
        return text


def parse_number(text: str, unit: str) -> float:
    """A number with a unit of the kind of ``unit``, or none: "168MHz" is 168e6 for "Hz".

    Raises ValueError with a sentence saying what is wrong.
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a number")
    number, suffix = match["number"].replace("_", ""), match["unit"]
    value = float(int(number, 16)) if number[:2] in ("0x", "0X") else float(number)
    units = UNITS[unit]
    if suffix and suffix not in units:
        known = ", ".join(units) if units else "none"
        raise ValueError(f"{text!r} has an unknown unit: {known} can be used here")
    value *= units.get(suffix, 1.0)
    if not isfinite(value):
        raise ValueError(f"{text!r} is too large")
    return value


def read(path: Path) -> Table:
    """The top table of a data file. Raises UsageError as :func:`compose` does."""
    return top_table(compose(path), path)


def top_table(node: yaml.MappingNode, path: Path) -> Table:
    """The top table of the data file ``path``, whose mapping is ``node``."""
    return Table(node, path, "", None)


def compose(path: Path) -> yaml.MappingNode:
    """The mapping that a data file is, not yet checked.

    Raises UsageError when the file cannot be read or is no YAML mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"{path} cannot be read: {why}") from error
    try:
        node = yaml.compose(text, Loader=LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "it is no YAML"
        raise UsageError(f"{path}{line}: {problem}") from error
    if not isinstance(node, yaml.MappingNode):
        raise UsageError(f"{path}:1: must be a table of keys and values")
    return node
