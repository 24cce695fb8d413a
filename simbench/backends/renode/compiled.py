"""Have Renode load simbench's counter: C# that it compiles once, and from then on only loads.

Compiling takes Renode a second or two and 130 MiB. What comes of it is of the very library that it
was compiled against, so it is kept by that one's identifier (its MVID) and by the sources.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
from importlib.resources import files
from pathlib import Path

from simbench.backends.renode.monitor import Monitor, path
from simbench.errors import InfrastructureError
from simbench.files.paths import build_dir

SOURCE = "counter.cs"
"""The file that Renode is given: the sources behind one another, each with its own namespace."""

_PARTS = ("commands", "counter", "cache", "interval")
_MVID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PLAIN = re.compile(r"[\w./+-]+")
_ASKS = (
    "import clr;from Antmicro.Renode.Peripherals.CPU import TranslationCPU;"
    "print(clr.GetClrType(TranslationCPU).Assembly.ManifestModule.ModuleVersionId)"
)
_LOADS = (
    "from Antmicro.Renode.Utilities import TypeManager;print(TypeManager.Instance.ScanFile('{}'))"
)


def counter_source() -> str:
    """What Renode compiles."""
    folder = files("simbench.backends.renode") / "counter"
    return "\n".join((folder / f"{part}.cs").read_text() for part in _PARTS)


def load_counter(monitor: Monitor, folder: Path) -> None:
    """Make the counter's commands known to the Renode of ``monitor``, whose files are in
    ``folder``. Raises InfrastructureError where it does not compile them."""
    text = counter_source()
    kept = _place(monitor, text)
    if kept is not None and kept.is_file() and _loads(monitor, kept):
        return
    (folder / SOURCE).write_text(text)
    try:
        monitor.execute(f"include {path(folder / SOURCE)}")
    except InfrastructureError as error:
        raise InfrastructureError(f"{error}; --backend renode-trace counts without") from error
    if kept is not None:
        _keep(folder, kept)


def _place(monitor: Monitor, text: str) -> Path | None:
    """Where what Renode compiles of ``text`` is kept; None where it does not say what it is."""
    said = _ask(monitor, _ASKS)
    if not _MVID.fullmatch(said):
        return None
    key = hashlib.sha256(f"{said}\0{text}".encode()).hexdigest()[:16]
    place = build_dir().absolute() / "renode" / f"counter-{key}.dll"
    return place if _PLAIN.fullmatch(str(place)) else None


def _loads(monitor: Monitor, kept: Path) -> bool:
    """Whether Renode loads ``kept``: it does not where that was damaged."""
    return _ask(monitor, _LOADS.format(kept)) == "True"


def _ask(monitor: Monitor, python: str) -> str:
    """The answer of Renode's Python; nothing where it has none, or other types than now."""
    with contextlib.suppress(InfrastructureError):
        return monitor.execute(f'python "{python}"').strip()
    return ""


def _keep(folder: Path, kept: Path) -> None:
    """Keep what Renode compiled in its temporary folder; one that cannot be kept is made anew."""
    found = sorted(folder.rglob("*.dll"))
    if len(found) != 1:
        return
    partial = kept.with_name(f"{kept.name}.{os.getpid()}.part")
    with contextlib.suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found[0], partial)
        partial.replace(kept)
