"""Sections of a user's own firmware, on one that knows nothing of simbench."""

from __future__ import annotations

import contextlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simbench.cli.main import _run
from simbench.counts import Segment
from simbench.errors import UsageError
from simbench.firmware.image import AddressRange, Function, Image
from simbench.firmware.section import Section, read_section
from simbench.result.sections import of_section

pytestmark = pytest.mark.emulator

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
WHOLE = "begin=correlate_all,end=show"


def made(example: str, name: str, folder: Path) -> Path:
    subprocess.run(["make", "-s", f"OUT={folder}"], cwd=EXAMPLES / example, check=True)
    return folder / name


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made("own_section", "loudest.elf", tmp_path_factory.mktemp("section"))


def on_stm32f4(verb: str, elf: Path, *more: str) -> int:
    return _run([verb, "--platform", "stm32f4", "--elf", str(elf), *more])


def document(verb: str, elf: Path, section: str, folder: Path, *more: str) -> dict[str, Any]:
    kept = folder / f"{verb}.json"
    assert on_stm32f4(verb, elf, "--section", section, "--json", str(kept), *more) == 0
    found: dict[str, Any] = json.loads(kept.read_text())
    return found


IMAGE = Image(
    path=Path("app.elf"),
    sha256="",
    symbols={"main": 0x100, "start_fft": 0x140, "_Z4sumsIaEvPT_": 0x180, "table": 0x900},
    segments={Segment.CODE: (AddressRange(0, 0x800),)},
    text_bytes=0x800,
    tables_bytes=0,
    data_bytes=0,
    static_bytes=0,
    functions=(Function(0x100, 64, "main"), Function(0x180, 16, "_Z4sumsIaEvPT_")),
)


@pytest.mark.parametrize(
    ("text", "section"),
    [
        ("begin=main,end=start_fft", Section(0x100, 0x140)),
        ("begin=0x101,end=0X141", Section(0x100, 0x140)),
        ("begin=sums<int8_t>,end=main", Section(0x180, 0x100)),
        ("begin=_Z4sumsIaEvPT_,end=0x2", Section(0x180, 0x2)),
    ],
)
def test_a_section_is_named_by_symbols_or_addresses(text: str, section: Section) -> None:
    assert read_section(text, IMAGE) == section


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("main", "give begin=SYMBOL,end=SYMBOL"),
        ("begin=main", "give begin=SYMBOL,end=SYMBOL"),
        ("begin=start_ftf,end=main", "no symbol start_ftf: did you mean start_fft"),
        ("begin=sums<int16_t>,end=main", r"did you mean sums<int8_t>"),
        ("begin=main,end=qqqqq", "'nm' lists"),
        ("begin=table,end=main", "0x00000900, where app.elf has no code"),
        ("begin=main,end=0xffffffff", "0xfffffffe, where app.elf has no code"),
    ],
)
def test_what_is_no_section_is_refused_with_what_to_do(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_section(text, IMAGE)


@given(st.text(max_size=40))
def test_any_text_is_a_section_of_code_or_refused(text: str) -> None:
    for section in (text, f"begin={text},end=main"):
        with contextlib.suppress(UsageError):
            assert read_section(section, IMAGE).begin < 0x800


def test_a_section_needs_no_protocol(elf: Path, tmp_path: Path) -> None:
    result = document("run", elf, WHOLE, tmp_path)["results"][0]
    assert result["id"] == "loudest.correlate_all-show@stm32f4/own"
    assert result["status"] == "ok"
    assert result["coverage"] == 1.0
    assert result["input"] is None
    assert "without any" in result["missing"]["input"]
    assert result["notes"][0] == f"measured is the section {WHOLE}"
    # 64 correlations over 256 samples: a load, a multiply or an add, and the loop
    assert 64 * 256 * 4 < result["instructions"] < 64 * 256 * 16


def test_a_section_begins_once_and_ends_before_its_end(elf: Path, tmp_path: Path) -> None:
    profile = document("profile", elf, WHOLE, tmp_path)
    functions = {f["name"]: f for f in profile["functions"]}
    assert set(functions) == {"correlate_all", "correlate", "main"}
    assert functions["main"]["cost"]["instructions"] == 1  # the call of show, which is not in it
    called = functions["correlate"]["address"]
    assert sum(call["count"] for call in profile["calls"] if call["callee"] == called) == 64
    # the first of 64 correlations opens the section, the others do not begin it anew
    inner = document("profile", elf, "begin=correlate,end=show", tmp_path)
    assert {f["name"]: f["cost"]["instructions"] for f in inner["functions"]}[
        "correlate"
    ] == functions["correlate"]["cost"]["instructions"]
    assert inner["input"] is None


def test_two_sections_of_a_firmware_have_results_of_their_own(elf: Path, tmp_path: Path) -> None:
    inner = "begin=correlate,end=show"
    runs = [document("run", elf, section, tmp_path) for section in (WHOLE, inner, WHOLE)]
    ids = [run["results"][0]["id"] for run in runs]
    assert ids[0] == ids[2] != ids[1]
    assert runs[0]["results"] == runs[2]["results"]  # from the store
    assert runs[0]["results"][0]["instructions"] != runs[1]["results"][0]["instructions"]
    assert [list(run["settings"]["sections"]) for run in runs] == [[id_] for id_ in ids]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("begin=fft,end=send", "app.fft-send"),
        ("begin=start_FFT,end=return,pass=median:10", "app.start_FFT-return-median-10-6460"),
        ("begin=fft,end=return,pass=3", "app.fft-return-3"),
        ("begin=a<b>,end=c", "app.a-b-c-60a9"),
    ],
)
def test_a_section_names_its_result(text: str, name: str) -> None:
    assert of_section("app", text) == name
    assert len(of_section("app", f"begin={'x' * 90},end=y")) < 60


@given(*[st.lists(st.sampled_from("ab_-<,=:.9"), max_size=8).map("".join)] * 4)
def test_no_two_sections_have_one_name(a: str, b: str, c: str, d: str) -> None:
    one, other = f"begin={a},end={b}", f"begin={c},end={d}"
    assert (of_section("app", one) == of_section("app", other)) == (one == other)


def test_one_place_for_begin_and_end_is_a_period(elf: Path, tmp_path: Path) -> None:
    whole, period = (
        {f["name"]: f["cost"]["instructions"] for f in profile["functions"]}
        for profile in (
            document("profile", elf, section, tmp_path)
            for section in (WHOLE, "begin=correlate,end=correlate")
        )
    )
    assert set(period) == {"correlate_all", "correlate"}
    assert 64 * period["correlate"] == whole["correlate"]


FAULTS = {
    "*(volatile unsigned *)0xA0000000u = 1": "it accessed an address with no memory (0xa0000000)",
    '__asm__ volatile("udf #1")': "it met an undefined instruction",
}


@pytest.mark.parametrize(("fault", "said"), FAULTS.items())
def test_a_fault_in_the_section_is_told_as_one(
    fault: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "main.c").write_text(
        '__attribute__((noinline)) void done(void) { __asm__ volatile("nop"); }\n'
        f"int main(void) {{ {fault}; done(); for (;;) {{}} }}\n"
    )
    for name in ("startup.c", "stm32f405.ld", "Makefile"):
        (tmp_path / name).write_text((EXAMPLES / "own_firmware" / name).read_text())
    subprocess.run(["make", "-s"], cwd=tmp_path, check=True)
    section = ("--section", "begin=main,end=done", "--time-limit", "0.5", "--no-cache")
    assert on_stm32f4("run", tmp_path / "app.elf", *section) != 0
    told = capsys.readouterr().err
    assert f"the firmware faulted: {said}; it has stayed in" in told
    assert "--time-limit" not in told


def test_what_is_measured_is_named_once(elf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused(capsys, 2, "--elf is given 2 times, and run measures one", elf, "--elf", str(elf))
    refused(capsys, 2, "--section is given 2 times", elf, *(("--section", WHOLE) * 2))


def test_a_stripped_firmware_is_measured_by_address(elf: Path, tmp_path: Path) -> None:
    with_symbols = document("profile", elf, WHOLE, tmp_path)
    nm = subprocess.run(["arm-none-eabi-nm", elf], check=True, capture_output=True, text=True)
    at = {name: int(address, 16) for address, _, name in map(str.split, nm.stdout.splitlines())}
    stripped = tmp_path / "stripped.elf"
    subprocess.run(["arm-none-eabi-strip", "-o", str(stripped), str(elf)], check=True)
    section = f"begin={at['correlate_all'] | 1:#x},end={at['show']:#x}"
    profile = document("profile", stripped, section, tmp_path)
    assert profile["total"]["instructions"] == with_symbols["total"]["instructions"]
    assert all(f["name"].startswith("0x08000") and not f["symbol"] for f in profile["functions"])
    assert any("code without symbols is shown by address" in note for note in profile["notes"])
    assert any("no debug information" in note for note in profile["notes"])


def refused(
    capsys: pytest.CaptureFixture[str], code: int, said: str, elf: Path, *more: str
) -> None:
    assert on_stm32f4("run", elf, *more) == code
    assert said in capsys.readouterr().err.strip().splitlines()[-1]


def test_a_section_that_cannot_be_measured_says_why(
    elf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(capsys, 2, "did you mean correlate", elf, "--section", "begin=corelate,end=show")
    never = ("--section", "begin=stop,end=show", "--time-limit", "0.5")
    refused(capsys, 3, "did not pass the section within 0.5 s; the core was in", elf, *never)
    refused(capsys, 2, "or a --section", elf)
    refused(capsys, 2, "--input with --elf needs", elf, "--section", WHOLE, "--input", "mine.npy")
    assert _run(["run", "--platform", "stm32f4", "--section", WHOLE]) == 2
    assert "name it with --elf" in capsys.readouterr().err


def test_a_section_may_begin_in_the_middle_of_straight_line_code(elf: Path, tmp_path: Path) -> None:
    nm = subprocess.run(["arm-none-eabi-nm", elf], check=True, capture_output=True, text=True)
    start = next(
        int(row.split()[0], 16) for row in nm.stdout.splitlines() if "correlate_all" in row
    )
    whole, less = (
        document("run", elf, f"begin={begin},end=show", tmp_path)["results"][0]["instructions"]
        for begin in ("correlate_all", hex(start + 2))
    )
    assert less == whole - 1


def test_a_firmware_that_speaks_is_sent_the_input_of_a_benchmark(tmp_path: Path) -> None:
    elf = made("own_firmware", "app.elf", tmp_path)
    section = ("--benchmark", "kws")
    found = document("run", elf, "begin=infer,end=th_post", tmp_path, *section)["results"][0]
    assert found["id"] == "kws.infer-th_post@stm32f4/own"
    assert found["input"]["name"] == "seeded-0"
    assert 4 * 500 * 4 < found["instructions"] < 4 * 500 * 10
