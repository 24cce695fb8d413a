"""What converters write today: prepared without changing an output, or refused with its reason."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hand_made_models import (
    BATCH_TO_SPACE_ND,
    CONV_2D,
    DEQUANTIZE,
    FULLY_CONNECTED,
    QUANTIZE,
    RESHAPE,
    SPACE_TO_BATCH_ND,
    Maker,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import CASES
from references import NOT_IN_MICRO, ONLY_MICRO, needs_litert
from single_op import model_of

from simbench.errors import InfrastructureError, ModelError
from simbench.firmware.operators import operators
from simbench.models.followed import only_in_micro
from simbench.models.parse import parse
from simbench.models.prepare import prepare
from simbench.models.prepared import PreparedModel, TensorInfo, input_names, tensor_info
from simbench.models.reference import reference_outputs, reference_version
from simbench.models.schema import (
    FLOAT32,
    INT8,
    INT16,
    INT32,
    INT64,
    TENSOR_DTYPES,
    UINT8,
    operator_code,
    operator_names,
    pack,
    schema,
)
from simbench.task.inputs import seeded_inputs

MODELS = Path(__file__).parent / "data/models"
REFUSED = {
    "dynamic_length.tflite": r"input has the shape \(free, free, 4\), and only the batch may be",
    "mnist_cnn_dynamic.tflite": r"hybrid \(dynamic range\) models are not supported; .*"
    "representative_dataset",
}
ONLY_PREPARED = ("attention_int8.tflite",)  # tflite-micro alone is right, and computes no shapes
# what tflite-runtime and ai-edge-litert give of the file itself, as a sha256 over three outputs;
# tflite-micro takes intermediate shapes from the file, and widens no half floats
AS_FILE = {
    "dilated_conv2d_int8": "e64b42d84f994ab0d9329ea4ca8f5bba9842c43a6ff766c0ff9f1aefc91dedbb",
    "mnist_cnn_fp16": "37e8df12c3823a40f0331606a4de198160a16f66b42260f9bfaef0a78136b29c",
    "tcn_dilated_int8": "8a48274fbef9b01d74719f1bf71f8dcd6abd69364c0c0dbd2f2e99d9f1d3e1db",
}
PREPARED = sorted({path.name for path in MODELS.glob("*.tflite")} - REFUSED.keys())
ADD, MUL, TRANSPOSE_CONV = 0, 18, 67
FUSED_LSTM, MAXIMUM, ARG_MAX, NEG, ABS, WHILE = 44, 55, 56, 59, 101, 119
ALL_OPS = {code: 99 for code in range(200) if code not in (16, 32, 46)}


@cache
def source(name: str) -> bytes:
    return (MODELS / name).read_bytes()


@cache
def prepared(name: str) -> PreparedModel:
    return prepare(source(name), ALL_OPS)


def layers(name: str) -> list[str]:
    return [layer.op for layer in prepared(name).layers]


def changes(name: str) -> str:
    return "\n".join(prepared(name).changes)


def both(data: bytes, model: PreparedModel, count: int = 3) -> tuple[list[Any], list[Any]]:
    """Outputs as the file gives them, and as the prepared model does, for the same values."""
    graph = parse(data).subgraphs[0]
    given = [i.tensor for i in seeded_inputs(model, count)]
    takes = [tensor_info(graph.tensors[i]) for i in graph.inputs]
    gives = [tensor_info(graph.tensors[i]) for i in graph.outputs]
    originals = reference_outputs(data, [converted(g, model.inputs, takes) for g in given])
    found = reference_outputs(model, given)
    return list(originals), [converted(f, model.outputs, gives) for f in found]


def converted(raw: bytes, inner: tuple[TensorInfo, ...], outer: list[TensorInfo]) -> bytes:
    """Tensors of the prepared ends as the file's own ends have them."""
    start, parts = 0, []
    for ours, theirs in zip(inner, outer, strict=True):
        elements = np.frombuffer(raw[start : start + ours.size], ours.dtype)
        start += ours.size
        if ours.dtype == theirs.dtype:
            parts.append(elements.tobytes())
        elif theirs.is_real:
            parts.append(ours.dequantize(elements).tobytes())
        else:
            parts.append((elements.astype(np.int16) + 128).astype(np.uint8).tobytes())
    return b"".join(parts)


def as_the_file(name: str) -> list[Any]:
    """Outputs of the prepared model, after they were found to be those of the file."""
    if not (ONLY_MICRO and Path(name).stem in AS_FILE):
        expected, found = both(source(name), prepared(name))
        assert found == expected
    else:
        graph = parse(source(name)).subgraphs[0]
        gives = [tensor_info(graph.tensors[i]) for i in graph.outputs]
        given = [i.tensor for i in seeded_inputs(prepared(name), 3)]
        outputs = reference_outputs(prepared(name), given)
        found = [converted(raw, prepared(name).outputs, gives) for raw in outputs]
    if Path(name).stem in AS_FILE:
        assert hashlib.sha256(b"".join(found)).hexdigest() == AS_FILE[Path(name).stem]
    return found


def has_reference(name: str) -> bool:
    try:
        return bool(reference_version(prepared(name)))
    except InfrastructureError:
        return False


@pytest.mark.parametrize("name", PREPARED)
def test_preparation_changes_no_output(name: str) -> None:
    if not has_reference(name):
        with pytest.raises(InfrastructureError, match=r"ELU in .*pip install tflite-micro=="):
            reference_outputs(prepared(name), [])
        return
    if name in ONLY_PREPARED and has_reference(name):
        with pytest.raises(ModelError, match="refuses the model"):
            both(source(name), prepared(name))
        return
    if ONLY_MICRO and name in NOT_IN_MICRO:
        with pytest.raises(ModelError, match="refuses the model"):
            reference_outputs(prepared(name), [seeded_inputs(prepared(name), 1)[0].tensor])
        return
    found = as_the_file(name)
    # weights are random: two of the models give the same for every noise
    assert len(set(found)) > 1 or name in (
        "cnn_bn_relu6_dw_int8.tflite",
        "squeeze_excite_int8.tflite",
    )


@pytest.mark.parametrize("name", PREPARED)
def test_what_is_prepared_needs_no_more(name: str) -> None:
    model = prepared(name)
    again = prepare(model.data, ALL_OPS)
    assert (again.data, again.changes, again.layers) == (model.data, (), model.layers)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_does_not_run_is_refused_by_its_feature(name: str) -> None:
    with pytest.raises(ModelError, match=REFUSED[name]) as caught:
        prepared(name)
    assert "\n" not in str(caught.value)


def test_the_ends_of_uint8_go() -> None:
    model = prepared("mnist_cnn_uint8io.tflite")
    assert (model.input.dtype, model.output.dtype) == ("int8", "int8")
    assert "QUANTIZE" not in layers("mnist_cnn_uint8io.tflite")


def test_weights_of_16_bits_are_folded() -> None:
    assert "DEQUANTIZE" not in layers("mnist_cnn_fp16.tflite")
    assert "folded the constant DEQUANTIZE" in changes("mnist_cnn_fp16.tflite")


def test_a_convolution_of_one_axis_is_reshaped_alone() -> None:
    assert set(layers("conv1d_har_int8.tflite")) == {
        *("RESHAPE", "CONV_2D", "MAX_POOL_2D", "FULLY_CONNECTED", "SOFTMAX")
    }


@pytest.mark.parametrize(
    ("name", "dilation"),
    [
        ("dilated_conv2d_int8.tflite", [(2, 2)]),
        ("tcn_dilated_int8.tflite", [(1, 1), (1, 2), (1, 4)]),
    ],
)
def test_dilation_is_restored(name: str, dilation: list[tuple[int, int]]) -> None:
    model = parse(prepared(name).data)
    options = [
        operator.builtinOptions
        for operator in model.subgraphs[0].operators
        if operator_code(model.operatorCodes[operator.opcodeIndex]) == CONV_2D
    ]
    assert [(o.dilationHFactor, o.dilationWFactor) for o in options] == dilation
    assert not {"SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"} & set(layers(name))


def test_several_inputs_lie_one_after_another() -> None:
    model = prepared("two_inputs_int8.tflite")
    assert [tensor.size for tensor in model.inputs] == [8, 12]
    first, second = seeded_inputs(model, 2)
    assert len(first.wire) == len(first.tensor) == 20
    assert first.tensor[:8] != first.tensor[8:16]
    assert first.tensor != second.tensor


def test_a_model_with_variables_has_a_state() -> None:
    model = prepared("stateful_variable.tflite")
    assert model.is_stateful
    assert not prepared("sine_int8.tflite").is_stateful
    one = seeded_inputs(model, 1)[0].tensor
    first, second = reference_outputs(model, [one, one])
    assert first != second
    assert len(set(input_names(model, [one, one]))) == 2
    assert len(set(input_names(prepared("sine_int8.tflite"), [one, one]))) == 1


def test_a_fused_layer_is_refused_by_a_firmware_that_has_it_not() -> None:
    others = {code: version for code, version in ALL_OPS.items() if code != FUSED_LSTM}
    with pytest.raises(ModelError, match=r"is a fused LSTM \(UNIDIREC.*unroll=True"):
        prepare(source("lstm_int8_tf215.tflite"), others)


def test_a_fused_layer_keeps_its_state() -> None:
    file = source("lstm_int8_tf215.tflite")
    model = prepared("lstm_int8_tf215.tflite")
    assert model.is_stateful
    assert model.layers[0].op == "UNIDIRECTIONAL_SEQUENCE_LSTM"
    expected, found = both(file, model)
    assert found == expected


def test_the_tensors_of_a_layer_are_the_least_arena() -> None:
    given, made = 512 * 512 * 3 * 4, 512 * 512 * 8 * 4
    assert prepared("arena_over_8MiB.tflite").least_arena_bytes == given + made


def space_to_batch(
    size: int, filter_size: int, block: int, before: int, after: int, free: bool
) -> tuple[Maker, list[int], list[int]]:
    """A convolution dilated by ``block``, as converters spell it, with the file's batch at 1."""
    maker = Maker()
    rng = np.random.default_rng(size * 100 + filter_size * 10 + block)
    padded = size + before + after
    extra = -padded % block
    small = (padded + extra) // block
    batch = 1 if free else block * block
    signature = (-1, 0, 0, 0) if free else None

    def shape(spatial: int, channels: int, first: int = 1) -> tuple[int, ...]:
        return (first, spatial, spatial, channels)

    def end(spatial: int, channels: int, first: int = 1) -> int:
        signed = None if signature is None else (-1, spatial, spatial, channels)
        return maker.tensor(shape(spatial, channels, first), signature=signed)

    given, split = end(size, 2), end(small, 2, batch)
    inner = small - filter_size + 1
    made, joined = end(inner, 3, batch), end(inner * block - extra, 3)
    blocks = maker.constant(np.array([block, block], "<i4"))
    amounts = maker.constant(np.array([[before, after + extra]] * 2, "<i4"))
    crops = maker.constant(np.array([[0, extra]] * 2, "<i4"))
    weights = rng.normal(0, 1, (3, filter_size, filter_size, 2)).astype("<f4")
    bias = rng.normal(0, 1, 3).astype("<f4")
    parts = [split, maker.constant(weights, FLOAT32), maker.constant(bias, FLOAT32)]
    maker.layer(SPACE_TO_BATCH_ND, [given, blocks, amounts], [split])
    maker.layer(CONV_2D, parts, [made], "Conv2DOptions", padding=1, strideH=1, strideW=1)
    maker.layer(BATCH_TO_SPACE_ND, [made, blocks, crops], [joined])
    return maker, [given], [joined]


@needs_litert
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_dilation_is_restored_only_where_it_is_equal(data: st.DataObject) -> None:
    block = data.draw(st.integers(2, 3))
    filter_size = data.draw(st.integers(1, 3))
    reach = (filter_size - 1) * block
    before, after = data.draw(
        st.sampled_from([(0, 0), (reach // 2, reach - reach // 2), (reach, 0), (1, 2)])
    )
    size = data.draw(st.integers(reach + 1, reach + 6))
    free = data.draw(st.booleans())
    maker, given_ends, made_ends = space_to_batch(size, filter_size, block, before, after, free)
    file = maker.packed(given_ends, made_ends)
    model = prepare(file)
    is_one = (before, after) in ((0, 0), (reach // 2, reach - reach // 2))
    assert (len(model.layers) == 1) == is_one
    expected, found = both(file, model, 2)
    assert found == expected


def test_shapes_are_those_of_the_interpreter_not_those_of_the_file() -> None:
    """A converter writes 1 as the batch of what SPACE_TO_BATCH_ND gives where the batch is free."""
    maker, given_ends, made_ends = space_to_batch(4, 2, 2, 1, 2, free=True)
    model = prepare(maker.packed(given_ends, made_ends))
    assert model.layers[0].op == "SPACE_TO_BATCH_ND"
    assert [layer.output_shape[0] for layer in model.layers] == [4, 4, 1]
    assert "2 of which the file had wrong" in model.changes[0]


def test_a_batch_that_a_reshape_makes_is_settled() -> None:
    """TimeDistributed moves the steps into the batch, and the file says 1."""
    maker = Maker()
    given_end = maker.tensor((1, 6, 4), signature=(-1, 6, 4))
    rows = maker.tensor((1, 4), signature=(-1, 4))
    made = maker.tensor((1, 3), signature=(-1, 3))
    weights = maker.constant(np.arange(12, dtype="<f4").reshape(3, 4), FLOAT32)
    maker.layer(RESHAPE, [given_end, maker.constant(np.array([-1, 4], "<i4"))], [rows])
    maker.layer(FULLY_CONNECTED, [rows, weights], [made], "FullyConnectedOptions")
    model = prepare(maker.packed([given_end], [made]))
    assert [layer.output_shape for layer in model.layers] == [(6, 4), (6, 3)]
    assert model.output.shape == (6, 3)


@pytest.mark.parametrize("scales", [(0.25,), pytest.param((0.25, 0.1, 3.0), marks=needs_litert)])
def test_folding_int8_weights_is_exact(scales: tuple[float, ...]) -> None:
    maker = Maker()
    given_end, made = maker.tensor((1, 4)), maker.tensor((1, 3))
    values = np.random.default_rng(3).integers(-128, 128, (3, 4)).astype("i1")
    points = (7,) if len(scales) == 1 else (0, 0, 0)
    weights = maker.constant(values, INT8, scales=scales, zero_points=points)
    real = maker.tensor((3, 4))
    maker.layer(DEQUANTIZE, [weights], [real], version=2)
    maker.layer(FULLY_CONNECTED, [given_end, real], [made], "FullyConnectedOptions")
    file = maker.packed([given_end], [made])
    model = prepare(file)
    assert [layer.op for layer in model.layers] == ["FULLY_CONNECTED"]
    expected, found = both(file, model, 4)
    assert found == expected


def test_a_uint8_input_of_another_scale_stays() -> None:
    maker = Maker()
    given_end = maker.tensor((1, 4), UINT8, (0.5,), (128,))
    inner = maker.tensor((1, 4), INT8, (0.25,), (0,))
    made = maker.tensor((4,), INT8, (0.25,), (0,))
    maker.layer(QUANTIZE, [given_end], [inner])
    maker.layer(RESHAPE, [inner, maker.constant(np.array([4], "<i4"))], [made])
    model = prepare(maker.packed([given_end], [made]))
    assert model.input.dtype == "uint8"
    assert len(model.layers) == 2


def test_biases_along_a_dimension_they_have_not_are_repaired() -> None:
    """person_detect.tflite, the best-known sample of TensorFlow Lite Micro, has 14 of them."""
    model = parse(source("mnist_cnn_int8.tflite"))
    plain = prepare(pack(model))
    quantized = [t for t in model.subgraphs[0].tensors if t.type == INT32 and t.quantization]
    scales = [(tensor, tensor.quantization.scale) for tensor in quantized]
    biases = [tensor for tensor, each in scales if each is not None and len(each) > 1]
    assert biases
    for tensor in biases:
        tensor.quantization.quantizedDimension = 3
    repaired = prepare(pack(model))
    assert repaired.data == plain.data
    assert f"repaired the quantized dimension of {len(biases)} biases" in repaired.changes[0]


def with_bad(name: str, change: Any) -> str:
    model = parse(source(name))
    change(model)
    with pytest.raises(ModelError) as caught:
        prepare(pack(model), ALL_OPS)
    said = str(caught.value)
    assert "\n" not in said
    return said


def set_type(kind: int) -> Any:
    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        graph.tensors[graph.operators[0].outputs[0]].type = kind

    return change


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (5, "string tensors are not supported"),
        (17, "int4 weights are not supported"),
        (14, r"lists of tensors \(variant\) are not supported"),
        (10, "float64 is not supported"),
        (8, "element type COMPLEX64"),
        (99, "element type number 99"),
    ],
)
def test_types_are_refused_by_name(kind: int, said: str) -> None:
    assert re.search(said, with_bad("sine_int8.tflite", set_type(kind)))


def set_custom(name: bytes) -> Any:
    def change(model: Any) -> None:
        entry = model.operatorCodes[model.subgraphs[0].operators[0].opcodeIndex]
        entry.deprecatedBuiltinCode = entry.builtinCode = 32
        entry.customCode = name

    return change


def test_flex_and_custom_ops_are_refused_by_name() -> None:
    flex = with_bad("sine_int8.tflite", set_custom(b"FlexErf"))
    assert "the Flex (Select TensorFlow) op FlexErf" in flex
    assert "SELECT_TF_OPS" in flex
    assert "custom op 'MyOp'" in with_bad("sine_int8.tflite", set_custom(b"MyOp"))


def test_more_dimensions_than_kernels_know_are_refused() -> None:
    def change(model: Any) -> None:
        model.subgraphs[0].tensors[-1].shape = np.ones(7, "<i4")

    assert "has 7 dimensions, the firmware knows up to 6" in with_bad("sine_int8.tflite", change)


def test_a_missing_scale_is_refused() -> None:
    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        graph.tensors[graph.operators[0].outputs[0]].quantization = None

    said = with_bad("sine_int8.tflite", change)
    assert re.match(
        r"layer 0 \(FULLY_CONNECTED\) .* of int8 without a scale: .*representative", said
    )


@pytest.mark.parametrize(("scale", "shown"), [(np.nan, "nan"), (0.0, "0"), (-1.0, "-1")])
def test_a_scale_that_is_none_is_refused(scale: float, shown: str) -> None:
    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        weights = graph.tensors[graph.operators[0].inputs[1]]
        weights.quantization.scale = np.full_like(weights.quantization.scale, scale)

    said = with_bad("sine_int8.tflite", change)
    assert re.match(
        rf"layer 0 \(FULLY_CONNECTED\) .* with the scale {shown}, .*representative", said
    )


def test_whole_numbers_that_are_compared_need_no_scale() -> None:
    maker = Maker()
    ends = [maker.tensor((1, 4), INT8, scale) for scale in ((0.1,), (0.1,))]
    plain = maker.tensor((1, 4), INT8)
    maker.layer(MAXIMUM, [ends[0], maker.constant(np.ones((1, 4), "i1"), INT8)], [plain])
    maker.layer(RESHAPE, [plain, maker.constant(np.array([1, 4], "<i4"))], ends[1:])
    assert len(prepare(maker.packed(ends[:1], ends[1:]), ALL_OPS).layers) == 2


def test_a_model_of_one_quantize_stays() -> None:
    maker = Maker()
    ends = [maker.tensor((1, 4)), maker.tensor((1, 4), INT8, (0.1,))]
    maker.layer(QUANTIZE, ends[:1], ends[1:])
    assert [layer.op for layer in prepare(maker.packed(ends[:1], ends[1:])).layers] == ["QUANTIZE"]


def test_an_operator_that_the_firmware_lacks_is_told_before_its_structure() -> None:
    ops = {code: version for code, version in ALL_OPS.items() if code != FULLY_CONNECTED}
    model = parse(source("sine_int8.tflite"))
    model.subgraphs[0].operators[0].inputs[1] = -1
    with pytest.raises(ModelError, match=r"FULLY_CONNECTED .* is not in this firmware"):
        prepare(pack(model), ops)


def test_a_type_that_an_operator_has_no_kernel_of_is_refused() -> None:
    maker = Maker()
    ends = [maker.tensor((1, 4), INT8, (0.1,)) for _ in range(2)]
    maker.layer(NEG, ends[:1], ends[1:])
    file = maker.packed(ends[:1], ends[1:])
    assert prepare(file).layers[0].op == "NEG"  # of a firmware that is not known
    with pytest.raises(ModelError, match=r"op NEG of layer 0 takes int8, .* for int32, int64, fl"):
        prepare(file, ALL_OPS)


def test_an_index_of_64_bits_is_refused() -> None:
    maker = Maker()
    ends = [maker.tensor((1, 4), INT8, (0.1,)), maker.tensor((1,), INT64)]
    maker.layer(ARG_MAX, [ends[0], maker.constant(np.array(1, "<i4"))], ends[1:], "ArgMaxOptions")
    with pytest.raises(ModelError, match=r"ARG_MAX of layer 0 .*output_type=tf\.int32"):
        prepare(maker.packed(ends[:1], ends[1:]), ALL_OPS)


def test_indices_of_64_bits_are_fed_and_given() -> None:
    maker = Maker()
    ends = [maker.tensor((1, 4), INT64), maker.tensor((4,), INT64)]
    maker.layer(RESHAPE, [ends[0], maker.constant(np.array([4], "<i4"))], ends[1:])
    model = prepare(maker.packed(ends[:1], ends[1:]), ALL_OPS)
    given_elements = [i.tensor for i in seeded_inputs(model, 3)]
    assert {int(e) for raw in given_elements for e in np.frombuffer(raw, "<i8")} == {0, 1}
    assert list(reference_outputs(model, given_elements)) == given_elements


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_kernels_are_held_to_is_admitted(name: str) -> None:
    ops = {row.code: row.highest_version for row in operators()}
    for number in range(6):
        case = CASES[name](Random(f"{name} {number}"))
        ends = (*case.fed, *case.outputs)
        if any(t.dtype == "float16" or (t.dtype == "int8" and not t.scale) for t in ends):
            continue  # halves and bare int8 may not be an end of a model
        assert prepare(model_of(case), ops).layers[0].op in (case.op, "RESHAPE")


def while_of(model: Any) -> Any:
    return next(
        operator
        for operator in model.subgraphs[0].operators
        if operator_code(model.operatorCodes[operator.opcodeIndex]) == WHILE
    )


def test_loops_are_checked_with_the_subgraphs_that_they_call() -> None:
    def recursion(model: Any) -> None:
        body = while_of(model).builtinOptions.bodySubgraphIndex
        model.subgraphs[body].operators.append(while_of(model))

    def nowhere(model: Any) -> None:
        while_of(model).builtinOptions.condSubgraphIndex = 7

    def main_itself(model: Any) -> None:
        while_of(model).builtinOptions.bodySubgraphIndex = 0

    def fewer(model: Any) -> None:
        while_of(model).inputs.pop()

    def swapped(model: Any) -> None:
        options = while_of(model).builtinOptions
        options.condSubgraphIndex, options.bodySubgraphIndex = (
            options.bodySubgraphIndex,
            options.condSubgraphIndex,
        )

    for change, said in (
        (recursion, "calls itself"),
        (nowhere, "calls subgraph 7, which it may not"),
        (main_itself, "calls subgraph 0, which it may not"),
        (fewer, "does not fit the subgraphs that it calls"),
        (swapped, "does not fit the subgraphs that it calls"),
    ):
        assert said in with_bad("lstm_float.tflite", change)


def test_of_two_signatures_the_first_subgraph_runs() -> None:
    module = schema()
    model = parse(source("sine_int8.tflite"))
    model.subgraphs = model.subgraphs * 2
    model.signatureDefs = []
    for number, key in enumerate((b"serving_default", b"encode")):
        signature = module.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = key, number
        model.signatureDefs.append(signature)
    found = prepare(pack(model))
    assert "runs the signature serving_default, and left out encode" in found.changes[0]
    assert found.data == prepared("sine_int8.tflite").data
    del model.signatureDefs[0]
    said = prepare(pack(model)).changes[0]
    assert "runs the first subgraph, which has no signature, and left out encode" in said


def accepted_or_refused(data: bytes) -> None:
    try:
        prepare(data, ALL_OPS)
    except ModelError as error:
        said = str(error)
    else:
        return
    assert said
    assert "\n" not in said


HOSTILE = ("lstm_float.tflite", "stateful_variable.tflite", "tcn_dilated_int8.tflite")
NUMBERS = st.sampled_from((-(2**31), -128, -1, 0, 1, 2, 3, 5, 64, 127, 2**31 - 1))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_files_with_wrong_numbers_are_prepared_or_refused(data: st.DataObject) -> None:
    model = parse(source(data.draw(st.sampled_from(HOSTILE))))
    graph = data.draw(st.sampled_from(model.subgraphs))
    operator = data.draw(st.sampled_from(graph.operators))
    tensor = data.draw(st.sampled_from(graph.tensors))
    where = data.draw(st.sampled_from(("options", "inputs", "outputs", "ends", "shape", "code")))
    if where == "options" and operator.builtinOptions is not None:
        name = data.draw(st.sampled_from(sorted(vars(operator.builtinOptions)) or ["none"]))
        if type(getattr(operator.builtinOptions, name, None)) is int:
            setattr(operator.builtinOptions, name, data.draw(st.integers(-128, 127)))
    elif where in ("inputs", "outputs") and getattr(operator, where):
        indices = getattr(operator, where)
        indices[data.draw(st.integers(0, len(indices) - 1))] = data.draw(NUMBERS)
    elif where == "ends":
        ends = data.draw(st.sampled_from((graph.inputs, graph.outputs)))
        if ends:
            ends[data.draw(st.integers(0, len(ends) - 1))] = data.draw(NUMBERS)
    elif where == "shape" and len(tensor.shape):
        tensor.shape = tensor.shape.copy()
        tensor.shape[data.draw(st.integers(0, len(tensor.shape) - 1))] = data.draw(NUMBERS)
    elif where == "code":
        entry = data.draw(st.sampled_from(model.operatorCodes))
        entry.builtinCode = data.draw(st.sampled_from(sorted(operator_names())))
    try:
        changed = pack(model)
    except (TypeError, OverflowError):
        return  # the number does not fit its field: there is no such file
    accepted_or_refused(changed)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_flipped_bytes_are_prepared_or_refused(data: st.DataObject) -> None:
    raw = bytearray(source(data.draw(st.sampled_from(HOSTILE))))
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    accepted_or_refused(bytes(raw))


def test_types_of_ends_that_are_fed() -> None:
    assert prepared("mnist_cnn_int16x8.tflite").input.dtype == "int16"
    sample = seeded_inputs(prepared("mnist_cnn_int16x8.tflite"), 1)[0]
    assert np.abs(np.frombuffer(sample.tensor, TENSOR_DTYPES[7])).max() > 30_000


def dense(shape: tuple[int, ...], scales: tuple[float, ...]) -> bytes:
    maker = Maker()
    values = np.random.default_rng(5).integers(-127, 128, (6, shape[-1])).astype("i1")
    given_end = maker.tensor(shape, INT8, (0.05,), (3,))
    made = maker.tensor((*shape[:-1], 6), INT8, (0.08,), (-2,))
    weights = maker.constant(values, INT8, scales=scales)
    bias = maker.constant(np.zeros(6, "<i4"))
    ends = ([given_end, weights, bias], [made])
    maker.layer(FULLY_CONNECTED, *ends, "FullyConnectedOptions", keepNumDims=len(shape) > 2)
    return maker.packed([given_end], [made])


def rescaled(kind: int, scale: float) -> bytes:
    maker = Maker()
    ends = [maker.tensor((1, 4), kind, (each,)) for each in (0.5, scale)]
    maker.layer(ABS, ends[:1], ends[1:])
    return maker.packed(ends[:1], ends[1:])


def test_what_one_interpreter_answers_wrongly_is_judged_by_the_other() -> None:
    """tflite-runtime computes the first row alone of a dense layer over a sequence."""
    channels = tuple(np.linspace(0.01, 0.02, 6).tolist())
    rows, sequence = dense((4, 8), channels), dense((1, 4, 8), channels)
    assert only_in_micro(rows) == only_in_micro(dense((1, 4, 8), (0.01,))) == ()
    assert only_in_micro(sequence) == ("FULLY_CONNECTED",)
    assert only_in_micro(rescaled(INT16, 0.25)) == ("ABS",)
    assert only_in_micro(rescaled(INT16, 0.5)) == only_in_micro(rescaled(INT8, 0.25)) == ()
    given = np.random.default_rng(6).integers(-128, 128, (4, 8)).astype("i1")
    if reference_version().startswith("tflite-runtime"):
        assert reference_version(prepare(sequence)).startswith("tflite-micro")
    assert reference_outputs(sequence, [given]) == reference_outputs(rows, [given])


def shape_chain(*names: str) -> set[str]:
    """Of the operators named, those that are left in the models whose shapes are computed."""
    kept = ("attention_int8.tflite", "upsample_int8.tflite")
    return {op for name in kept for op in layers(name)} & set(names)


def test_what_is_computed_of_shapes_alone_is_folded() -> None:
    """Keras 3 computes the shape of each dense layer's input anew."""
    folded = ("SHAPE", "GATHER", "REDUCE_PROD", "CONCATENATION", "STRIDED_SLICE", "PACK")
    assert shape_chain(*folded) == set()
    assert "folded the constant SHAPE, GATHER, REDUCE_PROD" in changes("attention_int8.tflite")
    assert [tuple(layer.output_shape) for layer in prepared("upsample_int8.tflite").layers][-1] == (
        *(1, 32, 32, 1),
    )


def test_quantized_constants_are_not_added_as_plain_numbers() -> None:
    maker = Maker()
    given_end, made = maker.tensor((1, 2), INT8, (0.5,), (3,)), maker.tensor((1, 2), INT8, (0.5,))
    parts = [maker.constant(np.array([[v, v]], "i1"), INT8, scales=(0.5,)) for v in (5, 7)]
    total = maker.tensor((1, 2), INT8, (0.25,))
    maker.layer(ADD, parts, [total], "AddOptions")
    maker.layer(ADD, [given_end, total], [made], "AddOptions")
    assert [layer.op for layer in prepare(maker.packed([given_end], [made])).layers] == ["ADD"] * 2


@pytest.mark.parametrize("dims", [4, 5])
def test_who_judges_a_product_of_many_dimensions(dims: int) -> None:
    """Of more than four, of which one is repeated, the reference kernels give no answer."""
    maker = Maker()
    whole, part = (2,) * dims, (2, *(1,) * (dims - 1))
    first, second, made = maker.tensor(whole), maker.tensor(part), maker.tensor(whole)
    maker.layer(MUL, [first, second], [made], "MulOptions")
    file = maker.packed([first, second], [made])
    assert only_in_micro(file) == (() if dims == 4 else ("MUL",))


def test_a_version_does_not_keep_a_reference_from_answering() -> None:
    """tflite-runtime's reference resolver knows no DEPTH_TO_SPACE of version 2, and runs it."""
    model = prepared("depth_to_space_int8.tflite")
    if not reference_version(model).startswith("tflite-micro"):
        assert len(reference_outputs(model, [seeded_inputs(model, 1)[0].tensor])[0]) > 0


@pytest.mark.parametrize("given", [1, 2])
def test_a_transposed_convolution_without_its_inputs_is_refused(given: int) -> None:
    maker = Maker()
    shape = maker.constant(np.array([1, 8, 8, 2], "<i4"))
    picture = maker.tensor((1, 4, 4, 2), INT16, (0.1,), (0,))
    made = maker.tensor((1, 8, 8, 2), INT16, (0.1,), (0,))
    maker.layer(TRANSPOSE_CONV, [picture, shape][:given], [made], "TransposeConvOptions")
    with pytest.raises(ModelError, match=r"layer 0 \(TRANSPOSE_CONV\) .* has no input"):
        prepare(maker.packed([picture], [made]))
