"""The C++ flatbuffers verifier, built once by the host's compiler and called through ctypes."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from simbench.errors import InfrastructureError
from simbench.files.fetch import fetch_crate
from simbench.files.paths import build_dir
from simbench.firmware.packaged import packaged_headers

_TENSORFLOW = Path("submodules/tensorflow")
_FLATBUFFERS = _TENSORFLOW / "tensorflow/lite/micro/tools/make/downloads/flatbuffers/include"
_SCHEMA = "tensorflow/lite/schema/schema_generated.h"
_SOURCE = Path(__file__).with_name("verifier.cc")
_FLAGS = ("-std=c++14", "-O2", "-fPIC", "-shared", "-w")
_COMPILE_SECONDS = 300


def is_flatbuffer(data: bytes) -> bool:
    """Whether ``data`` is a well-formed .tflite flatbuffer; safe on hostile bytes.

    Raises :class:`InfrastructureError` where the verifier cannot be built.
    """
    # the copy is aligned as the schema's scalars ask for, which bytes objects need not be
    aligned = (ctypes.c_uint64 * (len(data) // 8 + 1))()
    ctypes.memmove(aligned, data, len(data))
    return bool(_library().simbench_verify_model(aligned, len(data)))


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(build_verifier()))
    library.simbench_verify_model.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    library.simbench_verify_model.restype = ctypes.c_int32
    return library


def build_verifier() -> Path:
    """The verifier's shared library, compiled if it is not there yet for this source and compiler.

    Raises :class:`InfrastructureError` where there is no C++ compiler or it fails.
    """
    compiler = _compiler()
    key = hashlib.sha256(_SOURCE.read_bytes())
    key.update("\0".join((*compiler, *_FLAGS, platform.machine())).encode())
    target = build_dir() / "verifier" / f"verifier-{key.hexdigest()[:16]}.so"
    if not target.is_file():
        _compile(compiler, target)
    return target


def _compiler() -> list[str]:
    command = os.environ.get("CXX", "c++").split()
    if not command or shutil.which(command[0]) is None:
        raise InfrastructureError(
            "no C++ compiler for checking models: install one (Debian package g++), or set CXX"
        )
    return command


def _run(command: Sequence[str]) -> None:
    try:
        subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=True,
            timeout=_COMPILE_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise InfrastructureError(
            f"{command[0]} could not build the model verifier ({last}): mend the compiler, or set "
            "CXX to another"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise InfrastructureError(
            f"{command[0]} did not finish the model verifier in {_COMPILE_SECONDS} s: free the "
            "machine, then run again"
        ) from error


def verifier_headers() -> Mapping[Path, Sequence[str]]:
    """The headers that the verifier is compiled with, by the folder that they are included from;
    fetched where they are missing."""
    crate = fetch_crate("tfmicro")  # the schema that the firmware itself is built with
    tensorflow, flatbuffers = crate / _TENSORFLOW, crate / _FLATBUFFERS
    found = [str(path.relative_to(flatbuffers)) for path in sorted(flatbuffers.rglob("*.h"))]
    return {tensorflow: [_SCHEMA], flatbuffers: found}


def _compile(compiler: Sequence[str], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    installed = packaged_headers()
    folders = tuple(verifier_headers()) if installed is None else (installed,)
    includes = [f"-I{folder}" for folder in folders]
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        output = Path(scratch) / target.name
        _run([*compiler, *_FLAGS, *includes, str(_SOURCE), "-o", str(output)])
        output.replace(target)
