"""MLCommons Tiny's own runner, unmodified, at a served board: all that it prints is our JSON's.

It runs where ``SIMBENCH_MLCOMMONS_RUNNER`` names benchmark/runner of a clone of mlcommons/tiny, and
``SIMBENCH_MLCOMMONS_PYTHON`` a Python with its packages; a session in performance or energy mode
takes a minute, as it does with a board.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hand_made_models import RESHAPE, Maker
from official_data import CLASSES, recorded_word, write_classified, write_recordings, write_stream
from small_models import INT8

from simbench.catalog.benchmarks import benchmarks_by_name, load_benchmarks

RUNNER = os.environ.get("SIMBENCH_MLCOMMONS_RUNNER")
PYTHON = os.environ.get("SIMBENCH_MLCOMMONS_PYTHON", sys.executable)
MODELS = {
    "kws": "keyword_spotting/trained_models/kws_ref_model.tflite",
    "vww": "visual_wake_words/trained_models/vww_96_int8.tflite",
    "ic": "image_classification/trained_models/pretrainedResnet_quant.tflite",
    "ic02": "image_classification/trained_models/pretrainedResnet_large_int8.tflite",
    "ad": "anomaly_detection/trained_models/ad01_int8.tflite",
}
STREAMED = {"sww": "streaming_wakeword/trained_models/str_ww_ref_model.tflite"}
BOARDS = ("stm32l4r5", "nrf5340")
# 125 inferences of ic02 take minutes in the emulator: the board on which they take least
TIMED = [(name, board) for name in MODELS if name != "ic02" for board in BOARDS]
TIMED.append(("ic02", "stm32h7"))

pytestmark = [
    pytest.mark.emulator,
    pytest.mark.skipif(
        RUNNER is None, reason="SIMBENCH_MLCOMMONS_RUNNER names no folder of MLCommons' runner"
    ),
]


def simbench(*words: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "simbench.cli.main", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode in (0, 1), done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def model_words(benchmark: str) -> tuple[str, ...]:
    assert RUNNER is not None
    file = Path(RUNNER).resolve().parent / "training" / {**MODELS, **STREAMED}[benchmark]
    return ("--benchmark", benchmark, "--model", str(file))


def data(root: Path, benchmark: str, mode: str) -> Path:
    known = {**load_benchmarks(), **benchmarks_by_name()}
    name = known[benchmark].data_folder
    # five files at least: the runner's loops of five go on beyond the last one
    if benchmark == "ic02" and mode != "accuracy":  # all of them, as its loops have no count
        write_classified(root, name, files=5)
    else:
        write_classified(root, name, each=3) if name in CLASSES else write_recordings(root)
    return root


def our_result(folder: Path, board: str, benchmark: str, *words: str) -> dict[str, Any]:
    path = folder / "ours.json"
    run = ("run", "--platform", board, *model_words(benchmark), "--samples", "1", *words)
    simbench(*run, "--json", str(path), cwd=folder)
    (result,) = json.loads(path.read_text())["results"]
    assert isinstance(result, dict)
    return result


def session(folder: Path, board: str, benchmark: str, mode: str, *words: str) -> Path:
    """The folder of the session that the runner wrote."""
    assert RUNNER is not None
    options = ("--runner", RUNNER, "--runner-python", PYTHON, "--mode", mode)
    serve = ("serve", "--platform", board, *model_words(benchmark), *options, *words)
    simbench(*serve, "--dataset", str(data(folder / "data", benchmark, mode)), cwd=folder)
    (found,) = (folder / "sessions").iterdir()
    return found


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("benchmark", list(MODELS))
def test_accuracy_mode_prints_our_accuracy(tmp_path: Path, benchmark: str, board: str) -> None:
    found = session(tmp_path, board, benchmark, "accuracy", "--pace", "fast")
    ours = our_result(tmp_path, board, benchmark, "--dataset", str(tmp_path / "data"))
    printed = (found / "results.txt").read_text()
    value = ours["accuracy"]["value"]
    if benchmark == "ad":
        assert f"AUC = {value:.3f}\n" in printed
    else:
        assert f"Top 1% = {100 * value:2.1f}\n" in printed


@pytest.mark.parametrize(("benchmark", "board"), TIMED)
def test_performance_mode_prints_our_time(tmp_path: Path, benchmark: str, board: str) -> None:
    found = session(tmp_path, board, benchmark, "performance")
    windows = json.loads((found / "results.json").read_text())
    throughputs = [window["infer"]["throughput"] for window in windows if "infer" in window]
    assert len(throughputs) == 5
    ours = our_result(tmp_path, board, benchmark)["time_s"]["value"]
    assert 1 / statistics.median(throughputs) == pytest.approx(ours, rel=1e-3)


@pytest.mark.parametrize(("benchmark", "board"), TIMED)
def test_energy_mode_prints_our_energy(tmp_path: Path, benchmark: str, board: str) -> None:
    found = session(tmp_path, board, benchmark, "energy")
    printed = re.search(
        r"Median energy cost is ([\d.]+) uJ/inf\.", (found / "results.txt").read_text()
    )
    assert printed is not None
    ours = our_result(tmp_path, board, benchmark)["energy_j"]["value"]
    assert float(printed[1]) * 1e-6 == pytest.approx(ours, rel=1e-3)


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("mode", ["accuracy", "performance", "energy"])
def test_a_stream_prints_our_duty_cycle_and_its_words(
    tmp_path: Path, mode: str, board: str
) -> None:
    """The word is the one in the reference submission's own fixed_data.c."""
    assert RUNNER is not None
    root = Path(RUNNER).resolve().parent
    windows = write_stream(tmp_path / "data", recorded_word(root), words=3)
    options = ("--runner", RUNNER, "--runner-python", PYTHON, "--mode", mode)
    pace = ("--pace", "fast") if mode == "accuracy" else ()
    serve = ("serve", "--platform", board, *model_words("sww"), *options, *pace)
    simbench(*serve, "--dataset", str(tmp_path / "data"), cwd=tmp_path)
    (found,) = (tmp_path / "sessions").iterdir()
    printed = (found / "results.txt").read_text()
    assert f"Accuracy: {len(windows)} True positives, 0 False negatives, 0 False" in printed
    ours = our_result(tmp_path, board, "sww")
    time_s = ours["time_s"]["value"]
    (window,) = json.loads((found / "results.json").read_text())
    assert window["dutycycle"]["processing_time"] == pytest.approx(time_s, rel=1e-3)
    assert window["dutycycle"]["duty_cycle"] == pytest.approx(time_s / 0.032, rel=1e-3)
    if mode == "energy":
        inferences = len(window["dutycycle"]["start_times_s"])
        first, last = (int(samples) for _, samples in window["power"]["timestamps"])
        joules = window["power"]["samples"][first:last]
        idle = min(joules) * (len(joules) - 1000 * inferences * time_s)
        inferred = inferences * ours["energy_j"]["value"]
        assert sum(joules) == pytest.approx(inferred + idle, rel=1e-3)


# ---- the API, which is C++, with a submitter's side of our own ----

CORE = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", "-O2")
EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "own_firmware"
SUBMITTER = Path(__file__).resolve().parent / "data" / "official_api" / "submitter.cpp"


def official_firmware(folder: Path, energy_mode: int) -> Path:
    """MLCommons' internally_implemented.cpp, unmodified, on an STM32F405."""
    assert RUNNER is not None
    root = Path(RUNNER).resolve().parent
    flags = (
        *("-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-w", "-I", str(root)),
        *("-DTH_MODEL_VERSION=EE_MODEL_VERSION_KWS01", f"-DEE_CFG_ENERGY_MODE={energy_mode}"),
    )
    sources = [str(SUBMITTER), str(root / "api" / "internally_implemented.cpp")]
    subprocess.run(["arm-none-eabi-g++", *CORE, *flags, "-c", *sources], cwd=folder, check=True)
    startup = ["-ffreestanding", "-c", str(EXAMPLE / "startup.c")]
    subprocess.run(["arm-none-eabi-gcc", *CORE, *startup], cwd=folder, check=True)
    objects = ("submitter.o", "internally_implemented.o", "startup.o")
    linking = (
        *("--specs=nano.specs", "--specs=nosys.specs", "-nostartfiles", "-Wl,--no-warnings"),
        *("-Wl,--defsym=end=0x20018000", "-T", str(EXAMPLE / "stm32f405.ld")),
    )
    command = ["arm-none-eabi-g++", *CORE, *linking, *objects, "-o", "app.elf"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "app.elf"


@pytest.mark.parametrize("energy_mode", [0, 1])
def test_firmware_on_the_official_api_is_counted_and_its_numbers_are_held_against_its_model(
    tmp_path: Path, energy_mode: int
) -> None:
    maker, model = Maker(), tmp_path / "copy.tflite"
    ends = [maker.tensor(shape, INT8, (0.03125,), (3,)) for shape in ((1, 4), (2, 2))]
    shape = maker.constant(np.array([2, 2], "<i4"))
    maker.layer(RESHAPE, [ends[0], shape], [ends[1]], "ReshapeOptions", newShape=[2, 2])
    model.write_bytes(maker.packed([ends[0]], [ends[1]]))
    elf, path = official_firmware(tmp_path, energy_mode), tmp_path / "ours.json"
    words = ("--platform", "stm32f4", "--elf", str(elf), "--model", str(model), "--samples", "12")
    simbench("run", *words, "--json", str(path), cwd=tmp_path)
    (result,) = json.loads(path.read_text())["results"]
    assert result["status"] == "ok"
    assert result["instructions"] > 0
    assert (result["parity"]["samples"], result["parity"]["within"]) == (12, 12)
    assert "cut at three decimals" in result["parity"]["tolerance"]
