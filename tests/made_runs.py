"""Runs made up for tests of what reads, compares and exports them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simbench.result.estimate import Estimate
from simbench.result.tree import (
    OK,
    ArenaBuffer,
    ArenaUse,
    FlashUse,
    Frame,
    Layer,
    MeasuredInput,
    MemoryUse,
    ModelUsed,
    Parity,
    RamUse,
    Result,
    Run,
)

CORE = "cortex-m4 2 on stm32f4 2"


def estimate(value: float, source: str = CORE) -> Estimate:
    """An estimate whose range is a tenth of ``value`` to both sides."""
    return Estimate(value, value * 0.9, value * 1.1, source, {"issue": value})


def made_layer(index: int, op: str, name: str, cycles: float) -> Layer:
    """A layer of ``cycles`` that executes an instruction every second one."""
    return Layer(index, op, name, int(cycles / 2), estimate(cycles), estimate(cycles * 1e-9), 64)


LAYERS = (made_layer(0, "CONV_2D", "first", 600.0), made_layer(1, "SOFTMAX", "last", 300.0))
MEMORY = MemoryUse(
    flash_bytes=2048,
    ram_bytes=1024,
    arena_bytes=512,
    memories={"flash": {"used_bytes": 2048, "size_bytes": 4096}},
    flash=FlashUse(1000, 24, 24, 1000),
    ram=RamUse(256, 256, 128),
    arena=ArenaUse(400, 112, 512, (ArenaBuffer("in", "tensor", 0, 400, 0, 1),)),
)


def made_result(id_: str = "kws@stm32f4/cmsis-nn", **facts: Any) -> Result:
    """A result called ``id_`` that is ok, with ``facts`` in the place of its own."""
    benchmark, _, rest = id_.partition("@")
    platform, _, kernels = rest.partition("/")
    whole: dict[str, Any] = {
        "status": OK,
        "instructions": 500,
        "cycles": estimate(1000.0),
        "time_s": estimate(1e-5),
        "energy_j": estimate(1e-6),
        "coverage": 1.0,
        "memory": MEMORY,
        "parity": Parity(10, 10),
        "layers": LAYERS,
        "frames": (Frame(0, "convolve", 500, 1000.0),),
        "model": ModelUsed(benchmark, "0" * 64, "1" * 64, 1000, 128, ()),
        "input": MeasuredInput("seeded-0", "2" * 64),
        "output_sha256": "3" * 64,
        "firmware_sha256": "4" * 64,
        "missing": {"accuracy": "no data set was given"},
    }
    return Result(id_, benchmark, platform, kernels, **{**whole, **facts})


def made_run(results: Sequence[Result] = (), **facts: Any) -> Run:
    """A run of ``results``, with ``facts`` in the place of its own."""
    found = results or (made_result(),)
    whole: dict[str, Any] = {
        "tool": {"name": "simbench", "version": "0"},
        "environment": {
            "emulator": "qemu",
            "version": "7.2.22",
            "toolchain": "gcc 12.2.1",
            "host": "Linux x86_64",
        },
        "settings": {
            "backend": "qemu",
            "samples": 10,
            "seeds": {result.benchmark: 1 for result in found},
            "platforms": {result.platform: "2" for result in found},
            "cores": {"cortex-m4": "2"},
        },
    }
    return Run(**{**whole, **facts}, results=tuple(found))
