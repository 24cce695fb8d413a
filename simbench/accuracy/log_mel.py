"""The front end of MLPerf Tiny's streaming wake word: sound to log mel features, in float32.

Pre-emphasis, Hamming window, power spectrum, triangles in mel, decibels and the scaling to 0..1 as
in mlcommons/tiny at 1afd2c9: th_compute_lfbe_f32 in the reference submission's
sww_ref_util_submitter.c, and get_lfbe_func in benchmark/training/streaming_wakeword/get_dataset.py.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
WINDOW, STEP, CHANNELS = 1024, 512, 40
"""Samples of a window and from one to the next; features of a window."""

_PRE_EMPHASIS = 1 - 2**-5
_OFFSET_DB, _RANGE_DB = 52.0, 64.0
_LEAST = 1e-30  # nothing has a logarithm

Floats = NDArray[np.float32]


def log_mel(samples: NDArray[np.int16]) -> Floats:
    """Features ``(steps, 40)`` from 0 to 1, a row for each whole step of 512 samples.

    The first row's window begins with 512 samples of silence, as the firmware's buffer does.
    """
    steps = len(samples) // STEP
    if not steps:
        return np.empty((0, CHANNELS), np.float32)
    sound = np.zeros((steps + 1) * STEP + 1, np.float32)  # and the sample before the first window
    sound[STEP + 1 :] = samples[: steps * STEP].astype(np.float32) / np.float32(32768)
    emphasised = sound[1:] - np.float32(_PRE_EMPHASIS) * sound[:-1]
    windows = np.lib.stride_tricks.sliding_window_view(emphasised, WINDOW)[::STEP]
    spectrum = np.fft.rfft(windows * _hamming())
    power = (np.abs(spectrum) ** 2 / WINDOW).astype(np.float32)
    decibels = 10 * np.log10(np.maximum(power @ _triangles(), _LEAST))
    scaled: Floats = np.clip((decibels + _OFFSET_DB) / _RANGE_DB, 0, 1).astype(np.float32)
    return scaled


@cache
def _hamming() -> Floats:
    """Periodic, as hamm_win_1024 of the reference submission is; get_dataset.py asks for the
    symmetric one."""
    return np.hamming(WINDOW + 1)[:-1].astype(np.float32)


@cache
def _triangles() -> Floats:
    """Weights ``(513, 40)`` of triangles that overlap by half, equally spaced in mel from 0 Hz to
    half the rate; the bin of 0 Hz is in none (tf.signal.linear_to_mel_weight_matrix)."""
    bins = _mel(np.linspace(0, RATE / 2, WINDOW // 2 + 1))[1:, None]
    ends = np.linspace(0, float(_mel(np.array(RATE / 2))), CHANNELS + 2)
    lower, centre, upper = ends[:-2], ends[1:-1], ends[2:]
    rising, falling = (bins - lower) / (centre - lower), (upper - bins) / (upper - centre)
    weights = np.maximum(0, np.minimum(rising, falling))
    return np.vstack([np.zeros((1, CHANNELS)), weights]).astype(np.float32)


def _mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    mels: NDArray[np.float64] = 1127.0 * np.log1p(hertz / 700.0)
    return mels
