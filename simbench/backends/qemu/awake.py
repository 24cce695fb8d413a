"""Firmware that waits awake, for the QEMUs in which a sleeping core is never woken."""

from __future__ import annotations

import io

from elftools.elf.elffile import ELFFile

from simbench.backends.board import LaunchSpec
from simbench.backends.qemu.tool import Tool
from simbench.catalog.cores import built_in_records
from simbench.firmware.image import Image

_WAITS = "_ZN8simbench14ReadSerialPortEv"
_WFI, _NOP = b"\x30\xbf", b"\x00\xbf"
# QEMU 8.2.2 (Ubuntu 24.04) does not wake these from WFI while PRIMASK is set; 7.2, 10.0, 11.1 do
_ASLEEP = ("cortex-m33", "cortex-m55")


def sleeps_for_ever(tool: Tool, spec: LaunchSpec) -> bool:
    """Whether simbench's firmware, which waits for a byte asleep and masked, would not wake."""
    machines = {core.machine for core in built_in_records() if core.id in _ASLEEP}
    return spec.chip is None and spec.machine in machines and (8, 0) <= tool.series < (9, 0)


def waiting_awake(image: Image) -> bytes:
    """The ELF of ``image``, without WFI in its wait for a byte. Nothing that is counted differs."""
    data = bytearray(image.path.read_bytes())
    for function in image.functions:
        if function.name == _WAITS:
            start = _file_offset(bytes(data), function.start)
            for at in range(start, start + function.size, 2):
                if data[at : at + 2] == _WFI:
                    data[at : at + 2] = _NOP
    return bytes(data)


def _file_offset(elf: bytes, address: int) -> int:
    for part in ELFFile(io.BytesIO(elf)).iter_segments("PT_LOAD"):
        if part["p_vaddr"] <= address < part["p_vaddr"] + part["p_filesz"]:
            return int(part["p_offset"] + address - part["p_vaddr"])
    raise AssertionError("a function's code is loaded")
