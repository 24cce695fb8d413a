"""The compiler of the firmware: the pinned one, the one in PATH, or one of the user's own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from simbench.catalog.chosen import called, chosen
from simbench.catalog.scenario import PINNED_TOOLCHAIN, SYSTEM_TOOLCHAIN, TOOLCHAINS
from simbench.errors import InfrastructureError
from simbench.files.fetch import Progress, quiet
from simbench.firmware.compilers import (
    GCC,
    Compiler,
    compiler_called,
    compilers,
    is_path,
    remembered,
    shared_libraries,
)
from simbench.firmware.pinned import COMPILER, pinned_folder, pinned_version


@dataclass(frozen=True, slots=True)
class Toolchain:
    """What builds the firmware: the commands ``c`` and ``cxx``, of the ``folder``.

    ``family`` is gcc, or clang or zig, which are given the ``libraries`` and the linker of the GCC
    in that folder. ``version`` is its own words for what it is; ``environment`` is what its
    programs need beside the user's own environment.
    """

    family: str
    folder: Path
    c: tuple[str, ...]
    cxx: tuple[str, ...]
    version: str
    environment: Mapping[str, str]
    libraries: Path | None = None


def toolchain(name: str, progress: Progress = quiet) -> Toolchain:
    """The toolchain called ``name``; the pinned one is fetched where it is needed and missing.

    Raises :class:`UsageError` where there is none of that name, and :class:`InfrastructureError`
    where it is missing, or cannot be fetched.
    """
    name = called("toolchain", name, toolchain_names())
    if name == PINNED_TOOLCHAIN:
        folder = pinned_folder(progress)
        return _gcc(folder, pinned_version(), shared_libraries(folder))
    if name != SYSTEM_TOOLCHAIN:
        return _own(compiler_called(name), progress)
    compiler = shutil.which(COMPILER)
    version = toolchain_version(name)
    if compiler is None or version is None:
        raise InfrastructureError(
            f"there is no {COMPILER} in PATH: install the Debian packages gcc-arm-none-eabi "
            "libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib, or use the pinned toolchain"
        )
    return _gcc(Path(compiler).parent.parent, version, {})


def toolchain_names() -> tuple[str, ...]:
    """What a toolchain can be called: by its name, or as one that was asked for by its path."""
    return (*TOOLCHAINS, *compilers())


def toolchains_called(patterns: Iterable[str], folder: Path = Path()) -> tuple[str, ...]:
    """The names of the toolchains that ``patterns`` choose: names, or paths of a user's own, which
    are relative to ``folder``.

    Raises :class:`UsageError` for what chooses none.
    """
    known = toolchain_names()
    names = [
        remembered(text, folder).name if text not in known and is_path(text, folder) else text
        for text in patterns
    ]
    return chosen("toolchain", names, toolchain_names())


def toolchain_version(name: str = PINNED_TOOLCHAIN) -> str | None:
    """The toolchain's own words for what it is, or None where it is not on this machine."""
    name = called("toolchain", name, toolchain_names())
    if name == PINNED_TOOLCHAIN:
        return pinned_version()
    if name == SYSTEM_TOOLCHAIN:
        return _system_version()
    own = compilers()[name]
    return own.version if own.family == GCC else f"{own.version}, libraries of {pinned_version()}"


def toolchain_identity(name: str) -> str | None:
    """What decides the images of the toolchain ``name``: its version, and a user's own content."""
    own = compilers().get(name)
    version = toolchain_version(name)
    return version if own is None else f"{version} {own.identity}"


def toolchain_facts(name: str) -> Mapping[str, str] | None:
    """What a result says of its toolchain; nothing of the pinned one."""
    if name == PINNED_TOOLCHAIN:
        return None
    return {"name": name, "version": toolchain_version(name) or "unknown"}


@cache
def _system_version() -> str | None:
    compiler = shutil.which(COMPILER)
    if compiler is None:
        return None
    done = subprocess.run(
        [compiler, "--version"], capture_output=True, text=True, errors="replace", check=False
    )
    return done.stdout.split("\n", 1)[0].strip() or None


def _gcc(folder: Path, version: str, environment: Mapping[str, str]) -> Toolchain:
    compiler = str(folder / "bin" / COMPILER)
    return Toolchain(GCC, folder, (compiler,), (f"{compiler[:-3]}g++",), version, environment)


def _own(compiler: Compiler, progress: Progress) -> Toolchain:
    libraries = None if compiler.family == GCC else pinned_folder(progress)
    return Toolchain(
        family=compiler.family,
        folder=compiler.folder,
        c=compiler.c,
        cxx=compiler.cxx,
        version=compiler.version,
        environment=_environment(compiler, libraries),
        libraries=libraries,
    )


def _environment(compiler: Compiler, libraries: Path | None) -> Mapping[str, str]:
    own = compiler.environment
    if libraries is None:
        return own
    found = [each.get("LD_LIBRARY_PATH", "") for each in (shared_libraries(libraries), own)]
    return {**own, "LD_LIBRARY_PATH": ":".join(filter(None, found))}
