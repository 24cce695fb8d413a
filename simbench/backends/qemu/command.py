"""The command line and the plugin's configuration for a board."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from simbench.backends.board import LaunchSpec
from simbench.backends.markers import marker_addresses
from simbench.backends.qemu.chip import machine_options
from simbench.backends.qemu.tool import Tool
from simbench.backends.watched import cache_markers, caches_as_numbers
from simbench.catalog.cores import built_in_records
from simbench.counts import Segment

_GRANULE = 256
START = "Reset_Handler"


@dataclass(frozen=True, slots=True)
class Files:
    """What a board uses of the file system and of open descriptors."""

    kernel: Path
    counts: Path
    config: Path
    blobs: tuple[Path, ...]
    uart: int
    monitor: int
    leash: int
    chip: Path | None = None
    debugger: int | None = None


def command(
    program: Path,
    plugin: Path | None,
    spec: LaunchSpec,
    files: Files,
    chip_plugin: Path | None = None,
) -> list[str]:
    """The emulator's argument vector; ``plugin`` None is a bare board, ``chip_plugin`` makes one
    with a chip's own map."""
    arguments = [
        str(program),
        *("-nodefaults", "-no-user-config", "-display", "none", "-nic", "none", "-no-reboot"),
        *([] if spec.chip else _uart(files.uart)),
        *("-chardev", f"socket,id=monitor,fd={files.monitor}", "-mon", "chardev=monitor"),
        *([] if files.debugger is None else _debugger(files.debugger)),
        *machine_arguments(spec, files.kernel, files.blobs),
    ]
    if chip_plugin is not None and files.chip is not None:
        arguments += ["-plugin", f"{_quoted(chip_plugin)},config={_quoted(files.chip)}"]
    if plugin is not None:
        arguments += ["-plugin", f"{_quoted(plugin)},config={_quoted(files.config)}"]
    return arguments


def _uart(descriptor: int) -> list[str]:
    return ["-chardev", f"socket,id=uart,fd={descriptor},mux=on", "-serial", "chardev:uart"]


def _debugger(descriptor: int) -> list[str]:
    return ["-chardev", f"socket,id=debugger,fd={descriptor}", "-gdb", "chardev:debugger"]


def machine_arguments(spec: LaunchSpec, image: Path, blobs: Sequence[Path]) -> list[str]:
    """The machine, and what is loaded into it: the file ``image``, and one for each blob."""
    if spec.chip is None:
        arguments = ["-machine", spec.machine, "-kernel", str(image)]
    else:
        arguments = machine_options(spec.chip.core)
    for blob, path in zip(spec.blobs, blobs, strict=True):
        where = f"loader,file={_quoted(path)},addr=0x{blob.address:x},force-raw=on"
        arguments += ["-device", where]
    return arguments


def plugin_config(spec: LaunchSpec, files: Files, tool: Tool) -> str:
    """The text the plugin reads. Raises UsageError if the image or a cache cannot be counted."""
    return "".join(f"{statement}\n" for statement in _statements(spec, files, tool))


def _statements(spec: LaunchSpec, files: Files, tool: Tool) -> Iterator[str]:
    yield f"output {files.counts}"
    yield f"leash {files.leash}"
    yield f"limit {spec.window_instructions}"
    yield f"grouping {int(spec.grouping)}"
    # simbench's own images reach no device while they are counted
    yield f"pieces {int(spec.chip is not None)}"
    # QEMU before 8.0 aborts where a plugin leaves a core that runs MVE's loads and stores
    may_leave = tool.series >= (8, 0) or not _has_mve(spec)
    yield f"windows {spec.counted_windows or 0} {int(may_leave and not spec.restarts)}"
    if spec.restarts:
        yield f"restart {spec.image.symbols[START] & ~1}"
    for address, marker in marker_addresses(spec).items():
        yield f"marker {int(marker)} {address}"
    for address, kind in cache_markers(spec):
        yield f"marker {kind} {address}"
    for segment, ranges in spec.image.segments.items():
        if segment is Segment.OTHER:
            continue
        for r in ranges:
            yield f"segment {int(segment)} {_down(r.start)} {_up(r.end)}"
    for register, segment in spec.base_segments.items():
        yield f"base {register} {int(segment)}"
    if spec.chip is not None and spec.tasks is not None:
        yield f"tasks {' '.join(map(str, spec.tasks.as_numbers()))}"
    for numbers in caches_as_numbers(spec.caches):
        yield f"cache {' '.join(map(str, numbers))}"


def _has_mve(spec: LaunchSpec) -> bool:
    chip, machine = spec.chip, spec.machine
    records = built_in_records()
    is_it = (core.machine == machine if chip is None else core.id == chip.core for core in records)
    return any(core.has_mve for core, it in zip(records, is_it, strict=True) if it)


def _down(address: int) -> int:
    return address // _GRANULE * _GRANULE


def _up(address: int) -> int:
    return -(-address // _GRANULE) * _GRANULE


def _quoted(path: Path) -> str:
    return str(path).replace(",", ",,")
