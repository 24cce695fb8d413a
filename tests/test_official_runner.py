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

import pytest
from official_data import CLASSES, write_classified, write_recordings

from simbench.catalog.benchmarks import load_benchmarks

RUNNER = os.environ.get("SIMBENCH_MLCOMMONS_RUNNER")
PYTHON = os.environ.get("SIMBENCH_MLCOMMONS_PYTHON", sys.executable)
MODELS = {
    "kws": "keyword_spotting/trained_models/kws_ref_model.tflite",
    "vww": "visual_wake_words/trained_models/vww_96_int8.tflite",
    "ic": "image_classification/trained_models/pretrainedResnet_quant.tflite",
    "ad": "anomaly_detection/trained_models/ad01_int8.tflite",
}
BOARDS = ("stm32l4r5", "nrf5340")

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
    file = Path(RUNNER).resolve().parent / "training" / MODELS[benchmark]
    return ("--benchmark", benchmark, "--model", str(file))


def data(root: Path, benchmark: str) -> Path:
    name = load_benchmarks()[benchmark].model_id
    # five files at least: the runner's loops of five go on beyond the last one
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
    simbench(*serve, "--dataset", str(data(folder / "data", benchmark)), cwd=folder)
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


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("benchmark", list(MODELS))
def test_performance_mode_prints_our_time(tmp_path: Path, benchmark: str, board: str) -> None:
    found = session(tmp_path, board, benchmark, "performance")
    windows = json.loads((found / "results.json").read_text())
    throughputs = [window["infer"]["throughput"] for window in windows if "infer" in window]
    assert len(throughputs) == 5
    ours = our_result(tmp_path, board, benchmark)["time_s"]["value"]
    assert 1 / statistics.median(throughputs) == pytest.approx(ours, rel=1e-3)


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("benchmark", list(MODELS))
def test_energy_mode_prints_our_energy(tmp_path: Path, benchmark: str, board: str) -> None:
    found = session(tmp_path, board, benchmark, "energy")
    printed = re.search(
        r"Median energy cost is ([\d.]+) uJ/inf\.", (found / "results.txt").read_text()
    )
    assert printed is not None
    ours = our_result(tmp_path, board, benchmark)["energy_j"]["value"]
    assert float(printed[1]) * 1e-6 == pytest.approx(ours, rel=1e-3)
