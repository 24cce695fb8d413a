"""Which passage of a section is measured, and calls as sections, on firmware counted by hand."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from firmware_stub import programs
from hypothesis import given
from hypothesis import strategies as st
from test_exceptions import built as with_exceptions

from simbench.cli.main import _run
from simbench.errors import UsageError
from simbench.firmware.load import elf_loads
from simbench.firmware.passes import MOST_PASSES, Passes, Which, read_passes

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "own_firmware"
# work(n) takes 2 n + 1 instructions and begins where its own loop does; tail() 2 and work(3), to
# which it does not return; deeper(n) 5 for each call that calls another, and 4 for the last
PROGRAM = """
#define NAKED __attribute__((naked, noinline))
NAKED void work(unsigned n) { __asm__ volatile("subs r0, #1; bne work; bx lr"); }
NAKED void tail(void) { __asm__ volatile("movs r0, #3; b work"); }
NAKED void deeper(unsigned n)
{
    __asm__ volatile("push {r4, lr}; subs r0, #1; beq 1f; bl deeper; 1: pop {r4, pc}");
}
__attribute__((noinline)) void done(void) { __asm__ volatile("nop"); }
int main(void)
{
    static const unsigned char turns[] = {5, 2, 9, 7, 2, 9};
    for (unsigned turn = 0; turn < sizeof turns; turn++)
        work(turns[turn]);
    tail();
    deeper(4);
    done();
    for (;;)
        __asm__ volatile("nop");
}
"""


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("passes"))


def built(folder: Path) -> Path:
    """The firmware of this file, made in ``folder``."""
    (folder / "main.c").write_text(PROGRAM)
    for name in ("startup.c", "stm32f405.ld", "Makefile"):
        (folder / name).write_text((EXAMPLE / name).read_text())
    subprocess.run(["make", "-s"], cwd=folder, check=True)
    return folder / "app.elf"


def measured(elf: Path, section: str, *more: str) -> dict[str, Any]:
    kept = elf.with_name("result.json")
    words = ["run", "--platform", "stm32f4", "--elf", str(elf), "--json", str(kept), *more]
    assert _run([*words, "--section", section]) == 0
    found: dict[str, Any] = json.loads(kept.read_text())["results"][0]
    return found


CALLS = {
    "begin=work,end=return": 2 * 5 + 1,
    "begin=work,end=return,pass=2": 2 * 2 + 1,
    "begin=work,end=return,pass=3": 2 * 9 + 1,
    "begin=work,end=return,pass=least:6": 2 * 2 + 1,
    "begin=work,end=return,pass=median:6": 2 * 5 + 1,
    "begin=work,end=return,pass=most:6": 2 * 9 + 1,
    "begin=tail,end=return": 2 + 2 * 3 + 1,
    "begin=deeper,end=return": 3 * 5 + 4,
}


@pytest.mark.emulator
@pytest.mark.parametrize(("section", "instructions"), CALLS.items())
def test_a_call_ends_where_it_has_returned_whatever_led_there(
    elf: Path, section: str, instructions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for program in programs():
        monkeypatch.setenv("SIMBENCH_QEMU", program)
        assert measured(elf, section, "--no-cache")["instructions"] == instructions


@pytest.mark.emulator
def test_of_many_passages_the_result_says_which_and_what_the_others_took(elf: Path) -> None:
    section = "begin=work,end=return,pass=median:6"
    said = (
        "measured is passage 1 of 6, the median by instructions: 11; they take 5 (passage 2) to 19 "
        "(passage 3)"
    )
    fresh, stored = (measured(elf, section) for _ in range(2))
    assert said in fresh["notes"]
    assert stored["notes"] == fresh["notes"]
    third = measured(elf, "begin=work,end=return,pass=3")
    assert (
        "measured is passage 3 of 3: 19; they take 5 (passage 2) to 19 (passage 3)"
        in (third["notes"])
    )
    assert not any("passage" in note for note in measured(elf, "begin=tail,end=return")["notes"])


@pytest.mark.emulator
@pytest.mark.parametrize(("handler", "instructions"), [("systick", 11), ("svc", 10 + 11 + 7)])
def test_a_handler_returns_where_its_exception_ends(
    handler: str, instructions: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though another is chained right behind it; those that interrupt it are part of it."""
    firmware = with_exceptions(tmp_path, "stm32f4")
    for program in programs():
        monkeypatch.setenv("SIMBENCH_QEMU", program)
        found = measured(firmware, f"begin={handler},end=return", "--no-cache")
        assert found["instructions"] == instructions


@pytest.mark.emulator
def test_periods_follow_on_one_another(elf: Path) -> None:
    loop = [measured(elf, f"begin=work,end=work,pass={n}")["instructions"] for n in (1, 2, 5)]
    assert loop[:2] == [2, 2]  # its own loop leads there
    assert loop[2] > 2  # the fifth is from its end to the next call


@pytest.mark.emulator
def test_a_section_passed_too_few_times_says_how_many(
    elf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--platform", "stm32f4", "--elf", str(elf), "--time-limit", "1"]
    assert _run([*words, "--section", "begin=deeper,end=done,pass=4"]) == 3
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert "the firmware passed the section 1 of 4 times within 1 s; the core was in main" in said
    assert said.endswith(": ask for fewer passes, or raise --time-limit")


@pytest.mark.emulator
@pytest.mark.parametrize("function", ["main", "Reset_Handler"])
def test_a_call_that_never_returns_says_so(
    elf: Path, function: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The reset handler is not even called."""
    begin = function if function == "main" else f"{reset_of(elf):#x}"
    words = ["run", "--platform", "stm32f4", "--elf", str(elf), "--time-limit", "0.5"]
    assert _run([*words, "--section", f"begin={begin},end=return"]) == 3
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert "did not pass the section within 0.5 s; the core was in main" in said
    assert said.endswith(": see that it is called and returns, or raise --time-limit")


def reset_of(elf: Path) -> int:
    """Where the core begins: the second word of the vector table."""
    return next(load.data[4] | load.data[5] << 8 | 0x08000000 for load in elf_loads(elf))


# ---- by hand ----


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("3", Passes(3)),
        ("least:10", Passes(10, Which.LEAST)),
        ("median:100", Passes(100, Which.MEDIAN)),
        ("most:2", Passes(2, Which.MOST)),
    ],
)
def test_passes_are_read(text: str, passes: Passes) -> None:
    assert read_passes(text) == passes


@pytest.mark.parametrize("text", ["", "0", "-1", "third", "mean:3", "last:3", "median", "10001"])
def test_what_is_no_pass_is_refused_with_what_to_give(text: str) -> None:
    with pytest.raises(UsageError, match=r"pass=.*give pass=3 for the third, or pass=least:100"):
        read_passes(text)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30))
def test_the_chosen_passage_is_the_first_of_its_kind(instructions: list[int]) -> None:
    number, order = len(instructions), sorted(instructions)
    wanted = {
        Which.LAST: instructions[-1],
        Which.LEAST: order[0],
        Which.MEDIAN: order[(number - 1) // 2],
        Which.MOST: order[-1],
    }
    for which, takes in wanted.items():
        chosen = Passes(number, which).chosen(instructions)
        assert instructions[chosen] == takes
        if which is not Which.LAST:
            assert chosen == instructions.index(takes)
    assert number <= MOST_PASSES
