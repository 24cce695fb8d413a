"""A request planned, with all that a user can get wrong found out, and performed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from simbench.backends import Backend
from simbench.errors import NothingRun
from simbench.files.fetch import Progress, quiet
from simbench.result.tree import Result, Run
from simbench.runs.bare import refused_result
from simbench.runs.duty import with_duty
from simbench.runs.priced import Ran
from simbench.runs.provenance import TOOL, environment, settings
from simbench.runs.runner import run_tasks
from simbench.store import Store
from simbench.suites.budgets import Limit, held
from simbench.suites.cycle import Cycle
from simbench.suites.request import Request, check, requested_suite, requested_tasks
from simbench.task.tasks import Refused, Task


@dataclass(frozen=True, slots=True)
class Plan:
    """Tasks, the budgets that their results are held to, and the run that they fill.

    ``order`` is that of the results by id; those of refused models are in the run already.
    ``cycle`` is how often an application infers, where that is asked for.
    """

    tasks: tuple[Task, ...]
    limits: tuple[Limit, ...]
    run: Run
    order: tuple[str, ...]
    cycle: Cycle | None = None


def planned(
    request: Request,
    emulator: Backend,
    store: Store | None,
    limits: Sequence[Limit] = (),
    progress: Progress = quiet,
) -> Plan:
    """What ``request`` asks for; ``limits`` are budgets beside those of its suite.

    Raises UsageError for a mistake, and what building and preparing raise.
    """
    check(request)
    suite = requested_suite(request)
    asked = requested_tasks(request, suite, emulator, progress, store)
    tasks = tuple(entry for entry in asked if not isinstance(entry, Refused))
    if not tasks:
        raise NothingRun("nothing was run: name at least one benchmark and one platform")
    facts = settings(tasks, emulator.name, suite.samples)
    refused = tuple(refused_result(entry) for entry in asked if isinstance(entry, Refused))
    host = environment(emulator, suite.toolchains)
    run = Run(tool=TOOL, environment=host, settings=facts, results=refused)
    order = tuple(entry.scenario.id for entry in asked)
    return Plan(tasks, (*suite.limits, *limits), run, order, request.cycle)


def performed(plan: Plan, emulator: Backend, store: Store | None) -> Iterator[tuple[Ran, Run]]:
    """Each result as it comes, with the run so far, whose results are in the order of the tasks."""
    done = {result.id: Ran(held(result, plan.limits)) for result in plan.run.results}
    for ran in run_tasks(plan.tasks, emulator, store):
        come = replace(ran, result=held(_in_cycle(ran.result, plan), plan.limits))
        done[come.result.id] = come
        yield come, _with_results(plan.run, [done[id_] for id_ in plan.order if id_ in done])


def _in_cycle(result: Result, plan: Plan) -> Result:
    task = next(task for task in plan.tasks if task.scenario.id == result.id)
    stream = task.benchmark.stream
    cycle = plan.cycle or (None if stream is None else Cycle(stream.step_s))
    return result if cycle is None else with_duty(result, task.platform, cycle)


def _with_results(run: Run, came: Sequence[Ran]) -> Run:
    """Where counts came from is a host fact: it is outside the fingerprint."""
    stored = [ran.result.id for ran in came if ran.is_cached]
    facts: Mapping[str, Any] = {**run.environment, "from_store": stored}
    return replace(run, environment=facts, results=tuple(ran.result for ran in came))
