"""A task to its profile: one counted inference, its output checked, its cost taken apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from simbench.backends import Backend
from simbench.cost.fit import check_fit
from simbench.cost.residuals import load_target
from simbench.errors import DoesNotFit
from simbench.firmware.lines import source_lines
from simbench.models.parity import agrees
from simbench.models.recall import expected_outputs
from simbench.profiles import Profile, build_profile
from simbench.result.tree import DOES_NOT_FIT, FAILED, OK, Memory, fingerprint
from simbench.runs.decoded import recall_decoded
from simbench.runs.memory import memory_needs, memory_section
from simbench.runs.runner import measured_input
from simbench.session.measure import Observation
from simbench.session.observe import observe
from simbench.store import Store
from simbench.task.tasks import Task

SCHEMA = "simbench.profile/1"


@dataclass(frozen=True, slots=True)
class Profiled:
    """A profile with what it is of. ``status``, ``reason`` and ``memory`` are as in a result;
    ``is_cached`` and ``notes`` as in :class:`simbench.session.observe.Observed`."""

    task: Task
    status: str
    reason: str | None
    profile: Profile
    memory: Memory | None
    is_cached: bool
    notes: tuple[str, ...]

    def document(
        self,
        tool: Mapping[str, str],
        environment: Mapping[str, Any],
        settings: Mapping[str, Any],
    ) -> dict[str, Any]:
        """The JSON document; host facts are outside its fingerprint."""
        scenario, model, given = self.task.scenario, self.task.model, self.task.measured
        body = {
            "schema": SCHEMA,
            "tool": tool,
            "environment": environment,
            "settings": settings,
            "id": scenario.id,
            "benchmark": scenario.benchmark,
            "platform": scenario.platform,
            "kernels": scenario.kernels,
            "status": self.status,
            "reason": self.reason,
            "input": None if given is None else asdict(measured_input(given)),
            "model_sha256": None if model is None else model.sha256,
            "firmware_sha256": self.task.image.sha256,
            "memory": None if self.memory is None else asdict(self.memory),
            **asdict(self.profile),
        }
        document: dict[str, Any] = json.loads(json.dumps(body))
        return {**document, "fingerprint": fingerprint(document)}


def profile_task(task: Task, backend: Backend, store: Store | None = None) -> Profiled:
    """The profile of the task's measured inference, with counts from the ``store`` where it has
    them. Raises what measuring raises."""
    observed = observe(task, backend, store)
    tensors = [entry.tensor for entry in task.inputs]
    expected = expected_outputs(task.benchmark.id, task.model, tensors, store)
    seen = observed.observation
    decoding = recall_decoded(task.benchmark.id, seen.counts.blocks, store)
    profile = build_profile(
        task.scenario.id,
        seen.counts,
        task.image,
        task.model,
        load_target(task.platform),
        source_lines,
    )
    profile = replace(profile, notes=(*task.notes, *profile.notes))
    status = _status(task, seen, expected.outputs)
    notes = (*observed.notes, *expected.notes, *decoding)
    return Profiled(task, *status, profile, _memory(task, seen), observed.is_cached, notes)


def _memory(task: Task, seen: Observation) -> Memory | None:
    if task.model is None or seen.footprint is None:
        return None
    return memory_section(task.platform, task.image, task.model, seen.footprint)


def _status(task: Task, seen: Observation, expected: Sequence[bytes]) -> tuple[str, str | None]:
    model, measured = task.model, task.measured
    if model is None or measured is None or seen.footprint is None:
        return OK, None
    if not agrees(model, seen.outputs[0], expected[0]):
        return FAILED, f"outputs differ from the host's reference for {measured.name}"
    try:
        check_fit(task.platform, memory_needs(task.image, model, seen.footprint))
    except DoesNotFit as error:
        return DOES_NOT_FIT, str(error)
    return OK, None
