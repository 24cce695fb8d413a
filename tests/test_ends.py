"""What a benchmark's client sends and reads: of the default models, and of a user's."""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from simbench.accuracy.layout import check_folders
from simbench.accuracy.log_mel import RATE, STEP
from simbench.catalog.benchmarks import (
    InputEncoding,
    benchmarks_by_name,
    benchmarks_called,
    load_benchmarks,
)
from simbench.cli.main import _run
from simbench.errors import UsageError
from simbench.models.prepared import PreparedModel, TensorInfo
from simbench.models.source import benchmark_model
from simbench.serve.device import in_order
from simbench.suites.request import workloads
from simbench.task.ends import check_ends, ends_said
from simbench.task.tasks import benchmark_with_model, own_benchmark

BENCHMARKS = load_benchmarks()
MODELS = Path(__file__).parent / "data" / "models"


@cache
def model(name: str) -> PreparedModel:
    return benchmark_model(BENCHMARKS[name])


RUN = ["run", "--platform", "stm32f4", "--samples", "1"]


@pytest.mark.parametrize("name", ["kws", "vww", "ic"])
def test_outputs_in_their_order_are_the_datas_classes(name: str) -> None:
    benchmark = BENCHMARKS[name]
    assert benchmark.data is not None
    assert tuple(benchmark.labels[index] for index in benchmark.order) == benchmark.data.names


def test_one_number_has_no_order_and_neither_have_classes_that_are_not_the_datas() -> None:
    assert BENCHMARKS["ad"].order == ()
    assert own_benchmark(Path("x.tflite")).order == ()
    other = dataclasses.replace(BENCHMARKS["vww"], labels=("person", "cat"))
    assert other.order == ()


@pytest.mark.parametrize(
    ("line", "order", "said"),
    [
        (b"m-results-[0.1,0.7,0.2]\r\n", (2, 0, 1), b"m-results-[0.2,0.1,0.7]\r\n"),
        (b"m-results-[0.1,0.7,0.2]\r\n", (1, 0), b"m-results-[0.1,0.7,0.2]\r\n"),
        (b"m-results-[0.123]\r\n", (), b"m-results-[0.123]\r\n"),
        (b"m-results-[", (1, 0), b"m-results-["),
    ],
)
def test_a_line_of_results_is_told_in_order(
    line: bytes, order: tuple[int, ...], said: bytes
) -> None:
    assert in_order(line, order) == said


@pytest.mark.parametrize("name", list(BENCHMARKS))
def test_the_default_models_have_their_benchmarks_ends(name: str) -> None:
    check_ends(BENCHMARKS[name], model(name))


def _with(name: str, **ends: tuple[TensorInfo, ...]) -> PreparedModel:
    changes: dict[str, Any] = dict(ends)
    return dataclasses.replace(model(name), **changes)


def test_an_official_input_fits_and_what_differs_from_it_is_said() -> None:
    kws = BENCHMARKS["kws"]
    official = _with("kws", inputs=(TensorInfo("x", (1, 49, 10, 1), "int8", 0.5, 0),))
    check_ends(kws, official)
    said = ends_said(kws, official)
    assert said.endswith("background, unknown; an input is 490 bytes")
    assert "12 numbers: down, go, left" in said
    ours = ends_said(kws, model("kws"))
    assert "an input is 500 bytes, where the official data has 490" in ours
    assert "one number, the mean squared error; an input is 2,560 bytes" in ends_said(
        BENCHMARKS["ad"], model("ad")
    )


def test_a_benchmark_whose_model_no_package_has_runs_with_one_that_is_given() -> None:
    named = benchmarks_by_name()
    assert {id_ for id_, one in named.items() if not one.has_model} == {"ic02"}
    assert not set(named) & set(BENCHMARKS)
    (mine,) = workloads(["ic02"], [Path("mine.tflite")])
    assert (mine.model_id, mine.data_folder, mine.title) == ("ic02", "ic01", "mine.tflite")
    check_ends(mine, model("ic"))
    with pytest.raises(UsageError, match=r"give pretrainedResnet_large_int8\.tflite .* --model"):
        workloads(["ic02"])
    assert BENCHMARKS["ic"].data_folder == "ic01"


def test_a_benchmark_by_name_runs_where_it_is_named_alone() -> None:
    assert "sww" not in {one.id for one in workloads([])}
    assert "sww" not in {one.id for one in benchmarks_called(["all"])}
    assert [one.id for one in benchmarks_called(["sww", "kws"])] == ["sww", "kws"]


def test_the_streaming_model_has_the_official_layers() -> None:
    sww = benchmarks_by_name()["sww"]
    prepared = benchmark_model(sww)
    check_ends(sww, prepared)
    assert prepared.input.shape == sww.input_shape
    assert sww.stream is not None
    assert sww.stream.step_s == STEP / RATE
    ends = ends_said(sww, prepared)
    assert ends == ("sww01: it answers 3 numbers: wakeword, silent, other; an input is 1,200 bytes")


def test_a_stream_is_not_judged_by_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="sww is judged by a stream, not by files"):
        check_folders(tmp_path, [benchmarks_by_name()["sww"]])


@pytest.mark.parametrize(
    ("name", "ends", "says"),
    [
        (
            "vww",
            {"inputs": (TensorInfo("x", (1, 224, 224, 3), "int8", 1.0, 0),)},
            r"takes 1 x 224 x 224 x 3 elements of int8, 150,528 bytes; an input of vww has 27,648",
        ),
        (
            "kws",
            {"inputs": (TensorInfo("x", (1, 49, 10, 1), "float32", 0.0, 0),)},
            r"elements of float32, 1,960 bytes; an input of kws has 490",
        ),
        (
            "ic",
            {"inputs": (TensorInfo("x", (1, 32, 32, 3), "float32", 0.0, 0),)},
            "sends pixels, the model takes float32",
        ),
        (
            "ic",
            {"inputs": (TensorInfo("x", (1, 32, 32, 3), "int8", 1.0, 0),) * 2},
            "has 2 inputs and 1 outputs",
        ),
        (
            "vww",
            {"outputs": (TensorInfo("y", (1, 10), "int8", 1.0, 0),)},
            "output has 10 values, the data has 2 classes",
        ),
        (
            "ad",
            {"outputs": (TensorInfo("y", (1, 8), "int8", 1.0, 0),)},
            "output has 8 values, its input 640",
        ),
    ],
)
def test_ends_that_do_not_fit_are_refused_with_sizes(
    name: str, ends: dict[str, tuple[TensorInfo, ...]], says: str
) -> None:
    mine = benchmark_with_model(BENCHMARKS[name], Path("mine.tflite"))
    with pytest.raises(UsageError, match=says) as refused:
        check_ends(mine, _with(name, **ends))
    assert str(refused.value).startswith("mine.tflite")


def test_a_float_model_of_ad_takes_the_datas_floats() -> None:
    ends = (TensorInfo("x", (1, 640), "float32", 0.0, 0),)
    check_ends(BENCHMARKS["ad"], _with("ad", inputs=ends, outputs=ends))
    assert BENCHMARKS["ad"].encoding is InputEncoding.FLOAT32


def test_names_that_begin_alike_are_different_ids() -> None:
    start = "a_model_whose_name_is_long_and_goes_on_"
    one, two = (own_benchmark(Path(f"{start}{end}.tflite")) for end in ("float", "int8"))
    assert one.id != two.id
    assert max(len(one.id), len(two.id)) <= 32
    assert own_benchmark(Path("my_model.tflite")).id == "my-model"
    alike = workloads((), [Path("a/net.tflite"), Path("b/net.tflite"), Path("b/other.tflite")])
    assert [benchmark.id for benchmark in alike] == ["net", "net-2", "other"]


def test_one_benchmark_with_one_model_is_that_benchmark() -> None:
    (mine,) = workloads(["vww"], [Path("mine.tflite")])
    assert (mine.id, mine.model_id, mine.title) == ("vww", "vww01", "mine.tflite")
    assert mine.labels == ("non_person", "person")
    assert mine.order == (0, 1)
    for names, files in ((["vww", "ic"], 1), (["vww"], 2)):
        with pytest.raises(UsageError, match="--benchmark"):
            workloads(names, [Path("mine.tflite")] * files)


@pytest.mark.image
def test_a_model_that_is_no_benchmarks_is_refused_before_anything_runs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["--benchmark", "kws", "--model", str(MODELS / "mnist_cnn_int8.tflite")]
    assert _run([*RUN, *words]) == 2
    said = capsys.readouterr().err
    assert "mnist_cnn_int8.tflite takes 1 x 28 x 28 x 1 elements" in said
    assert "an input of kws has 490" in said


def test_a_verb_of_one_model_takes_no_second(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["profile", "--platform", "stm32f4", "--model", "a.tflite", "--model", "b.tflite"]
    assert _run(words) == 2
    assert "profile takes one --model" in capsys.readouterr().err


@pytest.mark.emulator
def test_a_second_model_is_run_too(tmp_path: Path) -> None:
    files = [MODELS / "sine_int8.tflite", MODELS / "conv1d_har_int8.tflite"]
    path = tmp_path / "two.json"
    words = [word for file in files for word in ("--model", str(file))]
    assert _run([*RUN, *words, "--json", str(path)]) == 0
    results = json.loads(path.read_text())["results"]
    assert [result["benchmark"] for result in results] == ["sine-int8", "conv1d-har-int8"]


@pytest.mark.emulator
def test_a_benchmark_with_a_users_model_is_its_counts_and_its_clients_bytes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The default model as a user's: the same counts and inputs, another order of classes."""
    file = tmp_path / "mine.tflite"
    file.write_bytes(model("vww").data)
    found = []
    for name, more in (("default", []), ("own", ["--model", str(file)])):
        path = tmp_path / f"{name}.json"
        assert _run([*RUN, "--benchmark", "vww", *more, "--json", str(path)]) == 0
        found.append(json.loads(path.read_text())["results"][0])
    default, own = found
    for key in ("id", "instructions", "input", "output_sha256", "cycles"):
        assert own[key] == default[key]
    assert own["model"]["name"] == "mine.tflite"
    said = {said["input"]: said["label"] for said in own["predictions"]}
    assert said["astronaut"] == "non_person"  # the default model answers the other way round
    assert "vww01: it answers 2 numbers: non_person, person" in capsys.readouterr().err
