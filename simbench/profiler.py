"""A task to its profile: one counted inference, its output checked, its cost taken apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from simbench.backends import Backend
from simbench.cost.core import load_core
from simbench.cost.fit import check_fit
from simbench.counts import Segment
from simbench.errors import DoesNotFit
from simbench.firmware.lines import source_lines
from simbench.measure import Observation, measure
from simbench.models.reference import reference_outputs
from simbench.profile import Profile, build_profile
from simbench.results import DOES_NOT_FIT, FAILED, OK, fingerprint
from simbench.tasks import Task

SCHEMA = "simbench.profile/1"


@dataclass(frozen=True, slots=True)
class Profiled:
    """A profile with what it is of. ``status`` and ``reason`` are as in a result."""

    task: Task
    status: str
    reason: str | None
    profile: Profile

    def document(
        self,
        tool: Mapping[str, str],
        environment: Mapping[str, Any],
        settings: Mapping[str, Any],
    ) -> dict[str, Any]:
        """The JSON document; host facts are outside its fingerprint."""
        scenario, model, given = self.task.scenario, self.task.model, self.task.inputs[0]
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
            "input": {"name": given.name, "sha256": hashlib.sha256(given.wire).hexdigest()},
            "model_sha256": None if model is None else model.sha256,
            "firmware_sha256": self.task.image.sha256,
            **asdict(self.profile),
        }
        document: dict[str, Any] = json.loads(json.dumps(body))
        return {**document, "fingerprint": fingerprint(document)}


def profile_task(task: Task, backend: Backend) -> Profiled:
    """The profile of the task's measured inference. Raises what measuring raises."""
    seen = measure(task, backend)
    profile = build_profile(
        task.scenario.id,
        seen.counts,
        task.image,
        task.model,
        task.platform,
        load_core(task.platform.core),
        source_lines,
    )
    return Profiled(task, *_status(task, seen), profile)


def _status(task: Task, seen: Observation) -> tuple[str, str | None]:
    model, measured = task.model, task.inputs[0]
    if model is None or seen.arena_bytes is None:
        return OK, None
    if reference_outputs(model, [measured.tensor])[0] != seen.outputs[0]:
        return FAILED, f"outputs differ from the host's reference for {measured.name}"
    needs = {
        Segment.CODE: task.image.code_bytes,
        Segment.WEIGHTS: len(model.data),
        Segment.STATIC: task.image.static_bytes,
        Segment.ARENA: seen.arena_bytes,
    }
    try:
        check_fit(task.platform, needs)
    except DoesNotFit as error:
        return DOES_NOT_FIT, str(error)
    return OK, None
