"""What simbench's own bench measured: kept, read back, compared by the command line."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_runs import made_result, made_run

from simbench.cli.main import _run
from simbench.comparisons.comparison import Change
from simbench.comparisons.measures import (
    SCHEMA,
    Measure,
    Measures,
    compare,
    read_measures,
    render,
)
from simbench.comparisons.wording import ratio
from simbench.errors import EXIT_GOOD, EXIT_NOTHING, EXIT_USAGE
from simbench.exports import json as json_export
from simbench.result.stored import Document, converted

BENCH = Path(__file__).resolve().parent.parent / "scripts" / "bench"
BASE = Measures({"suite": Measure(4.0), "counts": Measure(586_610), "gone": Measure(1.0)})
NEW = Measures({"suite": Measure(5.0, "0.3 s"), "counts": Measure(586_610), "new": Measure(2.5)})


def written(folder: Path, name: str, content: str) -> str:
    (folder / name).write_text(content, encoding="utf-8")
    return str(folder / name)


@given(st.dictionaries(st.text(), st.builds(Measure, st.floats(allow_nan=False), st.text())))
def test_measures_come_back_as_they_were_written(measures: dict[str, Measure]) -> None:
    there = Measures(measures)
    assert converted(Document(Path(), SCHEMA, json.loads(render(there)), ()), Measures) == there


def test_each_number_is_beside_the_one_before() -> None:
    assert compare(BASE, NEW) == (
        Change("suite", "", 4.0, 5.0),
        Change("counts", "", 586_610, 586_610),
        Change("new", "", None, 2.5),
        Change("gone", "", 1.0, None),
    )
    assert [change.metric for change in compare(BASE, NEW, "*s*")] == ["suite", "counts"]


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "–"), (586_610.0, "586,610"), (0.0, "0"), (3.98123, "3.981")]
)
def test_a_ratio_has_four_digits_and_a_count_all(value: float | None, shown: str) -> None:
    assert ratio(value) == shown


def test_compare_shows_the_numbers_and_their_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [written(tmp_path, "a.json", render(BASE)), written(tmp_path, "b.json", render(NEW))]
    assert _run(["compare", *files]) == EXIT_GOOD
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["base", "new", "change"],
        ["suite", "4", "5", "+25.00", "%"],
        ["counts", "586,610", "586,610", "+0.00", "%"],
        ["new", "–", "2.5", "–"],
        ["gone", "1", "–", "–"],
    ]
    assert _run(["compare", *files, "--only", "sui*"]) == EXIT_GOOD
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert _run(["compare", *files, "--only", "gone"]) == EXIT_NOTHING
    assert "no number is in both files" in capsys.readouterr().err
    assert _run(["compare", *files, "--fail-on", "cycles"]) == EXIT_USAGE
    assert "--fail-on is of results" in capsys.readouterr().err


def test_what_is_no_bench_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench = written(tmp_path, "bench.json", render(BASE))
    run = written(tmp_path, "run.json", json_export.render(made_run([made_result()])))
    newer = written(tmp_path, "newer.json", '{"schema": "simbench.bench/2", "measures": {}}')
    broken = written(tmp_path, "broken.json", f'{{"schema": "{SCHEMA}", "measures": 1}}')
    for files, sentence in (
        ((bench, run), f"{bench} holds schema simbench.bench/1 where simbench.result/1 is read"),
        ((run, bench), f"{bench} holds schema simbench.bench/1 where simbench.result/1 is read"),
        ((bench, newer), f"{newer} holds simbench.bench/2, and this simbench reads up to {SCHEMA}"),
        ((broken, bench), f"{broken} is damaged: "),
    ):
        assert _run(["compare", *files]) == EXIT_USAGE
        assert f"simbench: {sentence}" in capsys.readouterr().err


def test_the_bench_writes_what_compare_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The quickest section, really measured, beside the baseline that is kept."""
    found = str(tmp_path / "bench.json")
    command = [sys.executable, str(BENCH), "--only", "compare", "--json", found]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "compare of 200 entries, in starts" in table
    assert _run(["compare", str(BENCH / "baseline.json"), found, "--only", "compare*"]) == EXIT_GOOD
    _, cpu, memory = capsys.readouterr().out.splitlines()
    assert cpu.startswith("compare of 200 entries, in starts ")
    assert memory.startswith("compare of 200 entries, memory in starts ")
    assert "–" not in cpu + memory


def test_the_baseline_holds_numbers_alone() -> None:
    kept = read_measures(BENCH / "baseline.json").measures
    assert kept
    assert {measure.how for measure in kept.values()} == {""}


def test_a_peak_of_memory_is_not_the_parents(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("measuring", BENCH / "measuring.py")
    assert spec is not None
    assert spec.loader is not None
    measuring = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "measuring", measuring)
    spec.loader.exec_module(measuring)
    ours = bytearray(200 << 20)
    ours[:: 1 << 12] = b"x" * len(ours[:: 1 << 12])  # in memory, page by page
    small = measuring.spent([sys.executable, "-c", "pass"]).peak_bytes
    large = measuring.spent([sys.executable, "-c", "b'x' * (100 << 20)"]).peak_bytes
    assert small < 50 << 20
    assert large > 100 << 20
    with pytest.raises(subprocess.CalledProcessError):
        measuring.spent([sys.executable, "-c", "raise SystemExit(1)"])
