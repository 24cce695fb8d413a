from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiled import kws_profile

from simbench.cli.main import _run
from simbench.exports import formats
from simbench.exports.rounding import whole_numbers
from simbench.files.paths import build_dir
from simbench.profiles import Frame, Profile
from simbench.profiles.callgraph import inclusive

FORMATS = formats("profile")

ANNOTATE = shutil.which("callgrind_annotate")
needs_annotate = pytest.mark.skipif(
    ANNOTATE is None, reason="callgrind_annotate (Debian package valgrind) is not installed"
)


@pytest.fixture(scope="module")
def profile() -> Profile:
    return kws_profile("stm32f4")


def annotated(text: str, folder: Path, *flags: str) -> str:
    assert ANNOTATE is not None
    path = folder / "kws.callgrind"
    path.write_text(text)
    command = [ANNOTATE, "--threshold=100", "--auto=no", *flags, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def costs(report: str) -> dict[str, tuple[int, int]]:
    """Cycles and instructions by what a line of callgrind_annotate's report is of."""
    row = re.compile(r"^\s*([\d,]+) \([^)]*\)\s+([\d,]+) \([^)]*\)\s+(?:\*\s+)?(\S.*)$", re.M)
    found: dict[str, tuple[int, int]] = {}
    for cycles, instructions, what in row.findall(report):
        name = what.rpartition("/")[2].partition(":")[2] or what
        before = found.get(name, (0, 0))
        added = int(cycles.replace(",", "")), int(instructions.replace(",", ""))
        found[name] = (before[0] + added[0], before[1] + added[1])
    return found


@pytest.mark.emulator
@needs_annotate
def test_callgrind_annotate_reads_the_functions_and_the_total(
    profile: Profile, tmp_path: Path
) -> None:
    found = costs(annotated(FORMATS["callgrind"](profile), tmp_path))
    total = profile.total
    assert found["PROGRAM TOTALS"] == (round(total.cycles.value), total.instructions)
    for function in profile.functions:
        cycles, instructions = found[function.name]
        assert instructions == function.cost.instructions
        # every line is rounded up or down
        lines = sum(line.function == function.address for line in profile.lines)
        assert abs(cycles - function.cost.cycles.value) <= lines
    assert (
        sum(i for name, (_, i) in found.items() if name != "PROGRAM TOTALS") == total.instructions
    )


@pytest.mark.emulator
@needs_annotate
def test_callgrind_annotate_follows_the_calls(profile: Profile, tmp_path: Path) -> None:
    report = annotated(FORMATS["callgrind"](profile), tmp_path, "--inclusive=yes", "--tree=calling")
    own = {f.address: float(f.cost.instructions) for f in profile.functions}
    expected = inclusive(own, profile.calls)
    by_name = {f.name: f.address for f in profile.functions}
    invoke = "simbench::Runtime::Invoke"
    calls = re.findall(r"([\d,]+) \([^)]*\)\s+> .*?:(\S+) \((\d+)x\)", report)
    assert ("1", round(expected[by_name[invoke]])) in {
        (times, int(cost.replace(",", ""))) for cost, name, times in calls if name == invoke
    }
    assert expected[by_name[invoke]] > 0.999 * profile.total.instructions


@pytest.mark.emulator
@needs_annotate
def test_callgrind_annotate_shows_source_lines(profile: Profile, tmp_path: Path) -> None:
    hottest = profile.functions[0]
    assert hottest.source is not None
    source = tmp_path / hottest.source.file
    source.parent.mkdir(parents=True)
    source.write_text("".join(f"line {number}\n" for number in range(1, 2000)))
    include = ["--auto=yes", f"--include={tmp_path}"]
    report = annotated(FORMATS["callgrind"](profile), tmp_path, *include)
    line = next(
        line
        for line in profile.lines
        if line.source is not None and line.source.file == hottest.source.file
    )
    assert line.source is not None
    shown = re.search(rf"([\d,]+) \([^)]*\)  line {line.source.line}$", report, re.M)
    assert shown is not None
    assert int(shown[1].replace(",", "")) == line.instructions


@pytest.mark.emulator
def test_callgrind_costs_add_up_to_the_summary(profile: Profile) -> None:
    lines = FORMATS["callgrind"](profile).splitlines()
    summary = next(line for line in lines if line.startswith("summary:"))
    added = [0, 0]
    previous = ""
    for line in lines:
        if re.fullmatch(r"\d+ \d+ \d+", line) and not previous.startswith("calls="):
            added = [a + int(n) for a, n in zip(added, line.split()[1:], strict=True)]
        previous = line
    assert summary.split()[1:] == [str(n) for n in added]


@pytest.mark.emulator
def test_speedscope_says_what_its_schema_asks(profile: Profile) -> None:
    document = json.loads(FORMATS["speedscope"](profile))
    assert document["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    assert set(document) <= {
        *("$schema", "shared", "profiles", "name", "activeProfileIndex", "exporter"),
    }
    frames = document["shared"]["frames"]
    for frame in frames:
        assert set(frame) <= {"name", "file", "line", "col"}
        assert isinstance(frame["name"], str)
        assert isinstance(frame.get("line", 0), int)
    (sampled,) = document["profiles"]
    assert set(sampled) == {
        *("type", "name", "unit", "startValue", "endValue", "samples", "weights"),
    }
    assert (sampled["type"], sampled["unit"]) == ("sampled", "none")
    assert len(sampled["samples"]) == len(sampled["weights"])
    assert all(0 <= index < len(frames) for stack in sampled["samples"] for index in stack)
    assert sum(sampled["weights"]) == pytest.approx(profile.total.cycles.value)
    assert sampled["endValue"] - sampled["startValue"] == pytest.approx(sum(sampled["weights"]))


SPEEDSCOPE_SCHEMAS = sorted((build_dir() / "test-tools").glob("speedscope-*.schema.json"))


@pytest.mark.emulator
@pytest.mark.skipif(
    not SPEEDSCOPE_SCHEMAS, reason="speedscope's schema is not here: make test-tools needs npm"
)
def test_speedscope_s_own_schema_takes_it(profile: Profile) -> None:
    schema = json.loads(SPEEDSCOPE_SCHEMAS[-1].read_text())
    document = json.loads(FORMATS["speedscope"](profile))
    jsonschema.validate(document, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "profiles": [{"type": "sampled"}]}, schema)


@pytest.mark.emulator
def test_collapsed_stacks_add_up(profile: Profile) -> None:
    lines = FORMATS["collapsed"](profile).splitlines()
    matches = [re.fullmatch(r"([^;]+);([^;]+) (\d+)", line) for line in lines]
    stacks = [match.groups() for match in matches if match is not None]
    assert len(stacks) == len(lines)
    assert sum(int(cycles) for _, _, cycles in stacks) == round(profile.total.cycles.value)
    assert list(dict.fromkeys(layer for layer, _, _ in stacks))[:2] == [
        "0 CONV_2D",
        "1 DEPTHWISE_CONV_2D",
    ]


@pytest.mark.emulator
def test_names_cannot_break_a_stack(profile: Profile) -> None:
    hostile = replace(profile, frames=(Frame("a;b\n1 2", "f;g 7", 1, 5.0),))
    assert FORMATS["collapsed"](hostile) == "a,b 1 2;f,g 7 5\n"


@pytest.mark.emulator
@given(st.lists(st.floats(0, 1e12), max_size=50))
def test_whole_numbers_lose_nothing(values: list[float]) -> None:
    found = whole_numbers(values)
    assert sum(found) == round(sum(values))
    assert all(abs(n - value) <= 1.001 for n, value in zip(found, values, strict=True))


@pytest.mark.emulator
@pytest.mark.parametrize("form", FORMATS)
def test_a_profile_is_written_in_every_format(form: str, tmp_path: Path) -> None:
    kept = tmp_path / "out"
    arguments = ["--platform", "stm32f4", "--benchmark", "kws", "--export", f"{form}={kept}"]
    assert _run(["profile", *arguments]) == 0
    assert "arm_nn_mat_mult_nt_t_s8" in kept.read_text()
