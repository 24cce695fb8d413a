from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simbench.task.resampling import resampled

RATES = st.sampled_from([8000, 11025, 16000, 22050, 32000, 44100, 48000])


def by_its_definition(samples: NDArray[np.float64], up: int, down: int) -> NDArray[np.float64]:
    """Zeros between the samples, the filter over all of them, every so-manieth result."""
    half = 10 * max(up, down)
    taps = np.sinc(np.arange(-half, half + 1) / max(up, down)) * np.kaiser(2 * half + 1, 5.0)
    stretched = np.zeros(len(samples) * up)
    stretched[::up] = samples
    filtered = np.convolve(stretched, taps * up / taps.sum())[half:]
    return filtered[: len(samples) * up : down]


@pytest.mark.parametrize(("up", "down"), [(1, 3), (2, 1), (3, 2), (2, 3), (160, 441), (320, 441)])
@pytest.mark.parametrize("length", [1, 2, 9, 500])
def test_it_is_what_its_definition_says(up: int, down: int, length: int) -> None:
    samples = np.random.default_rng(length).normal(size=length)
    found = resampled(samples, down * 100, up * 100)
    assert found == pytest.approx(by_its_definition(samples, up, down), abs=1e-12)


@given(RATES, RATES, st.floats(50, 2000))
def test_a_tone_stays_the_tone(rate: int, wanted: int, hertz: float) -> None:
    """Away from the ends, where the silence around it is heard."""
    tone = np.sin(2 * np.pi * hertz * np.arange(rate // 4) / rate)
    found = resampled(tone, rate, wanted)
    assert len(found) == -(-len(tone) * wanted // rate)
    right = np.sin(2 * np.pi * hertz * np.arange(len(found)) / wanted)
    middle = slice(len(found) // 4, -len(found) // 4)
    assert np.abs(found - right)[middle].max() < 0.01


def test_an_equal_rate_changes_nothing() -> None:
    samples = np.array([3, -7, 32767, -32768], np.int16)
    assert (resampled(samples, 16000, 16000) == samples).all()
    assert len(resampled(samples[:0], 44100, 16000)) == 0
