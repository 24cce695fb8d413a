"""Labelled data in the MLPerf Tiny runner's folders, and what a model is worth on it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_cli import SCHEMA

from simbench.accuracy.judge import board_outputs
from simbench.accuracy.layout import LABELS, read_data_set
from simbench.accuracy.score import area, score
from simbench.accuracy.smoke import smoke_set
from simbench.backends import backend
from simbench.catalog.benchmarks import load_benchmarks
from simbench.catalog.platforms import load_platform
from simbench.catalog.scenario import Scenario
from simbench.cli.main import _run
from simbench.errors import UsageError
from simbench.exports import markdown
from simbench.models.prepared import PreparedModel
from simbench.models.reference import reference_outputs
from simbench.models.source import benchmark_model, source_bytes
from simbench.result.stored import read_run
from simbench.result.tree import Accuracy, Result, Run
from simbench.result.units import format_accuracy
from simbench.runs.runner import run_task
from simbench.session.measure import bank_bytes
from simbench.task.ends import check_output
from simbench.task.inputs import Input, seeded_inputs
from simbench.task.labelled import EMULATOR, DataSet, Sample, whole
from simbench.task.tasks import ModelTask, suite_task

BENCHMARKS = load_benchmarks()
RUN = ("run", "--platform", "stm32f4", "--samples", "1")


@cache
def model(benchmark: str) -> PreparedModel:
    return benchmark_model(BENCHMARKS[benchmark])


def kws_task() -> ModelTask:
    board = load_platform("stm32f4")
    scenario = Scenario("kws", board.id)
    machine = backend("qemu").machine(board.core)
    return suite_task(scenario, board, BENCHMARKS["kws"], machine, 1)


def number_of(benchmark: str, label: str) -> int:
    data = BENCHMARKS[benchmark].data
    assert data is not None
    return data.names.index(label)


def write_data_set(root: Path, benchmark: str, samples: Sequence[Sample]) -> Path:
    """``samples`` as the runner keeps them."""
    folder = root / BENCHMARKS[benchmark].model_id
    folder.mkdir(parents=True)
    data = BENCHMARKS[benchmark].data
    assert data is not None
    lines = []
    for index, sample in enumerate(samples):
        (folder / f"{index}.bin").write_bytes(sample.data)
        fields = [f"{index}.bin", len(data.names), number_of(benchmark, sample.label)]
        if benchmark == "ad":
            fields += [sample.window_bytes, sample.stride_bytes]
        lines.append(",".join(map(str, fields)))
    (folder / LABELS).write_text("\n".join(lines) + "\n")
    return root


def labelled_words(right: int, wrong: int) -> list[Sample]:
    """Seeded inputs, the first labelled as the host says, the others otherwise."""
    given = seeded_inputs(model("kws"), right + wrong, seed=9)
    outputs = reference_outputs(model("kws"), [entry.tensor for entry in given])
    labels = BENCHMARKS["kws"].labels
    winners = [int(np.frombuffer(output, np.int8).argmax()) for output in outputs]
    said = [w if i < right else (w + 1) % 12 for i, w in enumerate(winners)]
    return [whole(e.name, labels[w], e.wire) for e, w in zip(given, said, strict=True)]


def results_of(path: Path) -> list[dict[str, Any]]:
    document = json.loads(path.read_text())
    jsonschema.validate(document, SCHEMA)
    results: list[dict[str, Any]] = document["results"]
    return results


# the runner's folders


@pytest.mark.emulator
@pytest.mark.tool
def test_the_smoke_set_in_the_runners_folders_is_judged_like_the_smoke_set(tmp_path: Path) -> None:
    """Classes are numbered otherwise there, and recordings are cut by the labels."""
    for name in ("ad", "ic", "kws", "vww"):
        made = smoke_set(BENCHMARKS[name], model(name))
        write_data_set(tmp_path / "data", name, made.samples)
        read = read_data_set(tmp_path / "data", BENCHMARKS[name], model(name))
        same = [(s.label, s.data, list(s.windows())) for s in made.samples]
        assert [(s.label, s.data, list(s.windows())) for s in read.samples] == same
        assert read.sha256 == made.sha256
        assert not read.is_smoke


def test_official_class_numbers_are_those_of_the_official_file_names() -> None:
    """tst_000000_Stop_7.bin and its like, in mlcommons/tiny's kws01/y_labels.csv."""
    words = ["down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes"]
    official = ([*words, "background", "unknown"], ["non_person", "person"])
    for name, expected in zip(("kws", "vww"), official, strict=True):
        data = BENCHMARKS[name].data
        assert data is not None
        assert list(data.names) == expected
        assert set(data.names) == set(BENCHMARKS[name].labels)


@given(
    st.binary(min_size=0, max_size=60),
    st.integers(1, 20),
    st.integers(1, 20),
)
def test_windows_are_all_whole_ones_a_stride_apart(data: bytes, window: int, stride: int) -> None:
    found = list(Sample("", "", data, window, stride).windows())
    starts = [s for s in range(0, len(data), stride) if s + window <= len(data)]
    assert found == [data[s : s + window] for s in starts]


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [
        ("a.bin,12", "line 1: a.bin,12 is not 'file, classes, class'"),
        ("a.bin,12,3\n\nb.bin,12,yes", "line 3: b.bin,12,yes is not"),
        ("a.bin,12,-1", "line 1: a.bin,12,-1 is not"),
        ("a.bin,12,12", "class 12 of 12 is none of the 12 classes down, go"),
        ("a.bin,2,1", "class 1 of 2 is none of the 12 classes"),
        ("a.bin,12,1,500,0", "a stride have 1 byte or more"),
        ("a.bin,12,1,500,100", "inputs of kws are whole files"),
        ("", "has no labels"),
        ("\udcff", "is no table of labels"),
        ("none.bin,12,1", "lacks none.bin, which y_labels.csv names"),
        ("\n".join(f"n{i}.bin,12,1" for i in range(8)), "n3.bin, n4.bin and 3 more"),
        ("short.bin,12,1", "short.bin has inputs of 490 bytes, the model takes 500"),
        (".,12,1", "lacks ."),
    ],
)
def test_wrong_data_is_told_by_file_and_line(labels: str, complaint: str, tmp_path: Path) -> None:
    folder = tmp_path / "kws01"
    folder.mkdir()
    (folder / "a.bin").write_bytes(bytes(500))
    (folder / "short.bin").write_bytes(bytes(490))
    (folder / LABELS).write_bytes(os.fsencode(labels))
    with pytest.raises(UsageError) as error:
        read_data_set(tmp_path, BENCHMARKS["kws"], model("kws"))
    assert complaint in str(error.value)
    assert str(folder) in str(error.value)


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [
        ("a.bin,2,0,2560,512", "labels every file normal"),
        ("a.bin,2,0,2564,512\na.bin,2,1,2564,512", "inputs of 2,564 bytes, the model takes 2,560"),
        ("a.bin,2,0,2560,512\nb.bin,2,1,2560,512", "b.bin has 2,559 bytes, fewer than the 2,560"),
    ],
)
def test_wrong_recordings_are_told(labels: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "ad01").mkdir()
    (tmp_path / "ad01" / "a.bin").write_bytes(bytes(4096))
    (tmp_path / "ad01" / "b.bin").write_bytes(bytes(2559))
    (tmp_path / "ad01" / LABELS).write_text(labels)
    with pytest.raises(UsageError, match=complaint):
        read_data_set(tmp_path, BENCHMARKS["ad"], model("ad"))


def test_labels_saved_by_a_spreadsheet_are_read(tmp_path: Path) -> None:
    (tmp_path / "kws01").mkdir()
    (tmp_path / "kws01" / "a.bin").write_bytes(bytes(500))
    (tmp_path / "kws01" / LABELS).write_bytes(b"\xef\xbb\xbfa.bin, 12, 9\r\n")
    (sample,) = read_data_set(tmp_path, BENCHMARKS["kws"], model("kws")).samples
    assert (sample.name, sample.label) == ("a.bin", "yes")


# scores


def test_area_by_hand() -> None:
    assert area([1, 2, 3, 4], [False, False, True, True]) == 1
    assert area([4, 3, 2, 1], [False, False, True, True]) == 0
    # three of four pairs are in order, and one is equal
    assert area([1, 2, 2, 3], [False, False, True, True]) == 3.5 / 4


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2))
def test_area_is_that_under_the_curve(scored: list[tuple[int, bool]]) -> None:
    """The other definition: trapezoids between true and false positive rates at every threshold."""
    values, positive = np.array([s for s, _ in scored]), np.array([p for _, p in scored])
    if positive.all() or not positive.any():
        return
    thresholds = [7, 6, 5, 4, 3, 2, 1, 0]
    true = [float((values[positive] >= t).mean()) for t in thresholds]
    false = [float((values[~positive] >= t).mean()) for t in thresholds]
    steps = zip(true, true[1:], false, false[1:], strict=False)
    expected = sum((a + b) / 2 * (d - c) for a, b, c, d in steps)
    assert area(values.tolist(), positive.tolist()) == pytest.approx(expected)


def test_a_recordings_anomaly_score_is_the_mean_of_its_windows() -> None:
    """One bad window of two is worse than two fair ones only where it is bad enough."""
    ad = BENCHMARKS["ad"]
    exact = bytes([0x80]) * 640  # both tensors' zero point: the input 0, and the output 0

    def answer(level: int) -> tuple[Input, bytes]:
        return Input("", bytes(640 * 4), exact), bytes([(0x80 + level) % 256]) * 640

    samples = [whole("fair", "normal", b""), whole("bad", "anomaly", b"")]
    fair = [answer(2), answer(2)]
    assert score(ad, model("ad"), samples, [fair, [answer(0), answer(3)]]) == 1  # 4.5 above 4
    assert score(ad, model("ad"), samples, [fair, [answer(2), answer(0)]]) == 0


@pytest.mark.parametrize(
    ("benchmark", "other", "complaint"),
    [
        ("kws", "ic", "the model's output has 10 values, the data has 12 classes"),
        ("ad", "kws", "the model's output has 12 values, its input 500"),
    ],
)
def test_a_model_of_other_outputs_is_refused(benchmark: str, other: str, complaint: str) -> None:
    """It would be wrong every time, and not because it is bad."""
    check_output(BENCHMARKS[benchmark], model(benchmark))
    with pytest.raises(UsageError, match=complaint):
        check_output(BENCHMARKS[benchmark], model(other))


# runs


@pytest.mark.emulator
def test_a_met_target_is_a_pass_and_a_missed_one_fails_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for right, code in ((18, 0), (17, 1)):
        data = write_data_set(tmp_path / str(right), "kws", labelled_words(right, 20 - right))
        path = tmp_path / f"{right}.json"
        options = ["--benchmark", "kws", "--dataset", str(data), "--json", str(path)]
        assert _run([*RUN, *options]) == code
        (result,) = results_of(path)
        assert result["status"] == "ok"
        assert "accuracy" not in result["missing"]
        found = result["accuracy"]
        assert (found["metric"], found["value"], found["samples"]) == ("top1", right / 20, 20)
        assert (found["target"], found["passed"]) == (0.9, code == 0)
        assert (found["on"], found["parity_samples"]) == ("host", 1)
        assert read_run(path).results[0].accuracy == Accuracy(**found)
        # the official data is not for the pinned model
        assert any("judge the official model, with --model" in note for note in result["notes"])
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == (
        "simbench: kws@stm32f4/cmsis-nn: 85.0 % of 20 samples right on the host, target 90 %: "
        "missed"
    )


@pytest.mark.emulator
def test_a_users_model_is_judged_by_the_benchmarks_data_in_the_order_of_its_classes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = labelled_words(20, 0)
    # the same outputs, read by a model whose classes are ordered as the data's
    names = BENCHMARKS["kws"].data
    assert names is not None
    renamed = [
        replace(word, label=names.names[BENCHMARKS["kws"].labels.index(word.label)])
        for word in words
    ]
    data = write_data_set(tmp_path / "data", "kws", renamed)
    own = tmp_path / "official.tflite"
    own.write_bytes(source_bytes(BENCHMARKS["kws"].model))
    path = tmp_path / "run.json"
    options = ["--model", str(own), "--dataset", str(data), "--json", str(path)]
    assert _run([*RUN, "--benchmark", "kws", *options]) == 0
    (result,) = results_of(path)
    assert result["id"] == "kws@stm32f4/cmsis-nn"
    assert result["model"]["name"] == "official.tflite"
    assert result["accuracy"]["value"] == 1
    assert result["notes"] == []
    capsys.readouterr()
    assert _run([*RUN, *options]) == 2
    assert "--model with --dataset needs one --benchmark" in capsys.readouterr().err


@pytest.mark.emulator
def test_the_emulator_gives_the_same_accuracy_and_proves_every_output() -> None:
    data = DataSet(tuple(labelled_words(7, 3)))
    result = run_task(replace(kws_task(), data=data, judge_on=EMULATOR), backend("qemu"))
    assert result.status == "ok"
    assert result.accuracy == Accuracy("top1", 0.7, 10, 0.9, False, "emulator", 10, data.sha256)


@pytest.mark.emulator
def test_many_inputs_are_shared_among_several_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the memory for inputs is limited, and there are several cores: in order all the same."""
    task = kws_task()
    inputs = seeded_inputs(model("kws"), 9, seed=3)
    monkeypatch.setattr("simbench.accuracy.judge.bank_bytes", lambda _: 2 * 500 + 499)
    found = board_outputs(task, backend("qemu"), inputs, None)
    expected = reference_outputs(model("kws"), [entry.tensor for entry in inputs])
    assert found == expected
    assert bank_bytes(task) == 8 << 20


@pytest.mark.emulator
def test_a_wrong_output_fails_the_run_and_is_not_hidden_by_the_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A reference that is wrong of one input in the data, and of none of the samples."""
    words = labelled_words(10, 0)
    spoilt = words[4].data

    def outputs(known: PreparedModel, inputs: Sequence[bytes]) -> tuple[bytes, ...]:
        right = reference_outputs(known, inputs)
        return tuple(bytes(12) if a == spoilt else b for a, b in zip(inputs, right, strict=True))

    monkeypatch.setattr("simbench.models.recall.reference_outputs", outputs)
    task = replace(kws_task(), data=DataSet(tuple(words)), judge_on=EMULATOR)
    result = run_task(task, backend("qemu"))
    assert result.status == "failed"
    assert result.reason == "1 of 10 outputs for labelled data differ from the host's"
    assert result.accuracy is not None
    assert result.accuracy.parity_samples == 9
    assert result.accuracy.value == 1  # the firmware's own outputs are judged


@pytest.mark.emulator
def test_the_host_does_not_answer_for_firmware_whose_outputs_differ(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "simbench.models.recall.reference_outputs",
        lambda _, inputs: tuple(bytes(12) for _ in inputs),
    )
    task = replace(kws_task(), data=DataSet(tuple(labelled_words(2, 0))))
    result = run_task(task, backend("qemu"))
    assert result.status == "failed"
    assert result.accuracy is None
    assert "judge it with --accuracy-on emulator" in (result.missing or {})["accuracy"]


@pytest.mark.image
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--accuracy-on", "emulator"], "name it with --dataset"),
        (["--dataset", "nowhere"], "nowhere has no ad01/y_labels.csv and no ic01/y_labels.csv"),
        (["--dataset", "smoke", "--elf", "x.elf"], "leave out --elf and --port"),
        (["--dataset", "./smoke", "--benchmark", "ic"], "smoke has no ic01/y_labels.csv"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run([*RUN, *options]) == 2
    assert complaint in capsys.readouterr().err


def test_accuracy_reads_well() -> None:
    met = Accuracy("top1", 0.9226, 1000, 0.9, True, "host", 10, "")
    assert format_accuracy(met) == "92.3 % of 1,000 samples right on the host, target 90 %: met"
    curve = Accuracy("auc", 0.8444, 248, 0.85, False, "emulator", 9, "")
    assert (
        format_accuracy(curve) == "AUC 0.844 over 248 samples on the emulator, target 0.85: missed"
    )
    result = Result("kws@b/k", "kws", "b", "k", "ok", accuracy=curve)
    run = Run(tool={}, environment={}, settings={}, results=(result,))
    assert f"`{format_accuracy(curve)}`" in markdown.render(run)
    smoke = replace(met, metric="smoke-top1", target=None, passed=None)
    assert format_accuracy(smoke) == "smoke set: 92.3 % of 1,000 samples right on the host"
