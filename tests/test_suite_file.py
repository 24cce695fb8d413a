from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import simbench
from simbench.catalog.benchmarks import load_benchmarks
from simbench.cli.main import _run
from simbench.errors import UsageError
from simbench.files.jsonschema import render
from simbench.files.paths import data_dir
from simbench.models.source import source_bytes
from simbench.result.estimate import Estimate
from simbench.result.tree import DOES_NOT_FIT, OK, MemoryUse, Result
from simbench.suites.budgets import Limit, breaches, held
from simbench.suites.file import SUITE_FILE, read_suite
from simbench.suites.lock import LOCK_FILE
from simbench.suites.schema import suite_schema

SCHEMAS = Path(simbench.__file__).parent / "result" / "schemas"
WHOLE = """\
platforms: [stm32f4, nrf52840]
kernels: [cmsis-nn, reference]
benchmarks: [kws]
models:
  gesture:
    file: gesture.tflite
    inputs: [wave.npy]
samples: 3
budgets:
  gesture@stm32f4/cmsis-nn: {cycles: 12e6, energy_j: 5mJ, arena_bytes: 64KiB}
  kws: {time_s: 70ms}
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model and an input, which is the current one."""
    (tmp_path / "gesture.tflite").write_bytes(source_bytes(load_benchmarks()["ad"].model))
    (tmp_path / "wave.npy").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(folder: Path, text: str) -> Path:
    path = folder / SUITE_FILE
    path.write_text(text)
    return path


def test_a_whole_suite_is_read(repository: Path) -> None:
    suite = read_suite(written(repository, WHOLE))
    assert [platform.id for platform in suite.platforms] == ["stm32f4", "nrf52840"]
    assert [benchmark.id for benchmark in suite.benchmarks] == ["kws", "gesture"]
    assert suite.kernels == ("cmsis-nn", "reference")
    assert suite.samples == 3
    assert suite.inputs == {"gesture": (repository / "wave.npy",)}
    assert suite.limits == (
        Limit("gesture@stm32f4/cmsis-nn", "cycles", 12e6),
        Limit("gesture@stm32f4/cmsis-nn", "energy_j", 5e-3),
        Limit("gesture@stm32f4/cmsis-nn", "arena_bytes", 65536),
        Limit("kws", "time_s", 0.07),
    )
    assert len(suite.scenarios) == 8


def test_without_benchmarks_and_models_all_benchmarks_are_run(tmp_path: Path) -> None:
    suite = read_suite(written(tmp_path, "platforms: [stm32f4]\n"))
    assert [benchmark.id for benchmark in suite.benchmarks] == list(load_benchmarks())


def test_files_are_relative_to_the_suite_file(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = (data_dir("platforms") / "stm32f4.yaml").read_text().replace("id: stm32f4", "id: mine")
    (repository / "mine.yaml").write_text(board)
    path = written(repository, "platforms: [mine.yaml]\nmodels: {own: {file: gesture.tflite}}\n")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert [scenario.id for scenario in read_suite(path).scenarios] == ["own@mine/cmsis-nn"]


@given(st.integers(0, len(WHOLE)), st.sampled_from(["", ":", "]", "{", "\t", "\n- ", "\x00", "&a"]))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_suite_is_read_or_refused_in_a_sentence(
    repository: Path, cut: int, junk: str
) -> None:
    try:
        read_suite(written(repository, WHOLE[:cut] + junk))
    except UsageError as error:
        assert SUITE_FILE in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("samples", "sampels", "8: sampels: is not a known key (did you mean samples?)"),
        ("    file:", "    fiel:", "models.gesture.file: is missing"),
        ("gesture.tflite", "gone.tflite", "6: models.gesture.file: there is no file"),
        ("wave.npy", "gone.npy", "7: models.gesture.inputs: there is no file"),
        ("[kws]", "[kw]", "3: benchmarks: there is no benchmark kw: did you mean kws?"),
        ("stm32f4, nrf", "stm32f5, nrf", "1: platforms: there is no platform stm32f5"),
        (
            "reference",
            "refrence",
            "2: kernels: there is no kernel set refrence: did you mean",
        ),
        ("[stm32f4, nrf52840]", "[]", "1: platforms: is empty"),
        ("  gesture:", "  kws:", "4: models: kws is a benchmark's name"),
        ("  gesture:", "  Gesture:", "5: models.Gesture: is no name"),
        ("cycles:", "cylces:", "there is no budget for cylces: did you mean cycles?"),
        ("5mJ", "5mW", "'5mW' has an unknown unit"),
        ("12e6", "-1", "-1 is impossible"),
        ("gesture@stm32f4/", "gesture@stm32f5/", "10: budgets.gesture@stm32f5/cmsis-nn: is no"),
        ("samples: 3", "samples: 0", "8: samples: 0 is impossible"),
    ],
)
def test_a_mistake_is_named_by_line_and_key(
    repository: Path, before: str, after: str, said: str
) -> None:
    assert before in WHOLE
    with pytest.raises(UsageError) as caught:
        read_suite(written(repository, WHOLE.replace(before, after, 1)))
    assert SUITE_FILE in str(caught.value)
    assert said in str(caught.value)


def test_the_shipped_schema_is_the_generated_one() -> None:
    shipped = (SCHEMAS / "suite-1.schema.json").read_text()
    assert shipped == render(suite_schema()), "write it anew with scripts/schemas.py"


MODEL = {"file": "gesture.tflite"}
GOOD_OR_BAD: dict[str, list[Any]] = {
    "platforms": [["stm32f4"], ["rp2040", "stm32f4"], [], ["stm32f9"], "stm32f4", None, [["a"]]],
    "kernels": [["cmsis-nn"], ["reference", "cmsis-nn"], [], ["fast"], "cmsis-nn"],
    "benchmarks": [["kws"], ["ad", "ic"], [], ["kw"], {"kws": 1}],
    "models": [
        {}, {"mine": MODEL}, {"a-1": MODEL, "b_2": {**MODEL, "inputs": ["wave.npy"]}},
        {"Mine": MODEL}, {"x" * 33: MODEL}, {"mine": {}}, {"mine": {**MODEL, "fiel": "x"}},
        {"mine": "gesture.tflite"}, {"mine": {**MODEL, "inputs": "wave.npy"}}, [],
    ],
    "samples": [1, 10_000, 0, 10_001, 1.5, "many", [3]],
    "budgets": [
        {}, {"*": {}}, {"*": {"cycles": 12e6}}, {"*": {"cycles": "12e6", "time_s": "70 ms"}},
        {"*": {"energy_j": "5mJ"}}, {"*": {"arena_bytes": "64KiB", "flash_bytes": 1}},
        {"*": {"stack_bytes": "1_000"}}, {"*": {"cycles": -1}}, {"*": {"cycles": "-1"}},
        {"*": {"energy_j": "5mW"}}, {"*": {"cycles": "5M"}}, {"*": {"cylces": 1}},
        {"*": {"parity": 0}}, {"*": 5}, {"*": {"cycles": [1]}}, {"*": {"cycles": "many"}}, [],
    ],
    "sampels": [3],
}  # fmt: skip


@given(st.fixed_dictionaries({}, optional={k: st.sampled_from(v) for k, v in GOOD_OR_BAD.items()}))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_schema_accepts_what_the_reader_accepts(
    repository: Path, document: dict[str, Any]
) -> None:
    try:
        read_suite(written(repository, yaml.safe_dump(document, sort_keys=False)))
        is_read = True
    except UsageError:
        is_read = False
    assert jsonschema.Draft202012Validator(suite_schema()).is_valid(document) == is_read


def result(**facts: Any) -> Result:
    cycles = Estimate(10e6, 9e6, 12e6, "a core")
    memory = MemoryUse(flash_bytes=9, ram_bytes=8, arena_bytes=7, memories={})
    known = {"instructions": 7_000_000, "cycles": cycles, "memory": memory, **facts}
    return Result("kws@b/k", "kws", "b", "k", known.pop("status", OK), **known)


@pytest.mark.parametrize(
    ("limits", "facts", "said"),
    [
        ([("kws@b/k", "cycles", 10e6), ("kws", "arena_bytes", 7)], {}, []),
        ([("ad", "cycles", 1.0), ("kws@c", "cycles", 1.0)], {}, []),
        (
            [("kws@b", "cycles", 8e6)], {},
            ["kws@b/k: cycles is 10.0 M (9.0–12.0), 2.00 M over its budget of 8.00 M, +25.0 %"],
        ),
        (
            [("*@b", "arena_bytes", 0.0), ("*", "instructions", 6e6)], {},
            [
                "kws@b/k: arena_bytes is 7 bytes, 7 bytes over its budget of 0 bytes",
                "kws@b/k: instructions is 7,000,000, 1,000,000 over its budget of 6,000,000, "
                "+16.7 %",
            ],
        ),
        (
            [("kws", "energy_j", 5e-3)], {"missing": {"energy_j": "no source gives currents"}},
            ["kws@b/k: energy_j has a budget of 5.00 mJ and is not known: "
             "no source gives currents"],
        ),
        (
            [("kws", "cycles", 10e6)],
            {"status": DOES_NOT_FIT, "reason": "the arena needs 9 bytes, 8 are free"},
            ["kws@b/k has a budget and does not fit: the arena needs 9 bytes, 8 are free"],
        ),
    ],
)  # fmt: skip
def test_a_breach_says_value_range_budget_and_by_how_much(
    limits: list[tuple[str, str, float]], facts: dict[str, Any], said: list[str]
) -> None:
    with_budgets = held(result(**facts), [Limit(*limit) for limit in limits])
    assert list(breaches(with_budgets)) == said
    assert with_budgets.status == facts.get("status", OK)


SMALL = """\
platforms: [stm32f4, nrf52840]
models:
  gesture: {file: gesture.tflite}
samples: 1
budgets:
  gesture: {arena_bytes: 64KiB}
  gesture@stm32f4: {cycles: 8e5, energy_j: 100uJ}
"""


@pytest.mark.emulator
def test_a_breached_budget_is_exit_1_and_the_last_lines_say_why(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    written(repository, SMALL)
    monkeypatch.setenv("COLUMNS", "200")
    assert _run(["run", "--json", "kept.json"]) == 1
    said = capfd.readouterr()
    last = said.err.splitlines()[-2:]
    assert last[0].startswith("simbench: gesture@stm32f4/cmsis-nn: cycles is 9")
    assert last[1].startswith("simbench: gesture@stm32f4/cmsis-nn: energy_j is 8")
    assert "of 800 k (over)" in said.out
    document = json.loads((repository / "kept.json").read_text())
    jsonschema.validate(document, json.loads((SCHEMAS / "result-1.schema.json").read_text()))
    f4, nrf = document["results"]
    assert f4["status"] == "ok"
    assert [b["is_met"] for b in f4["budgets"]] == [True, False, False]
    assert [b["is_met"] for b in nrf["budgets"]] == [True]


@pytest.mark.emulator
def test_options_narrow_the_suite(repository: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = written(repository, SMALL)
    arguments = ["run", "--suite", str(path), "--platform", "nrf52840", "--samples", "2"]
    assert _run([*arguments, "--json", "-"]) == 0
    (only,) = json.loads(capfd.readouterr().out)["results"]
    assert only["id"] == "gesture@nrf52840/cmsis-nn"
    assert only["parity"]["samples"] == only["parity"]["exact"] == 2


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--platform", "stm32h7", "--suite", SUITE_FILE], "it has stm32f4, nrf52840"),
        (["--benchmark", "kws"], "it has gesture"),
        (["--kernels", "reference"], "it has cmsis-nn"),
        (["--model", "gesture.tflite"], "--model needs a --platform"),
        (["--elf", "own.elf"], "--elf needs a --platform"),
        (["--suite", "gone.yaml"], "simbench init"),
        (["--locked"], f"cannot read {LOCK_FILE}"),
    ],
)
def test_what_the_suite_has_not_is_exit_2(
    repository: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    written(repository, SMALL)
    assert _run(["run", *arguments]) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.emulator
def test_locked_refuses_what_the_lock_file_does_not_say(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(lock: dict[str, Any]) -> str:
        (repository / LOCK_FILE).write_text(json.dumps(lock))
        assert _run(["run", "--locked"]) == 2
        return capsys.readouterr().err.splitlines()[-1]

    written(repository, SMALL.split("budgets")[0].replace(", nrf52840", ""))
    assert _run(["run", "--lock"]) == 0
    assert _run(["run", "--locked"]) == 0
    lock = json.loads((repository / LOCK_FILE).read_text())
    facts = [name.split()[0] for name in lock["locked"]]
    assert facts == ["core", "firmware", "input", "model", "platform", "pricing", "residual"]
    for fact in lock["locked"]:
        other = {**lock["locked"], fact: "0" * 64}
        assert f"the {fact} is" in refused({**lock, "locked": other})
        del other[fact]
        assert f"does not have the {fact}" in refused({**lock, "locked": other})


@pytest.mark.emulator
def test_another_number_in_an_own_board_is_named_whatever_its_version(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board = (data_dir("platforms") / "stm32f4.yaml").read_text().replace("id: stm32f4", "id: mine")
    mine = repository / "mine.yaml"
    mine.write_text(board)
    run = ["run", "--platform", "mine.yaml", "--model", "gesture.tflite", "--samples", "1"]
    assert _run([*run, "--lock", "--json", "base.json"]) == 0
    mine.write_text(board.replace("wait_states: {value: 5,", "wait_states: {value: 1,"))
    assert _run([*run, "--locked"]) == 2
    assert "the platform mine is" in capsys.readouterr().err.splitlines()[-1]
    assert _run([*run, "--json", "new.json"]) == 0
    capsys.readouterr()
    assert _run(["compare", "base.json", "new.json"]) == 2
    assert "the price changed: platform mine" in capsys.readouterr().err.splitlines()[-1]
    assert _run(["compare", "base.json", "new.json", "--force"]) == 0
    assert "price changed: platform mine" in capsys.readouterr().out


@pytest.mark.emulator
@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "simbench.lock/2", "locked": {}}'])
def test_a_damaged_lock_file_is_exit_2(
    repository: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    written(repository, SMALL)
    (repository / LOCK_FILE).write_text(text)
    assert _run(["run", "--locked"]) == 2
    assert "simbench run --lock" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.image
def test_a_damaged_model_is_named(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(repository, SMALL)
    (repository / "gesture.tflite").write_bytes(b"no model")
    assert _run(["run"]) == 2
    assert "gesture.tflite" in capsys.readouterr().err.splitlines()[-1]
