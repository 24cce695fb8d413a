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

from simbench.estimate import Estimate

SCHEMA = "simbench.result/1"

OK = "ok"
FAILED = "failed"
DOES_NOT_FIT = "does-not-fit"
ERROR = "error"


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of flash (code and weights) and RAM (static and arena) that a benchmark takes.

    ``memories`` says the same by the platform's memories: bytes used and bytes there are.
    """

    flash_bytes: int
    ram_bytes: int
    arena_bytes: int
    memories: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Parity:
    """How many outputs were compared with the host's reference, and how many were equal."""

    samples: int
    exact: int


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the firmware said of a real input: the winning class and its dequantised score."""

    input: str
    label: str
    score: float


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
class Result:
    """One benchmark on one platform with one kernel set. A fact that is not there is ``None``,
    and ``missing`` says why, by the fact's name; ``notes`` say what widened a range."""

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
    memory: Memory | None = None
    parity: Parity | None = None
    accuracy: None = None
    predictions: tuple[Prediction, ...] = ()
    layers: tuple[Layer, ...] = ()
    model: ModelUsed | None = None
    input: MeasuredInput | None = None
    output_sha256: str | None = None
    firmware_sha256: str | None = None
    notes: tuple[str, ...] = ()
    missing: Mapping[str, str] | None = None


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


def fingerprint(document: Mapping[str, Any]) -> str:
    """sha256 over everything but host facts: equal inputs give equal fingerprints."""
    decided = {k: v for k, v in document.items() if k not in ("environment", "fingerprint")}
    canonical = json.dumps(decided, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
