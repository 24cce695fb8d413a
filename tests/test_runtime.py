"""The firmware's runtime: subgraphs, variables, and an arena that is computed."""

from __future__ import annotations

import ctypes
import random
import subprocess
from collections.abc import Callable, Sequence
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from small_models import (
    BOOL,
    CORE,
    INT8,
    INT16,
    INT32,
    RESOURCE,
    UINT8,
    Graph,
    Model,
    arena_bytes,
    inferred,
    output,
    problem,
    running,
)

from simbench.catalog.scenario import Variant
from simbench.files import paths
from simbench.firmware.build import build_image
from simbench.firmware.image import Image
from simbench.models.prepared import TensorInfo


@pytest.fixture(scope="module")
def image() -> Image:
    return build_image(CORE, Variant("reference"))


def floats(*values: float) -> bytes:
    return np.array(values, np.float32).tobytes()


def whole(make: Callable[[Graph], None]) -> bytes:
    """A model of one subgraph."""
    model = Model()
    make(model.graph())
    return model.pack()


# --- models ---


def sums() -> bytes:
    """Two inputs, and four outputs: a sum, an input, a constant, and an input's absolute values."""
    model = Model()
    main = model.graph()
    a, b = main.given(), main.given((1,))
    main.outputs = [main.computed("ADD", a, b), b, main.constant(7.0), main.computed("ABS", a)]
    return model.pack()


def halves() -> bytes:
    """A split of which nobody reads the second half."""
    model = Model()
    main = model.graph()
    axis = main.tensor((), INT32)
    buffer = type(model.buffers[0])()
    buffer.data = np.zeros(4, np.uint8)
    main.tensors[axis].buffer = len(model.buffers)
    model.buffers.append(buffer)
    x = main.given()
    first, unread = main.tensor((2,)), main.tensor((2,))
    main.add("SPLIT", [axis, x], [first, unread], numSplits=2)
    main.outputs = [main.computed("NEG", first, shape=(2,))]
    return model.pack()


def dense(bias: Sequence[int]) -> bytes:
    """A dense layer whose third input is ``bias``: nothing, or -1."""
    model = Model()
    main = model.graph()
    x = main.given((1, 2))
    weights = main.constant(1.0, 2.0, 3.0, 4.0, shape=(2, 2))
    y = main.tensor((1, 2))
    main.add("FULLY_CONNECTED", [x, weights, *bias], [y])
    main.outputs = [y]
    return model.pack()


def doubled_while_below(end: float) -> bytes:
    """The first input doubled, and 1 added to the second, while the second is less than ``end``."""
    model = Model()
    main, condition, body = model.graph(), model.graph(), model.graph()
    loop = [main.given(), main.given((1,))]
    main.outputs = [main.tensor(), main.tensor((1,))]
    main.add("WHILE", loop, main.outputs, condSubgraphIndex=1, bodySubgraphIndex=2)
    condition.given()
    count = condition.given((1,))
    limit = condition.constant(end)
    condition.outputs = [condition.computed("LESS", count, limit, shape=(1,), kind=BOOL)]
    x, count = body.given(), body.given((1,))
    body.outputs = [
        body.computed("ADD", x, x),
        body.computed("ADD", count, body.constant(1.0), shape=(1,)),
    ]
    return model.pack()


def negated_if_positive() -> bytes:
    """A number negated if it is above 0, else as it is; the branch's output is its input there."""
    model = Model()
    main, then, otherwise = model.graph(), model.graph(), model.graph()
    x = main.given((1,))
    is_positive = main.computed("GREATER", x, main.constant(0.0), shape=(1,), kind=BOOL)
    main.outputs = [main.tensor((1,))]
    main.add("IF", [is_positive, x], main.outputs, thenSubgraphIndex=1, elseSubgraphIndex=2)
    then.outputs = [then.computed("NEG", then.given((1,)), shape=(1,))]
    otherwise.outputs = [otherwise.given((1,))]
    return model.pack()


def running_sum(start: float) -> bytes:
    """The sum of all inputs so far and ``start``, kept in a variable."""
    model = Model()
    main, once = model.graph(), model.graph()
    main.add("CALL_ONCE", [], [], initSubgraphIndex=1)
    for graph in (main, once):
        handle = graph.tensor((), RESOURCE)
        graph.add("VAR_HANDLE", [], [handle], container=b"", sharedName=b"sum")
        if graph is once:
            graph.add("ASSIGN_VARIABLE", [handle, graph.constant(start)], [])
            continue
        so_far = graph.computed("READ_VARIABLE", handle, shape=(1,))
        total = graph.computed("ADD", so_far, graph.given((1,)), shape=(1,))
        graph.add("ASSIGN_VARIABLE", [handle, total], [])
        graph.outputs = [total]
    return model.pack()


CASES = {
    "several-ends": (sums(), floats(1, -2, 3, -4, 10), [11, 8, 13, 6, 10, 7, 1, 2, 3, 4]),
    "unread-output": (halves(), floats(1, -2, 3, -4), [-1, 2]),
    "no-bias": (dense([]), floats(1, 10), [21, 43]),
    "left-out-bias": (dense([-1]), floats(1, 10), [21, 43]),
    "while": (doubled_while_below(3), floats(1, 2, 3, 4, 0), [8, 16, 24, 32, 3]),
    "while-never": (doubled_while_below(0), floats(1, 2, 3, 4, 0), [1, 2, 3, 4, 0]),
    "if": (negated_if_positive(), floats(5), [-5]),
    "else": (negated_if_positive(), floats(-5), [-5]),
    "variable": (running_sum(0), floats(3), [3]),
}


@pytest.mark.emulator
@pytest.mark.parametrize("case", CASES)
def test_a_model_runs_in_the_arena_computed_and_in_none_smaller(case: str, image: Image) -> None:
    data, given_, expected = CASES[case]
    with running(image, data, [given_]) as ask:
        assert problem(ask) == ""
        assert inferred(ask, 0).tolist() == expected
        assert inferred(ask, 0).size == len(expected)
        needed = arena_bytes(ask)
    with running(image, data, [given_], needed) as ask:
        assert problem(ask) == ""
        assert inferred(ask, 0).tolist() == expected
        assert arena_bytes(ask) == needed
    with running(image, data, [given_], needed - 16) as ask:
        assert problem(ask).startswith("e-[The model needs an arena of ")


@pytest.mark.emulator
def test_variables_keep_their_values_from_one_input_to_the_next(image: Image) -> None:
    with running(image, running_sum(100), [floats(1), floats(20)]) as ask:
        assert problem(ask) == ""
        said = [inferred(ask, index).tolist() for index in (0, 1, 1, 0)]
    assert said == [[101], [121], [141], [142]]


@st.composite
def nets(draw: st.DrawFn) -> tuple[bytes, NDArray[np.float32], NDArray[np.float32]]:
    """A model of sums, maxima and negations in any order, an input, and the outputs it gives."""
    model = Model()
    main = model.graph()
    x = np.arange(1, 5, dtype=np.float32)
    values = {main.given(): x}
    for _ in range(draw(st.integers(1, 24))):
        known = st.sampled_from(sorted(values))
        one, other = draw(known), draw(known)
        op, compute = draw(st.sampled_from(OPERATIONS))
        operands = (one, other) if op != "NEG" else (one,)
        values[main.computed(op, *operands)] = compute(*(values[i] for i in operands))
    main.outputs = draw(st.lists(st.sampled_from(sorted(values)), min_size=1, max_size=4))
    return model.pack(), x, np.concatenate([values[i] for i in main.outputs])


OPERATIONS: tuple[tuple[str, Any], ...] = (
    ("ADD", np.add),
    ("MAXIMUM", np.maximum),
    ("NEG", np.negative),
)


@pytest.mark.emulator
@settings(max_examples=25)
@given(net=nets())
def test_no_value_is_overwritten_while_it_is_needed(
    image: Image, net: tuple[bytes, NDArray[np.float32], NDArray[np.float32]]
) -> None:
    data, x, expected = net
    with running(image, data, [x.tobytes()]) as ask:
        assert problem(ask) == ""
        assert inferred(ask, 0).tolist() == expected.tolist()


@pytest.mark.emulator
def test_what_a_layers_subgraphs_take_is_in_the_plan_as_its_own(image: Image) -> None:
    with running(image, doubled_while_below(3)) as ask:
        ask("")
        head, _, *lines = ask("plan")
    records = [line.removeprefix("m-plan-[").removesuffix("]").split(",") for line in lines]
    assert {kind for kind, *_ in records} == {"tensor", "scratch"}
    assert {layer for kind, layer, *_ in records if kind == "scratch"} == {"0"}
    spans = [(int(offset), int(offset) + int(size)) for _, _, offset, size in records]
    # all of one layer, so all at once
    assert all(a[1] <= b[0] or b[1] <= a[0] for a, b in combinations(spans, 2))
    assert max(-(-end // 16) * 16 for _, end in spans) == int(head.rsplit("-", 1)[1])


# --- ends ---


def copied(kind: int, scale: float, zero_point: int) -> bytes:
    """A model that gives its input of 8 elements back; its operator is beside that."""
    model = Model()
    main = model.graph()
    main.outputs = [main.given((8,), kind)]
    main.quantize(main.outputs[0], scale, zero_point)
    main.computed("ABS", main.constant(-1.0), shape=(1,))
    return model.pack()


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("kind", "dtype", "zero_point"),
    [(UINT8, "uint8", 100), (INT8, "int8", -28), (INT16, "int16", 0)],
)
def test_reals_are_quantized_on_the_board_as_on_the_host(
    kind: int, dtype: str, zero_point: int, image: Image
) -> None:
    reals = np.array([0, 0.1, -0.1, 1.25, -3.3, 1e9, -1e9, np.nan], np.float32)
    expected = TensorInfo("t", (8,), dtype, 0.05, zero_point).quantize(reals)
    with running(image, copied(kind, 0.05, zero_point), [reals.tobytes()], encoding=2) as ask:
        assert problem(ask) == ""
        assert output(ask, 0) == expected.tobytes()


@pytest.mark.emulator
@pytest.mark.parametrize(("kind", "shift"), [(UINT8, 0), (INT8, 128), (BOOL, 0)])
def test_pixels_become_elements(kind: int, shift: int, image: Image) -> None:
    pixels = (
        bytes([0, 1, 0, 1, 1, 1, 0, 0])
        if kind == BOOL
        else bytes([0, 1, 127, 128, 129, 254, 255, 9])
    )
    with running(image, copied(kind, 1.0, 0), [pixels], encoding=1) as ask:
        assert problem(ask) == ""
        assert output(ask, 0) == bytes((pixel - shift) % 256 for pixel in pixels)


@pytest.mark.emulator
def test_an_encoding_that_does_not_suit_the_input_is_refused(image: Image) -> None:
    with running(image, copied(INT32, 1.0, 0), [bytes(32)], encoding=2) as ask:
        ask("")
        ask("bank 0")
        assert ask("infer 1 0") == ["e-[The input's encoding does not suit its type]"]


# --- what no converter writes, and what no kernel has ---


def calls_itself(main: Graph) -> None:
    main.outputs = [main.tensor((1,))]
    is_true = main.given((1,), BOOL)
    main.add("IF", [is_true], main.outputs, thenSubgraphIndex=0, elseSubgraphIndex=0)


def call_in_circles() -> bytes:
    model = Model()
    main, there, back = model.graph(), model.graph(), model.graph()
    for graph, callee in ((main, 1), (there, 2), (back, 1)):
        is_true = graph.given((1,), BOOL)
        output = graph.tensor((1,), BOOL)
        graph.add(
            "IF", [is_true, is_true], [output], thenSubgraphIndex=callee, elseSubgraphIndex=callee
        )
        graph.outputs = [output]
    return model.pack()


def unknown_operator(main: Graph) -> None:
    main.outputs = [main.computed("HASHTABLE_LOOKUP", main.given())]


def wrong_index(main: Graph) -> None:
    main.outputs = [main.computed("ABS", main.given())]
    main.operators[0].inputs = [99]


def short_constant(main: Graph) -> None:
    short = main.constant(1.0, 2.0, shape=(4,))
    main.outputs = [main.computed("ADD", main.given(), short)]


def nothing_writes(main: Graph) -> None:
    main.outputs = [main.computed("ADD", main.given(), main.tensor())]


def huge(main: Graph) -> None:
    main.outputs = [main.computed("ABS", main.given((65536, 65536)), shape=(65536, 65536))]


def strange_type(main: Graph) -> None:
    main.outputs = [main.computed("ABS", main.given((1,), 5), shape=(1,), kind=5)]


def uneven_branches() -> bytes:
    model = Model()
    main, then, otherwise = model.graph(), model.graph(), model.graph()
    is_true, x = main.given((1,), BOOL), main.given()
    main.outputs = [main.tensor()]
    main.add("IF", [is_true, x], main.outputs, thenSubgraphIndex=1, elseSubgraphIndex=2)
    then.outputs = [then.computed("NEG", then.given())]
    otherwise.outputs = [otherwise.computed("NEG", otherwise.given((2,)), shape=(2,))]
    return model.pack()


REFUSED = {
    "itself": (whole(calls_itself), "Subgraph 0 calls one that it may not"),
    "circles": (call_in_circles(), "The model's subgraphs call each other too deep"),
    "operator": (
        whole(unknown_operator),
        "HASHTABLE_LOOKUP (operator 0): builtin operator 10 is not in this firmware",
    ),
    "index": (whole(wrong_index), "Subgraph 0 speaks of tensors or operators that it has not"),
    "constant": (whole(short_constant), "Tensor 0 has fewer elements than its shape"),
    "unwritten": (
        whole(nothing_writes),
        "Tensor 1 is read, but it has no elements and nothing writes it",
    ),
    "size": (whole(huge), "Tensor 0 has a type or a shape that no kernel takes"),
    "type": (whole(strange_type), "Tensor 0 has a type or a shape that no kernel takes"),
    "branches": (
        uneven_branches(),
        "IF (operator 0): has not the tensors that its subgraphs take and give",
    ),
}


@pytest.mark.emulator
@pytest.mark.parametrize("case", REFUSED)
def test_a_model_that_cannot_run_is_refused_in_one_sentence(case: str, image: Image) -> None:
    data, sentence = REFUSED[case]
    with running(image, data) as ask:
        assert problem(ask) == f"e-[{sentence}]"
        assert ask("infer 1 0") == [f"e-[{sentence}]"]


# --- the planner ---

_SHIM = """
#include "runtime/planner.h"
extern "C" size_t plan(simbench::Buffer* buffers, size_t count) {
  return simbench::PlanBuffers(buffers, count);
}
"""


class Buffer(ctypes.Structure):
    _fields_ = (
        ("bytes", ctypes.c_uint32),
        ("offset", ctypes.c_uint32),
        ("first", ctypes.c_uint16),
        ("last", ctypes.c_uint16),
        ("order", ctypes.c_uint16),
        ("in_time", ctypes.c_uint16),
    )


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The firmware's planner, built for this machine."""
    source = paths.data_dir("firmware_images")
    folder = tmp_path_factory.mktemp("planner")
    shim, library = folder / "shim.cc", folder / "planner.so"
    shim.write_text(_SHIM)
    subprocess.run(
        ["g++", "-std=c++17", "-O1", "-shared", "-fPIC", f"-I{source}", shim,
         source / "runtime/planner.cc", "-o", library],
        check=True,
    )  # fmt: skip
    return ctypes.CDLL(str(library))


def planned(
    planner: ctypes.CDLL, spans: Sequence[tuple[int, int, int]]
) -> tuple[list[Buffer], int]:
    """Buffers of (16 bytes, first, last), placed, and the highest end."""
    buffers = (Buffer * len(spans))()
    for buffer, (size, first, last) in zip(buffers, spans, strict=True):
        buffer.bytes, buffer.first, buffer.last = 16 * size, min(first, last), max(first, last)
    highest = int(planner.plan(buffers, len(spans)))
    return list(buffers), highest


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 20), st.integers(0, 20)), max_size=40))
def test_a_plan_overlaps_nowhere_and_is_as_high_as_it_says(
    planner: ctypes.CDLL, spans: list[tuple[int, int, int]]
) -> None:
    buffers, highest = planned(planner, spans)
    assert highest == max((b.offset + b.bytes for b in buffers), default=0)
    for one, other in combinations(buffers, 2):
        apart = one.last < other.first or other.last < one.first
        below = one.offset + one.bytes <= other.offset or other.offset + other.bytes <= one.offset
        assert apart or below
    alive = [sum(b.bytes for b in buffers if b.first <= tick <= b.last) for tick in range(21)]
    assert highest >= max(alive)
    assert highest <= sum(b.bytes for b in buffers)


Span = tuple[int, int, int]


def plan_by_walking(spans: Sequence[Span], before: Callable[[int], tuple[int, ...]]) -> list[int]:
    """Offsets, one buffer after the other: each as low as it fits beside all before it."""
    offsets: dict[int, int] = {}
    for index in sorted(range(len(spans)), key=before):
        size, first, last = spans[index]
        beside = [i for i in offsets if spans[i][1] <= last and first <= spans[i][2]]
        offset = 0
        for other in sorted(beside, key=offsets.__getitem__):
            if offsets[other] >= offset + size:
                break
            offset = max(offset, offsets[other] + spans[other][0])
        offsets[index] = offset
    return [offsets[i] for i in range(len(spans))]


def best_by_walking(spans: Sequence[Span]) -> tuple[list[int], int]:
    """The lowest of three plans, and its end: of equals that which has the longest needed first."""
    orders: tuple[Callable[[int], tuple[int, ...]], ...] = (
        lambda i: (-spans[i][0], spans[i][1] - spans[i][2], i),
        lambda i: (-spans[i][0], i),
        lambda i: (-spans[i][0], -i),
    )
    plans = [plan_by_walking(spans, before) for before in orders]
    ends = [max((o + s[0] for o, s in zip(plan, spans, strict=True)), default=0) for plan in plans]
    return plans[ends.index(min(ends))], min(ends)


@settings(max_examples=100, deadline=None)
@given(
    seed=st.randoms(use_true_random=False),
    count=st.integers(0, 60),
    ticks=st.sampled_from([1, 4, 40, 0xFFFF]),
    longest=st.sampled_from([1, 4, 0xFFFF]),
    largest=st.sampled_from([1, 3, 1000]),
)
def test_a_plan_found_in_time_is_that_of_a_walk_over_all(
    planner: ctypes.CDLL, seed: random.Random, count: int, ticks: int, longest: int, largest: int
) -> None:
    firsts = [seed.randrange(ticks) for _ in range(count)]
    spans = [
        (seed.randint(0, largest), first, min(0xFFFF, first + seed.randrange(longest)))
        for first in firsts
    ]
    buffers, highest = planned(planner, spans)
    offsets, end = best_by_walking(spans)
    assert ([b.offset for b in buffers], highest) == ([16 * o for o in offsets], 16 * end)


def test_a_chain_takes_no_more_than_its_widest_pair(planner: ctypes.CDLL) -> None:
    sizes = [3, 9, 4, 8, 1, 7]
    _, highest = planned(planner, [(size, layer, layer + 1) for layer, size in enumerate(sizes)])
    assert highest == 16 * max(a + b for a, b in pairwise(sizes))
