"""A board that listens: the commands of the streaming wake word, and what becomes of a sound.

``start`` and ``stop`` answer as the reference submission does (sww_ref_util.c of mlcommons/tiny at
1afd2c9). simbench's firmware has no front end: the features of each step are made here and sent to
the board as an input; inference, output and price are the board's. The times are those that pins of
the reference submission show: of detections, and of each step's processing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simbench.accuracy.log_mel import STEP, log_mel
from simbench.catalog.benchmarks import Stream
from simbench.models.prepared import TensorInfo
from simbench.serve.clock import BoardClock
from simbench.serve.device import Device, Tell

_READY = b"m-ready\r\n"
_IDLE = b"I2S is already idle.  Ignoring stop request\r\n"
_BUSY = b"I2S Rx currently in progress. Ignoring request\r\n"
_IN_LINE = 16
_MOST_KEPT = 64_000  # g_gp_buff_bytes


@dataclass(slots=True)
class Pulses:
    """When the board's pins changed, in seconds of its clock: at each detection, and at the begin
    and the end of each step's processing. ``origin`` is when it was begun to watch them."""

    origin: float = 0.0
    detections: list[float] = field(default_factory=list)
    begins: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)


class Ear:
    """``device`` with a microphone: between a client, or an interface board, and it.

    ``tensor`` is the model's input: so many steps of features, as long as they last.
    """

    def __init__(
        self, device: Device, clock: BoardClock, stream: Stream, tensor: TensorInfo, tell: Tell
    ) -> None:
        self._device, self._clock, self._stream, self._tell = device, clock, stream, tell
        self._tensor = tensor
        self._input = np.zeros(tensor.elements, np.int8)
        self._activations: list[int] = []
        self._listens_since: int | None = None
        self._is_first = True
        self._was_late = False
        self.pulses = Pulses()

    @property
    def is_on(self) -> bool:
        """Whether the board runs."""
        return self._device.is_on

    @property
    def _is_listening(self) -> bool:
        return self._listens_since == self._device.boots and self.is_on

    async def obey(self, command: bytes) -> AsyncIterator[bytes]:
        """The lines that answer ``command``: the board's, but for those of a stream."""
        word = command.removesuffix(b"%").strip()
        if word == b"start":
            for line in self._started():
                yield line
        elif word == b"stop":
            for line in self._stopped():
                yield line
            await self._device.settled()
        else:
            async for line in self._device.obey(command):
                yield line
            return
        yield _READY

    def watch(self) -> None:
        """Forget what the pins did, and watch them from now on."""
        self.pulses = Pulses(self._clock.now())

    async def hear(self, samples: NDArray[np.int16]) -> AsyncIterator[int]:
        """Play ``samples`` to the board, from now on; gives the steps played, after each."""
        rows = quantized(log_mel(samples), self._tensor)
        begun = free = self._clock.now()
        for step, row in enumerate(rows, 1):
            heard = begun + step * self._stream.step_s
            if self._is_listening:
                free = await self._processed(row, max(heard, free))
            await self._clock.reach(heard)
            yield step
        await self._clock.reach(max(free, begun + len(samples) / STEP * self._stream.step_s))

    async def _processed(self, row: NDArray[np.int8], moment: float) -> float:
        """One step's features, that begin to be processed at ``moment``; when that ends."""
        self._input = np.concatenate([self._input[len(row) :], row])
        self._clock.hold()
        output, cost = await self._device.infer(self._input.tobytes())
        end = moment + cost.time_s
        self._device.draw(moment, end, cost)
        self._clock.release(end)
        if cost.time_s > self._stream.step_s and not self._was_late:
            self._was_late = True
            self._tell(
                f"an inference takes {1e3 * cost.time_s:.1f} ms, longer than the "
                f"{1e3 * self._stream.step_s:g} ms from one step to the next: the board falls "
                "behind, and a real one would lose steps"
            )
        score = int(np.frombuffer(output, np.int8)[0])
        self.pulses.begins.append(moment)
        self.pulses.ends.append(end)
        if score > self._stream.threshold or self._is_first:
            self.pulses.detections.append(end)
        self._is_first = False
        if len(self._activations) < _MOST_KEPT:
            self._activations.append(score)
        return end

    def _started(self) -> Iterator[bytes]:
        if self._is_listening:
            yield _BUSY
            return
        self._listens_since, self._is_first = self._device.boots, True
        self._input = np.zeros_like(self._input)
        self._activations = []
        yield b"Listening for I2S data ... \r\n"
        yield self._device.stamped()
        yield b"DMA receive initiated.\r\n"

    def _stopped(self) -> Iterator[bytes]:
        if not self._is_listening:
            yield _IDLE
            return
        self._listens_since = None
        yield self._device.stamped()
        yield b"Streaming stopped.\r\n"
        yield b"target activations: \r\n"
        yield from listed(self._activations)


def quantized(features: NDArray[np.float32], tensor: TensorInfo) -> NDArray[np.int8]:
    """``features`` as the input ``tensor`` takes them: cut, as the reference submission cuts; what
    is beyond int8 is its end, where that submission's cast begins anew at the other."""
    whole = np.trunc(features / np.float32(tensor.scale) + tensor.zero_point)
    limited: NDArray[np.int8] = np.clip(whole, -128, 127).astype(np.int8)
    return limited


def listed(values: Sequence[int]) -> Iterator[bytes]:
    """Lines with ``values`` in brackets, as ee_print_vals_int8 writes them."""
    lines = [values[at : at + _IN_LINE] for at in range(0, len(values), _IN_LINE)] or [()]
    for number, line in enumerate(lines):
        said = ", ".join(map(str, line)) + ("  " if number == len(lines) - 1 else ", ")
        yield ("[" if number == 0 else "").encode() + said.encode() + b"\r\n"
    yield b"]\r\n"
