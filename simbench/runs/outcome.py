"""One benchmark on one platform from Python, and its numbers ready to be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from simbench.backends import backend
from simbench.catalog.benchmarks import Benchmark, load_benchmarks, select_benchmarks
from simbench.catalog.platforms import load_platform
from simbench.errors import UsageError
from simbench.firmware.build import kernel_set
from simbench.result.metrics import METRICS, value_of
from simbench.result.tree import DOES_NOT_FIT, FAILED, OK, Result
from simbench.runs.runner import run_task
from simbench.store import default_store
from simbench.suites.budgets import Limit, breaches, held, metric_limit, shown
from simbench.suites.suite import Suite, suite_tasks
from simbench.task.tasks import check_samples, own_benchmark

_LAYERS_SHOWN = 3


@dataclass(frozen=True, slots=True, repr=False)
class Outcome:
    """A result as plain numbers, in the units of their names.

    Estimates are their values; ``result`` has everything, their ranges included:
    ``outcome.result.cycles.upper``. Asking for what is not known raises UsageError, saying why.
    """

    result: Result

    @property
    def status(self) -> str:
        """How it went: "ok", "failed", "does-not-fit" or "error"."""
        return self.result.status

    @property
    def instructions(self) -> int:
        """Instructions executed in one inference, exact."""
        return int(self._number("instructions"))

    @property
    def cycles(self) -> float:
        """Cycles of one inference."""
        return self._number("cycles")

    @property
    def time_s(self) -> float:
        """Time of one inference."""
        return self._number("time_s")

    @property
    def energy_j(self) -> float:
        """Energy of one inference."""
        return self._number("energy_j")

    @property
    def arena_bytes(self) -> int:
        """The smallest arena that works."""
        return int(self._number("arena_bytes"))

    @property
    def ram_bytes(self) -> int:
        """RAM: static and arena."""
        return int(self._number("ram_bytes"))

    @property
    def flash_bytes(self) -> int:
        """Flash: code and weights."""
        return int(self._number("flash_bytes"))

    @property
    def stack_bytes(self) -> int:
        """The most stack that was in use."""
        return int(self._number("stack_bytes"))

    @property
    def parity(self) -> bool:
        """Whether every output was the host's, bit for bit."""
        return self._number("wrong_outputs") == 0

    def __repr__(self) -> str:
        """The result in a line: "kws@stm32f4/cmsis-nn ok: cycles 10.9 M, energy_j 9.65 mJ, ..."."""
        names = ("instructions", "cycles", "time_s", "energy_j", "arena_bytes")
        values = ((name, value_of(METRICS[name].read(self.result))) for name in names)
        said = [f"{name} {shown(name, value)}" for name, value in values if value is not None]
        return f"<{self.result.id} {self.status}: {', '.join(said) or self.result.reason}>"

    def _number(self, metric: str) -> float:
        value = value_of(METRICS[metric].read(self.result))
        if value is None:
            known = self.result.missing or {}
            why = self.result.reason or known.get(metric) or "it was not measured"
            raise UsageError(f"{self.result.id} has no {metric}: {why}")
        return value


def run(
    *,
    platform: str,
    model: Path | None = None,
    benchmark: str | None = None,
    kernels: str,
    inputs: Sequence[Path] = (),
    samples: int,
    budgets: Mapping[str, float | str] | None = None,
) -> Outcome:
    """Run one benchmark, or a user's own ``model``, on ``platform``; UsageError for a mistake.

    ``budgets`` are written as in a suite file: ``{"cycles": 12e6, "energy_j": "5mJ"}``.
    """
    check_samples(samples)
    chosen = _workload(model, benchmark)
    suite = Suite(
        platforms=(load_platform(platform),),
        benchmarks=(chosen,),
        kernels=(kernel_set(kernels),),
        samples=samples,
        inputs={chosen.id: tuple(inputs)} if inputs else {},
    )
    limits = [_limit(metric, text) for metric, text in (budgets or {}).items()]
    emulator = backend("qemu")
    (task,) = suite_tasks(suite, emulator, store=default_store())
    return Outcome(held(run_task(task, emulator, default_store()), limits))


def complaint(outcome: Outcome, *, parity: bool) -> str | None:
    """Why ``outcome`` is not good, and which layers cost most; None where it is good.

    Without ``parity``, outputs may differ from the host's.
    """
    result = outcome.result
    wrong = list(breaches(result))
    if result.status not in ((OK,) if parity else (OK, FAILED)):
        wrong = [f"{result.id} is {result.status}: {result.reason}"]
    if not wrong:
        return None
    return "\n".join([*wrong, *_costliest(result)])


def _workload(model: Path | None, benchmark: str | None) -> Benchmark:
    if (model is None) == (benchmark is None):
        raise UsageError("give a model or a benchmark: one of the two")
    if model is not None:
        return own_benchmark(model)
    return select_benchmarks([str(benchmark)], load_benchmarks())[0]


def _limit(metric: str, text: float | str) -> Limit:
    try:
        return Limit("*", metric, metric_limit(metric, str(text)))
    except ValueError as error:
        raise UsageError(str(error)) from None


def _costliest(result: Result) -> Sequence[str]:
    if result.cycles is None or not result.layers or result.status == DOES_NOT_FIT:
        return ()
    layers = sorted(result.layers, key=lambda layer: -layer.cycles.value)[:_LAYERS_SHOWN]
    rows = [
        f"  {100 * layer.cycles.value / result.cycles.value:4.1f} %  layer {layer.index}: "
        f"{layer.op} {layer.name.partition(';')[0]}"
        for layer in layers
    ]
    return ("most cycles go into", *rows)
