"""Which source line an address of code comes from, by the DWARF line tables of the image."""

from __future__ import annotations

import bisect
import os.path
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from simbench.errors import UsageError
from simbench.firmware.dwarf import READ_ERRORS, debug_information, units_of
from simbench.firmware.image import Image
from simbench.firmware.read import function_at


@dataclass(frozen=True, order=True, slots=True)
class SourceLine:
    """A line of a source file; ``file`` is the path that the compiler was given."""

    file: str
    line: int


def source_lines(image: Image, addresses: Iterable[int]) -> dict[int, SourceLine]:
    """The source line of each of ``addresses`` that the image's debug information knows.

    Raises UsageError where the debug information is damaged.
    """
    wanted = sorted(set(addresses))
    try:
        dwarf = debug_information(image, ".debug_line")
        return {} if dwarf is None else _found(image, dwarf, wanted)
    except READ_ERRORS as error:
        raise UsageError(
            f"the debug information of {image.path} is damaged ({error}): link it again, or remove "
            "it with 'arm-none-eabi-strip --strip-debug'"
        ) from error


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    line: SourceLine


def _found(image: Image, dwarf: Any, wanted: list[int]) -> dict[int, SourceLine]:
    spans = sorted(
        (span for unit in units_of(dwarf, wanted) for span in _spans(image, dwarf, unit)),
        key=lambda span: span.start,
    )
    found: dict[int, SourceLine] = {}
    for address in wanted:
        place = bisect.bisect_right(spans, address, key=lambda span: span.start) - 1
        if place >= 0 and address < spans[place].end:
            found[address] = spans[place].line
    return found


def _spans(image: Image, dwarf: Any, unit: Any) -> Iterator[_Span]:
    program = dwarf.line_program_for_CU(unit)
    if program is None:
        return
    names = _file_names(program, _directory(unit))
    before = None
    for entry in program.get_entries():
        state = entry.state
        if state is None:
            continue
        # what the linker left out stays in the table, at addresses that are no function's
        if before is not None and before.address < state.address and _is_kept(image, before):
            where = SourceLine(names.get(before.file, ""), before.line)
            yield _Span(before.address, state.address, where)
        before = None if state.end_sequence else state


def _is_kept(image: Image, state: Any) -> bool:
    return state.line > 0 and function_at(image, state.address) is not None


def _directory(unit: Any) -> str:
    attribute = unit.get_top_DIE().attributes.get("DW_AT_comp_dir")
    return "" if attribute is None else attribute.value.decode("utf-8", "replace")


def _file_names(program: Any, directory: str) -> Mapping[int, str]:
    """Paths by file number: since DWARF 5 numbers and directories start at 0, before at 1."""
    header = program.header
    listed = [name.decode("utf-8", "replace") for name in header["include_directory"]]
    is_new = header.version >= 5
    folders = listed if is_new else [directory, *listed]
    # a relative one was mapped by the compiler's -ffile-prefix-map, and so were the others
    base = directory if os.path.isabs(directory) else ""
    names = {}
    for number, entry in enumerate(header["file_entry"], 0 if is_new else 1):
        folder = folders[entry.dir_index] if entry.dir_index < len(folders) else ""
        path = os.path.join(base, folder, entry.name.decode("utf-8", "replace"))
        names[number] = os.path.normpath(path)
    return names
