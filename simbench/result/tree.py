"""The immutable result tree. Its shape is the JSON document ``simbench.result/1``.

Add to it, never rename: others rely on it. The JSON Schema beside this module
(``schemas/result-1.schema.json``) is the same tree, and the tests validate against it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from simbench.result.estimate import Estimate
from simbench.result.what_if import WhatIf

SCHEMA = "simbench.result/1"

OK = "ok"
FAILED = "failed"
DOES_NOT_FIT = "does-not-fit"
UNSUPPORTED = "unsupported"
ERROR = "error"


@dataclass(frozen=True, slots=True)
class FlashUse:
    """Bytes of flash: instructions, read-only data, initial values of data, and the model.

    The image has every operator there is; ``needed_bytes`` is what of it, without the weights, the
    model's own operators need: what a build with these alone takes. None where that is not known.
    """

    code_bytes: int
    tables_bytes: int
    data_bytes: int
    weights_bytes: int
    needed_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class RamUse:
    """Bytes of RAM without the arena: data and bss, the stack reserved, and its high-water mark."""

    static_bytes: int
    stack_bytes: int
    stack_used_bytes: int | None


@dataclass(frozen=True, slots=True)
class ArenaBuffer:
    """A piece of the arena: a "tensor", a kernel's "scratch", or all that is "persistent".

    It is at ``offset_bytes`` of the arena, and alive from ``first_layer`` to ``last_layer``
    (indices of ``layers``, inclusive).
    """

    name: str
    kind: str
    offset_bytes: int
    size_bytes: int
    first_layer: int
    last_layer: int


@dataclass(frozen=True, slots=True)
class ArenaUse:
    """Bytes of the arena by the interpreter's own accounting, and its plan over the layers.

    The head holds tensors and scratch buffers, which share memory over time; the tail what stays.
    ``high_water_bytes`` is both: what is in use once all is set up. Setting up may need more.
    ``runtime`` is whose interpreter it is of: simbench's own, or another's by name.
    """

    head_bytes: int
    tail_bytes: int
    high_water_bytes: int
    plan: tuple[ArenaBuffer, ...]
    runtime: str | None = None


def _used(kind: Mapping[str, int]) -> int | None:
    return kind["used_bytes"] if kind["size_bytes"] else None


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Bytes of flash (code and weights) and RAM (static and arena) that a benchmark takes.

    ``memories`` says the same by the platform's memories: bytes used and bytes there are;
    ``kinds`` adds these up for "flash" and "ram", of the memories that anything is placed in.
    ``flash``, ``ram`` and ``arena`` take the three apart. Of a user's own ELF its sections are
    added up, and whether there is an arena in them is not known.
    """

    flash_bytes: int
    ram_bytes: int
    arena_bytes: int | None
    memories: Mapping[str, Mapping[str, int]]
    flash: FlashUse | None = None
    ram: RamUse | None = None
    arena: ArenaUse | None = None
    kinds: Mapping[str, Mapping[str, int]] | None = None

    @property
    def placed(self) -> tuple[int | None, int | None]:
        """Bytes that lie in the board's RAM, and in its flash, by its placement; None where nothing
        is placed in such a memory. Of a result stored without ``kinds``, RAM and flash bytes."""
        if self.kinds is None:
            return self.ram_bytes, self.flash_bytes
        return _used(self.kinds["ram"]), _used(self.kinds["flash"])


@dataclass(frozen=True, slots=True)
class Parity:
    """How many outputs were compared with the host's reference, and how many were equal.

    Of a model with float outputs, ``within`` says how many were equal or near, and ``tolerance``
    what near is; elsewhere both are None, and only equal is right.
    """

    samples: int
    exact: int
    within: int | None = None
    tolerance: str | None = None

    @property
    def wrong(self) -> int:
        """Outputs that are neither equal nor near."""
        return self.samples - (self.exact if self.within is None else self.within)

    @property
    def shown(self) -> str:
        """How many of how many are right: "10/10", or "≈10/10" where near is enough."""
        near = "" if self.exact == self.samples or self.within is None else "≈"
        return f"{near}{self.samples - self.wrong}/{self.samples}"


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How good the model is on labelled data: ``metric`` is "top1" or "auc", with "smoke-" before
    it on the smoke set, which is no data set of MLPerf Tiny.

    ``value`` and ``target``, the least for MLPerf Tiny's closed division, go from 0 to 1; ``on``
    says whose outputs were judged, the "host"'s or the "emulator"'s. ``parity_samples`` outputs of
    the emulated firmware were the host's; ``data_sha256`` is the hash of the labelled data.
    """

    metric: str
    value: float
    samples: int
    target: float | None
    passed: bool | None
    on: str
    parity_samples: int
    data_sha256: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the firmware said of a real input: the winning class and its dequantised score, None
    where that is not finite."""

    input: str
    label: str
    score: float | None


@dataclass(frozen=True, slots=True)
class Layer:
    """One operator of the model, in order of execution."""

    index: int
    op: str
    name: str
    instructions: int
    cycles: Estimate
    energy_j: Estimate | None
    macs: int


@dataclass(frozen=True, slots=True)
class Frame:
    """What a function costs by itself in a layer (an index of ``layers``), or outside all of them.

    Frames add up to the inference, instructions exactly and cycles to rounding.
    """

    layer: int | None
    function: str
    instructions: int
    cycles: float


@dataclass(frozen=True, slots=True)
class ModelUsed:
    """The model as it ran: hashes before and after preparation, and what preparation changed."""

    name: str
    source_sha256: str
    sha256: str
    bytes: int
    macs: int
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MeasuredInput:
    """The input of the measured inference: its name and the hash of its bytes as sent."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that ``metric`` (``cycles``, ``arena_bytes``, ...) may be, and what it is.

    A value that is not known meets no budget.
    """

    metric: str
    limit: float
    value: float | None
    is_met: bool


@dataclass(frozen=True, slots=True)
class Duty:
    """The inference every ``period_s``, and sleep between.

    ``margin_s`` is what is left of a period; ``is_in_time`` whether the inference ends before the
    next, None where its range holds both. ``average_w`` is the mean power, ``sleep_w`` that asleep,
    in ``sleep_mode``; ``battery_life_s`` is how long the ``battery`` lasts. What is None is in the
    result's ``missing``, where it was asked for.
    """

    period_s: float
    margin_s: Estimate | None
    is_in_time: bool | None
    sleep_mode: str | None
    sleep_w: Estimate | None
    average_w: Estimate | None
    battery: str | None
    battery_life_s: Estimate | None


@dataclass(frozen=True, slots=True)
class Result:
    """One benchmark on one platform with one kernel set. A fact that is not there is ``None``,
    and ``missing`` says why, by the fact's name; ``notes`` say what widened a range,
    or was changed in an input. ``runtime`` names one that is not simbench's own, and its commit;
    ``toolchain`` a compiler that is not the pinned one, and its version.
    ``is_simulated`` false says that ``time_s`` was measured on a real
    board: its range is that of the windows measured. ``what_if`` has its prices at other settings
    of an emulated one."""

    id: str
    benchmark: str
    platform: str
    kernels: str
    status: str
    reason: str | None = None
    instructions: int | None = None
    cycles: Estimate | None = None
    time_s: Estimate | None = None
    energy_j: Estimate | None = None
    coverage: float | None = None
    memory: MemoryUse | None = None
    parity: Parity | None = None
    accuracy: Accuracy | None = None
    predictions: tuple[Prediction, ...] = ()
    layers: tuple[Layer, ...] = ()
    frames: tuple[Frame, ...] = ()
    model: ModelUsed | None = None
    input: MeasuredInput | None = None
    output_sha256: str | None = None
    firmware_sha256: str | None = None
    runtime: Mapping[str, str] | None = None
    toolchain: Mapping[str, str] | None = None
    is_simulated: bool = True
    duty: Duty | None = None
    budgets: tuple[Budget, ...] = ()
    notes: tuple[str, ...] = ()
    missing: Mapping[str, str] | None = None
    what_if: WhatIf | None = None

    @property
    def variant(self) -> str:
        """What of the firmware is in the id: the kernels, and what is not simbench's own."""
        return self.id.partition("@")[2].partition("/")[2]


@dataclass(frozen=True, slots=True)
class Run:
    """Everything one invocation found out. ``environment`` holds host facts, outside the
    fingerprint; ``settings`` everything that changes a number."""

    tool: Mapping[str, str]
    environment: Mapping[str, Any]
    settings: Mapping[str, Any]
    results: tuple[Result, ...]

    def document(self) -> dict[str, Any]:
        """The JSON document, with its fingerprint."""
        body = {"schema": SCHEMA, **asdict(self)}
        # through JSON and back: tuples become lists, and what is hashed is what is written
        document: dict[str, Any] = json.loads(json.dumps(body))
        return {**document, "fingerprint": fingerprint(document)}


def _named(result: object) -> str:
    """The id of a result as a document has it; what is damaged has a place all the same."""
    return str(result.get("id")) if isinstance(result, dict) else str(result)


def fingerprint(document: Mapping[str, Any]) -> str:
    """sha256 over everything but host facts: equal inputs give equal fingerprints.

    The order of the results, which is the order they were asked for in, does not count.
    """
    decided = {k: v for k, v in document.items() if k not in ("environment", "fingerprint")}
    if isinstance(decided.get("results"), list):
        decided["results"] = sorted(decided["results"], key=_named)
    canonical = json.dumps(decided, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
