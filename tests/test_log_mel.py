"""The streaming front end: what mlcommons/tiny's reference firmware makes of the same sound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simbench.accuracy.log_mel import CHANNELS, RATE, STEP, WINDOW, log_mel

# lin2mel_513x40_filter_starts[i], _lens[i] of the reference submission's fixed_data.c at 1afd2c9
FILTERS = {0: (1, 5), 9: (34, 10), 20: (109, 20), 39: (448, 64)}


def tone(hertz: float, length: int = RATE) -> NDArray[np.int16]:
    wave = np.sin(2 * np.pi * hertz * np.arange(length) / RATE)
    samples: NDArray[np.int16] = np.rint(16_000 * wave).astype(np.int16)
    return samples


@pytest.mark.parametrize(("channel", "where"), FILTERS.items())
def test_a_tone_in_the_middle_of_a_filter_is_heard_there(
    channel: int, where: tuple[int, int]
) -> None:
    start, length = where
    bin_ = start + (length - 1) / 2
    heard = log_mel(tone(bin_ * RATE / WINDOW))[-1]
    assert abs(int(heard.argmax()) - channel) <= (1 if channel == 0 else 0)


def test_a_row_is_made_for_each_whole_step() -> None:
    assert log_mel(np.zeros(STEP - 1, np.int16)).shape == (0, CHANNELS)
    assert log_mel(np.zeros(3 * STEP + 1, np.int16)).shape == (3, CHANNELS)
    assert not log_mel(np.zeros(STEP, np.int16)).any()


def test_decibels_are_those_of_the_firmware_s_steps_done_one_by_one() -> None:
    samples = tone(900.0, 4 * STEP)
    last = samples[-WINDOW - 1 :].astype(np.float64) / 32768
    emphasised = last[1:] - 0.96875 * last[:-1]
    window = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    power = np.abs(np.fft.rfft(emphasised * window)) ** 2 / WINDOW
    mel = 1127 * np.log1p(np.arange(1, WINDOW // 2 + 1) * RATE / WINDOW / 700)
    spacing = 1127 * np.log1p(RATE / 2 / 700) / (CHANNELS + 1)
    for channel in range(CHANNELS):
        share = np.maximum(0, 1 - np.abs(mel / spacing - (channel + 1)))
        decibels = 10 * np.log10(max(1e-30, float(power[1:] @ share)))
        wanted = min(1.0, max(0.0, (decibels + 52) / 64))
        assert log_mel(samples)[-1, channel] == pytest.approx(wanted, abs=1e-4)


@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_a_stream_is_heard_as_its_beginning_is(steps: int, seed: int) -> None:
    samples = np.random.default_rng(seed).integers(-(2**15), 2**15, 5 * STEP).astype(np.int16)
    whole, begun = log_mel(samples), log_mel(samples[: steps * STEP])
    assert np.allclose(whole[:steps], begun, atol=1e-5)
    assert ((whole >= 0) & (whole <= 1)).all()
