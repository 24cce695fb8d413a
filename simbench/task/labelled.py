"""Labelled inputs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

NO_DATA_SET = "no data set was given"
"""Why a result has no accuracy, where nobody asked for one."""

HOST, EMULATOR = "host", "emulator"
"""Whose outputs are judged."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A labelled input as a client sends it, or a recording that inputs are cut from.

    Each input has ``window_bytes``, and begins ``stride_bytes`` after the one before.
    """

    name: str
    label: str
    data: bytes
    window_bytes: int
    stride_bytes: int

    def windows(self) -> Iterator[bytes]:
        """The inputs, in order; what is left over at the end is no input."""
        for start in range(0, len(self.data) - self.window_bytes + 1, self.stride_bytes):
            yield self.data[start : start + self.window_bytes]


def whole(name: str, label: str, data: bytes) -> Sample:
    """A sample that is one input."""
    return Sample(name, label, data, len(data), len(data))


@dataclass(frozen=True, slots=True)
class DataSet:
    """Samples of one benchmark. ``is_smoke`` says that they are no data set of MLPerf Tiny, and
    ``notes`` what limits what they can show."""

    samples: tuple[Sample, ...]
    is_smoke: bool = False
    notes: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """The hash of labels and data."""
        total = hashlib.sha256()
        for sample in self.samples:
            line = f"{sample.label} {len(sample.data)} {sample.window_bytes} {sample.stride_bytes}"
            total.update(line.encode() + b"\n" + sample.data)
        return total.hexdigest()
