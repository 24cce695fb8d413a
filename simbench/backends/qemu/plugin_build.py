"""Compile QEMU's plugins with the host's C compiler, once per plugin interface and sources.

The sources of each are a folder: ``plugin`` counts, ``chip`` gives a board a chip's own map. The
file of the folder's name includes all others.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from filelock import FileLock, Timeout

from simbench.errors import InfrastructureError
from simbench.files.paths import build_dir

COUNTING, CHIP = "plugin", "chip"
_FLAGS = ("-O2", "-std=gnu11", "-fPIC", "-shared", "-pthread", "-fvisibility=hidden")
_LOCK_TIMEOUT_S = 120.0


def plugin_api(version: tuple[int, int]) -> int:
    """The plugin interface of a QEMU version: 1 up to 8.2, 2 in 9.0, 3 from 9.1 on, 7 from 11.1 on.

    From 3 on ``qemu_plugin_insn_data`` copies; from 7 on callbacks are called with a pointer in
    place of the plugin's number. Source: the history of QEMU_PLUGIN_VERSION in QEMU's
    include/plugins/qemu-plugin.h; 10.x takes 2 to 4, 11.1 takes 7 and no other.
    """
    if version >= (11, 1):
        return 7
    if version >= (9, 1):
        return 3
    return 2 if version >= (9, 0) else 1


def build_plugin(version: tuple[int, int], name: str = COUNTING) -> Path:
    """The plugin called ``name`` for a QEMU ``version``, compiled if it is not there yet.

    Raises :class:`InfrastructureError` if there is no C compiler, or it refuses the source.
    """
    api = plugin_api(version)
    target = _target(api, name)
    if target.is_file():
        return target
    folder = target.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock", timeout=_LOCK_TIMEOUT_S):
            if not target.is_file():
                _compile(api, target, name)
    except Timeout as error:
        raise InfrastructureError(
            f"another process holds {folder}/lock; wait for it to end, or remove that file"
        ) from error
    except OSError as error:
        raise InfrastructureError(
            f"cannot write QEMU's plugin to {folder} ({error.strerror}); "
            "set SIMBENCH_BUILD_DIR to a folder that can be written"
        ) from error
    return target


def _target(api: int, name: str = COUNTING) -> Path:
    key = hashlib.sha256("\0".join((str(api), *_FLAGS)).encode())
    for source in sorted(_folder(name).glob("*.[ch]")):
        content = hashlib.sha256(source.read_bytes()).hexdigest()
        key.update(f"\0{source.name}\0{content}".encode())
    return build_dir() / "plugin" / f"simbench-{name}-api{api}-{key.hexdigest()[:16]}.so"


def _folder(name: str) -> Path:
    return Path(__file__).with_name(name)


def _compile(api: int, target: Path, name: str = COUNTING) -> None:
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise InfrastructureError(
            "no C compiler for QEMU's plugin; install the Debian package gcc, or set CC"
        )
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    command = [*compiler.split(), *_FLAGS, f"-DSIMBENCH_PLUGIN_API={api}"]
    try:
        done = subprocess.run(
            [*command, str(_folder(name) / f"{name}.c"), "-o", str(partial)],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            raise InfrastructureError(
                f"{compiler} cannot compile QEMU's plugin: {_first_line(done.stderr)}"
            )
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _first_line(text: str) -> str:
    lines = [line for line in text.splitlines() if "error" in line] or text.splitlines()
    return lines[0] if lines else "no message"
