"""The protocol's client side: what is heard does not depend on how it arrives, nor on noise."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simbench.session.protocol import (
    DATA_BYTES,
    MAX_LINE_BYTES,
    ArenaNeeded,
    ArenaUsed,
    Booted,
    DeviceError,
    Event,
    Expecting,
    Fault,
    Lap,
    LineParser,
    LoadDone,
    Malformed,
    Model,
    Name,
    Other,
    Output,
    PlanBuffer,
    PlanHead,
    PlanTail,
    Profile,
    Progress,
    Ready,
    Results,
    StackUsed,
    command,
    load_commands,
    parse_line,
)

LINES: list[tuple[str, Event]] = [
    ("m-init-done", Booted()),
    ("m-ready", Ready()),
    ("m-name-dut-[stm32f4]", Name("stm32f4")),
    (
        "m-profile-[ULPMark for tinyML Firmware V0.0.1]",
        Profile("ULPMark for tinyML Firmware V0.0.1"),
    ),
    ("m-model-[kws01]", Model("kws01")),
    ("m-lap-us-1234567", Lap(1234567)),
    ("m-[Expecting 490 bytes]", Expecting(490)),
    ("m-load-done", LoadDone()),
    ("m-warmup-start-10", Progress("warmup-start", 10)),
    ("m-warmup-done", Progress("warmup-done", None)),
    ("m-infer-start-1", Progress("infer-start", 1)),
    ("m-infer-done", Progress("infer-done", None)),
    ("m-results-[0.003,-1.981,2e-05]", Results((0.003, -1.981, 2e-05))),
    ("m-results-[7]", Results((7.0,))),
    ("m-results-[inf,-inf]", Results((inf, -inf))),
    ("m-output-[00FF7f]", Output(b"\x00\xff\x7f")),
    ("m-output-[]", Output(b"")),
    ("m-arena-bytes-118848", ArenaNeeded(118848)),
    ("m-arena-used-118000", ArenaUsed(118000)),
    ("m-plan-head-17152", PlanHead(17152)),
    ("m-plan-tail-13832", PlanTail(13832)),
    ("m-plan-[tensor,22,0,8000]", PlanBuffer("tensor", 22, 0, 8000)),
    ("m-plan-[scratch,1,16000,1152]", PlanBuffer("scratch", 1, 16000, 1152)),
    ("m-stack-used-856", StackUsed(856)),
    ("e-[Unknown command: xyz]", DeviceError("Unknown command: xyz")),
    ("e-[Invalid hex digit 'ZZ']", DeviceError("Invalid hex digit 'ZZ'")),
    (
        "e-[fault cfsr=00008200 hfsr=40000000 pc=00001234]",
        Fault({"cfsr": 0x8200, "hfsr": 0x40000000, "pc": 0x1234}),
    ),
    ("m-buffer-0102", Other("m-buffer-0102")),
    ("hello", Other("hello")),
]

MALFORMED = [
    "m-results-[]",
    "m-results-[1,]",
    "m-results-[not a number]",
    "m-results-[1.0,in]",
    "m-results-[1.0",
    "m-output-[ABC]",
    "m-output-[zz]",
    "m-lap-us-",
    "m-lap-us--5",
    "m-lap-us-" + "9" * 400,
    "m-[Expecting many bytes]",
    "m-name-dut-stm32f4",
    "m-arena-bytes-1.5",
    "m-plan-[tensor,1,2]",
    "m-plan-[weights,1,2,3]",
    "m-plan-[tensor,1,-2,3]",
    "m-plan-tail-",
    "m-stack-used-4k",
    "e-[fault cfsr=xyz]",
    "e-broken",
]


@pytest.mark.image
@pytest.mark.parametrize(("line", "event"), LINES)
def test_a_line_is_the_event_it_stands_for(line: str, event: Event) -> None:
    assert parse_line(line) == event


@pytest.mark.parametrize("line", MALFORMED)
def test_a_known_reply_that_cannot_be_read_is_malformed(line: str) -> None:
    assert isinstance(parse_line(line), Malformed)


TRANSCRIPT = "".join(f"{line}\r\n" for line, _ in LINES).encode()


@given(st.lists(st.integers(0, len(TRANSCRIPT)), max_size=40))
def test_any_split_of_a_transcript_gives_the_same_events(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(TRANSCRIPT)]
    parser = LineParser()
    heard: list[Event] = []
    for start, end in pairwise(edges):
        heard += parser.feed(TRANSCRIPT[start:end])
    assert heard == [event for _, event in LINES]


_NOISE = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from([b"m-results-[", b"m-output-[0", b"\r\n", b"\n", b"m-ready", b"e-[fault "]),
    ),
    max_size=30,
)


@given(_NOISE)
def test_noise_is_never_more_than_events(pieces: list[bytes]) -> None:
    parser = LineParser()
    events = [event for piece in pieces for event in parser.feed(piece)]
    assert len(events) <= b"".join(pieces).count(b"\n")


@given(_NOISE)
def test_after_noise_and_a_line_end_the_next_line_is_heard(pieces: list[bytes]) -> None:
    parser = LineParser()
    for piece in pieces:
        parser.feed(piece)
    parser.feed(b"\r\n")
    assert parser.feed(b"m-lap-us-5\r\nm-ready\r\n") == (Lap(5), Ready())


def test_a_line_too_long_is_cut_and_the_next_one_heard() -> None:
    parser = LineParser()
    events: list[Event] = []
    for _ in range(3):
        events += parser.feed(b"x" * (MAX_LINE_BYTES // 2))
    events += parser.feed(b"\r\nm-ready\r\n")
    assert isinstance(events[0], Malformed)
    assert len(events[0].text) < 200
    assert events[1:] == [Ready()]


def test_a_line_without_end_takes_bounded_memory() -> None:
    parser = LineParser()
    piece = b"y" * 65536
    tracemalloc.start()
    for _ in range(400):
        parser.feed(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * MAX_LINE_BYTES


def test_a_command_is_its_words_and_an_end() -> None:
    assert command("infer", 1, 0) == b"infer 1 0%"
    assert command("name") == b"name%"


@given(st.binary(max_size=300))
def test_an_input_is_loaded_whole_in_pieces_a_device_takes(data: bytes) -> None:
    first, *rest = load_commands(data)
    assert first == f"db load {len(data)}%".encode()
    pieces = [bytes.fromhex(piece.decode()[3:-1]) for piece in rest]
    assert b"".join(pieces) == data
    assert all(0 < len(piece) <= DATA_BYTES for piece in pieces)
    assert all(len(piece) <= 80 for piece in rest)
