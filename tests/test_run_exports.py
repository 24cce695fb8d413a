from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import junitparser
import msgspec
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_runs import LAYERS, estimate, made_layer, made_result, made_run
from markdown_it import MarkdownIt

from simbench.cli.main import _run
from simbench.comparisons import compare
from simbench.exports import comparison as comparison_export
from simbench.exports import formats
from simbench.exports.markdown import MARKER
from simbench.files.cells import cell
from simbench.result.notice import SENTENCE
from simbench.result.tree import DOES_NOT_FIT, ERROR, FAILED, Budget, Parity, Result, Run

RUN_FORMATS = formats("run")

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
LONGEST_COMMENT = 65_536  # characters, says GitHub's API
OK_RESULT = made_result()
FAILED_RESULT = made_result(
    "ad@stm32f4/cmsis-nn", status=FAILED, reason="outputs differ", parity=Parity(10, 8)
)
BROKEN = Result("ic@rp2040/cmsis-nn", "ic", "rp2040", "cmsis-nn", ERROR, reason="QEMU crashed")
TOO_LARGE = made_result(
    "vww@rp2040/cmsis-nn", status=DOES_NOT_FIT, reason="the arena needs more", energy_j=None
)
RUN = made_run([OK_RESULT, FAILED_RESULT, BROKEN, TOO_LARGE])
OUTCOME = ({"type", "message"}, set[str]())
JUNIT_10 = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "time", "id", "package"},
        {"properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), {"property"}),
    "property": ({"name", "value"}, set()),
    "testcase": ({"name", "time", "classname", "group"}, {"skipped", "error", "failure"}),
    **dict.fromkeys(("skipped", "error", "failure"), OUTCOME),
}
"""Attributes and children of the elements of junit-10.xsd, as far as they are of use here."""
HOSTILE = st.text(max_size=120)


class Bmf(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A metric of https://bencher.dev/bmf.json."""

    value: float
    lower_value: float | None = None
    upper_value: float | None = None


class BenchmarkResult(msgspec.Struct, forbid_unknown_fields=True):
    """The interface of that name in github-action-benchmark's src/extract.ts."""

    name: str
    value: float
    unit: str
    range: str | None = None
    extra: str | None = None


def named(text: str) -> Run:
    """A run with ``text`` wherever a model, a file or a tool puts its own."""
    layers = (made_layer(0, text, text, 10.0),)
    budgets = (Budget(text, 1.0, 2.0, False),)
    return made_run([made_result(text, status=FAILED, reason=text, layers=layers, budgets=budgets)])


def test_csv_is_one_row_for_each_metric_and_layer() -> None:
    frame = pd.read_csv(io.StringIO(RUN_FORMATS["csv"](RUN)))
    whole = frame[frame["layer"].isna()]
    cycles = whole[whole["metric"] == "cycles"]
    assert cycles[["value", "lower", "upper"]].iloc[0].to_list() == [1000.0, 900.0, 1100.0]
    assert cycles["value"].isna().to_list() == [False, False, True, False]
    assert cycles["status"].to_list() == ["ok", FAILED, ERROR, DOES_NOT_FIT]
    layers = frame[frame["layer"].notna() & (frame["metric"] == "instructions")]
    assert layers.groupby("id")["value"].sum()[OK_RESULT.id] == 450
    counts = frame[frame["metric"] == "instructions"]
    assert counts["lower"].isna().all()


@given(HOSTILE)
def test_csv_holds_any_name_in_one_line(text: str) -> None:
    written = RUN_FORMATS["csv"](named(text))
    frame = pd.read_csv(io.StringIO(written), dtype=str, keep_default_na=False)
    assert len(written.splitlines()) == 1 + len(frame) == 14
    assert frame["id"].nunique() == 1
    if text.isprintable():
        assert frame["id"].iloc[0] == cell(" ".join(text.split()))


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+cmd|' /C calc'!A0", "-x", "@SUM(1)"])
def test_no_text_of_a_csv_is_a_formula(text: str) -> None:
    written = RUN_FORMATS["csv"](named(text))
    fields = [field for row in csv.reader(io.StringIO(written)) for field in row]
    assert f"'{text}" in fields
    assert text not in fields


@pytest.mark.parametrize("number", ["-5", "+1.5", "-40MHz", "1e-3", "-1.5e9", "20%"])
def test_a_number_of_a_csv_is_left(number: str) -> None:
    assert cell(number) == number


def test_bmf_is_what_bencher_reads() -> None:
    document = json.loads(RUN_FORMATS["bmf"](RUN))
    found = msgspec.convert(document, dict[str, dict[str, Bmf]])
    assert found[OK_RESULT.id]["cycles"] == Bmf(1000.0, 900.0, 1100.0)
    assert found[OK_RESULT.id]["arena_bytes"] == Bmf(512)
    assert found[FAILED_RESULT.id]["wrong_outputs"] == Bmf(2)
    assert found[BROKEN.id] == {}
    assert "energy_j" not in found[TOO_LARGE.id]


def test_the_github_benchmark_is_a_list_of_named_values() -> None:
    document = json.loads(RUN_FORMATS["github-benchmark"](RUN))
    found = {entry.name: entry for entry in msgspec.convert(document, list[BenchmarkResult])}
    assert len(found) == len(document)
    cycles = found[f"{OK_RESULT.id} cycles"]
    assert (cycles.value, cycles.unit) == (1000.0, "cycles")
    assert cycles.range == "900 to 1100"
    assert found[f"{OK_RESULT.id} ram_bytes"].range is None
    assert not any(name.startswith(BROKEN.id) for name in found)


def junit_cases(run: Run) -> dict[str, junitparser.TestCase]:
    document = junitparser.JUnitXml.fromstring(RUN_FORMATS["junit"](run).encode())
    return {case.name: case for suite in document for case in suite}


def test_junit_tells_failures_errors_and_what_does_not_fit() -> None:
    cases = junit_cases(RUN)
    kinds = {name: [type(found).__name__ for found in case.result] for name, case in cases.items()}
    assert kinds == {"kws": [], "ad": ["Failure"], "ic": ["Error"], "vww": ["Skipped"]}
    assert cases["ad"].result[0].message == "outputs differ"
    suites = list(junitparser.JUnitXml.fromstring(RUN_FORMATS["junit"](RUN).encode()))
    assert [suite.name for suite in suites] == [result.id for result in RUN.results]
    assert [(s.tests, s.failures, s.errors, s.skipped) for s in suites] == [
        *((1, 0, 0, 0), (1, 1, 0, 0), (1, 0, 1, 0), (1, 0, 0, 1)),
    ]


def test_junit_holds_nothing_that_jenkins_refuses() -> None:
    for element in ET.fromstring(RUN_FORMATS["junit"](RUN)).iter():
        attributes, children = JUNIT_10[element.tag]
        assert set(element.keys()) <= attributes
        assert {child.tag for child in element} <= children


def test_junit_has_the_numbers_as_properties() -> None:
    suite = ET.fromstring(RUN_FORMATS["junit"](RUN))[0]
    properties = {found.get("name"): found.attrib["value"] for found in suite.iter("property")}
    assert properties["instructions"] == "500"
    assert float(properties["cycles"]) == 1000.0
    assert float(properties["cycles_upper"]) == pytest.approx(1100.0)
    assert junit_cases(RUN)["kws"].time == pytest.approx(1e-5)


def test_junit_fails_where_a_budget_is_breached() -> None:
    budgets = (Budget("cycles", 900.0, 1000.0, False), Budget("ram_bytes", 2048.0, 1024.0, True))
    (failure,) = junit_cases(made_run([made_result(budgets=budgets)]))["kws"].result
    assert isinstance(failure, junitparser.Failure)
    assert failure.message == "cycles is 1,000, its budget is 900"


@given(HOSTILE)
def test_junit_is_xml_whatever_a_name_holds(text: str) -> None:
    root = ET.fromstring(RUN_FORMATS["junit"](named(text)).encode("utf-8", "replace"))
    (case,) = root.iter("testcase")
    assert case.find("failure") is not None


def cells(html: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL) for row in rows]


def test_the_comment_says_the_verdict_and_what_is_wrong() -> None:
    text = RUN_FORMATS["markdown"](RUN)
    assert text.startswith(f"{MARKER}\n")
    html = MARKDOWN.render(text)
    assert "<h3>simbench: 1 ok, 1 failed, 1 error, 1 does-not-fit</h3>" in html
    assert "<strong>error</strong>: <code>QEMU crashed</code>" in html
    table = cells(html)
    assert len(table) == 5
    assert {len(row) for row in table} == {9}
    assert table[1][0] == "<code>kws@stm32f4/cmsis-nn</code>"
    assert table[1][3] == "1.00 k (0.90–1.10)"


def test_what_is_shown_to_others_says_that_it_is_no_mlperf_result() -> None:
    for form in ("markdown", "github-summary", "html"):
        assert SENTENCE in RUN_FORMATS[form](RUN)
    assert SENTENCE in comparison_of(RUN, RUN)


def test_the_job_summary_adds_the_layers() -> None:
    text = RUN_FORMATS["github-summary"](RUN)
    assert MARKER not in text
    tables = cells(MARKDOWN.render(text))
    assert ["0", "<code>CONV_2D</code>", "<code>first</code>"] in [row[:3] for row in tables]
    assert "60.0%" in text


@pytest.mark.parametrize("form", ["markdown", "github-summary"])
@given(text=HOSTILE)
def test_names_cannot_break_out_of_markdown(form: str, text: str) -> None:
    html = MARKDOWN.render(RUN_FORMATS[form](named(text)))
    plain = re.sub(r"<code>[^<]*</code>", "", html)
    known = "details|summary|h3|h4|p|ul|li|strong|table|thead|tbody|tr|th|td"
    assert re.sub(rf"</?(?:{known})(?: style=\"text-align:(?:left|right)\")?>", "", plain).count(
        "<"
    ) == plain.count("<!-- simbench -->")
    assert {len(row) for row in cells(html)} <= {6, 9}


def comparison_of(base: Run, new: Run) -> str:
    return comparison_export.render_markdown(compare(base, new))


def test_a_comparison_shows_changes_and_folds_the_layers() -> None:
    slower = replace(LAYERS[0], cycles=estimate(660.0))
    changed = made_result(instructions=510, cycles=estimate(1060.0), layers=(slower, LAYERS[1]))
    text = comparison_of(RUN, replace(RUN, results=(changed, *RUN.results[2:])))
    assert text.startswith(f"{MARKER}\n### simbench: 3 compared, 1 changed, 2 equal, 1 missing")
    rows = cells(MARKDOWN.render(text))
    first = "<code>kws@stm32f4/cmsis-nn</code>"
    assert rows[1][:3] == [first, "same", "1,060<br>+60<br>+6.00\u00a0%"]
    assert rows[1][5:] == ["510<br>+10<br>+2.00\u00a0%"]
    headings = ("cycles", "energy_j", "arena_bytes", "instructions")
    assert rows[0] == ["result", "outputs", *(f"<code>{name}</code>" for name in headings)]
    layer = [first, "0", "<code>CONV_2D</code>", "<code>first</code>"]
    assert [*layer, "600", "660", "+60", "+10.00 %"] in rows
    assert "missing: only the base has it" in text


def test_a_comparison_names_what_happened_once_and_shows_what_is_new() -> None:
    over = Budget("cycles", 900.0, 1000.0, is_met=False)
    boards = [made_result(f"kws@board{number}/cmsis-nn") for number in range(6)]
    others = [replace(board, output_sha256="9" * 64, budgets=(over,)) for board in boards[:5]]
    text = comparison_of(made_run(boards[:5]), made_run([*others, boards[5]]))
    assert text.count("code changed; outputs changed") == 1
    assert "`kws@board3/cmsis-nn` and 1 more\n" in text
    assert text.count("**over budget**: `cycles is 1,000, its budget is 900`") == 5
    rows = cells(MARKDOWN.render(text))
    assert [row[1] for row in rows[1:]] == [*["<strong>changed</strong>"] * 5, "new"]
    assert rows[6][2] == "1,000"


def test_comments_stay_within_githubs_limit() -> None:
    layers = tuple(made_layer(i, "O" * 200, "|" * 300, 100.0) for i in range(40))
    results = [
        made_result(f"{i}{'b' * 200}@x/y", status=FAILED, reason="r" * 900, layers=layers)
        for i in range(300)
    ]
    slower = [
        replace(
            result,
            cycles=estimate(2000.0),
            layers=tuple(replace(layer, cycles=estimate(200.0)) for layer in layers),
        )
        for result in results
    ]
    base, new = made_run(results), made_run(slower)
    assert len(RUN_FORMATS["markdown"](base)) < LONGEST_COMMENT
    text = comparison_of(base, new)
    assert len(text) < LONGEST_COMMENT
    assert "more rows are left out" in text
    other = [
        replace(result, status=ERROR, reason=f"{i}{'s' * 900}") for i, result in enumerate(slower)
    ]
    text = comparison_of(base, made_run(other))
    assert len(text) < LONGEST_COMMENT
    assert "The layers are left out" in text


@pytest.fixture(scope="module")
def ad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stored result of a real run, and beside it every format, written by that run."""
    folder = tmp_path_factory.mktemp("ad")
    exports = [f"--export={name}={folder / name}" for name in RUN_FORMATS]
    arguments = ["run", "--platform", "stm32f4", "--benchmark", "ad", "--samples", "1"]
    assert _run([*arguments, "--no-cache", *exports]) == 0
    return folder


@pytest.mark.emulator
@pytest.mark.parametrize("form", [form for form in RUN_FORMATS if form != "json"])
def test_a_report_writes_what_the_run_wrote(ad: Path, tmp_path: Path, form: str) -> None:
    again = tmp_path / "again"
    assert _run(["report", str(ad / "json"), "--export", f"{form}={again}"]) == 0
    assert again.read_bytes() == (ad / form).read_bytes()


@pytest.mark.emulator
def test_every_format_says_the_same_cycles(ad: Path) -> None:
    result = json.loads((ad / "json").read_text())["results"][0]
    cycles = result["cycles"]["value"]
    frame = pd.read_csv(ad / "csv", float_precision="round_trip")
    assert frame[frame["layer"].isna()].set_index("metric")["value"]["cycles"] == cycles
    bmf: dict[str, Any] = json.loads((ad / "bmf").read_text())
    assert bmf[result["id"]]["cycles"]["value"] == cycles
    case = ET.parse(ad / "junit").find(".//property[@name='cycles']")
    assert case is not None
    assert float(case.attrib["value"]) == cycles


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("exports", "said"),
    [
        (["tables=x"], "formats are json, html, csv"),
        (["csv"], "is not FORMAT=PATH"),
        (["csv=-", "bmf=-"], "only one"),
        (["csv=/nowhere/x.csv"], "/nowhere"),
    ],
)
def test_an_export_that_cannot_be_is_refused_before_the_run(
    capsys: pytest.CaptureFixture[str], exports: list[str], said: str
) -> None:
    options = [f"--export={export}" for export in exports]
    assert _run(["run", "--platform", "stm32f4", "--benchmark", "ad", *options]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err.splitlines()[-1]


@pytest.mark.emulator
def test_an_export_to_standard_output_leaves_the_table_out(
    ad: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(["report", str(ad / "json"), "--export", "csv=-"]) == 0
    assert capsys.readouterr().out == (ad / "csv").read_text()
