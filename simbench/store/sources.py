"""Which of simbench's own code decides a value: the closure of imports of what makes it.

A value that is kept is named by the hash of that code too, so that a change of any module that
could change the value makes another key. The closure is read from the text of the modules, imports
in functions included; imports for type checkers alone decide nothing. C and C++ sources count with
the modules of their folder, or of the nearest one above that has modules. Data files do not: what
reads them hashes what it read.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+(simbench[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)"
    rb"|import[ \t]+(simbench[\w.]*))",
    re.MULTILINE,
)
_FOR_TYPE_CHECKERS = re.compile(rb"^if TYPE_CHECKING:\n(?:[ \t]+[^\n]*\n|\n)*", re.MULTILINE)
_COMPILED = (".c", ".cc", ".cs", ".h")


@cache
def sources_hash(*modules: str) -> str:
    """The hash over the code of ``modules``, and of all that they import of simbench.

    Raises ValueError for a name that is no module of simbench.
    """
    digest = hashlib.sha256()
    for place in sorted(_places(modules)):
        content = _text(place)
        digest.update(f"{place}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def source_files(*modules: str) -> dict[str, Path]:
    """The files of ``modules`` and of all that they import, by their place in the package.

    Raises ValueError for a module that is not there.
    """
    return {place: _PACKAGE / place for place in _places(modules)}


def _places(modules: Iterable[str]) -> set[str]:
    """Places in the package: "cost/price.py"."""
    found: set[str] = set()
    for module in modules:
        place = _tree().modules.get(module)
        if place is None:
            raise ValueError(f"{module} is no module of simbench, so its code cannot be hashed")
        found |= _closure(place)
    folders = {place.rpartition("/")[0] for place in found}
    return found.union(*(_tree().compiled.get(folder, ()) for folder in folders))


@cache
def _closure(start: str) -> frozenset[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        place = waiting.pop()
        if place not in found:
            found.add(place)
            waiting += _imported(place)
    return frozenset(found)


@cache
def _imported(place: str) -> tuple[str, ...]:
    """The modules that ``place`` imports, and the packages that are imported on the way to it."""
    text = _FOR_TYPE_CHECKERS.sub(b"", _text(place))
    modules = _tree().modules
    names = (name for match in _IMPORT.finditer(text) for name in _names(match))
    return (*_packages_above(place), *(modules[name] for name in names if name in modules))


def _names(match: re.Match[bytes]) -> Iterator[str]:
    """What an import may name: the module, and each name in it, which may be a module too."""
    module = (match[1] or match[3]).decode()
    yield module
    for entry in (match[2] or b"").strip(b"()").split(b","):
        words = entry.partition(b"#")[0].split()
        if words:
            yield f"{module}.{words[0].decode()}"


def _packages_above(place: str) -> Iterator[str]:
    folders = place.split("/")[:-1]
    for depth in range(len(folders) + 1):
        yield "/".join((*folders[:depth], "__init__.py"))


@dataclass(frozen=True, slots=True)
class _Tree:
    """Places in the package: of each module by its name, a package's being its ``__init__.py``, and
    of C and C++ sources by the folder of the modules that they count with."""

    modules: Mapping[str, str]
    compiled: Mapping[str, Sequence[str]]


@cache
def _tree() -> _Tree:
    modules: dict[str, str] = {}
    compiled: dict[str, list[str]] = {}
    owners = {"": ""}  # of a folder without modules: the nearest one above that has some
    for absolute, folders, names in os.walk(_PACKAGE):
        folder = absolute[len(str(_PACKAGE)) + 1 :].replace(os.sep, "/")
        before = f"{folder}/" if folder else ""
        if any(name.endswith(".py") for name in names):
            owners[folder] = folder
        for name in names:
            stem, suffix = os.path.splitext(name)
            if suffix == ".py":
                dotted = before.replace("/", ".")
                whole = f"{_PACKAGE.name}.{dotted}{stem}"
                modules[whole.removesuffix(".__init__")] = before + name
            elif suffix in _COMPILED:
                compiled.setdefault(owners[folder], []).append(before + name)
        owners.update((before + below, owners[folder]) for below in folders)
    return _Tree(modules, compiled)


@cache
def _text(place: str) -> bytes:
    with open(f"{_PACKAGE}/{place}", "rb") as file:
        return file.read()
