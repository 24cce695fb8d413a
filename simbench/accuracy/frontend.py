"""The audio front end of TensorFlow's microfrontend: sound to log mel features, in whole numbers.

Window, FFT, mel filters, square root and logarithm as in
tensorflow/lite/experimental/microfrontend/lib (TensorFlow, Apache-2.0), bit for bit; a test
compares with that C source. Its noise reduction and gain control are left out: the tools that made
the pinned models have them off unless asked (mltk's AudioFeatureGeneratorSettings).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simbench.accuracy.fixed_fft import Ints, int16, real_fft

_FRACTION = 12  # bits of window coefficients and filter weights
_ONE = 1 << _FRACTION
_LOG_SHIFT = 6  # features are natural logarithms times 2**6
_LOG_2 = 45426  # ln(2) in 16 bits of fraction
_SEGMENTS = 128  # of the table of logarithms


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """What decides the features: milliseconds, hertz, and samples a second.

    The limits are the library's own defaults.
    """

    window_ms: int
    step_ms: int
    channels: int
    lower_hz: float = 125.0
    upper_hz: float = 7500.0
    rate: int = 16_000

    @property
    def window(self) -> int:
        """Samples of a window."""
        return self.window_ms * self.rate // 1000

    @property
    def step(self) -> int:
        """Samples from one window to the next."""
        return self.step_ms * self.rate // 1000

    @property
    def fft_size(self) -> int:
        """The power of two that holds a window."""
        return 1 << (self.window - 1).bit_length()

    def features(self, samples: NDArray[np.int16]) -> NDArray[np.uint16]:
        """Features ``(frames, channels)`` of as many whole windows as ``samples`` have."""
        windowed = _windowed(self, samples)
        shift = 15 - _bit_length(_loudest(windowed))[:, None]
        padded = np.zeros((len(windowed), self.fft_size), np.int64)
        padded[:, : self.window] = int16(windowed << shift)
        energies = (real_fft(padded) ** 2).sum(axis=0)
        magnitudes = _root(energies @ _filters(self)) >> shift
        correction = self.fft_size.bit_length() - 1 - _FRACTION // 2
        return _logarithm((magnitudes << correction) & 0xFFFFFFFF)


def _windowed(front_end: FrontEnd, samples: NDArray[np.int16]) -> Ints:
    """Overlapping windows, each times a Hann window."""
    size, step = front_end.window, front_end.step
    if len(samples) < size:
        return np.empty((0, size), np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(samples, size)[::step].astype(np.int64)
    angle = float(np.float32(2 * np.pi / size))
    hann = (0.5 - 0.5 * np.cos(angle * (np.arange(size) + 0.5))).astype(np.float32)
    coefficients = np.floor((hann * np.float32(_ONE)).astype(np.float64) + 0.5).astype(np.int64)
    products: Ints = windows * coefficients >> _FRACTION
    return products


def _loudest(windowed: Ints) -> Ints:
    """The greatest magnitude in each window, as 16 bits have it: that of -32768 is itself."""
    loudest: Ints = int16(np.abs(windowed)).max(axis=1, initial=0)
    return loudest


def _bit_length(values: Ints) -> Ints:
    """Bits up to the highest that is set, of values below 2**53."""
    bits: Ints = np.frexp(values.astype(np.float64))[1].astype(np.int64)
    return bits


def _mel(hertz: NDArray[np.float32]) -> NDArray[np.float32]:
    exact = np.log1p(hertz.astype(np.float64) / 700.0)
    mels: NDArray[np.float32] = (1127.0 * exact).astype(np.float32)
    return mels


def _filters(front_end: FrontEnd) -> Ints:
    """Weights ``(bins, channels)`` of triangles that overlap by half, equally spaced in mel."""
    bins = front_end.fft_size // 2 + 1
    hertz = np.float32(0.5 * front_end.rate / np.float32(bins - 1))
    mels = _mel(np.arange(bins, dtype=np.float32) * hertz)
    ends = _mel(np.array([front_end.lower_hz, front_end.upper_hz], np.float32))
    spacing = np.float32((ends[1] - ends[0]) / np.float32(front_end.channels + 1))
    centres = ends[0] + spacing * np.arange(1, front_end.channels + 2, dtype=np.float32)
    lower = np.concatenate([ends[:1], centres[:-1]])
    start = int(1.5 + front_end.lower_hz / float(hertz))
    weights = np.zeros((bins, front_end.channels + 2), np.int64)
    used = np.arange(start, np.searchsorted(mels, centres[-1], "right"))
    slope = np.searchsorted(centres, mels[used], "left")  # the first centre not below
    share = (centres[slope] - mels[used]) / (centres[slope] - lower[slope])
    weights[used, slope] = np.floor((share * np.float32(_ONE)).astype(np.float64) + 0.5)
    weights[used, slope + 1] += np.floor((1.0 - share.astype(np.float64)) * _ONE + 0.5).astype(int)
    return weights[:, 1:-1]


def _root(squares: Ints) -> Ints:
    """Square roots, rounded; squares are below 2**50, where the root in float64 is exact enough
    for its whole part."""
    root = np.sqrt(squares.astype(np.float64)).astype(np.int64)
    is_full = (root == 0xFFFF) & (squares < 1 << 32)
    rounded: Ints = root + ((squares - root * root > root) & ~is_full)
    return rounded


def _logarithm(values: Ints) -> NDArray[np.uint16]:
    """Natural logarithms times 64 of 32 bit values; 0 and 1 give 0."""
    above = np.maximum(values, 2)
    whole = _bit_length(above) - 1
    fraction = (above - (1 << whole)) << 16 >> whole
    segments = np.arange(_SEGMENTS + 1) / _SEGMENTS
    table = np.rint(65536 * (np.log2(1 + segments) - segments)).astype(np.int64)
    segment = fraction * _SEGMENTS >> 16
    within = fraction - segment * (65536 // _SEGMENTS)
    curve = table[segment] + ((table[segment + 1] - table[segment]) * within >> 16)
    log_2 = (whole << 16) + fraction + curve
    natural = (_LOG_2 * log_2 + 32768) >> 16
    scaled = np.where(values > 1, ((natural << _LOG_SHIFT) + 32768) >> 16, 0)
    return np.minimum(scaled, 0xFFFF).astype(np.uint16)
