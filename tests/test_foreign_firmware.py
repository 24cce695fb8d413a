"""Firmware that others wrote: C++ markers, no time stamps, decimals cut, counters that wrap."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hand_made_models import RESHAPE, Maker
from hypothesis import given
from hypothesis import strategies as st
from small_models import INT8

from simbench.cli.main import _run
from simbench.errors import UsageError
from simbench.firmware.image import Image
from simbench.firmware.window import window_of
from simbench.session.conversation import Conversation, Inference, Patience, elapsed_us
from simbench.session.protocol import ProtocolError
from simbench.task.printed import compared

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "own_firmware"
BARE = Image(Path("app.elf"), "", {}, {}, 0, 0, 0, 0)


# ---- markers ----


@pytest.mark.parametrize(
    "symbols",
    [
        {"th_pre": 0x101, "th_post": 0x200},
        {"_Z6th_prev": 0x100, "_Z7th_postv": 0x200},
        {"_ZN4mine6th_preEv": 0x100, "_ZN4mine7th_postEv": 0x200},
        {"_ZN12_GLOBAL__N_16th_preEv": 0x100, "_ZL7th_postv": 0x200},
        {"_Z6th_prev": 0x100, "th_post": 0x200, "_Z8th_pre_xv": 0x300, "th_post_x": 0x400},
    ],
)
def test_the_window_is_found_as_c_and_as_cpp_name_it(symbols: dict[str, int]) -> None:
    assert window_of(dataclasses.replace(BARE, symbols=symbols)) == (0x100, 0x200)


def test_a_window_that_is_not_there_or_is_there_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="no symbol th_pre and no symbol th_post"):
        window_of(BARE)
    other = {"_Z6th_prei": 0x100, "th_post": 0x200}  # with an argument: not the API's
    with pytest.raises(UsageError, match=r"no symbol th_pre: .*--section"):
        window_of(dataclasses.replace(BARE, symbols=other))
    twice = {"_Z6th_prev": 0x100, "_ZN1a6th_preEv": 0x120, "th_post": 0x200}
    with pytest.raises(UsageError, match="2 functions th_pre: say which"):
        window_of(dataclasses.replace(BARE, symbols=twice))


# ---- counters ----


@given(st.integers(0, (1 << 32) - 1), st.integers(0, 250_000_000))
def test_a_counter_of_32_bits_may_begin_again(began: int, took: int) -> None:
    ended = (began + took) % (1 << 32)
    if ended < began and began < 1 << 24:
        return  # it would be one of 24 bits
    assert elapsed_us(began, ended) == took


@given(st.integers(0, (1 << 24) - 1), st.integers(0, (1 << 24) - 1))
def test_a_counter_of_24_bits_may_begin_again(began: int, took: int) -> None:
    assert elapsed_us(began, (began + took) % (1 << 24)) == took


@pytest.mark.parametrize(("began", "ended"), [(1 << 33, 5), (20_000_000, 10_000_000)])
def test_a_counter_that_goes_back_is_refused(began: int, ended: int) -> None:
    with pytest.raises(ProtocolError, match="time stamps go back"):
        elapsed_us(began, ended)


# ---- decimals ----

VALUES = st.lists(st.lists(st.floats(-50, 50), min_size=2, max_size=2), min_size=3, max_size=6)


@given(VALUES)
def test_decimals_that_are_rounded_and_those_that_are_cut_are_right(
    host: list[list[float]],
) -> None:
    rounded = [[round(value, 3) for value in each] for each in host]
    cut = [[int(value * 1000) / 1000 for value in each] for each in host]
    for printed in (rounded, cut):
        right, parity = compared(host, printed)
        assert all(right)
        assert parity.within == len(host)


def test_a_board_that_neither_rounds_nor_cuts_is_wrong() -> None:
    host = [[0.2587, -1.0], [0.1239, 2.0], [0.5, 0.7777]]
    cut = [[0.258, -1.0], [0.123, 2.0], [0.5, 0.777]]
    right, parity = compared(host, cut)
    assert (list(right), parity.wrong) == ([True] * 3, 0)
    assert parity.tolerance is not None
    assert "cut at three decimals" in parity.tolerance
    right, _ = compared(host, [[0.259, -1.0], [0.124, 2.0], [0.5, 0.777]])  # one is cut, two not
    assert list(right) == [True, True, False]
    right, _ = compared(host, [[0.26, -1.0], [0.123, 2.0], [0.5]])
    assert list(right) == [False, True, False]


# ---- what it says ----


class Scripted:
    """A board that has given its answers."""

    def __init__(self, *answers: bytes) -> None:
        self._answers = [b"m-init-done\r\nm-ready\r\n", *answers]

    def write(self, _: bytes) -> None:
        """Nothing is needed."""

    def read(self, _: float) -> bytes:
        return self._answers.pop(0)

    def windows(self) -> tuple[()]:
        return ()

    def halt(self) -> None:
        return None


def talk(*answers: bytes, counted: bool = False) -> Conversation:
    board: Any = Scripted(*answers)
    return Conversation(board, Patience(), counted)


def test_a_sentence_on_a_wrong_answer_ends_with_what_the_firmware_said() -> None:
    said = b"Input db has 500 bytes, expected 490\r\nm-ready\r\n"
    with pytest.raises(ProtocolError, match=r"; it said 'Input db has 500 bytes, expected 490'$"):
        talk(b"m-lap-us-1\r\nm-lap-us-2\r\n" + said).infer()
    with pytest.raises(ProtocolError, match=r"it said 'buffer too small'"):
        talk(b"buffer too small\r\nm-ready\r\n").load(b"123")


def test_time_stamps_are_needed_only_where_nothing_is_counted() -> None:
    results = b"m-results-[1.000]\r\nm-ready\r\n"
    with pytest.raises(ProtocolError, match=r"no time stamps .* energy mode"):
        talk(results).infer()
    with pytest.raises(ProtocolError, match="gave 1 time stamps, not 2"):
        talk(b"m-lap-us-1\r\n" + results, counted=True).infer(counted=False)
    inference = talk(results, counted=True).infer(counted=False)
    assert inference.laps_us is None
    with pytest.raises(ProtocolError, match="no time stamps"):
        assert inference.elapsed_us
    assert Inference(1, (1.0,), (16_777_000, 84), None).elapsed_us == 300


# ---- end to end ----


def built(folder: Path, *changes: tuple[str, str]) -> Path:
    """The example with ``changes`` in its source."""
    for name in ("main.c", "startup.c", "stm32f405.ld", "Makefile"):
        text = (EXAMPLE / name).read_text()
        for old, new in changes if name == "main.c" else ():
            assert old in text
            text = text.replace(old, new)
        (folder / name).write_text(text)
    subprocess.run(["make", "-s"], cwd=folder, check=True)
    return folder / "app.elf"


CPP = (("th_pre(", "_Z6th_prev("), ("th_post(", "_Z7th_postv("))
SILENT = (
    ("    say_timestamp();\n    _Z6", "    _Z6"),
    ("\n    say_timestamp();\n    say", "\n    say"),
)
# prints its four inputs, (q - 3) / 32, with the decimals behind the third cut
COPIES = (
    ('say(c == best ? "1.000" : "0.000");', "say_copy(input[c] - 3);"),
    (
        "static void say_results(void)",
        "static void say_copy(int value)\n"
        "{\n"
        "    uint32_t shown = (uint32_t)(value < 0 ? -value : value) * 125 / 4;\n"
        '    say(value < 0 ? "-" : "");\n'
        "    say_number(shown / 1000);\n"
        '    say(".");\n'
        "    say_number(shown / 100 % 10);\n"
        "    say_number(shown / 10 % 10);\n"
        "    say_number(shown % 10);\n"
        "}\n\n"
        "static void say_results(void)",
    ),
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model that gives its four inputs back, a step is 1/32."""
    maker, path = Maker(), tmp_path / "copy.tflite"
    ends = [maker.tensor(shape, INT8, (0.03125,), (3,)) for shape in ((1, 4), (2, 2))]
    shape = maker.constant(np.array([2, 2], "<i4"))
    maker.layer(RESHAPE, [ends[0], shape], [ends[1]], "ReshapeOptions", newShape=[2, 2])
    path.write_bytes(maker.packed([ends[0]], [ends[1]]))
    return path


def run(elf: Path, *words: str) -> int:
    return _run(["run", "--platform", "stm32f4", "--elf", str(elf), *words])


@pytest.mark.emulator
def test_a_firmware_of_the_cpp_api_in_energy_mode_is_counted(tmp_path: Path) -> None:
    found = []
    for name, changes in (("c", ()), ("cpp", (*CPP, *SILENT))):
        folder = tmp_path / name
        folder.mkdir()
        path = folder / "result.json"
        assert run(built(folder, *changes), "--benchmark", "kws", "--json", str(path)) == 0
        found.append(json.loads(path.read_text())["results"][0]["instructions"])
    assert found[0] == found[1]


@pytest.mark.emulator
def test_what_a_firmware_prints_is_held_against_the_model_that_is_in_it(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "result.json"
    elf = built(tmp_path, *COPIES)
    assert run(elf, "--model", str(model), "--samples", "5", "--json", str(path)) == 0
    (result,) = json.loads(path.read_text())["results"]
    assert result["id"] == "copy@stm32f4/own"
    parity = result["parity"]
    assert (parity["samples"], parity["exact"], parity["within"]) == (5, 0, 5)
    assert "cut at three decimals" in parity["tolerance"]
    assert "parity" not in result["missing"]
    again = tmp_path / "again.json"  # from the store
    assert run(elf, "--model", str(model), "--samples", "5", "--json", str(again)) == 0
    assert json.loads(again.read_text())["results"][0]["parity"] == parity
    given = tmp_path / "mine.npy"
    np.save(given, np.array([1, 2, 3, 4], np.int8))
    assert run(elf, "--model", str(model), "--input", str(given)) == 0
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    capsys.readouterr()
    assert run(built(wrong), "--model", str(model), "--samples", "2") == 1
    assert "outputs differ from the host's reference for seeded-0" in capsys.readouterr().err


@pytest.mark.emulator
def test_a_firmware_that_takes_another_size_is_quoted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    complains = (
        '    say_line("m-infer-start-", inferences, "");',
        "    if (input_bytes != 490)\n"
        '        return say("Input db has another size, expected 490\\r\\n");\n'
        '    say_line("m-infer-start-", inferences, "");',
    )
    assert run(built(tmp_path, complains), "--benchmark", "kws") == 3
    assert "it said 'Input db has another size, expected 490'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--input", "x.npy", "--section", "begin=a,end=b"], "--input with --elf needs"),
        (["--model", "a.tflite", "--model", "b.tflite"], "--elf takes one --model"),
        ([], "or the --model that is in it"),
    ],
)
def test_what_does_not_go_with_a_firmware(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(Path("app.elf"), *words) == 2
    assert says in capsys.readouterr().err
