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
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+(simbench[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)"
    rb"|import[ \t]+(simbench[\w.]*))",
    re.MULTILINE,
)
_FOR_TYPE_CHECKERS = re.compile(rb"^if TYPE_CHECKING:\n(?:[ \t]+[^\n]*\n|\n)*", re.MULTILINE)
_COMPILED = (".c", ".cc", ".h")


@cache
def sources_hash(*modules: str) -> str:
    """The hash over the code of ``modules``, and of all that they import of simbench.

    Raises ValueError for a name that is no module of simbench.
    """
    digest = hashlib.sha256()
    for name, path in sorted(source_files(*modules).items()):
        content = _text(path)
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def source_files(*modules: str) -> dict[str, Path]:
    """The files of ``modules`` and of all that they import, by their place in the package.

    Raises ValueError for a module that is not there.
    """
    found: set[Path] = set()
    for module in modules:
        path = _module_file(module)
        if path is None:
            raise ValueError(f"{module} is no module of simbench, so its code cannot be hashed")
        found |= _closure(path)
    compiled = {file for folder in {path.parent for path in found} for file in _compiled(folder)}
    return {path.relative_to(_PACKAGE).as_posix(): path for path in (*found, *compiled)}


@cache
def _closure(start: Path) -> frozenset[Path]:
    found: set[Path] = set()
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported(path)
    return frozenset(found)


@cache
def _imported(path: Path) -> tuple[Path, ...]:
    """The modules that ``path`` imports, and the packages that are imported on the way to it."""
    text = _FOR_TYPE_CHECKERS.sub(b"", _text(path))
    names = (name for match in _IMPORT.finditer(text) for name in _names(match))
    files = (_module_file(name) for name in names)
    return (*_packages_above(path), *(file for file in files if file is not None))


def _names(match: re.Match[bytes]) -> Iterator[str]:
    """What an import may name: the module, and each name in it, which may be a module too."""
    module = (match[1] or match[3]).decode()
    yield module
    for entry in (match[2] or b"").strip(b"()").split(b","):
        words = entry.partition(b"#")[0].split()
        if words:
            yield f"{module}.{words[0].decode()}"


def _packages_above(path: Path) -> Iterator[Path]:
    for folder in path.parents:
        yield folder / "__init__.py"
        if folder == _PACKAGE:
            return


def _module_file(name: str) -> Path | None:
    """The file of the module called ``name``, or None where ``name`` is something else."""
    return _modules().get(name)


@cache
def _modules() -> Mapping[str, Path]:
    """The file of every module by its name, and of every package: its ``__init__.py``."""
    files = {}
    for folder, _, names in os.walk(_PACKAGE):
        package = ".".join((_PACKAGE.name, *Path(folder).relative_to(_PACKAGE).parts))
        for name in names:
            stem, suffix = os.path.splitext(name)
            if suffix == ".py":
                files[package if stem == "__init__" else f"{package}.{stem}"] = Path(folder, name)
    return files


def _compiled(folder: Path) -> Iterator[Path]:
    """The C and C++ sources of ``folder``, and of folders below it that hold no modules."""
    for entry in folder.iterdir():
        if entry.suffix in _COMPILED:
            yield entry
        elif entry.is_dir() and not any(entry.glob("*.py")):
            yield from _compiled(entry)


@cache
def _text(path: Path) -> bytes:
    return path.read_bytes()
