"""The real FFT of kissfft (BSD-3-Clause) in 16 bit fixed point, bit for bit, for powers of two.

Complex values are arrays whose first axis is real and imaginary; their 16 bits are in wider
integers. Every stage divides by its radix, so that nothing overflows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_FRACTION = 15  # bits
_ONE = (1 << _FRACTION) - 1


def int16(values: Ints) -> Ints:
    """``values`` as they are in 16 bits."""
    return ((values + 0x8000) & 0xFFFF) - 0x8000


def real_fft(samples: Ints) -> Ints:
    """The transforms ``(2, n, size / 2 + 1)`` of ``samples`` (n, size): a complex one of half the
    size, from which those of the even and of the odd samples are told apart."""
    half = samples.shape[-1] // 2
    packed = _fft(np.stack([samples[:, 0::2], samples[:, 1::2]]))
    low = _divided(packed[..., 1 : half // 2 + 1], 2)
    high = _divided(_conjugate(packed[..., : half // 2 - 1 : -1]), 2)
    even = int16(low + high)
    odd = _product(
        int16(low - high), _twiddles(-np.pi * (np.arange(1, half // 2 + 1) / half + 0.5))
    )
    transform = np.zeros((2, len(samples), half + 1), np.int64)
    constant = _divided(packed[..., 0], 2)
    transform[0, :, 0] = int16(constant[0] + constant[1])
    transform[0, :, half] = int16(constant[0] - constant[1])
    transform[..., 1 : half // 2 + 1] = (even + odd) >> 1
    difference = even - odd
    transform[..., half - 1 : half // 2 - 1 : -1] = np.stack([difference[0], -difference[1]]) >> 1
    return transform


def _fft(value: Ints) -> Ints:
    """Decimated in time by fours, and by two where four is left over."""
    size = value.shape[-1]
    if size == 1:
        return value
    radix = 4 if size % 4 == 0 else 2
    first, *others = (_divided(_fft(value[..., k::radix]), radix) for k in range(radix))
    turn = -2 * np.pi * np.arange(size // radix) / size
    rest = [_product(part, _twiddles(k * turn)) for k, part in enumerate(others, 1)]
    if radix == 2:
        return _joined(first + rest[0], first - rest[0])
    even, odd = int16(first + rest[1]), int16(rest[0] + rest[2])
    across, turned = int16(first - rest[1]), _quarter_turned(int16(rest[0] - rest[2]))
    return _joined(even + odd, across + turned, even - odd, across - turned)


def _joined(*parts: Ints) -> Ints:
    return int16(np.concatenate(parts, axis=-1))


def _rounded(products: Ints) -> Ints:
    return int16((products + (1 << (_FRACTION - 1))) >> _FRACTION)


def _divided(value: Ints, divisor: int) -> Ints:
    return _rounded(value * (_ONE // divisor))


def _product(a: Ints, b: Ints) -> Ints:
    return np.stack([_rounded(a[0] * b[0] - a[1] * b[1]), _rounded(a[0] * b[1] + a[1] * b[0])])


def _quarter_turned(value: Ints) -> Ints:
    """``value`` times -i."""
    return np.stack([value[1], -value[0]])


def _conjugate(value: Ints) -> Ints:
    return int16(np.stack([value[0], -value[1]]))


def _twiddles(phases: NDArray[np.float64]) -> Ints:
    turns = np.stack([np.cos(phases), np.sin(phases)])
    factors: Ints = np.floor(0.5 + _ONE * turns).astype(np.int64)
    return factors
