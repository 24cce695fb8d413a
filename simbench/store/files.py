"""The store's folder: one checked file for each entry, bounded in size.

A file is a line of JSON (what the entry is of, the hash of its content) and the content. It is
written beside its place and renamed, so that a reader sees all of it or nothing; equal names have
equal contents, so that writers need no lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from simbench.errors import SimbenchError, UsageError
from simbench.files.paths import store_dir

DEFAULT_LIMIT_BYTES = 10**9
_LIMIT = re.compile(r"([0-9]{1,15})([KMG]?)")
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}
# an entry, or what a writer that was killed left of one
_NAME = re.compile(r"(?P<partial>[.])?(?P<key>[0-9a-f]{64})[.](?P<kind>[a-z]+)(?(partial)[.].*)")
_ABANDONED_S = 3600.0
_HEAD_BYTES = 4096


class StoreError(SimbenchError):
    """An entry cannot be used, kept or removed; a run goes on without."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the store: what kind of thing it holds, of what, and its size on disk."""

    kind: str
    about: str
    bytes: int


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    kind: str
    is_partial: bool
    bytes: int
    used_ns: int


@dataclass(frozen=True, slots=True)
class Store:
    """Entries in ``folder``, at most ``limit_bytes`` of them: the least recently used go first."""

    folder: Path
    limit_bytes: int

    def read(self, kind: str, key: str) -> bytes | None:
        """The content under ``key``, or None. Raises StoreError where it is damaged."""
        path = self._path(kind, key)
        try:
            head, _, content = path.read_bytes().partition(b"\n")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StoreError(f"cannot read {path} ({error.strerror}): it is not used") from error
        if _field(head, "sha256") != _digest(key, content):
            raise StoreError(f"{path} is damaged: it is not used, and made anew")
        with contextlib.suppress(OSError):  # in a folder that cannot be written nothing is evicted
            os.utime(path)
        return content

    def write(self, kind: str, key: str, about: str, content: bytes) -> None:
        """Keep ``content``, which is ``about`` a benchmark, until :meth:`trim` evicts it.

        Raises StoreError where it cannot be written.
        """
        head = json.dumps({"about": about, "sha256": _digest(key, content)})
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _replace(self._path(kind, key), head.encode() + b"\n" + content)
        except OSError as error:
            raise StoreError(
                f"cannot keep results in {self.folder} ({error.strerror}): the next run simulates "
                "again; free some space, or set SIMBENCH_CACHE to a folder that can be written"
            ) from error

    def trim(self) -> None:
        """Remove what was used least recently, as far as the limit asks.

        Raises StoreError where it cannot be removed.
        """
        files = self._files()
        excess = sum(file.bytes for file in files) - self.limit_bytes
        for file in sorted(files, key=lambda file: file.used_ns):
            if excess <= 0:
                return
            self._remove(file)
            excess -= file.bytes

    def entries(self) -> tuple[Entry, ...]:
        """Everything that is kept. Raises StoreError where the folder cannot be read."""
        return tuple(
            Entry(file.kind, _about(file.path), file.bytes)
            for file in self._files()
            if not file.is_partial
        )

    def clear(self) -> int:
        """Remove everything that is kept, and nothing else; returns the bytes freed.

        Raises StoreError where it cannot be removed.
        """
        files = self._files()
        for file in files:
            self._remove(file)
        return sum(file.bytes for file in files)

    def _path(self, kind: str, key: str) -> Path:
        return self.folder / f"{key}.{kind}"

    def _files(self) -> list[_File]:
        try:
            with os.scandir(self.folder) as found:
                return [file for each in found if (file := _file(each)) is not None]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise StoreError(
                f"cannot read {self.folder} ({error.strerror}): mend its rights, or set "
                "SIMBENCH_CACHE to another folder"
            ) from error

    def _remove(self, file: _File) -> None:
        try:
            file.path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(
                f"cannot remove {file.path} ({error.strerror}): mend the rights of the folder, or "
                "set SIMBENCH_CACHE to another"
            ) from error


def default_store() -> Store:
    """The user's store: see :func:`simbench.files.paths.store_dir`, and SIMBENCH_CACHE_LIMIT.

    Raises UsageError where the limit is no size.
    """
    text = os.environ.get("SIMBENCH_CACHE_LIMIT")
    return Store(store_dir(), _size(text) if text else DEFAULT_LIMIT_BYTES)


def _file(found: os.DirEntry[str]) -> _File | None:
    """What the folder has there, or None for what is not the store's, or is gone meanwhile."""
    match = _NAME.fullmatch(found.name)
    if match is None:
        return None
    try:
        stat = found.stat()
    except FileNotFoundError:
        return None
    is_partial = match["partial"] is not None
    if is_partial and time.time() - stat.st_mtime < _ABANDONED_S:
        return None  # somebody writes it
    return _File(Path(found.path), match["kind"], is_partial, stat.st_size, stat.st_mtime_ns)


def _size(text: str) -> int:
    match = _LIMIT.fullmatch(text)
    if match is None:
        raise UsageError(
            f"SIMBENCH_CACHE_LIMIT is {text!r}: give a number of bytes, or one with K, M or G"
        )
    return int(match[1]) * _UNITS[match[2]]


def _digest(key: str, content: bytes) -> str:
    # with the key: a file under another's name is damage too
    return hashlib.sha256(key.encode() + content).hexdigest()


def _field(head: bytes, name: str) -> str:
    try:
        return str(json.loads(head)[name])
    except (ValueError, KeyError, TypeError):
        return ""


def _about(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return _field(file.readline(_HEAD_BYTES), "about")
    except FileNotFoundError:  # evicted meanwhile
        return ""


def _replace(path: Path, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
