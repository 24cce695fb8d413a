"""The compiler of the firmware: what is pinned, and what is said where it cannot be had."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from simbench.catalog.scenario import TOOLCHAINS, Variant, variants
from simbench.comparisons.checked import compare_alike
from simbench.errors import InfrastructureError, UsageError
from simbench.files import paths
from simbench.firmware import build
from simbench.firmware import pinned as room
from simbench.firmware.build import KERNELS, build_elf, firmware_cores
from simbench.firmware.pinned import COMPILER, MIRROR_VARIABLE, is_pinned_here
from simbench.firmware.read import loaded_sha256
from simbench.firmware.toolchain import toolchain, toolchain_version
from simbench.result.tree import OK, Result, Run

SMALLEST = "cortex-m0plus"
FIRST = "pool/main/g/gcc-arm-none-eabi/gcc-arm-none-eabi_12.2.rel1-1_{}.deb"


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the only mirror there is, served over HTTP; nothing is fetched yet."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    handler = partial(_Silent, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(room, "_mirrors", lambda: (address,))
        monkeypatch.setenv("SIMBENCH_BUILD_DIR", str(tmp_path / "build"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        yield folder
        server.shutdown()


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_every_package_is_pinned_for_both_architectures() -> None:
    pinned = yaml.safe_load((paths.data_dir("firmware_images") / "toolchain.yaml").read_text())
    for hashes in pinned["packages"].values():
        assert set(hashes) in ({"all"}, {"amd64", "arm64"})
        assert all(len(digest) == 64 for digest in hashes.values())


def test_the_toolchains_have_names() -> None:
    with pytest.raises(UsageError, match="no toolchain clang: there are pinned, system"):
        toolchain("clang")


@pytest.mark.usefixtures("mirror")
def test_a_mirror_without_the_package_is_said() -> None:
    with pytest.raises(InfrastructureError, match=rf"gcc-arm.*404.*{MIRROR_VARIABLE}"):
        toolchain("pinned")
    assert not is_pinned_here()


def test_another_file_of_that_name_is_refused(mirror: Path) -> None:
    for architecture in ("amd64", "arm64"):
        target = mirror / FIRST.format(architecture)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"not a package")
    with pytest.raises(InfrastructureError, match="is not what is pinned"):
        toolchain("pinned")
    assert not is_pinned_here()


def test_another_machine_is_told_what_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(InfrastructureError, match=r"not for Linux on riscv64.*--toolchain system"):
        toolchain("pinned")


def test_a_mirror_of_the_users_own_is_asked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MIRROR_VARIABLE, "http://127.0.0.1/debian/")
    assert room._mirrors()[0] == "http://127.0.0.1/debian"


@pytest.mark.image
@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("core", firmware_cores())
def test_each_image_is_everybodys(core: str, kernels: str) -> None:
    """Where this fails, counts of this machine are not those that the pages show."""
    digests = yaml.safe_load((paths.data_dir("firmware_images") / "digests.yaml").read_text())
    assert loaded_sha256(build_elf(core, Variant(kernels))) == digests[core][kernels]


@pytest.mark.image
def test_the_pinned_compiler_is_the_version_that_is_said() -> None:
    pinned = toolchain("pinned")
    done = subprocess.run(
        [pinned.folder / "bin" / COMPILER, "--version"],
        env={**os.environ, **pinned.environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[0] == toolchain_version() == pinned.version


def test_a_variant_of_another_toolchain_says_so() -> None:
    both = variants(["cmsis-nn"], ["simbench"], TOOLCHAINS)
    assert [str(variant) for variant in both] == ["cmsis-nn", "cmsis-nn+system"]


def test_two_toolchains_are_compared_as_what_they_are() -> None:
    """A difference of compilers that no name tells of is refused as before."""
    entry = Result("ad@stm32f4/cmsis-nn", "ad", "stm32f4", "cmsis-nn", OK, instructions=100)
    pinned = made_run(entry, "gcc 12.2")
    system = made_run(replace(entry, id=f"{entry.id}+system", instructions=90), "gcc 14.2")
    assert compare_alike(pinned, system).entries[0].is_compared
    with pytest.raises(UsageError, match=r"toolchain.*gcc 12\.2"):
        compare_alike(pinned, made_run(entry, "gcc 14.2"))


def made_run(entry: Result, compiler: str) -> Run:
    return Run(tool={}, environment={"toolchain": compiler}, settings={}, results=(entry,))


SOME = 20  # objects, of some hundred


@pytest.mark.image
def test_a_build_that_is_killed_is_begun_again_by_two_at_once(tmp_path: Path) -> None:
    (tmp_path / "downloads").mkdir()
    for there in (paths.build_dir() / "downloads").glob("[a-z]*"):
        (tmp_path / "downloads" / there.name).symlink_to(there)
    command = [sys.executable, "-m", "simbench.cli.main", "build", "--core", SMALLEST]
    command += ["--kernels", "reference"]
    environment = {**os.environ, "SIMBENCH_BUILD_DIR": str(tmp_path)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}

    def begun() -> subprocess.Popen[str]:
        return subprocess.Popen(command, env=environment, **pipes)  # type: ignore[call-overload,no-any-return]

    with begun() as first:
        while first.poll() is None and len(list(tmp_path.rglob("*.obj"))) < SOME:
            time.sleep(0.05)
        first.send_signal(signal.SIGTERM)
        assert first.wait(timeout=60) != 0
    assert not _running_in(tmp_path)
    compiled = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.obj")}
    with begun() as one, begun() as other:
        said = [process.communicate(timeout=600) for process in (one, other)]
        assert [one.returncode, other.returncode] == [0, 0], said
    progress = "".join(errors for _, errors in said)
    assert progress.count("building firmware") == 1  # one waits for the other
    # and goes on where the first one was ended
    kept = [path.exists() and path.stat().st_mtime_ns == then for path, then in compiled.items()]
    assert sum(kept) >= SOME // 2
    elf = tmp_path / "firmware" / f"{SMALLEST}-reference" / "simbench.elf"
    digests = yaml.safe_load((paths.data_dir("firmware_images") / "digests.yaml").read_text())
    assert loaded_sha256(elf) == digests[SMALLEST]["reference"]


def _running_in(folder: Path) -> list[str]:
    """The command lines of processes that name ``folder``, but for this one."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in line and entry.parent.name != str(os.getpid()):
                found.append(line)
    return found


def test_a_full_disk_is_told_in_a_sentence(tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    log.write_text("/tmp/cc1.s: Fatal error: conv.cc.obj: No space left on device\nninja: failed\n")
    said = str(build._Job("firmware", log, {}, print)._failed())
    assert said.startswith("the firmware did not build, as the disk of")
    assert "free some space there" in said
    assert "\n" not in said
