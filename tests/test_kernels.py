"""Every kernel of the firmware against two references, on operators drawn at random.

One board runs one model of many operators side by side; what is compared is each of them alone.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel_cases import CASES, broadcast_args
from numpy.typing import NDArray
from references import ONLY_MICRO
from single_op import Case, Tensor, model_of, on_firmware, on_lite, on_micro, random_array

from simbench.firmware.build import KERNELS
from simbench.firmware.operators import operators

pytestmark = [pytest.mark.emulator, pytest.mark.image]

Sample = list[NDArray[Any]]
Run = Callable[[bytes, list[Sample]], list[bytes]]

# what the other reference does wrongly, or not at all: docs/reference/models.md
_LITE_ONLY = {"ADD", "RELU6", "SOFTMAX", "SPACE_TO_BATCH_ND", "SUB"}
_MICRO_ONLY = {"ABS", "BATCH_MATMUL", "SUM", "UNIDIRECTIONAL_SEQUENCE_LSTM"}


def sample_of(case: Case, seed: int) -> Sample:
    rng = np.random.default_rng(seed)
    return [random_array(rng, tensor) for tensor in case.fed]


def answer(run: Run, case: Case, sample: Sample) -> bytes | None:
    """What a reference answers, or None where it lacks the operator, a type or a feature."""
    try:
        return run(model_of(case), [sample])[0]
    except (RuntimeError, ValueError):
        return None


def parts(whole: bytes, cases: list[Case]) -> list[bytes]:
    """The outputs of each case."""
    found, at = [], 0
    for case in cases:
        size = sum(_bytes(tensor) for tensor in case.outputs)
        found.append(whole[at : at + size])
        at += size
    assert at == len(whole)
    return found


def _bytes(tensor: Tensor) -> int:
    return int(np.prod(tensor.shape, dtype=int)) * np.dtype(tensor.dtype).itemsize


def is_same(case: Case, ours: bytes, theirs: bytes) -> bool:
    """Bit for bit; two libraries' functions on real values may differ in the last ones."""
    if ours == theirs or case.outputs[0].dtype != "float32":
        return ours == theirs
    a, b = (np.frombuffer(values, "<f4") for values in (ours, theirs))
    return bool(np.allclose(a, b, rtol=1e-5, atol=1e-6, equal_nan=True))


@pytest.mark.parametrize("kernels", sorted(KERNELS))
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 1 << 32))
def test_kernels_answer_as_the_references_do(kernels: str, seed: int) -> None:
    cases = [draw(Random(f"{name} {seed}")) for name, draw in CASES.items()]
    samples = [sample_of(case, seed + i) for i, case in enumerate(cases)]
    flat = [array for sample in samples for array in sample]
    ours = parts(on_firmware(model_of(*cases), [flat], kernels)[0], cases)
    for case, sample, own in zip(cases, samples, ours, strict=True):
        lite = None if case.op in _MICRO_ONLY else answer(on_lite, case, sample)
        micro = None if case.op in _LITE_ONLY else answer(on_micro, case, sample)
        for name, theirs in (("TensorFlow Lite", lite), ("tflite-micro", micro)):
            assert theirs is None or is_same(case, own, theirs), f"{name} differs: {case}"


def test_shapes_are_repeated_as_the_references_repeat_them() -> None:
    cases = [CASES["tile"](Random(1)), *(broadcast_args(Random(seed)) for seed in range(20))]
    given = sample_of(cases[0], 1)
    found = parts(on_firmware(model_of(*cases), [given], "reference")[0], cases)[1:]
    for case, own in zip(cases[1:], found, strict=True):
        answers = {answer(run, case, []) for run in (on_lite, on_micro)} - {None}
        assert answers == {own}, case


@pytest.mark.parametrize("name", sorted(CASES))
def test_each_kind_is_known_to_a_reference(name: str) -> None:
    """Else what is compared above is nothing."""
    random = Random(name)
    cases = [CASES[name](random) for _ in range(12)]
    answers = [
        answer(run, case, sample_of(case, 1)) for case in cases for run in (on_lite, on_micro)
    ]
    known = sum(found is not None for found in answers)
    if ONLY_MICRO and not known:
        pytest.skip("tflite-micro lacks it, and no other reference is for this Python")
    assert known >= (3 if ONLY_MICRO else 6)


def test_the_list_of_operators_is_whole() -> None:
    rows = operators()
    assert len({row.code for row in rows}) == len(rows) > 90
    conv = next(row for row in rows if row.name == "CONV_2D")
    assert conv.sources("cmsis-nn") == ("CMSIS-NN", "TFLM", "own")
    assert conv.sources("reference") == ("TFLM", "own")
    assert {"int8", "int16"} < set(conv.types)
    assert all(row.types and row.kernels for row in rows)
    assert {case.op for case in (draw(Random(1)) for draw in CASES.values())} <= {
        row.name for row in rows
    }
