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

ENCODING = __name__
"""This module, whose code decides how every kept value is written."""


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
def _decoder(kind: Hashable) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind, dec_hook=_richer)


def _simpler(value: object) -> object:
    if isinstance(value, np.ndarray):
        return json.dumps(value.dtype.descr), value.tobytes()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in the store")


def _richer(kind: object, value: Any) -> object:
    """A path or an array; nothing else needs the hook."""
    if kind is Path:
        return Path(value)
    layout, data = value
    return np.frombuffer(data, _dtype(layout))


@cache
def _dtype(layout: str) -> np.dtype[Any]:
    fields = [tuple(field) for field in json.loads(layout)]
    is_plain = len(fields) == 1 and not fields[0][0]
    return np.dtype(fields[0][1] if is_plain else fields)
