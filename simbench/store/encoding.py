"""Dataclasses with NumPy arrays to bytes and back, by their annotations: MessagePack, no pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
import numpy as np

T = TypeVar("T")

_PACKAGE = Path(__file__).resolve().parent.parent


def encode(value: object) -> bytes:
    """``value`` (dataclasses, containers, one-dimensional arrays) as bytes."""
    return msgspec.msgpack.encode(value, enc_hook=_simpler)


def decode(data: bytes, kind: type[T]) -> T:
    """What :func:`encode` made of a ``kind``. Raises msgspec.DecodeError for anything else."""
    value: T = _decoder(cast(Hashable, kind)).decode(data)
    return value


def key_of(*decided: object) -> str:
    """The hash over everything that decides an entry."""
    return hashlib.sha256(encode(decided)).hexdigest()


@cache
def sources_hash(*names: str) -> str:
    """The hash over the package's own code in the modules and folders ``names``."""
    roots = [_PACKAGE / name for name in names]
    files = [f for r in roots for f in ([r] if r.is_file() else r.rglob("*.*"))]
    texts = {str(f.relative_to(_PACKAGE)): f.read_bytes() for f in files if _is_source(f)}
    return key_of(sorted(texts.items()))


def _is_source(path: Path) -> bool:
    return path.suffix in (".py", ".c", ".cc", ".h")


@cache
def _decoder(kind: Hashable) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind, dec_hook=_richer)


def _simpler(value: object) -> object:
    if isinstance(value, np.ndarray):
        return json.dumps(value.dtype.descr), value.tobytes()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no place in the store")


def _richer(kind: object, value: Any) -> object:  # noqa: ARG001
    """An array; nothing else needs the hook."""
    layout, data = value
    return np.frombuffer(data, _dtype(layout))


@cache
def _dtype(layout: str) -> np.dtype[Any]:
    fields = [tuple(field) for field in json.loads(layout)]
    is_plain = len(fields) == 1 and not fields[0][0]
    return np.dtype(fields[0][1] if is_plain else fields)
