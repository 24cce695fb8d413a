"""Whether the firmware's outputs are the host reference's.

Outputs of integer tensors are compared bit for bit. Floats are compared to a tolerance: the kernels
add in the same order on both sides, but exp, tanh and their like come from two C libraries, which
differ in the last bit, and what later layers make of that bit can be larger.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from simbench.models.prepared import PreparedModel, TensorInfo
from simbench.result.tree import Parity

_ABSOLUTE, _RELATIVE = 1e-5, 1e-4
_TOLERANCE = "|ours - host's| <= 1e-5 + 1e-4 |host's|"


def agrees(model: PreparedModel, ours: bytes, theirs: bytes) -> bool:
    """Whether output tensors, one after another, are equal, or near where they are floats."""
    if len(ours) != len(theirs):
        return False
    start = 0
    for tensor in model.outputs:
        part = slice(start, start + tensor.size)
        if not _agree(tensor, ours[part], theirs[part]):
            return False
        start += tensor.size
    return True


def parity_of(model: PreparedModel, pairs: Iterable[tuple[bytes, bytes]]) -> Parity:
    """How many pairs of outputs, ours and the host's, are equal, and how many agree."""
    compared = list(pairs)
    exact = sum(ours == theirs for ours, theirs in compared)
    if not any(tensor.is_real for tensor in model.outputs):
        return Parity(len(compared), exact)
    within = sum(agrees(model, ours, theirs) for ours, theirs in compared)
    return Parity(len(compared), exact, within, _TOLERANCE)


def _agree(tensor: TensorInfo, ours: bytes, theirs: bytes) -> bool:
    if not tensor.is_real:
        return ours == theirs
    found, expected = np.frombuffer(ours, tensor.dtype), np.frombuffer(theirs, tensor.dtype)
    return np.allclose(found, expected, rtol=_RELATIVE, atol=_ABSOLUTE, equal_nan=True)
