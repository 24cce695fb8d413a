"""A board's files with other values written in: what a setting makes of a platform and its core."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path

import yaml

from simbench.catalog.cores import core_path
from simbench.catalog.platforms import Platform, platform_from, platform_path
from simbench.cost.cores.core import Core, core_from, load_core
from simbench.cost.residuals import load_target
from simbench.cost.target import Target
from simbench.errors import UsageError
from simbench.files.datafile import compose, top_table
from simbench.result.what_if import ABSENT, AS_IS
from simbench.sweeps.axes import Setting, nearest

CORE = "core."
"""What the paths of a core's file begin with."""

_ALONE = {"clock": "clock_hz", "supply": "supply_v", "energy": "energy"}
"""Keys that can be checked without the others, with their field of a platform."""
_PRICED = ("clock", "energy.", "core.cycles.", "core.pipeline.")
_FLAGS = ("executable", "prefetch", "keeps_jumps_only")
"""Keys that a file may leave out, and that can be set all the same."""

_NODES_KEPT = 1 << 14

_Changes = tuple[tuple[str, str], ...]


class WrongSetting(UsageError):
    """A setting that its board cannot take; ``paths`` are those at fault, one of them or all."""

    def __init__(self, sentence: str, paths: Iterable[str]) -> None:
        self.paths = tuple(paths)
        super().__init__(sentence)


@dataclass(frozen=True, eq=False, slots=True)
class _File:
    """A data file: its mapping, the text at each path ("" at a table's), and how axes begin."""

    path: Path
    node: yaml.MappingNode
    texts: Mapping[str, str]
    prefix: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Sheet:
    """The files of one board, from which the targets of settings are made.

    Each part of a target is checked once and kept: targets share what they do not differ in.
    """

    name: str
    _file: _File
    _parts: dict[_Changes, Platform] = field(default_factory=dict)

    def target(self, setting: Setting) -> Target:
        """The target with ``setting`` applied. Raises UsageError naming the path at fault."""
        platform = self._platform(setting)
        of_core = tuple((path, text) for path, text in setting.items() if path.startswith(CORE))
        return load_target(platform, _varied_core(platform.core, of_core))

    def can_be(self, setting: Setting) -> bool:
        """Whether ``setting`` makes a target."""
        try:
            self.target(setting)
        except UsageError:
            return False
        return True

    def value(self, path: str) -> str:
        """What the files say at ``path``; "" for what is a table, or not there."""
        return self._texts().get(path, "")

    def prices(self) -> tuple[str, ...]:
        """The paths of all numbers that prices are made of: clock, wait states, energy, core."""
        return tuple(
            path
            for path, text in self._texts().items()
            if text and (path.startswith(_PRICED) or path.endswith(".wait_states"))
        )

    def _texts(self) -> Mapping[str, str]:
        core = _core_file(self._file.texts["core"])
        return {**self._file.texts, **{CORE + path: text for path, text in core.texts.items()}}

    def _platform(self, setting: Setting) -> Platform:
        parts: dict[str, list[tuple[str, str]]] = {}
        for path, text in setting.items():
            if not path.startswith(CORE):
                key = path.partition(".")[0]
                parts.setdefault(key if key in _ALONE else "", []).append((path, text))
        board = self._part(tuple(parts.pop("", ())))
        alone = {_ALONE[key]: self._part(tuple(changes)) for key, changes in parts.items()}
        return replace(board, **{name: getattr(part, name) for name, part in alone.items()})

    def _part(self, changes: _Changes) -> Platform:
        if changes not in self._parts:
            node = _changed(self._file, changes)
            try:
                part = platform_from(top_table(node, self._file.path), self._file.path)
            except UsageError as error:
                raise _blamed(self._file, changes, error) from error
            self._parts[changes] = part
        return self._parts[changes]


def sheet(name: str) -> Sheet:
    """The files of the platform ``name``. Raises UsageError where there is none."""
    path = platform_path(name)
    return Sheet(path.stem, _file(path))


@lru_cache(maxsize=4096)  # boards of one core share what is worked out for it
def _varied_core(name: str, changes: _Changes) -> Core:
    if not changes:
        return load_core(name)
    file = _core_file(name)
    node = _changed(file, tuple((path[len(CORE) :], text) for path, text in changes))
    try:
        return core_from(top_table(node, file.path), file.path)
    except UsageError as error:
        raise _blamed(file, changes, error) from error


@cache
def _core_file(name: str) -> _File:
    return _file(core_path(name), CORE)


def _file(path: Path, prefix: str = "") -> _File:
    node = compose(path)
    return _File(path, node, dict(_texts(node, "")), prefix)


def _texts(node: yaml.MappingNode, prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in node.value:
        path = f"{prefix}{key.value}"
        if isinstance(value, yaml.ScalarNode):
            yield path, str(value.value)
        elif isinstance(value, yaml.MappingNode) and path != "sources":
            number = next((v for k, v in value.value if k.value == "value"), None)
            yield path, number.value if isinstance(number, yaml.ScalarNode) else ""
            if number is None:
                yield from _texts(value, f"{path}.")


def _changed(file: _File, changes: _Changes) -> yaml.MappingNode:
    _check_together(file, changes)
    node = file.node
    for path, text in changes:
        table, _, key = path.rpartition(".")
        if path not in file.texts and not (key in _FLAGS and table in file.texts):
            near = nearest(file.prefix + path, (file.prefix + known for known in file.texts))
            raise WrongSetting(
                f"{file.path.name} has no number or flag {path}: the nearest are {near}",
                [file.prefix + path],
            )
        if text != AS_IS:
            node = _written(node, tuple(path.split(".")), text)
    return node


def _check_together(file: _File, changes: _Changes) -> None:
    """Raise UsageError where a change is of something that another takes away or replaces."""
    set_here = {path: text for path, text in changes if text != AS_IS}
    for whole, text in set_here.items():
        part = next((path for path in set_here if path.startswith(f"{whole}.")), None)
        if part is not None:
            raise WrongSetting(
                f"{file.path.stem} with {file.prefix}{whole}={text} has no {file.prefix}{part} to "
                f"set: leave {text} out, or give the two with --zip and as-is where one is not",
                [file.prefix + part],
            )


@lru_cache(maxsize=_NODES_KEPT)
def _written(node: yaml.MappingNode, keys: tuple[str, ...], text: str) -> yaml.MappingNode:
    """``node`` with ``text`` at the path ``keys``: what it held there, with its range, is gone.

    What is written again is the same node, so that tables that were read need not be again.
    """
    first, *rest = keys
    mark = node.start_mark
    pairs = {key.value: (key, value) for key, value in node.value}
    key, old = pairs.get(first, (yaml.ScalarNode("tag:yaml.org,2002:str", first, mark, mark), None))
    if rest:
        assert isinstance(old, yaml.MappingNode)  # the path is one of the file's
        pairs[first] = key, _written(old, tuple(rest), text)
    elif text == ABSENT:
        pairs.pop(first, None)
    else:
        pairs[first] = key, yaml.ScalarNode("tag:yaml.org,2002:str", text, mark, mark)
    return yaml.MappingNode(node.tag, list(pairs.values()), mark, node.end_mark)


def _blamed(file: _File, changes: Iterable[tuple[str, str]], error: UsageError) -> UsageError:
    """The error of a file that was right before ``changes``, which are to blame."""
    what = str(error).removeprefix(f"{file.path}:").partition(": ")[2] or str(error)
    said = ", ".join(f"{path}={text}" for path, text in changes)
    if not said:
        return error
    paths = (file.prefix + path.removeprefix(file.prefix) for path, _ in changes)
    return WrongSetting(f"{file.path.stem} with {said}: {what}", paths)
