"""Compilers of a user's own, by path: what is one, what it is called, and what it builds."""

from __future__ import annotations

import importlib.util
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from simbench.catalog.scenario import PINNED_TOOLCHAIN, Variant, is_toolchain
from simbench.cli.main import _run
from simbench.errors import UsageError
from simbench.files import paths
from simbench.firmware import compilers as room
from simbench.firmware.build import build_elf, build_image
from simbench.firmware.compilers import CLANG, GCC, compiler_called, compilers, remembered
from simbench.firmware.pinned import COMPILER, pinned_folder, pinned_version
from simbench.firmware.read import loaded_sha256
from simbench.firmware.runtimes import register
from simbench.firmware.toolchain import (
    toolchain,
    toolchain_facts,
    toolchain_version,
    toolchains_called,
)
from simbench.suites.file import read_suite
from simbench.suites.request import Request, requested_suite
from simbench.sweeps.study import read_study

CORE = "cortex-m0plus"  # the smallest image


@pytest.fixture
def remembers_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of toolchains, empty: nothing of this test is remembered after it."""
    folder = tmp_path / "toolchains"
    monkeypatch.setattr(room, "_folder", lambda: folder)
    return folder


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def gcc(folder: Path, version: str = "13.2.1", libraries: str = "") -> Path:
    """The folder of a GCC that says its ``version`` and takes what it is given."""
    libc = folder / "libc.a"
    libc.parent.mkdir(parents=True, exist_ok=True)
    libc.write_text(libraries)
    said = f'echo "arm-none-eabi-gcc (Somebody 9.9) {version} 20231009"'
    text = f'case "$1" in --version) {said};; -print-*) echo "${{0%/bin/*}}/libc.a";; esac'
    script(folder / "bin/arm-none-eabi-gcc", text)
    script(folder / "bin/arm-none-eabi-g++", "exit 0")
    return folder


@pytest.mark.usefixtures("remembers_nothing")
def test_a_folder_a_compiler_and_a_prefix_are_one_toolchain(tmp_path: Path) -> None:
    folder = gcc(tmp_path / "gcc")
    program = folder / "bin/arm-none-eabi-gcc"
    given = (folder, folder / "bin", program, str(program).removesuffix("gcc"))
    found = [remembered(str(path)) for path in given]
    assert {each.name for each in found} == {"gcc-13.2.1"}
    assert {each.folder for each in found} == {folder}
    assert found[0].cxx == (str(folder / "bin/arm-none-eabi-g++"),)
    assert compilers() == {"gcc-13.2.1": found[0]}
    assert toolchains_called(["gcc-13*", "gcc-13.2.1"]) == ("gcc-13.2.1",)


@pytest.mark.usefixtures("remembers_nothing")
def test_two_of_one_version_have_two_names(tmp_path: Path) -> None:
    one = remembered(str(gcc(tmp_path / "one")))
    other = remembered(str(gcc(tmp_path / "other", libraries="another newlib")))
    assert one.name == "gcc-13.2.1"
    assert other.name == f"gcc-13.2.1-{other.identity[:4]}"
    assert is_toolchain(one.name)
    assert is_toolchain(other.name)
    # the same content at another place is the same toolchain
    assert remembered(str(gcc(tmp_path / "copy"))).name == one.name


@pytest.mark.usefixtures("remembers_nothing")
def test_a_name_never_means_two_things(tmp_path: Path) -> None:
    name = remembered(str(gcc(tmp_path / "gcc"))).name
    gcc(tmp_path / "gcc", libraries="another newlib")
    with pytest.raises(UsageError, match=r"gcc-13\.2\.1 is of .*not what it was.*by its path"):
        compiler_called(name)
    shutil.rmtree(tmp_path / "gcc")
    with pytest.raises(UsageError, match="not there any more"):
        compiler_called(name)


def no_toolchains(folder: Path) -> dict[str, str]:
    """What is no toolchain, and what is said of it."""
    (folder / "empty").mkdir()
    (folder / "arm-none-eabi-gcc").write_text("not a program")
    lacks = gcc(folder / "lacks")
    (lacks / "bin/arm-none-eabi-g++").unlink()
    broken = script(folder / "broken/clang", "echo 'no libLLVM.so' >&2; exit 127").parent
    mute = script(folder / "mute/clang", "exit 0").parent
    return {
        str(folder / "empty"): "give a folder with arm-none-eabi-gcc, clang or zig",
        str(folder / "none"): "give a folder with arm-none-eabi-gcc, clang or zig",
        str(folder / "arm-none-eabi-gcc"): "cannot be run (Permission denied)",
        str(lacks): "g++ cannot be run (No such file or directory)",
        str(broken): "says: no libLLVM.so",
        str(mute): "does not say its version",
    }


@pytest.mark.usefixtures("remembers_nothing")
def test_what_is_no_toolchain_is_told_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path, said in no_toolchains(tmp_path).items():
        assert _run(["run", "--platform", "stm32f4", "--toolchain", path]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"simbench: {path} is no toolchain")
        assert said in line
    assert not compilers()


@pytest.mark.usefixtures("remembers_nothing")
def test_a_compiler_for_another_machine_is_refused() -> None:
    host = shutil.which("gcc")
    assert host is not None
    with pytest.raises(UsageError, match=r"is no toolchain for bare Arm: .*says: .*error"):
        remembered(host)


def test_a_note_that_is_damaged_is_named(remembers_nothing: Path) -> None:
    remembers_nothing.mkdir()
    (remembers_nothing / "gcc-1.2.json").write_text("{")
    with pytest.raises(UsageError, match=r"gcc-1\.2\.json is damaged: remove it"):
        compilers()


@pytest.mark.usefixtures("remembers_nothing")
def test_a_runtime_is_not_called_as_a_toolchain(tmp_path: Path) -> None:
    (tmp_path / "tensorflow/lite/micro").mkdir(parents=True)
    (tmp_path / "tensorflow/lite/micro/micro_mutable_op_resolver.h").touch()
    for name in ("flatbuffers/include", "gemmlowp", "ruy"):
        (tmp_path / "tensorflow/lite/micro/tools/make/downloads" / name).mkdir(parents=True)
    with pytest.raises(UsageError, match=r"cannot be called gcc-13\.2\.1"):
        register(f"tflm:{tmp_path}", None, "gcc-13.2.1")


@pytest.mark.usefixtures("remembers_nothing")
def test_files_name_toolchains_beside_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    gcc(tmp_path / "gcc-13")
    suite, study = tmp_path / "simbench.yaml", tmp_path / "study.yaml"
    suite.write_text("platforms: [stm32f4]\ntoolchains: [pinned, gcc-13]\n")
    study.write_text("platforms: [stm32f4]\ntoolchains: [./gcc-13]\n")
    assert read_suite(suite).toolchains == ("pinned", "gcc-13.2.1")
    assert read_study(study).toolchains == ("gcc-13.2.1",)
    asked = requested_suite(Request(suite_path=suite, toolchains=("system",)))
    assert asked.toolchains == ("system",)
    suite.write_text("platforms: [stm32f4]\ntoolchains: [gcc-14]\n")
    with pytest.raises(UsageError, match=r"simbench\.yaml:2: toolchains: there is no toolchain"):
        read_suite(suite)


@pytest.mark.image
@pytest.mark.usefixtures("remembers_nothing")
def test_toolchains_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = gcc(tmp_path / "gcc")
    remembered(str(folder))
    assert _run(["list", "toolchains", "--json"]) == 0
    listed = {
        row["name"]: row["title"] for row in json.loads(capsys.readouterr().out)["toolchains"]
    }
    assert list(listed) == ["pinned", "system", "gcc-13.2.1"]
    assert listed["pinned"] == pinned_version()
    assert str(folder) in listed["gcc-13.2.1"]


def test_the_pinned_one_goes_without_saying() -> None:
    assert toolchain_facts(PINNED_TOOLCHAIN) is None


@pytest.mark.image
def test_a_gcc_by_its_path_builds_the_same_image() -> None:
    """The pinned compiler, called by its folder: what the path adds is nothing."""
    own = remembered(str(pinned_folder()))
    assert (own.name, own.family, own.version) == ("gcc-12.2.1", GCC, pinned_version())
    assert toolchain_facts(own.name) == {"name": "gcc-12.2.1", "version": pinned_version()}
    digests = yaml.safe_load((paths.data_dir("firmware_images") / "digests.yaml").read_text())
    elf = build_elf(CORE, Variant("reference", toolchain=own.name))
    assert loaded_sha256(elf) == digests[CORE]["reference"]


def clangs() -> dict[str, str | None]:
    """Compilers of the family of clang that are here, by where they come from."""
    zig = importlib.util.find_spec("ziglang")
    found = None if zig is None or zig.origin is None else str(Path(zig.origin).parent)
    return {"clang": shutil.which("clang"), "zig": found}


@pytest.mark.image
@pytest.mark.emulator
@pytest.mark.parametrize("which", ["clang", "zig"])
def test_clang_builds_firmware_that_answers_alike(
    which: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = clangs()[which]
    if path is None:
        pytest.skip(f"there is no {which} here")
    name = remembered(path).name
    made = toolchain(name)
    assert made.libraries == pinned_folder()
    assert made.family == (CLANG if which == "clang" else "zig")
    ran = ["run", "--platform", "stm32f4", "--benchmark", "ad", "--toolchain", path]
    assert _run([*ran, "--samples", "2", "--json", str(tmp_path / "run.json")]) == 0
    document = json.loads((tmp_path / "run.json").read_text())
    (result,) = document["results"]
    assert result["id"] == f"ad@stm32f4/cmsis-nn+{name}"
    assert result["toolchain"] == {"name": name, "version": toolchain_version(name)}
    assert result["parity"]["exact"] == result["parity"]["samples"]
    image = build_image("cortex-m4", Variant(toolchain=name))
    own = build_image("cortex-m4", replace(Variant(), toolchain=PINNED_TOOLCHAIN))
    assert image.sha256 != own.sha256
    assert COMPILER in document["environment"]["toolchain"]
    capsys.readouterr()
