"""Recordings that a stream is played from."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simbench.accuracy.log_mel import RATE
from simbench.errors import UsageError

_BYTES = 2


def read_recording(path: Path) -> NDArray[np.int16]:
    """The first channel of a WAV file of 16 kHz and 16 bits. Raises UsageError naming it."""
    try:
        with wave.open(str(path), "rb") as file:
            rate, width, channels = file.getframerate(), file.getsampwidth(), file.getnchannels()
            frames = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise UsageError(f"cannot play {path} ({error}): give a WAV file of PCM") from error
    if (rate, width) != (RATE, _BYTES):
        raise UsageError(
            f"{path} has {rate:,} samples a second of {8 * width} bits: give {RATE:,} of "
            f"{8 * _BYTES}"
        )
    return np.frombuffer(frames[: len(frames) // (_BYTES * channels) * _BYTES * channels], "<i2")[
        ::channels
    ]
