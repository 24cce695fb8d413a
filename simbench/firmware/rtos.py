"""Where an RTOS keeps which task is current, and where of a task its name is.

By the symbol that debuggers go by, and by the layout: as the image's debug information has it,
where it has one, else as the RTOS is built by default.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from simbench.firmware.image import Image


@dataclass(frozen=True, slots=True)
class CurrentTask:
    """``pointer`` is the address of the pointer to what an RTOS knows of the current task;
    ``name_offset`` bytes behind what it points at is the task's name, or with
    ``is_name_elsewhere`` a pointer to it. None where it has no names."""

    pointer: int
    name_offset: int | None = None
    is_name_elsewhere: bool = False

    def as_numbers(self) -> tuple[int, ...]:
        """As what counts takes it."""
        if self.name_offset is None:
            return (self.pointer,)
        return self.pointer, self.name_offset, int(self.is_name_elsewhere)


@dataclass(frozen=True, slots=True)
class _Member:
    """A member of a struct; ``offset`` is where it is by default, None where mostly it is not."""

    struct: str
    name: str
    offset: int | None


@dataclass(frozen=True, slots=True)
class _Kernel:
    """An RTOS: the ``symbol`` of the pointer, or of a struct whose member ``current`` it is; the
    member of a task's struct that is its ``task_name``; a ``function`` that is compiled with them.
    """

    symbol: str
    function: str
    current: _Member | None
    task_name: _Member
    is_name_elsewhere: bool


_FREERTOS_NAME = _Member("tskTaskControlBlock", "pcTaskName", 52)
_KERNELS = (
    # FreeRTOS-Kernel, tasks.c: a pointer, two list items of 20 bytes, priority and stack before it
    _Kernel("pxCurrentTCB", "vTaskSwitchContext", None, _FREERTOS_NAME, False),
    # of more cores than one: the first one's is the first
    _Kernel("pxCurrentTCBs", "vTaskSwitchContext", None, _FREERTOS_NAME, False),
    # Zephyr, include/zephyr/kernel_structs.h: _kernel begins with cpus[0], that with two words; a
    # thread has a name with CONFIG_THREAD_NAME
    _Kernel(
        "_kernel",
        "z_setup_new_thread",
        _Member("_cpu", "current", 8),
        _Member("k_thread", "name", None),
        False,
    ),
    # ThreadX, common/inc/tx_api.h: ten words before it; as pyOCD's threadx.py goes by
    _Kernel(
        "_tx_thread_current_ptr",
        "_tx_thread_create",
        None,
        _Member("TX_THREAD_STRUCT", "tx_thread_name", 40),
        True,
    ),
    # RTX5, rtx_os.h: osRtxInfo.thread.run.curr, and the name; as pyOCD's rtx5.py goes by
    _Kernel(
        "osRtxInfo",
        "osRtxThreadSwitch",
        _Member("osRtxInfo_t", "thread.run.curr", 20),
        _Member("osRtxThread_s", "name", 4),
        True,
    ),
)


def current_task(image: Image) -> CurrentTask | None:
    """Where the RTOS of ``image`` says which task is current; None where it has none known here."""
    kernel = next((kernel for kernel in _KERNELS if kernel.symbol in image.symbols), None)
    if kernel is None:
        return None
    wanted = [member for member in (kernel.current, kernel.task_name) if member is not None]
    found = _offsets(image, kernel.function, wanted)
    at = 0 if kernel.current is None else found[kernel.current]
    if at is None:
        return None
    name_at = found[kernel.task_name]
    return CurrentTask(image.symbols[kernel.symbol] + at, name_at, kernel.is_name_elsewhere)


def _offsets(image: Image, function: str, members: list[_Member]) -> dict[_Member, int | None]:
    """The offset of each of ``members``: as the unit of ``function`` has it, else the default."""
    found = {member: member.offset for member in members}
    address = image.symbols.get(function)
    if address is None:
        return found
    # imported when it is needed: few programs have an RTOS
    from simbench.firmware.dwarf import READ_ERRORS

    try:
        for struct, name, offset in _members(image, address):
            found.update({m: offset for m in members if (m.struct, m.name) == (struct, name)})
    except READ_ERRORS:
        # for what shows source lines to complain of: here it costs a name at most
        return {member: member.offset for member in members}
    return found


def _members(image: Image, address: int) -> Iterator[tuple[str, str, int]]:
    """Of each struct known where the code at ``address`` was compiled: itself, member, offset."""
    from simbench.firmware.dwarf import debug_information, units_of

    dwarf = debug_information(image, ".debug_aranges")
    if dwarf is None:
        return
    for unit in units_of(dwarf, [address]):
        for entry in unit.get_top_DIE().iter_children():
            if entry.tag == "DW_TAG_structure_type" and entry.has_children:
                yield from _members_of(entry)


def _members_of(entry: Any) -> Iterator[tuple[str, str, int]]:
    struct = _text(entry, "DW_AT_name")
    for member in entry.iter_children():
        place = member.attributes.get("DW_AT_data_member_location")
        if place is not None and isinstance(place.value, int):
            yield struct, _text(member, "DW_AT_name"), place.value


def _text(entry: Any, attribute: str) -> str:
    found = entry.attributes.get(attribute)
    return "" if found is None else found.value.decode(errors="replace")
