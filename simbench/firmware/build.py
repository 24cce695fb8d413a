"""Build a firmware image from pinned sources, once: what is built and still current is reused."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from simbench.catalog.chosen import called, chosen
from simbench.catalog.cores import built_in_records, core_record
from simbench.catalog.scenario import Variant
from simbench.errors import InfrastructureError, UsageError
from simbench.files import fetch, paths
from simbench.files.fetch import Progress, quiet
from simbench.files.programs import program, with_brought
from simbench.firmware.image import Image
from simbench.firmware.packaged import as_built, packaged_image
from simbench.firmware.runtimes import ForeignRuntime, foreign_runtime
from simbench.firmware.toolchain import Toolchain, toolchain, toolchain_identity

KERNELS: Mapping[str, str] = MappingProxyType(
    {
        "cmsis-nn": "CMSIS-NN 4.0.0 for int8, else TensorFlow Lite Micro's of July 2020 and own",
        "reference": "TensorFlow Lite Micro's reference kernels of July 2020, and own",
    }
)
"""Kernel sets: name to a title."""

_LAST_LINES = 6
_NO_SPACE = "No space left on device"
# what of firmware_images/ is hashed otherwise, or follows from the rest
_NO_SOURCES = ("pins.yaml", "toolchain.yaml", "digests.yaml")


@dataclass(frozen=True, slots=True)
class SourceDirs:
    """Folders of the fetched sources: the crate with TensorFlow Lite Micro, and CMSIS-NN."""

    tfmicro: Path
    cmsis_nn: Path


def source_dirs(progress: Progress = quiet) -> SourceDirs:
    """The sources an image is built from, fetched where missing."""
    wheel = fetch.fetch_wheel_folder("bakenn", progress)
    return SourceDirs(
        tfmicro=fetch.fetch_crate("tfmicro", progress),
        cmsis_nn=wheel / "bakenn/backend/cmsis_nn/vendor",
    )


def firmware_cores() -> tuple[str, ...]:
    """The cores that there is firmware of their own for; a Cortex-M85 runs a Cortex-M55's."""
    names = (record.id for record in built_in_records())
    return tuple(name for name in names if _built_for(name) == name)


def build_image(core: str, variant: Variant, progress: Progress = quiet) -> Image:
    """As :func:`build_elf`, and read."""
    return _read(build_elf(core, variant, progress))


def build_elf(
    core: str, variant: Variant, progress: Progress = quiet, *, installed: bool = True
) -> Path:
    """The firmware for ``core`` in ``variant``, built where it is not current; or that of an
    ``installed`` package of images, where it is the same.

    Raises :class:`UsageError` for a core or kernel set that there is none of, and
    :class:`InfrastructureError` where a tool is missing or the build fails. Two processes may
    build at once: one waits for the other.
    """
    core = _built_for(core)
    _check_kernels(variant, foreign_runtime(variant.runtime))
    elf = _built_elf(core, variant) or (_installed_elf(core, variant) if installed else None)
    if elf is not None:
        return elf
    from filelock import FileLock  # only building needs it

    _check_tools()
    sources = source_dirs(progress)
    compiler = toolchain(variant.toolchain, progress)
    folder = _image_dir(core, variant)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / f".{core}.lock"):
            elf = _built_elf(core, variant)  # another process may have built it meanwhile
            return elf or _build(core, variant, sources, compiler, progress)
    except OSError as error:
        raise InfrastructureError(
            f"cannot write to {folder} ({error.strerror or error}): free some space there, or set "
            "SIMBENCH_BUILD_DIR to a folder that can be written"
        ) from error


def _check_kernels(variant: Variant, foreign: ForeignRuntime | None) -> None:
    kernels = kernel_set(variant.kernels)
    if foreign is not None and kernels not in foreign.kernels:
        raise UsageError(
            f"the runtime {foreign.name} was registered without a checkout of CMSIS-NN: choose "
            "--kernels reference, or register it with --cmsis-nn"
        )


def built_image(core: str, variant: Variant) -> Image | None:
    """The image if it is built and current, else None."""
    core = _built_for(core)
    elf = _built_elf(core, variant) or _installed_elf(core, variant)
    return None if elf is None else _read(elf)


def _installed_elf(core: str, variant: Variant) -> Path | None:
    if variant != Variant(variant.kernels):
        return None
    return packaged_image(core, variant.kernels, image_key(core, variant))


def _read(elf: Path) -> Image:
    from simbench.firmware.read import read_image  # an image that is kept is not read

    return as_built(read_image(elf))


def _built_for(core: str) -> str:
    """The built-in core whose firmware ``core`` runs: the first that it is built for."""
    board = core_record(core).firmware
    return next(record.id for record in built_in_records() if record.firmware == board)


def _built_elf(core: str, variant: Variant) -> Path | None:
    folder = _image_dir(core, variant)
    try:
        is_current = (folder / "key").read_text(encoding="utf-8") == image_key(core, variant)
    except OSError:
        return None
    return folder / "simbench.elf" if is_current else None


def kernel_set(name: str) -> str:
    """The kernel set called ``name`` in any case; :class:`UsageError` where there is none."""
    return called("kernel set", name, tuple(KERNELS))


def kernel_sets(patterns: Iterable[str]) -> tuple[str, ...]:
    """Kernel sets by name, "all" or pattern, each once. Raises UsageError where there is none."""
    return chosen("kernel set", patterns, tuple(KERNELS))


def _check_tools() -> None:
    missing = [name for name in ("cmake", "ninja") if program(name) is None]
    if missing:
        raise InfrastructureError(
            f"the firmware cannot be built: install the Python packages {' '.join(missing)} "
            "and try again"
        )


def _image_dir(core: str, variant: Variant) -> Path:
    return paths.build_dir() / "firmware" / f"{core}-{variant}"


def image_key(core: str, variant: Variant) -> str:
    """A hash over all that decides the image: sources, pins, compiler."""
    pins = fetch.pins()
    foreign = foreign_runtime(variant.runtime)
    decided = {
        "core": core,
        "variant": str(variant),
        "compiler": toolchain_identity(variant.toolchain),
        "pins": [pins["tfmicro"].sha256, pins["bakenn"].sha256],
        "sources": _sources_hash(),
        "runtime": None if foreign is None else foreign.facts,
    }
    return hashlib.sha256(json.dumps(decided, sort_keys=True).encode()).hexdigest()


def _sources_hash() -> str:
    root = paths.data_dir("firmware_images")
    digest = hashlib.sha256()
    for path in sorted(p for p in root.rglob("*") if p.is_file() and p.name not in _NO_SOURCES):
        digest.update(f"{path.relative_to(root)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _build(
    core: str, variant: Variant, sources: SourceDirs, compiler: Toolchain, progress: Progress
) -> Path:
    folder = _image_dir(core, variant)
    # kernel sets of one core, runtime and compiler share TensorFlow's objects
    work = folder.parent / str(replace(variant, kernels=core))
    key = image_key(core, variant)
    what = f"firmware for {core} with {variant} kernels"
    with (folder / "build.log").open("w", encoding="utf-8") as log:
        job = _Job(what, Path(log.name), compiler.environment, progress)
        foreign = foreign_runtime(variant.runtime)
        job.run(_configure_command(core, sources, compiler, foreign, work), log.fileno())
        # not through cmake: a ninja that is told to end ends its compilers too
        job.run(["ninja", "-C", str(work), variant.kernels], log.fileno())
    _install(work / f"{variant.kernels}.elf", folder / "simbench.elf")
    _write_whole(folder / "key", key)
    return folder / "simbench.elf"


def _configure_command(
    core: str,
    sources: SourceDirs,
    compiler: Toolchain,
    foreign: ForeignRuntime | None,
    work: Path,
) -> list[str]:
    root = paths.data_dir("firmware_images")
    # a folder made for another place of the tools or the sources cannot be used again
    tools = [program(name) for name in ("cmake", "ninja")]
    made_for = f"{root}\n{tools}\n{sources}\n{foreign}\n{compiler}\n"
    note = work / "made-for"
    if not note.is_file() or note.read_text(encoding="utf-8") != made_for:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        note.write_text(made_for, encoding="utf-8")
    return [
        "cmake", "-S", str(root), "-B", str(work), "-G", "Ninja",
        f"-DCMAKE_TOOLCHAIN_FILE={root / 'cmake/arm-none-eabi.cmake'}",
        f"-DBOARD={core_record(core).firmware}", f"-DTFMICRO={sources.tfmicro}",
        f"-DCMSIS_NN={sources.cmsis_nn}",
        *_of_compiler(compiler), *_of_runtime(foreign),
    ]  # fmt: skip


def _of_compiler(compiler: Toolchain) -> list[str]:
    given = {
        "TOOLCHAIN": str(compiler.folder),
        "C_COMPILER": ";".join(compiler.c),
        "CXX_COMPILER": ";".join(compiler.cxx),
    }
    if compiler.libraries is not None:
        given |= {"FAMILY": compiler.family, "LIBRARIES": str(compiler.libraries)}
    return [f"-D{name}={value}" for name, value in given.items()]


def _of_runtime(foreign: ForeignRuntime | None) -> list[str]:
    if foreign is None:
        return []
    trees = {"TFLM": foreign.tflm, "TFLM_CMSIS_NN": foreign.cmsis_nn}
    given = [f"-D{name}={tree.path}" for name, tree in trees.items() if tree is not None]
    return ["-DRUNTIME=tflm", *given]


@dataclass(frozen=True, slots=True)
class _Job:
    """Commands that make ``what``, all that they say in one log.

    ``environment`` is what they need beside the user's own.
    """

    what: str
    log: Path
    environment: Mapping[str, str]
    progress: Progress

    def run(self, command: list[str], log: int) -> None:
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**with_brought(), **self.environment},
        ) as process:
            try:
                self._follow(process, log)
            except BaseException:
                process.terminate()
                self.progress(f"stopped building {self.what}")
                raise
        if process.returncode != 0:
            self.progress(f"could not build {self.what}")
            raise self._failed()

    def _follow(self, process: subprocess.Popen[str], log: int) -> None:
        assert process.stdout is not None
        shown = -1
        for line in process.stdout:
            os.write(log, line.encode())
            percent = _percent(line)
            if percent is not None and percent // 10 > shown:
                shown = percent // 10
                self.progress(f"building {self.what}: {percent} %")

    def _failed(self) -> InfrastructureError:
        said = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        if any(_NO_SPACE in line for line in said):
            return InfrastructureError(
                f"the {self.what} did not build, as the disk of {self.log.parent} is full: free "
                "some space there, and build again"
            )
        told = [line for line in said if re.search(r"\berror\b|undefined|not found", line, re.I)]
        last = " / ".join(line.strip() for line in (told or said)[:_LAST_LINES])
        return InfrastructureError(f"the {self.what} did not build: {last} (all of it: {self.log})")


def _percent(line: str) -> int | None:
    """How far ninja ("[3/99]") says it is."""
    found = re.match(r"\[(\d+)/(\d+)\]", line)
    return None if found is None else 100 * int(found[1]) // int(found[2])


def _install(built: Path, target: Path) -> None:
    scratch = target.with_suffix(".new")
    shutil.copyfile(built, scratch)
    scratch.replace(target)


def _write_whole(target: Path, text: str) -> None:
    scratch = target.with_name(f"{target.name}.new")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(target)
