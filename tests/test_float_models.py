"""Models of floats: their inputs, how near their outputs have to be, and that they run."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from protocol_model import BUFFER_BYTES
from test_models import wheel_models

from simbench.backends import backend
from simbench.catalog.benchmarks import InputEncoding
from simbench.catalog.platforms import load_platform
from simbench.catalog.scenario import Scenario, Variant
from simbench.errors import ModelError, UsageError
from simbench.models.parity import agrees, parity_of
from simbench.models.prepare import prepare
from simbench.models.prepared import PreparedModel, TensorInfo
from simbench.models.schema import INT8, pack, schema
from simbench.result.tree import DOES_NOT_FIT, OK, Parity, Result
from simbench.runs.runner import run_task
from simbench.task.inputs import seeded_inputs, tensor_bytes, wire_bytes
from simbench.task.tasks import own_benchmark, suite_task

AUTOENCODER = "autoencoder_example.float32.tflite"
PICTURES = "image_example1.float32.tflite"
SQRT = 75
QEMU = backend("qemu")
REAL = TensorInfo("x", (2,), "float32", 0.0, 0)


@cache
def model(name: str = AUTOENCODER) -> PreparedModel:
    return prepare(wheel_models()[name])


def floats(*values: float) -> bytes:
    return np.array(values, "<f4").tobytes()


def ending_in(*outputs: TensorInfo) -> PreparedModel:
    return replace(model(), outputs=outputs)


def run(data: bytes, platform: str, kernels: str, folder: Path) -> Result:
    path = folder / "own.tflite"
    path.write_bytes(data)
    board, own = load_platform(platform), own_benchmark(path)
    scenario = Scenario(own.id, platform, Variant(kernels))
    return run_task(suite_task(scenario, board, own, QEMU.machine(board.core), 2), QEMU)


# --- inputs ---


def test_a_float_model_is_prepared_as_it_is() -> None:
    prepared = model()
    assert prepared.input.is_real
    assert prepared.output.is_real
    assert [layer.op for layer in prepared.layers][-1] == "LOGISTIC"


def test_seeded_floats_are_the_known_ones() -> None:
    """They must never change, as those of int8 models must not."""
    inputs = seeded_inputs(model(), 3, seed=5)
    assert inputs[:2] == seeded_inputs(model(), 2, seed=5)
    assert all(entry.wire == entry.tensor for entry in inputs)
    values = np.frombuffer(b"".join(entry.wire for entry in inputs), "<f4")
    assert values.size == 3 * 140
    assert -1 <= values.min() < -0.9
    assert 0.9 < values.max() < 1
    assert hashlib.sha256(values.tobytes()).hexdigest()[:16] == "8d691e63f404ad8d"


def test_floats_go_over_the_wire_as_they_are() -> None:
    elements = np.array([0.5, -1e30], np.float32)
    for encoding in (InputEncoding.BYTES, InputEncoding.FLOAT32):
        wire = wire_bytes(elements, REAL, encoding)
        assert wire == floats(0.5, -1e30) == tensor_bytes(wire, REAL, encoding)
    with pytest.raises(UsageError, match="has 4 bytes, the model takes 8"):
        tensor_bytes(floats(1), REAL, InputEncoding.BYTES)


def test_floats_are_no_pixels() -> None:
    with pytest.raises(UsageError, match="sends pixels, the model takes float32"):
        wire_bytes(np.zeros(2, np.float32), REAL, InputEncoding.UINT8)
    with pytest.raises(UsageError, match="sends pixels, the model takes float32"):
        tensor_bytes(floats(0, 0), REAL, InputEncoding.UINT8)


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=2, max_size=2))
def test_floats_are_neither_quantized_nor_dequantized(values: list[float]) -> None:
    assert REAL.quantize(values).tobytes() == floats(*values)
    assert REAL.dequantize(np.array(values, np.float32)).tobytes() == floats(*values)


# --- parity ---


@pytest.mark.parametrize(
    ("ours", "is_near"),
    [
        (floats(1.0, 1000.0), True),
        (floats(1.00009, 1000.09), True),
        (floats(1.0002, 1000.0), False),
        (floats(1.0, 1000.2), False),
        (floats(1.0), False),
        (floats(1.0, float("nan")), False),
    ],
)
def test_floats_agree_within_the_tolerance(ours: bytes, is_near: bool) -> None:
    assert agrees(ending_in(REAL), ours, floats(1.0, 1000.0)) is is_near


def test_of_two_outputs_only_the_floats_may_be_off() -> None:
    both = ending_in(REAL, TensorInfo("q", (2,), "int8", 0.5, 0))
    expected = floats(1.0, 2.0) + bytes([3, 4])
    assert agrees(both, floats(1.00001, 2.0) + bytes([3, 4]), expected)
    assert not agrees(both, floats(1.00001, 2.0) + bytes([3, 5]), expected)


def test_near_outputs_are_counted_apart_from_equal_ones() -> None:
    expected = floats(1.0, 2.0)
    pairs = [(expected, expected), (floats(1.00001, 2.0), expected), (floats(9, 9), expected)]
    parity = parity_of(ending_in(REAL), pairs)
    assert (parity.samples, parity.exact, parity.within) == (3, 1, 2)
    assert parity.tolerance is not None
    assert (parity.wrong, parity.shown) == (1, "≈2/3")


def test_outputs_of_integers_are_equal_or_wrong() -> None:
    integers = ending_in(TensorInfo("q", (2,), "int8", 0.5, 0))
    parity = parity_of(integers, [(b"ab", b"ab"), (b"ab", b"ac")])
    assert parity == Parity(2, 1)
    assert (parity.wrong, parity.shown) == (1, "1/2")


# --- on the emulator ---


@pytest.mark.emulator
@pytest.mark.parametrize("kernels", ["cmsis-nn", "reference"])
@pytest.mark.parametrize("platform", ["stm32f4", "rp2040", "corstone-300"])
def test_a_float_model_runs_with_and_without_an_fpu(
    platform: str, kernels: str, tmp_path: Path
) -> None:
    result = run(wheel_models()[AUTOENCODER], platform, kernels, tmp_path)
    assert result.status == OK, result.reason
    assert result.parity is not None
    assert (result.parity.within, result.parity.samples) == (2, 2)
    assert result.coverage == 1.0
    assert result.memory is not None
    assert result.memory.arena is not None


@pytest.mark.emulator
def test_an_input_larger_than_the_boards_buffer_runs(tmp_path: Path) -> None:
    assert model(PICTURES).input.size > BUFFER_BYTES
    result = run(wheel_models()[PICTURES], "stm32f4", "cmsis-nn", tmp_path)
    assert result.status == DOES_NOT_FIT, result.reason  # 128 KiB of SRAM are too few
    assert result.parity is not None
    assert result.parity.exact == 2  # relu, sums and a softmax far from its ends


@pytest.mark.image
def test_a_type_that_the_firmware_lacks_is_refused_with_those_that_it_has(tmp_path: Path) -> None:
    said = "op SQRT of layer 0 takes int8, and this firmware runs it for float32"
    with pytest.raises(ModelError, match=said):
        run(pack(roots()), "stm32f4", "reference", tmp_path)


def roots() -> Any:
    """A model of one SQRT on int8, which the firmware's kernel does only on floats."""
    module = schema()
    tensors = []
    for name in (b"given", b"root"):
        tensor = module.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name, [1, 4], INT8, 0
        tensor.quantization = module.QuantizationParametersT()
        tensor.quantization.scale = np.array([1.0], np.float32)
        tensor.quantization.zeroPoint = np.array([0], np.int64)
        tensors.append(tensor)
    operator = module.OperatorT()
    operator.inputs, operator.outputs = [0], [1]
    graph = module.SubGraphT()
    graph.tensors, graph.operators, graph.inputs, graph.outputs = tensors, [operator], [0], [1]
    code = module.OperatorCodeT()
    code.deprecatedBuiltinCode = code.builtinCode = SQRT
    code.version = 1
    model = module.ModelT()
    model.version, model.operatorCodes = 3, [code]
    model.subgraphs, model.buffers = [graph], [module.BufferT()]
    return model
