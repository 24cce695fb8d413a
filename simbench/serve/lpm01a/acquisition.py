"""One measurement of the shield: what it has to send by any moment."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np

from simbench.serve.energy import Array, EnergyTrace
from simbench.serve.lpm01a.commands import Settings
from simbench.serve.lpm01a.samples import (
    ASCII_END,
    BINARY_END,
    ascii_event,
    ascii_sample,
    ascii_time,
    binary_sample,
    binary_time,
)

_MOST_SAMPLES = 10_000
"""Samples made at once: a tenth of a second at the highest frequency."""


class Acquisition:
    """Samples of ``trace`` by ``settings``, from ``start`` on, in seconds of the board's clock.

    A sample is the mean current of its interval, or its energy. Each whole second begins with a
    time stamp; an event comes between the samples before and after it.
    """

    def __init__(self, trace: EnergyTrace, settings: Settings, start: float) -> None:
        self._trace = trace
        self._settings = settings
        self._start = start
        self._sent = 0
        self._events: deque[float] = deque()
        self._event_number = 0
        seconds = settings.duration_s
        self._samples = None if seconds is None else max(1, round(seconds * self._frequency))

    @property
    def is_done(self) -> bool:
        """Whether all samples that were asked for have been given."""
        return self._sent == self._samples

    def stamp(self, moment: float) -> None:
        """Pin D7 falls at ``moment``, which has not been sampled yet."""
        if self._settings.has_events and not self._settings.is_binary:
            self._events.append(moment)

    def due(self, now: float) -> bytes:
        """What is to be sent by ``now``, in pieces: ``b""`` where all of it was."""
        ready = int((now - self._start) * self._frequency + 1e-6)
        last = min(ready, self._sent + _MOST_SAMPLES)
        if self._samples is not None:
            last = min(last, self._samples)
        if last <= self._sent:
            return b""
        edges = self._start + np.arange(self._sent, last + 1) / self._frequency
        data = b"".join(self._stream(edges, self._values(edges)))
        self._sent = last
        self._trace.forget(float(edges[-1]))
        return data

    def end(self) -> bytes:
        """What comes after the last sample."""
        return BINARY_END if self._settings.is_binary else ASCII_END

    @property
    def _frequency(self) -> int:
        return self._settings.frequency_hz

    def _values(self, edges: Array) -> list[float]:
        joules = np.diff(self._trace.joules_until(edges))
        if not self._settings.is_energy:
            joules *= self._frequency / self._settings.volts
        values: list[float] = joules.tolist()
        return values

    def _stream(self, edges: Array, values: list[float]) -> Iterator[bytes]:
        time, sample = (
            (binary_time, binary_sample) if self._settings.is_binary else (ascii_time, ascii_sample)
        )
        for index, value in enumerate(values, self._sent):
            if index % self._frequency == 0:
                yield time(index // self._frequency * 1000)
            while self._events and self._events[0] < edges[index - self._sent + 1]:
                self._events.popleft()
                self._event_number += 1
                yield ascii_event(self._event_number)
            yield sample(value)
