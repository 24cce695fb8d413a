"""Hostile and damaged models: one sentence of a ModelError, never a crash or a hang."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from simbench.catalog.benchmarks import PackagedModel, load_benchmarks
from simbench.errors import InfrastructureError, ModelError
from simbench.models import verifier
from simbench.models.parse import parse
from simbench.models.prepare import prepare
from simbench.models.prepared import PreparedModel
from simbench.models.schema import operator_code, operator_name, pack, schema
from simbench.models.source import benchmark_model, source_bytes
from simbench.models.verify import MAX_FILE_BYTES, read_model, verify

BENCHMARKS = load_benchmarks()
KNOWN_OPS = {0: 2, 1: 2, 3: 3, 4: 3, 6: 2, 9: 4, 22: 1, 25: 2, 45: 2, 77: 1, 83: 2, 114: 1}


@cache
def originals() -> tuple[bytes, ...]:
    return tuple(source_bytes(BENCHMARKS[name].model) for name in ("kws", "ad", "ic", "vww"))


@cache
def subjects() -> tuple[bytes, ...]:
    """The smallest models, as converted and prepared: the most structure among their bytes."""
    return (prepare(originals()[0]).data, *originals()[:2])


def accepted_or_refused(data: bytes) -> PreparedModel | None:
    """The model, or None where it is refused; a sentence of a refusal is on one line."""
    try:
        return prepare(data, KNOWN_OPS)
    except ModelError as error:
        said = str(error)
    assert said
    assert "\n" not in said
    return None


def refusal(model: Any) -> str:
    with pytest.raises(ModelError) as caught:
        prepare(pack(model))
    return str(caught.value)


def kws() -> Any:
    return parse(originals()[0])


@settings(max_examples=150)
@given(st.data())
def test_flipped_bytes(data: st.DataObject) -> None:
    model = bytearray(data.draw(st.sampled_from(subjects())))
    for _ in range(data.draw(st.integers(1, 8))):
        # structure is at both ends of a file; weights lie between
        near = data.draw(st.sampled_from((0, 0, len(model) - 4096, len(model) - 4096, None)))
        last = len(model) - 1
        low, high = (0, last) if near is None else (near, min(near + 4095, last))
        model[data.draw(st.integers(low, high))] = data.draw(st.integers(0, 255))
    accepted_or_refused(bytes(model))


@settings(max_examples=150)
@given(st.data())
def test_replaced_words(data: st.DataObject) -> None:
    model = bytearray(data.draw(st.sampled_from(subjects())))
    word = st.one_of(
        st.sampled_from((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)),
        st.integers(0, len(model)),
        st.integers(0, 2**32 - 1),
    )
    for _ in range(data.draw(st.integers(1, 3))):
        at = 4 * data.draw(st.integers(0, len(model) // 4 - 1))
        model[at : at + 4] = data.draw(word).to_bytes(4, "little")
    accepted_or_refused(bytes(model))


@settings(max_examples=60)
@given(st.data())
def test_truncated_files_are_refused(data: st.DataObject) -> None:
    model = data.draw(st.sampled_from(subjects()))
    cut = model[: data.draw(st.integers(0, len(model) // 2))]
    assert accepted_or_refused(cut) is None


@settings(max_examples=80)
@given(st.data())
def test_spliced_files(data: st.DataObject) -> None:
    model = bytearray(data.draw(st.sampled_from(subjects())))
    other = data.draw(st.sampled_from(subjects()))
    size = data.draw(st.integers(1, 2048))
    source = data.draw(st.integers(0, len(other) - 1))
    target = data.draw(st.integers(0, len(model) - 1))
    model[target : target + size] = other[source : source + size]
    accepted_or_refused(bytes(model))


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=400))
@example(b"")
@example(b"TFL3")
@example(b"\x08\x00\x00\x00TFL3" + bytes(64))
def test_arbitrary_bytes_are_refused(data: bytes) -> None:
    assert accepted_or_refused(data) is None
    assert accepted_or_refused(data[:4].ljust(4, b"\0") + b"TFL3" + data[8:]) is None


@pytest.mark.parametrize(("code", "other"), [("PACK", "STRIDED_SLICE"), ("STRIDED_SLICE", "PACK")])
def test_an_operator_with_the_options_of_another_is_not_folded(code: str, other: str) -> None:
    model = parse(next(filter(_packs, originals())))
    codes = [operator_name(operator_code(entry)) for entry in model.operatorCodes]
    for operator in model.subgraphs[0].operators:
        if codes[operator.opcodeIndex] == other:
            operator.opcodeIndex = codes.index(code)
    accepted_or_refused(pack(model))


def _packs(data: bytes) -> bool:
    codes = [operator_name(operator_code(entry)) for entry in parse(data).operatorCodes]
    return {"PACK", "STRIDED_SLICE"} <= set(codes)


NUMBERS = st.sampled_from((-(2**31), -128, -1, 0, 1, 2, 3, 5, 25, 64, 127, 1000, 2**31 - 1))


@settings(max_examples=200)
@given(st.data())
def test_well_formed_files_with_wrong_numbers(data: st.DataObject) -> None:
    """Damage behind the flatbuffer verifier's back: options, indices, shapes and types."""
    model = parse(data.draw(st.sampled_from(originals()[:3])))
    graph = model.subgraphs[0]
    operator = data.draw(st.sampled_from(graph.operators))
    tensor = data.draw(st.sampled_from(graph.tensors))
    where = data.draw(st.sampled_from(("options", "inputs", "outputs", "shape", "type", "code")))
    if where == "options" and operator.builtinOptions is not None:
        name = data.draw(st.sampled_from(sorted(vars(operator.builtinOptions))))
        if type(getattr(operator.builtinOptions, name)) is int:
            setattr(operator.builtinOptions, name, data.draw(st.integers(-128, 127)))
    elif where in ("inputs", "outputs"):
        indices = getattr(operator, where)
        indices[data.draw(st.integers(0, len(indices) - 1))] = data.draw(NUMBERS)
    elif where == "shape" and len(tensor.shape):
        tensor.shape = tensor.shape.copy()
        tensor.shape[data.draw(st.integers(0, len(tensor.shape) - 1))] = data.draw(NUMBERS)
    elif where == "type":
        tensor.type = data.draw(st.integers(0, 18))
    else:
        operator.opcodeIndex = data.draw(st.integers(0, 40))
    try:
        changed = pack(model)
    except TypeError:
        return  # the number does not fit its field: there is no such file
    accepted_or_refused(changed)


def test_the_models_themselves_pass() -> None:
    for benchmark in BENCHMARKS.values():
        assert benchmark_model(benchmark, KNOWN_OPS).layers


def test_one_tensor_of_another_type_is_named() -> None:
    model = kws()
    model.subgraphs[0].tensors[3].type = 5
    assert "tensor 3 of the model is STRING, and string tensors are not" in refusal(model)


def test_a_subgraph_that_nothing_calls_is_left_out() -> None:
    model = kws()
    model.subgraphs = model.subgraphs * 2
    prepared = prepare(pack(model))
    assert prepared.data == prepare(originals()[0]).data
    assert "dropped 1 subgraphs that nothing calls" in prepared.changes[0]


def test_another_schema_version_is_refused() -> None:
    model = kws()
    model.version = 4
    assert "schema version is 4" in refusal(model)


def test_a_buffer_smaller_than_its_tensor_is_refused() -> None:
    model = kws()
    weights = max(model.buffers, key=lambda b: 0 if b.data is None else b.data.nbytes)
    weights.data = weights.data[:-1]
    assert "of data where its shape and type need" in refusal(model)


def test_a_tensor_beyond_every_microcontroller_is_refused() -> None:
    model = kws()
    model.subgraphs[0].tensors[-1].shape = np.array([1, 2**31 - 1], "<i4")
    assert "more than any microcontroller has" in refusal(model)


def test_scales_must_be_positive_numbers() -> None:
    for bad in (0.0, -1.0, float("nan"), float("inf")):
        model = kws()
        quantized = [t.quantization for t in model.subgraphs[0].tensors if t.quantization]
        scaled = next(q for q in quantized if q.scale is not None)
        scaled.scale = np.array([bad] * len(scaled.scale), "<f4")
        assert "and a scale is a positive number" in refusal(model)


def test_a_loop_in_the_graph_is_refused() -> None:
    model = kws()
    first, second = model.subgraphs[0].operators[1:3]
    first.inputs[0] = second.outputs[0]
    assert "before anything writes it" in refusal(model)


def test_a_zero_stride_is_refused() -> None:
    model = kws()
    model.subgraphs[0].operators[1].builtinOptions.strideH = 0
    assert "layer 1 (CONV_2D) of the model has an impossible stride" in refusal(model)


@pytest.mark.parametrize("name", ["padding", "fusedActivationFunction"])
@pytest.mark.parametrize("value", [-1, 6, 99])
def test_an_option_outside_its_enum_is_refused(name: str, value: int) -> None:
    model = kws()
    setattr(model.subgraphs[0].operators[1].builtinOptions, name, value)
    assert f"layer 1 (CONV_2D) of the model has the impossible {name} {value}" in refusal(model)


def test_an_op_without_its_options_is_refused() -> None:
    model = kws()
    operator = model.subgraphs[0].operators[1]
    operator.builtinOptions, operator.builtinOptionsType = None, 0
    assert "comes without its Conv2DOptions" in refusal(model)


def test_weights_of_another_number_of_channels_are_refused() -> None:
    model = kws()
    graph = model.subgraphs[0]
    weights = graph.tensors[graph.operators[3].inputs[1]]
    weights.shape = np.array([32, 1, 1, 128], "<i4")
    assert "of the model has" in refusal(model)


def test_overlapping_parts_are_refused() -> None:
    """Many tensors that share one long name: small on disk, large as soon as it is copied."""
    module = schema()
    builder = flatbuffers.Builder(1024)
    name = builder.CreateString("x" * 4096)
    tensors = []
    for _ in range(500):
        module.TensorStart(builder)
        module.TensorAddName(builder, name)
        tensors.append(module.TensorEnd(builder))
    module.SubGraphStartTensorsVector(builder, len(tensors))
    for tensor in tensors:
        builder.PrependUOffsetTRelative(tensor)
    vector = builder.EndVector()
    module.SubGraphStart(builder)
    module.SubGraphAddTensors(builder, vector)
    graph = module.SubGraphEnd(builder)
    module.ModelStartSubgraphsVector(builder, 1)
    builder.PrependUOffsetTRelative(graph)
    graphs = builder.EndVector()
    module.ModelStart(builder)
    module.ModelAddVersion(builder, 3)
    module.ModelAddSubgraphs(builder, graphs)
    builder.Finish(module.ModelEnd(builder), b"TFL3")
    with pytest.raises(ModelError, match="parts of the file overlap"):
        verify(bytes(builder.Output()))


def test_more_tables_than_any_model_has_are_refused() -> None:
    model = kws()
    model.buffers = model.buffers + [schema().BufferT()] * 30_000
    with pytest.raises(ModelError, match="damaged or truncated"):
        verify(pack(model))


def test_files_that_cannot_be_models(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot read the model"):
        read_model(tmp_path / "none.tflite")
    with pytest.raises(ModelError, match="is not a file"):
        read_model(tmp_path)
    huge = tmp_path / "huge.tflite"
    with huge.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(ModelError, match="more than any microcontroller's model"):
        read_model(huge)


def test_a_model_out_of_its_place_is_named() -> None:
    place = BENCHMARKS["kws"].model
    assert isinstance(place, PackagedModel)
    for field, value, sentence in (
        ("member", "other.tflite", "there is no model other.tflite in"),
        ("archive", "other.zip", "there is no model keyword_spotting.tflite in other.zip"),
        ("size", 7, "53,736 bytes, not the pinned 7"),
        ("version", "0.19.0", "pinned to version 0.20.0, the benchmark's YAML asks for 0.19.0"),
    ):
        moved = dataclasses.replace(place, **{field: value})  # type: ignore[arg-type]
        with pytest.raises(ModelError, match=sentence):
            source_bytes(moved)


def test_a_missing_compiler_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(InfrastructureError, match=r"no C\+\+ compiler"):
        verifier.build_verifier()


def test_a_failing_compiler_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "false")
    with pytest.raises(InfrastructureError, match="could not build the model verifier"):
        verifier.build_verifier()
