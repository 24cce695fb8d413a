"""Compilers of a user's own: what is at a path, and what it is called from then on."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from simbench.errors import InfrastructureError, UsageError
from simbench.files import paths

GCC, CLANG, ZIG = "gcc", "clang", "zig"

# what may be in a folder, the likelier first
_PROGRAMS = (
    *("bin/arm-none-eabi-gcc", "arm-none-eabi-gcc", "usr/bin/arm-none-eabi-gcc"),
    *("bin/clang", "clang", "usr/bin/clang", "zig", "bin/zig", "ziglang/zig"),
)
_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?")
_PROBE = "#include <cstdint>\n#include <cmath>\n"
_TIMEOUT_S = 60.0
# what beside the driver decides what a GCC makes
_PARTS = ("prog:cc1", "prog:cc1plus", "file:libc.a", "file:libm.a", "file:libgcc.a")


@dataclass(frozen=True, slots=True)
class Compiler:
    """A compiler that makes programs for bare Arm.

    ``family`` is gcc, clang or zig: only a GCC brings libraries. ``program`` is what was found at
    ``folder``; ``version`` its own words for what it is; ``identity`` a sha256 over its programs
    and libraries.
    """

    name: str
    family: str
    folder: Path
    program: Path
    version: str
    identity: str

    @property
    def c(self) -> tuple[str, ...]:
        """The command that compiles C."""
        return (str(self.program), "cc") if self.family == ZIG else (str(self.program),)

    @property
    def cxx(self) -> tuple[str, ...]:
        """The command that compiles C++."""
        if self.family == ZIG:
            return str(self.program), "c++"
        c, cxx = ("gcc", "g++") if self.family == GCC else ("clang", "clang++")
        return (str(self.program.with_name(self.program.name.replace(c, cxx))),)

    @property
    def environment(self) -> Mapping[str, str]:
        """What its programs need beside the user's own environment."""
        kept = paths.build_dir() / "zig"
        caches = {"ZIG_GLOBAL_CACHE_DIR": str(kept), "ZIG_LOCAL_CACHE_DIR": str(kept)}
        return {**shared_libraries(self.folder), **(caches if self.family == ZIG else {})}


def shared_libraries(folder: Path) -> Mapping[str, str]:
    """The environment in which programs find libraries that were unpacked beside them."""
    if folder == Path("/usr"):
        return {}
    found = [str(each) for each in sorted(folder.glob("lib/*-linux-gnu"))]
    before = os.environ.get("LD_LIBRARY_PATH")
    return {"LD_LIBRARY_PATH": os.pathsep.join([*found, *([before] if before else [])])}


def is_path(text: str, folder: Path = Path()) -> bool:
    """Whether ``text`` names a place, as seen from ``folder``, not a toolchain by name."""
    return os.sep in text or text.startswith(("~", ".")) or (folder / text).exists()


def remembered(text: str, folder: Path = Path()) -> Compiler:
    """The compiler at the path ``text``, which can be asked for by its name from then on.

    ``text``, relative to ``folder``, is the folder of a toolchain, a compiler, or what comes before
    "gcc" in its name. The name is of its version, and of its content too where another of that
    version is known. Raises :class:`UsageError` where there is none, or where it does not compile
    for a Cortex-M.
    """
    found = _identified(text, (folder / Path(text).expanduser()).absolute())
    other = _read(_file(found.name))
    if other is not None and other.identity != found.identity:
        found = replace(found, name=f"{found.name}-{found.identity[:4]}")
    _write(found)
    return found


def compilers() -> Mapping[str, Compiler]:
    """Those that were asked for by their path before, by name."""
    found = (_read(path) for path in sorted(_folder().glob("*.json")))
    return {compiler.name: compiler for compiler in found if compiler is not None}


def compiler_called(name: str) -> Compiler:
    """The compiler remembered as ``name``. Raises UsageError where it is not what it was."""
    known = compilers()[name]
    try:
        found = _identified(str(known.program), known.program)
    except UsageError as error:
        raise UsageError(f"the toolchain {name} is not there any more: {error}") from None
    if found.identity != known.identity:
        raise UsageError(
            f"the toolchain {name} is of {known.program}, and that is not what it was: ask for it "
            f"by its path, --toolchain {known.program}"
        )
    return known


def _identified(text: str, path: Path) -> Compiler:
    program = _program(path, text)
    folder = program.parent.parent if program.parent.name == "bin" else program.parent
    family = _family(program.name)
    bare = Compiler("", family, folder, program, "", "")
    said = _said(bare, ["version"] if family == ZIG else ["--version"], text)
    version = said.splitlines()[0].strip() if said.strip() else ""
    number = _VERSION.search(re.sub(r"\([^)]*\)", "", version))
    if number is None:
        raise UsageError(f"{text} is no toolchain: {program} does not say its version")
    _probe(bare, text)
    named = replace(bare, name=f"{family}-{number[0]}", version=_words(family, version))
    return replace(named, identity=_identity(named, text))


def _words(family: str, version: str) -> str:
    return f"zig {version}" if family == ZIG else version


def _program(path: Path, text: str) -> Path:
    """The compiler in, at, or beginning with ``path``."""
    if path.is_file():
        tried = [path]
    elif path.is_dir():
        tried = [path / name for name in _PROGRAMS]
    else:
        tried = [path.with_name(f"{path.name}gcc")]
    for program in tried:
        if program.is_file() and _family(program.name):
            return program
    raise UsageError(
        f"{text} is no toolchain: give a folder with arm-none-eabi-gcc, clang or zig in it or in "
        "its bin, the compiler itself, or the prefix of a GCC, as /opt/gcc/bin/arm-none-eabi-"
    )


def _family(name: str) -> str:
    return next((family for family in (GCC, CLANG, ZIG) if family in name), "")


def _said(compiler: Compiler, arguments: Sequence[str], text: str, given: str = "") -> str:
    command = [str(compiler.program), *arguments]
    done = _ran(compiler, command, text, given)
    if done.returncode != 0:
        raise UsageError(f"{text} is no toolchain: {command[0]} says: {_first(done.stderr)}")
    return done.stdout


def _probe(compiler: Compiler, text: str) -> None:
    """Raise UsageError where C++ is not compiled for a Cortex-M4."""
    target = {
        GCC: ["-mcpu=cortex-m4", "-mthumb"],
        CLANG: ["--target=arm-none-eabi", "-mcpu=cortex-m4", "-mthumb"],
        ZIG: ["-target", "thumb-freestanding-eabi", "-mcpu=cortex_m4"],
    }[compiler.family]
    source = _PROBE if compiler.family == GCC else "int probe;\n"  # others get a GCC's libraries
    command = [*compiler.cxx, *target, "-x", "c++", "-std=c++17", "-E", "-o", os.devnull, "-"]
    done = _ran(compiler, command, text, source)
    if done.returncode != 0:
        raise UsageError(
            f"{text} is no toolchain for bare Arm: {compiler.cxx[0]} says: {_first(done.stderr)}"
        )


def _ran(
    compiler: Compiler, command: Sequence[str], text: str, given: str
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            input=given,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            env={**os.environ, **compiler.environment, "LC_ALL": "C"},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        said = getattr(error, "strerror", None) or "it does not end"
        raise UsageError(f"{text} is no toolchain: {command[0]} cannot be run ({said})") from error


def _first(said: str) -> str:
    """The line that tells an error, or the first."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return next((line for line in lines if "error" in line), lines[0] if lines else "nothing")


def _identity(compiler: Compiler, text: str) -> str:
    digest = hashlib.sha256(compiler.version.encode())
    for part in [compiler.program, *_parts(compiler, text)]:
        with part.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def _parts(compiler: Compiler, text: str) -> Sequence[Path]:
    if compiler.family != GCC:
        return ()
    asked = (part.partition(":")[::2] for part in _PARTS)
    said = [_said(compiler, [f"-print-{kind}-name={name}"], text) for kind, name in asked]
    return [path for path in map(Path, map(str.strip, said)) if path.is_file()]


def _folder() -> Path:
    return paths.build_dir() / "toolchains"


def _file(name: str) -> Path:
    return _folder() / f"{name}.json"


def _write(compiler: Compiler) -> None:
    target = _file(compiler.name)
    text = json.dumps(asdict(compiler), indent=2, default=str) + "\n"
    try:
        if target.is_file() and target.read_text("utf-8") == text:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = target.with_name(f"{target.name}.{os.getpid()}")
        scratch.write_text(text, "utf-8")
        scratch.replace(target)
    except OSError as error:
        raise InfrastructureError(f"cannot write {target} ({error.strerror})") from error


def _read(path: Path) -> Compiler | None:
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text("utf-8"))
        return Compiler(**found | {key: Path(found[key]) for key in ("folder", "program")})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path} is damaged: remove it, and give the toolchain's path again"
        ) from error
