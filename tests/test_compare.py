from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_runs import CORE, LAYERS, estimate, made_layer, made_result, made_run

import simbench
from simbench.cli.main import _run
from simbench.comparisons import compare
from simbench.comparisons.baseline import accept, lean, render
from simbench.comparisons.comparison import CODE, PRICE, TOOL, Change, Entry
from simbench.comparisons.layers import paired
from simbench.comparisons.thresholds import Threshold, breaches, parse_threshold
from simbench.comparisons.wording import both
from simbench.errors import NothingRun, UsageError
from simbench.exports import comparison as comparison_export
from simbench.exports import json as json_export
from simbench.result.metrics import METRICS, selects
from simbench.result.stored import read_run
from simbench.result.tree import ERROR, FAILED, Parity, Result, Run

SCHEMA = json.loads(
    (Path(simbench.__file__).parent / "result" / "schemas" / "result-1.schema.json").read_text()
)
ROOT = Path(__file__).resolve().parent.parent
BASE = made_run()
SLOWER = made_result(
    instructions=510, cycles=estimate(1020.0), time_s=estimate(1.02e-5), firmware_sha256="5" * 64
)
BROKEN = Result(
    *("kws@stm32f4/cmsis-nn", "kws", "stm32f4", "cmsis-nn", ERROR),
    reason="the firmware faulted in Invoke",
)


def only_entry(base: Run, *new: Result) -> Entry:
    (entry,) = compare(base, replace(base, results=new)).entries
    return entry


def change(entry: Entry, metric: str) -> Change:
    return next(found for found in entry.changes if found.metric == metric)


def broken_lines(text: str, base: Run, *new: Result) -> list[str]:
    return list(breaches(parse_threshold(text), compare(base, replace(base, results=new))))


def stored(folder: Path, name: str, run: Run) -> str:
    path = folder / name
    path.write_text(json_export.render(run))
    return str(path)


def test_equal_runs_have_equal_entries_and_no_differences() -> None:
    comparison = compare(BASE, BASE)
    assert [entry.state for entry in comparison.entries] == ["equal"]
    assert comparison.differences == ()


def test_every_metric_is_compared_in_absolute_and_relative_terms() -> None:
    entry = only_entry(BASE, SLOWER)
    assert [found.metric for found in entry.changes] == list(METRICS)
    cycles = change(entry, "cycles")
    assert cycles.absolute == pytest.approx(20.0)
    assert cycles.relative == pytest.approx(0.02)
    assert change(entry, "stack_bytes").base == 128
    assert not change(entry, "arena_bytes").is_real


def test_other_instructions_are_a_change_of_code() -> None:
    assert only_entry(BASE, SLOWER).causes == (CODE,)


def test_other_hashes_are_a_change_of_code_even_where_every_count_is_equal() -> None:
    entry = only_entry(BASE, made_result(firmware_sha256="5" * 64))
    assert entry.causes == (CODE,)
    assert [fact.name for fact in entry.facts] == ["firmware"]


def test_the_same_instructions_at_another_price_are_a_change_of_price() -> None:
    dearer = made_result(cycles=estimate(1100.0, "cortex-m4 3 on stm32f4 2"))
    assert only_entry(BASE, dearer).causes == (PRICE,)
    both = replace(SLOWER, cycles=estimate(1100.0, "cortex-m4 3 on stm32f4 2"))
    assert only_entry(BASE, both).causes == (CODE, PRICE)


def test_both_prices_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dearer = made_result(cycles=estimate(1100.0, "cortex-m4 3 on stm32f4 2"))
    base = stored(tmp_path, "base.json", BASE)
    new = stored(tmp_path, "new.json", replace(BASE, results=(dearer,)))
    assert _run(["compare", base, new]) == 0
    shown = capsys.readouterr().out
    assert "kws@stm32f4/cmsis-nn: price changed" in shown
    assert f"price: {CORE} before, cortex-m4 3 on stm32f4 2 after" in shown


def test_what_neither_code_nor_price_explains_is_a_change_of_simbench() -> None:
    assert only_entry(BASE, made_result(cycles=estimate(1100.0))).causes == (TOOL,)


def test_rounding_is_no_change_and_one_in_a_million_is() -> None:
    assert only_entry(BASE, made_result(cycles=estimate(1000.0 + 1e-8))).state == "equal"
    assert only_entry(BASE, made_result(cycles=estimate(1000.001))).state == "changed"


def test_missing_and_added_entries_are_shown_in_the_order_of_ids() -> None:
    base = made_run([made_result("b@x/y"), made_result("c@x/y")])
    new = made_run([made_result("c@x/y"), made_result("a@x/y")])
    found = [(entry.id, entry.state) for entry in compare(base, new).entries]
    assert found == [("a@x/y", "added"), ("b@x/y", "missing"), ("c@x/y", "equal")]


def test_layers_are_paired_by_operator_and_name() -> None:
    first, last = LAYERS
    middle = made_layer(1, "RELU", "middle", 50.0)
    slower = replace(first, cycles=estimate(700.0))
    entry = only_entry(BASE, made_result(layers=(slower, middle, replace(last, index=2))))
    assert [layer.is_real for layer in entry.layers] == [True, True, False]
    assert [layer.base is None for layer in entry.layers] == [False, True, False]
    gone = only_entry(BASE, made_result(layers=(first,))).layers
    assert [layer.new is None for layer in gone] == [False, True]


def test_renamed_layers_are_paired_by_operator_and_work() -> None:
    first, last = LAYERS
    renamed = (replace(first, name="model_1/first"), replace(last, name="Identity:01"))
    entry = only_entry(BASE, made_result(layers=renamed))
    assert [(layer.base, layer.new) for layer in entry.layers] == list(
        zip(LAYERS, renamed, strict=True)
    )
    assert not any(layer.is_real for layer in entry.layers)
    wider = replace(renamed[0], macs=first.macs * 2)
    pairs = only_entry(BASE, made_result(layers=(wider, renamed[1]))).layers
    assert [(p.base, p.new) for p in pairs] == [(None, wider), (last, renamed[1]), (first, None)]


@given(st.permutations(range(6)), st.sets(st.integers(0, 5)), st.booleans())
def test_every_layer_is_in_one_pair(order: list[int], renamed: set[int], is_cut: bool) -> None:
    base = [made_layer(i, "ADD" if i % 2 else "MUL", f"layer {i}", 100.0) for i in range(6)]
    new = [replace(base[i], name="other" if i in renamed else base[i].name) for i in order]
    new = new[: 4 if is_cut else 6]
    pairs = paired(base, new)
    assert [after for _, after in pairs if after is not None] == new
    assert sorted(b.index for b, _ in pairs if b is not None) == list(range(6))
    assert all(b.name == n.name for b, n in pairs if b and n and n.name != "other")


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (1002.0, "+2, +0.20 %"),
        (998.0, "-2, -0.20 %"),
        (1000.01, "+0, +0.00100 %"),
        (999.99, "-0, -0.00100 %"),
        (1000.00001, "+0, +1e-06 %"),
        (12_000.0, "+11,000, x12"),
    ],
)
def test_a_change_is_said_absolutely_and_as_a_share(new: float, said: str) -> None:
    assert both(Change("cycles", "cycles", 1000.0, new)) == said


def test_what_came_from_nothing_has_no_share() -> None:
    assert both(Change("wrong_outputs", "outputs", 0, 3)) == "+3"


def test_layers_with_the_same_name_are_paired_in_their_order() -> None:
    twins = tuple(made_layer(index, "RELU", "same", 100.0 + index) for index in range(2))
    base = made_run([made_result(layers=twins)])
    assert only_entry(base, made_result(layers=twins)).state == "equal"


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        ({"settings": {**BASE.settings, "samples": 2}}, "samples (10 and 2)"),
        ({"settings": {**BASE.settings, "backend": "renode"}}, "backend (qemu and renode)"),
        ({"settings": {**BASE.settings, "cores": {"cortex-m4": "3"}}}, "cores cortex-m4 (2 and 3)"),
        ({"settings": {**BASE.settings, "platforms": {"stm32f4": "3"}}}, "platforms stm32f4"),
        ({"environment": {**BASE.environment, "version": "9.2"}}, "emulator version (7.2.22 and"),
        ({"environment": {**BASE.environment, "toolchain": None}}, "toolchain (gcc 12.2.1 and not"),
    ],
)
def test_other_conditions_are_refused_by_name_and_forced_by_choice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], facts: dict[str, Any], named: str
) -> None:
    base = stored(tmp_path, "base.json", BASE)
    new = stored(tmp_path, "new.json", made_run(**facts))
    assert _run(["compare", base, new]) == 2
    assert named in capsys.readouterr().err.splitlines()[-1]
    assert _run(["compare", base, new, "--force"]) == 0
    assert named in capsys.readouterr().err.splitlines()[-1]


def test_another_host_platform_or_model_is_no_reason_to_refuse() -> None:
    settings = {**BASE.settings, "platforms": {"stm32f4": "2", "rp2040": "1"}}
    other = made_run(environment={**BASE.environment, "host": "Darwin arm64"}, settings=settings)
    assert compare(BASE, other).differences == ()


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("cycles:+1%", 1010.0),
        ("cycles:1%", 1010.0),
        ("cycles:-1%", 990.0),
        ("cycles:+25", 1025.0),
        ("cycles:+0.5%", 1005.0),
        ("cycles", 1000.0),
    ],
)
def test_a_threshold_says_the_most_that_a_metric_may_become(text: str, limit: float) -> None:
    assert parse_threshold(text).limit(1000.0) == pytest.approx(limit)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cycles=+1%", "cycles:+1%"),
        ("cycles:+1 %", "cycles:+1%"),
        ("cycles:", "cycles:+1%"),
        ("", "cycles:+1%"),
        ("speed:+1%", "there are instructions"),
        ("outputs:+1", "write --fail-on outputs"),
    ],
)
def test_what_is_no_threshold_is_refused_with_an_example(text: str, said: str) -> None:
    with pytest.raises(UsageError, match="--fail-on") as refused:
        parse_threshold(text)
    assert said in str(refused.value)


@given(st.text())
def test_any_text_is_a_threshold_or_a_users_mistake(text: str) -> None:
    with suppress(UsageError):
        assert parse_threshold(text).text == text


@given(
    base=st.integers(1, 10**9),
    new=st.integers(0, 10**9),
    allowed=st.integers(-50, 50),
    percent=st.booleans(),
)
def test_a_breach_is_a_value_above_the_limit(
    base: int, new: int, allowed: int, percent: bool
) -> None:
    text = f"instructions:{allowed:+d}{'%' if percent else ''}"
    limit_times_100 = base * (100 + allowed) if percent else 100 * (base + allowed)
    run = made_run([made_result(instructions=base)])
    is_breach = bool(broken_lines(text, run, made_result(instructions=new)))
    # sums of floating point numbers are held equal up to a billionth
    if abs(100 * new - limit_times_100) > 1e-6 * base:
        assert is_breach == (100 * new > limit_times_100)


def test_a_breach_says_what_was_what_is_and_which_threshold() -> None:
    (line,) = broken_lines("cycles:+1%", BASE, SLOWER)
    assert line == (
        "kws@stm32f4/cmsis-nn: cycles was 1,000, is 1,020: +20, +2.00 % (--fail-on cycles:+1%)"
    )
    assert broken_lines("cycles:+2%", BASE, SLOWER) == []


@pytest.mark.parametrize("text", ["status", "parity", "cycles:+50%", "outputs"])
def test_a_result_that_broke_breaches_whatever_it_should_have_said(text: str) -> None:
    (line,) = broken_lines(text, BASE, BROKEN)
    assert text.partition(":")[0] in line or "status" in line or "wrong_outputs" in line


def test_parity_and_status_breach_where_outputs_are_wrong() -> None:
    wrong = made_result(status=FAILED, reason="outputs differ", parity=Parity(10, 8))
    assert "wrong_outputs was 0, is 2" in broken_lines("parity", BASE, wrong)[0]
    assert "was ok, is failed: outputs differ" in broken_lines("status", BASE, wrong)[0]
    failing = made_run([wrong])
    assert broken_lines("parity", failing, wrong) == []
    assert broken_lines("status", failing, wrong) == []


def test_a_missing_entry_breaches_the_status_and_an_added_one_nothing() -> None:
    base = made_run([made_result("a@x/y"), made_result("b@x/y")])
    found = broken_lines("status", base, made_result("b@x/y"), made_result("c@x/y"))
    assert found == ["a@x/y: is missing (--fail-on status)"]


def test_other_outputs_breach_outputs_alone() -> None:
    other = made_result(output_sha256="6" * 64)
    assert broken_lines("outputs", BASE, other)
    assert broken_lines("cycles", BASE, other) == []


def test_a_threshold_holds_for_the_entries_it_names() -> None:
    base = made_run([made_result("ad@x/y"), made_result("kws@x/y")])
    slower = [replace(SLOWER, id=id_) for id_ in ("ad@x/y", "kws@x/y")]
    assert [line[:4] for line in broken_lines("cycles@kws:+1%", base, *slower)] == ["kws@"]
    with pytest.raises(UsageError, match="chooses no entry"):
        broken_lines("cycles@vww:+1%", base, *slower)


@pytest.mark.parametrize(
    ("pattern", "is_chosen"),
    [
        ("kws", True),
        ("kws@stm32f4", True),
        ("kws@stm32f4/*", True),
        ("*@*/cmsis-nn", True),
        ("*", True),
        ("kw", False),
        ("kws@stm32", False),
        ("kws@stm32f4/reference", False),
    ],
)
def test_a_pattern_names_results_by_the_parts_of_their_ids(pattern: str, is_chosen: bool) -> None:
    assert selects(pattern, "kws@stm32f4/cmsis-nn") == is_chosen


def test_a_metric_that_was_never_known_has_no_limit() -> None:
    base = made_run([made_result(energy_j=None)])
    assert broken_lines("energy_j", base, made_result()) == []
    threshold = Threshold("energy_j", "energy_j", "*", 0.0, False)
    assert list(breaches(threshold, compare(base, base))) == []


def test_the_command_exits_with_1_and_the_breaches_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = stored(tmp_path, "base.json", BASE)
    new = stored(tmp_path, "new.json", replace(BASE, results=(SLOWER,)))
    limits = ["--fail-on", "cycles:+1%", "--fail-on", "arena_bytes:+0"]
    assert _run(["compare", base, new, *limits]) == 1
    captured = capsys.readouterr()
    assert "cycles was 1,000, is 1,020" in captured.err.splitlines()[-1]
    assert "code changed (firmware)" in captured.out
    assert _run(["compare", base, new, "--fail-on", "cycles:+2%"]) == 0


def test_a_result_that_broke_is_said_even_where_nobody_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = stored(tmp_path, "base.json", BASE)
    new = stored(tmp_path, "new.json", replace(BASE, results=(BROKEN,)))
    assert _run(["compare", base, new]) == 0
    captured = capsys.readouterr()
    assert "was ok, is error: the firmware faulted" in captured.err.splitlines()[-1]
    assert "was ok, is error: the firmware faulted" in captured.out


def test_nothing_in_common_is_exit_code_4(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = stored(tmp_path, "base.json", BASE)
    new = stored(tmp_path, "new.json", made_run([made_result("ad@x/y")]))
    assert _run(["compare", base, new]) == 4
    assert _run(["compare", base, base, "--only", "vww"]) == 4
    assert "nothing was compared" in capsys.readouterr().err.splitlines()[-1]


def test_a_newer_schema_is_refused_naming_what_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = stored(tmp_path, "base.json", BASE)
    newer = tmp_path / "newer.json"
    newer.write_text(Path(base).read_text().replace("simbench.result/1", "simbench.result/2"))
    assert _run(["compare", base, str(newer)]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "simbench.result/2" in said
    assert "reads up to simbench.result/1" in said


def large_run(count: int) -> Run:
    names = [f"benchmark{index}@stm32f4/cmsis-nn" for index in range(count)]
    layers = [made_layer(i, "DEPTHWISE_CONV_2D", f"layer {i}", 123456789.0) for i in range(30)]
    return made_run([made_result(name, layers=tuple(layers)) for name in names])


def worse(run: Run) -> Run:
    def slower(result: Result) -> Result:
        layers = (replace(layer, cycles=estimate(234567890.0)) for layer in result.layers)
        return replace(result, cycles=estimate(2345678901.0), layers=tuple(layers))

    return replace(run, results=tuple(map(slower, run.results)))


@pytest.mark.parametrize("options", [[], ["--layers"]])
def test_the_table_fits_eighty_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: Sequence[str]
) -> None:
    run = large_run(2)
    base, new = (stored(tmp_path, f"{i}.json", r) for i, r in enumerate((run, worse(run))))
    assert _run(["compare", base, new, *options]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert len([line for line in lines if "DEPTHWISE" in line]) == (60 if options else 10)


def test_comparing_loads_no_more_than_it_needs(tmp_path: Path) -> None:
    run = large_run(1)
    base, new = (stored(tmp_path, f"{i}.json", r) for i, r in enumerate((run, worse(run))))
    code = (
        "import sys; from simbench.cli.main import _run; "
        f"_run(['compare', {base!r}, {new!r}]); "
        "print(sorted({'numpy', 'rich', 'bokeh', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_comparison_as_json_says_what_the_table_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = stored(tmp_path, "base.json", BASE)
    new = stored(tmp_path, "new.json", replace(BASE, results=(SLOWER,)))
    assert _run(["compare", base, new, "--json", "-", "--fail-on", "cycles"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == comparison_export.SCHEMA
    (entry,) = document["entries"]
    assert entry["state"] == "changed"
    assert entry["causes"] == ["code"]
    cycles = entry["metrics"]["cycles"]
    assert (cycles["base"], cycles["new"], cycles["change"]) == (1000.0, 1020.0, 20.0)
    assert len(document["breaches"]) == 1


def test_the_how_to_shows_what_the_command_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs" / "how-to" / "gate-pull-requests.md").read_text()
    shown = re.search(r"<!-- output: simbench (compare .*) -->\n```text\n(.*?)```", page, re.DOTALL)
    assert shown is not None
    assert _run(shown[1].split()) == 0
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert shown[2].splitlines() == lines


def test_a_baseline_is_a_result_document_without_bulk_and_host() -> None:
    document = json.loads(render(BASE))
    jsonschema.validate(document, SCHEMA)
    assert set(document["environment"]) == {"emulator", "version", "toolchain"}
    (result,) = document["results"]
    assert result["frames"] == []
    assert result["memory"]["arena"]["plan"] == []
    assert compare(BASE, lean(BASE)).entries[0].state == "equal"


def test_a_baseline_is_the_same_whatever_the_host_and_the_order() -> None:
    results = [made_result(name) for name in ("kws@x/y", "ad@x/y")]
    there = made_run(results)
    here = made_run(results[::-1], environment={**BASE.environment, "host": "Darwin arm64"})
    assert render(there) == render(here)


def test_a_saved_baseline_compares_as_the_run_it_was(tmp_path: Path) -> None:
    run = stored(tmp_path, "run.json", BASE)
    kept = tmp_path / "baseline.json"
    assert _run(["baseline", "save", run, "--to", str(kept)]) == 0
    assert _run(["compare", str(kept), run, "--fail-on", "cycles", "--fail-on", "status"]) == 0
    again = stored(tmp_path, "again.json", read_run(kept))
    assert _run(["baseline", "save", again, "--to", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again").read_text() == kept.read_text()


def test_accept_replaces_what_is_named_and_keeps_the_rest(tmp_path: Path) -> None:
    names = ("ad@stm32f4/cmsis-nn", "kws@stm32f4/cmsis-nn")
    kept = tmp_path / "baseline.json"
    kept.write_text(render(made_run([made_result(name) for name in names])))
    new = stored(tmp_path, "new.json", made_run([replace(SLOWER, id=name) for name in names]))
    assert _run(["baseline", "accept", new, "--only", "kws@stm32f4/*", "--to", str(kept)]) == 0
    found = {result.id: result.instructions for result in read_run(kept).results}
    assert found == dict(zip(names, (500, 510), strict=True))
    assert _run(["baseline", "accept", new, "--to", str(kept)]) == 0
    assert {result.instructions for result in read_run(kept).results} == {510}


def test_accept_adds_what_the_baseline_had_not() -> None:
    added = made_run([made_result("ad@rp2040/cmsis-nn")])
    found = accept(BASE, added, "*")
    assert {result.id for result in found.results} == {"kws@stm32f4/cmsis-nn", "ad@rp2040/cmsis-nn"}
    assert found.settings["platforms"] == {"stm32f4": "2", "rp2040": "2"}


def test_accept_refuses_to_mix_results_of_other_conditions() -> None:
    base = made_run([made_result("ad@x/y"), made_result("kws@x/y")])
    fewer = made_run([SLOWER], settings={**base.settings, "samples": 2})
    with pytest.raises(UsageError, match=r"samples \(10 and 2\)"):
        accept(base, fewer, "*")
    whole = replace(fewer, results=base.results)
    assert accept(base, whole, "*").settings["samples"] == 2


def test_accept_takes_a_new_version_of_a_platform_that_nothing_else_is_on() -> None:
    base = made_run([made_result("kws@stm32f4/y"), made_result("kws@rp2040/y")])
    settings = {**base.settings, "platforms": {"stm32f4": "3"}}
    new = made_run([made_result("kws@stm32f4/y")], settings=settings)
    assert accept(base, new, "*").settings["platforms"] == {"rp2040": "2", "stm32f4": "3"}


def test_accept_of_nothing_is_exit_code_4() -> None:
    with pytest.raises(NothingRun, match="kws@stm32f4/cmsis-nn"):
        accept(BASE, BASE, "vww")


@pytest.mark.emulator
def test_a_regression_of_real_firmware_fails_the_gate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ad = ["run", "--platform", "stm32f4", "--benchmark", "ad", "--samples", "1"]
    fast, slow, kept = (str(tmp_path / name) for name in ("fast.json", "slow.json", "kept.json"))
    assert _run([*ad, "--json", fast]) == 0
    assert _run(["baseline", "save", fast, "--to", kept]) == 0
    assert _run([*ad, "--json", fast]) == 0
    gate = ["--fail-on", "cycles:+1%", "--fail-on", "outputs", "--fail-on", "status"]
    assert _run(["compare", kept, fast, *gate]) == 0
    assert "1 compared, 0 changed, 1 equal." in capsys.readouterr().out
    assert _run([*ad, "--kernels", "reference", "--json", slow]) == 0
    renamed = Path(slow).read_text().replace("ad@stm32f4/reference", "ad@stm32f4/cmsis-nn")
    Path(slow).write_text(renamed)
    capsys.readouterr()
    assert _run(["compare", kept, slow, *gate]) == 1
    captured = capsys.readouterr()
    assert "cycles was" in captured.err.splitlines()[-1]
    assert "code changed (firmware)" in captured.out


def test_two_versions_of_a_model_are_compared_whatever_they_are_called(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def of(*ids: str, cycles: float = 1000.0) -> Run:
        results = [made_result(id_, cycles=estimate(cycles)) for id_ in ids]
        return made_run([replace(r, benchmark=r.id.partition("@")[0]) for r in results])

    base = stored(tmp_path, "base.json", of("app@stm32f4/cmsis-nn", "app@rp2040/cmsis-nn"))
    slower = of("app2@stm32f4/cmsis-nn", "app2@rp2040/cmsis-nn", cycles=1100.0)
    new = stored(tmp_path, "new.json", slower)
    assert _run(["compare", base, new, "--fail-on", "cycles:+1%"]) == 1
    said = capsys.readouterr()
    assert "2 compared, 2 changed" in said.out
    assert "app of the base is compared with app2, as each is alone" in said.err
    assert _run(["compare", base, new, "--as", "net", "--json", "-"]) == 0
    ids = [entry["id"] for entry in json.loads(capsys.readouterr().out)["entries"]]
    assert ids == ["net@rp2040/cmsis-nn", "net@stm32f4/cmsis-nn"]
    several = stored(tmp_path, "several.json", of("a@stm32f4/cmsis-nn", "b@stm32f4/cmsis-nn"))
    assert _run(["compare", base, several]) == 4
    assert _run(["compare", base, several, "--as", "net"]) == 2
    assert "choose it with --only" in capsys.readouterr().err


def test_two_sections_of_a_firmware_are_not_compared_as_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def of(name: str, id_: str, section: str) -> str:
        run = made_run([made_result(id_)])
        settings = {**run.settings, "sections": {id_: section}}
        return stored(tmp_path, name, replace(run, settings=settings))

    first = of("first.json", "app@stm32f4/own", "begin=fft,end=send")
    second = of("second.json", "app.send-fft@stm32f4/own", "begin=send,end=fft")
    assert _run(["compare", first, second]) == 2
    said = capsys.readouterr().err
    assert "app.send-fft@stm32f4/own (begin=fft,end=send and begin=send,end=fft)" in said
    same = of("same.json", "app2.fft-send@stm32f4/own", "begin=fft,end=send")
    assert _run(["compare", first, same]) == 0


def test_both_sections_of_a_firmware_are_compared_each_with_itself(tmp_path: Path) -> None:
    def of(name: str, cycles: float, ids: Sequence[str]) -> str:
        changed = {"instructions": int(cycles / 2), "cycles": estimate(cycles)}
        run = made_run([made_result(ids[0]), made_result(ids[1], **changed)])
        texts = zip(ids, ("begin=fft,end=send", "begin=send,end=fft"), strict=True)
        return stored(
            tmp_path, name, replace(run, settings={**run.settings, "sections": dict(texts)})
        )

    before = of("before.json", 1000.0, ("app@stm32f4/own", "app@nrf52840/own"))  # as of before
    ids = ("app.fft-send@stm32f4/own", "app.send-fft@nrf52840/own")
    after = of("after.json", 1100.0, ids)
    assert [result.id for result in read_run(Path(before)).results] == list(ids)
    assert [result.id for result in read_run(Path(after)).results] == list(ids)
    entries = {e.id: e for e in compare(read_run(Path(before)), read_run(Path(after))).entries}
    assert set(entries) == set(ids)
    assert all(entry.is_compared for entry in entries.values())
    assert _run(["compare", before, after, "--fail-on", "cycles:+1%"]) == 1
    assert _run(["compare", before, after, "--only", ids[0], "--fail-on", "cycles:+1%"]) == 0


def test_a_comparison_shows_itself_in_a_line() -> None:
    base = made_run([made_result("a@x/y"), made_result("b@x/y")])
    new = made_run([made_result("b@x/y"), made_result("c@x/y")])
    assert repr(compare(base, new)) == "<comparison of 3: 1 missing, 1 equal, 1 added>"
