"""A task to its profile: one counted inference, its output checked, its cost taken apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from simbench.backends import Backend
from simbench.cost.residuals import load_target
from simbench.firmware.lines import source_lines
from simbench.models.parity import agrees
from simbench.profiles import Profile, build_profile
from simbench.result.tree import DOES_NOT_FIT, FAILED, OK, fingerprint
from simbench.runs.bare import measured_input
from simbench.runs.decoded import recall_decoded
from simbench.runs.expected import expected_of
from simbench.runs.memory import memory_of, misfit_of
from simbench.session.measure import Observation
from simbench.session.observe import observe
from simbench.store import Store
from simbench.task.tasks import ModelTask, Task

SCHEMA = "simbench.profile/1"


@dataclass(frozen=True, slots=True)
class Profiled:
    """A profile with what it is of. ``is_cached`` and ``notes`` are as in
    :class:`simbench.session.observe.Observed`."""

    task: Task
    profile: Profile
    is_cached: bool
    notes: tuple[str, ...]

    def document(
        self,
        tool: Mapping[str, str],
        environment: Mapping[str, Any],
        settings: Mapping[str, Any],
    ) -> dict[str, Any]:
        """The JSON document; host facts are outside its fingerprint."""
        scenario, given = self.task.scenario, self.task.measured
        model = self.task.model if isinstance(self.task, ModelTask) else None
        body = {
            "schema": SCHEMA,
            "tool": tool,
            "environment": environment,
            "settings": settings,
            "id": scenario.id,
            "benchmark": scenario.benchmark,
            "platform": scenario.platform,
            "kernels": scenario.variant.kernels,
            "input": None if given is None else asdict(measured_input(given)),
            "model_sha256": None if model is None else model.sha256,
            "firmware_sha256": self.task.image.sha256,
            **asdict(self.profile),
        }
        document: dict[str, Any] = json.loads(json.dumps(body))
        return {**document, "fingerprint": fingerprint(document)}


def profile_task(task: Task, backend: Backend, store: Store | None = None) -> Profiled:
    """The profile of the task's measured inference, with counts from the ``store`` where it has
    them. Raises what measuring raises."""
    observed = observe(task, backend, store)
    task = observed.task
    expected = expected_of(task, store)
    seen = observed.observation
    decoding = recall_decoded(task.benchmark.id, seen.counts.blocks, store)
    profile = build_profile(
        task.scenario.id,
        seen.counts,
        task.image,
        task.model if isinstance(task, ModelTask) else None,
        load_target(task.platform),
        source_lines,
    )
    profile = replace(profile, notes=(*task.notes, *seen.notes, *profile.notes))
    if isinstance(task, ModelTask):
        status, reason = _status(task, seen, expected.outputs)
        profile = replace(profile, status=status, reason=reason, memory=memory_of(task, seen))
    notes = (*observed.notes, *expected.notes, *decoding)
    return Profiled(task, profile, observed.is_cached, notes)


def _status(
    task: ModelTask, seen: Observation, expected: Sequence[bytes]
) -> tuple[str, str | None]:
    if not agrees(task.model, seen.outputs[0], expected[0]):
        return FAILED, f"outputs differ from the host's reference for {task.measured.name}"
    misfit = misfit_of(task, seen)
    return (OK, None) if misfit is None else (DOES_NOT_FIT, misfit)
