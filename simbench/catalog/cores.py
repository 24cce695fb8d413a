"""Cores by name: the machine, firmware and pipeline of each; its prices are in the same file.

The machines are QEMU's MPS2 and MPS3 boards, whose maps do not change. Sources: Arm application
notes AN385, AN386, AN500, AN505 and AN547, and QEMU's documentation, "Arm MPS2 and MPS3 boards".
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from simbench.catalog.chosen import called
from simbench.files.datafile import Table, read
from simbench.files.paths import cores_dir, user_dirs


@dataclass(frozen=True, slots=True)
class CoreRecord:
    """What a core is, but for its numbers.

    ``machine`` is the stable machine that is emulated for it, under QEMU's name; ``firmware`` the
    board of firmware_images/ that its image is built for; ``pipeline_class`` prices its
    instructions; ``has_mve`` says that the machine's core executes MVE.
    """

    id: str
    title: str
    pipeline_class: str
    machine: str
    firmware: str
    has_mve: bool


def core_files() -> dict[str, Path]:
    """The files of the cores by name: the built-in ones, and those of the user's folders.

    A user's file goes before a built-in one of the same name.
    """
    folders = (cores_dir(), *user_dirs("cores"))
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.yaml"))}


def core_path(name: str) -> Path:
    """The file of the core called ``name``. Raises UsageError, with the nearest, without one."""
    files = core_files()
    return files[called("core", name, tuple(files))]


def core_record(name: str) -> CoreRecord:
    """The record of the core called ``name``. Raises UsageError for none, or a wrong file."""
    return read_record(core_path(name))


@cache
def read_record(path: Path) -> CoreRecord:
    """The record in the file ``path``. Raises UsageError naming file, line and key."""
    return record_from(read(path), path)


def record_from(top: Table, path: Path) -> CoreRecord:
    """The record of the core that the table ``top`` of the file ``path`` describes."""
    record = CoreRecord(
        id=top.text("id"),
        title=top.text("title"),
        pipeline_class=top.text("pipeline_class"),
        machine=top.text("machine"),
        firmware=top.text("firmware"),
        has_mve=top.flag("mve"),
    )
    if record.id != path.stem:
        raise top.fail("id", f"{record.id} must be the file's name, {path.stem}")
    if path.parent != cores_dir():
        _check_firmware(top, record)
    return record


def is_built_in(name: str) -> bool:
    """Whether the core called ``name`` is simbench's own. Raises as :func:`core_path`."""
    return core_path(name).parent == cores_dir()


def built_in_records() -> tuple[CoreRecord, ...]:
    """The records of the cores that simbench has firmware for."""
    return tuple(read_record(path) for path in sorted(cores_dir().glob("*.yaml")))


def _check_firmware(top: Table, record: CoreRecord) -> None:
    """Refuse a user's core whose firmware simbench has not, or has for another machine."""
    machines = {known.firmware: known.machine for known in built_in_records()}
    if record.firmware not in machines:
        near = get_close_matches(record.firmware, machines, 3) or list(machines)
        raise top.fail(
            "firmware", f"there is none for the board {record.firmware}: choose {', '.join(near)}"
        )
    machine = machines[record.firmware]
    if record.machine != machine:
        raise top.fail("machine", f"the firmware {record.firmware} runs on {machine} alone")
