"""A runtime of a user's own checkout: registered, built, run, profiled and compared by name.

What is built here is a stand-in (tests/data/standin_tflm), as no package registry has tflite-micro.
Where SIMBENCH_TFLM names a real checkout, that is run too (with SIMBENCH_CMSIS_NN, if it is set).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hand_made_models import RESHAPE, Maker

from simbench.cli.main import _run
from simbench.errors import UsageError
from simbench.files import fetch, paths
from simbench.firmware.runtimes import commit_of, foreign_runtime, register, runtime_names

STAND_IN = Path(__file__).resolve().parent / "data" / "standin_tflm"
LITE = Path("tensorflow/lite")
DOWNLOADS = LITE / "micro/tools/make/downloads"
INT8, ADD = 9, 0
OWN_IMAGE = "cortex-m4-reference"


def checkout(folder: Path) -> Path:
    """The stand-in with what it takes of the pinned sources, committed."""
    shutil.copytree(STAND_IN, folder)
    pinned = fetch.fetch_crate("tfmicro") / "submodules" / "tensorflow"
    for name in ("c/common.h", "core/api/error_reporter.h", "core/api/error_reporter.cc",
                 "schema/schema_generated.h"):  # fmt: skip
        (folder / LITE / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(pinned / LITE / name, folder / LITE / name)
    for name in ("flatbuffers", "gemmlowp", "ruy"):
        (folder / DOWNLOADS).mkdir(parents=True, exist_ok=True)
        (folder / DOWNLOADS / name).symlink_to(pinned / DOWNLOADS / name)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")
    git(folder, *who, "commit", "--quiet", "--message", "stand in")
    return folder


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True)


@pytest.fixture(scope="module")
def module_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkout(tmp_path_factory.mktemp("tree") / "tflite-micro")


@pytest.fixture
def tree(module_tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The checkout; and a build folder of the test's own, with what was fetched before."""
    before, own = paths.build_dir(), tmp_path / "build"
    (own / "firmware").mkdir(parents=True)
    for name in ("downloads", "plugin", "verifier"):
        if (before / name).exists():
            (own / name).symlink_to(before / name)
    if (before / "firmware" / OWN_IMAGE).exists():
        shutil.copytree(before / "firmware" / OWN_IMAGE, own / "firmware" / OWN_IMAGE)
    monkeypatch.setenv("SIMBENCH_BUILD_DIR", str(own))
    return module_tree


def model(path: Path, code: int = RESHAPE) -> Path:
    maker = Maker()
    given = maker.tensor((1, 4), INT8, (0.5,), (3,))
    made = maker.tensor((2, 2) if code == RESHAPE else (1, 4), INT8, (0.5,), (3,))
    if code == RESHAPE:
        shape = maker.constant(np.array([2, 2], "<i4"))
        maker.layer(RESHAPE, [given, shape], [made], "ReshapeOptions", newShape=[2, 2])
    else:
        maker.layer(code, [given, given], [made], "AddOptions")
    path.write_bytes(maker.packed([given], [made]))
    return path


def results(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text())["results"]
    return found


@pytest.mark.emulator
@pytest.mark.image
def test_a_runtime_runs_beside_simbenchs_own(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit = commit_of(tree)
    name = f"tflm-{commit[:8]}"
    arguments = ["build", "--runtime", f"tflm:{tree}", "--core", "cortex-m4"]
    assert _run(arguments) == 0
    assert f"cortex-m4 reference+{name}: " in capsys.readouterr().out
    kept = tmp_path / "run.json"
    run = ["run", "--platform", "stm32f4", "--model", str(model(tmp_path / "m.tflite"))]
    both = ["--runtime", "simbench", "--runtime", name, "--kernels", "reference"]
    assert _run([*run, *both, "--json", str(kept)]) == 0
    own, other = results(kept)
    assert (own["id"], own["runtime"]) == ("m@stm32f4/reference", None)
    assert other["id"] == f"m@stm32f4/reference+{name}"
    assert other["runtime"] == {"name": name, "kind": "tflm", "commit": commit}
    assert other["parity"] == own["parity"]
    assert other["parity"]["exact"] == 10
    assert [layer["op"] for layer in other["layers"]] == ["RESHAPE"]
    # the plan: the input and the output, of 16 bytes each as they are aligned
    plan = [(b["kind"], b["offset_bytes"]) for b in other["memory"]["arena"]["plan"]]
    assert plan[:2] == [("tensor", 0), ("tensor", 16)]
    used = other["memory"]["arena"]["high_water_bytes"]
    assert used <= other["memory"]["arena_bytes"] < used + 16
    profiled = ["profile", *run[1:], "--runtime", name, "--kernels", "reference"]
    assert _run(profiled) == 0
    assert "RESHAPE" in capsys.readouterr().out


@pytest.mark.emulator
@pytest.mark.image
def test_what_the_runtime_lacks_is_told_in_its_words(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    register(f"tflm:{tree}", None, "mine")
    run = ["run", "--platform", "stm32f4", "--model", str(model(tmp_path / "m.tflite", ADD))]
    assert _run([*run, "--runtime", "mine", "--kernels", "reference"]) == 2
    assert "Didn't find op for builtin opcode 'ADD'" in capsys.readouterr().err
    assert _run([*run, "--runtime", "mine"]) == 2
    assert "without a checkout of CMSIS-NN" in capsys.readouterr().err


@pytest.mark.image
def test_what_does_not_compile_is_told_by_its_first_error(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(tree, changed, symlinks=True)
    header = changed / LITE / "micro/micro_interpreter.h"
    header.write_text(header.read_text().replace("outputs_size", "number_of_outputs"))
    arguments = ["--core", "cortex-m4", "--kernels", "reference"]
    assert _run(["build", "--runtime", f"tflm:{changed}", "--name", "odd", *arguments]) == 3
    said = capsys.readouterr().err
    assert "outputs_size" in said
    assert "build.log" in said


def test_a_checkout_is_named_by_its_commit_and_its_changes(tree: Path) -> None:
    first = commit_of(tree)
    assert len(first) == 40
    runtime = register(f"tflm:{tree}", None)
    assert runtime.name == f"tflm-{first[:8]}"
    assert {"simbench", runtime.name} <= set(runtime_names())
    assert foreign_runtime("simbench") is None
    assert foreign_runtime(runtime.name) == runtime
    header = tree / LITE / "micro/micro_time.h"
    text = header.read_text()
    try:
        header.write_text(text + "// changed\n")
        assert commit_of(tree).startswith(f"{first}+")
        with pytest.raises(UsageError, match="not what is there now: register it again"):
            foreign_runtime(runtime.name)
    finally:
        header.write_text(text)
    added = tree / LITE / "micro/added.cc"
    try:
        added.write_text("// compiled, though git does not know it\n")
        assert commit_of(tree).startswith(f"{first}+")
    finally:
        added.unlink()
    assert commit_of(tree) == first


def test_what_is_no_checkout_is_refused(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give tflm:PATH"):
        register(str(tmp_path), None)
    with pytest.raises(UsageError, match="no checkout of tflite-micro: it has no tensorflow"):
        register(f"tflm:{tmp_path}", None)
    with pytest.raises(UsageError, match="no checkout of CMSIS-NN"):
        register(f"tflm:{tree}", tmp_path)
    with pytest.raises(UsageError, match="cannot be called simbench"):
        register(f"tflm:{tree}", None, "simbench")
    with pytest.raises(UsageError, match="there is no runtime tflm-9: "):
        foreign_runtime("tflm-9")
    bare = tmp_path / "bare"
    (bare / LITE / "micro").mkdir(parents=True)
    (bare / LITE / "micro/micro_mutable_op_resolver.h").touch()
    with pytest.raises(UsageError, match="lacks flatbuffers/include, gemmlowp, ruy in"):
        register(f"tflm:{bare}", None)
    runtime = register(f"tflm:{tree}", None)
    (paths.build_dir() / "runtimes" / f"{runtime.name}.json").write_text("{}")
    with pytest.raises(UsageError, match="is damaged: remove it"):
        runtime_names()


def test_options_of_a_runtime_want_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["build", "--name", "mine", "--sources-only"]) == 2
    assert "give it, as tflm:PATH" in capsys.readouterr().err


@pytest.mark.emulator
@pytest.mark.image
@pytest.mark.skipif("SIMBENCH_TFLM" not in os.environ, reason="SIMBENCH_TFLM names no checkout")
@pytest.mark.usefixtures("tree")
def test_a_real_checkout_answers_bit_for_bit(
    tmp_path: Path,
) -> None:
    nn = os.environ.get("SIMBENCH_CMSIS_NN")
    name = register(f"tflm:{os.environ['SIMBENCH_TFLM']}", Path(nn) if nn else None, "real").name
    kept = tmp_path / "run.json"
    kernels = [part for each in (("cmsis-nn", "reference") if nn else ("reference",))
               for part in ("--kernels", each)]  # fmt: skip
    run = ["run", "--platform", "stm32f4", "--runtime", name, *kernels, "--json", str(kept)]
    assert _run(run) == 0
    assert all(result["parity"]["exact"] == 10 for result in results(kept))
    assert all(result["layers"] for result in results(kept))
