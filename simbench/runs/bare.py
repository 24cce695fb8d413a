"""A task's result before anything ran: what it is of, and what it cannot have."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from simbench.catalog.platforms import Platform
from simbench.catalog.scenario import OWN_RUNTIME, Variant
from simbench.errors import DoesNotFit, ModelError, SimbenchError
from simbench.firmware.runtimes import foreign_runtime
from simbench.firmware.toolchain import toolchain_facts
from simbench.result.tree import (
    DOES_NOT_FIT,
    ERROR,
    OK,
    UNSUPPORTED,
    MeasuredInput,
    ModelUsed,
    Result,
)
from simbench.task.inputs import Input
from simbench.task.labelled import NO_DATA_SET
from simbench.task.tasks import ModelTask, Refused, Task

_NOTHING_SENT = "the section is passed without any"


def bare_result(task: Task) -> Result:
    """What is known of ``task`` before it runs."""
    scenario = task.scenario
    return Result(
        id=scenario.id,
        benchmark=scenario.benchmark,
        platform=scenario.platform,
        kernels=scenario.variant.kernels,
        status=OK,
        input=None if task.measured is None else measured_input(task.measured),
        firmware_sha256=task.image.sha256,
        runtime=_runtime(scenario.variant),
        toolchain=toolchain_facts(scenario.variant.toolchain),
        model=_model_used(task) if isinstance(task, ModelTask) else None,
        notes=task.notes,
        missing={"accuracy": NO_DATA_SET} | _no_input(task) | _no_energy(task.platform),
    )


def failed_result(task: Task, error: SimbenchError) -> Result:
    """The result of ``task`` where measuring it raised ``error``."""
    statuses = ((DoesNotFit, DOES_NOT_FIT), (ModelError, UNSUPPORTED), (SimbenchError, ERROR))
    status = next(status for kind, status in statuses if isinstance(error, kind))
    return replace(bare_result(task), status=status, reason=str(error))


def refused_result(refused: Refused) -> Result:
    """The result of a scenario whose model is refused."""
    scenario = refused.scenario
    return Result(
        id=scenario.id,
        benchmark=scenario.benchmark,
        platform=scenario.platform,
        kernels=scenario.variant.kernels,
        status=UNSUPPORTED,
        reason=str(refused.error),
        runtime=_runtime(scenario.variant),
        toolchain=toolchain_facts(scenario.variant.toolchain),
    )


def _runtime(variant: Variant) -> Mapping[str, str] | None:
    if variant.runtime == OWN_RUNTIME:
        return None
    foreign = foreign_runtime(variant.runtime)
    assert foreign is not None
    return {"name": foreign.name, **foreign.facts}


def measured_input(given: Input) -> MeasuredInput:
    """The input of a measured inference as a result names it."""
    return MeasuredInput(given.name, hashlib.sha256(given.wire).hexdigest())


def _no_input(task: Task) -> dict[str, str]:
    return {} if task.measured is not None else {"input": _NOTHING_SENT}


def _no_energy(platform: Platform) -> dict[str, str]:
    return {} if platform.energy_reason is None else {"energy_j": platform.energy_reason}


def _model_used(task: ModelTask) -> ModelUsed:
    model = task.model
    return ModelUsed(
        name=task.benchmark.title,
        source_sha256=model.source_sha256,
        sha256=model.sha256,
        bytes=len(model.data),
        macs=model.macs,
        changes=model.changes,
    )
