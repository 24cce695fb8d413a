"""A model among many: its name and its bytes, or where they are."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from simbench.errors import NothingRun, UsageError

Models = str | Path | Iterable[str | Path] | Mapping[str, bytes]
"""A folder, a pattern, files, or the bytes of models by name."""

_SUFFIX = "*.tflite"
_WILD = "*?["


@dataclass(frozen=True, slots=True)
class Model:
    """What a model is called, and its bytes; None where they are in the file of that name."""

    name: str
    data: bytes | None = None

    def read(self) -> bytes:
        """Its bytes. Raises OSError where its file cannot be read."""
        return Path(self.name).read_bytes() if self.data is None else self.data

    def sha256(self) -> str | None:
        """The hash of its bytes, or None where they cannot be read."""
        try:
            return hashlib.sha256(self.read()).hexdigest()
        except OSError:
            return None


def listed(models: Models) -> Iterator[Model]:
    """Each of ``models``, files of a folder or a pattern in the order of their names.

    Raises UsageError for what is no folder, no pattern and no file, and NothingRun where a folder
    or a pattern has none.
    """
    if isinstance(models, Mapping):
        return (Model(name, data) for name, data in models.items())
    if isinstance(models, str | Path):
        return map(Model, _named(str(models)))
    return (Model(str(path)) for path in models)


def _named(text: str) -> list[str]:
    path = Path(text)
    if path.is_file():
        return [text]
    if path.is_dir():
        found = sorted(map(str, path.glob(_SUFFIX)))
    elif any(character in text for character in _WILD):
        found = sorted(each for each in glob.glob(text, recursive=True) if Path(each).is_file())
    else:
        raise UsageError(f"{text} is no folder and no file: name one, or a pattern of files")
    if not found:
        raise NothingRun(f"{text} has no models: give a folder with .tflite files, or a pattern")
    return found
