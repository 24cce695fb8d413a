"""The workers of a scheduler: those that have the same tools as this machine get work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any

import simbench
from simbench.backends import Backend, backend
from simbench.cluster.client import CLOSED, Link
from simbench.errors import InfrastructureError, SimbenchError

LOOK_S = 5.0
"""How often somebody who waits for work asks whether there is still one to do it."""
PATIENCE_S = 15.0
_ASK_S = 30.0
_GLANCE_S = 0.02
_FIRST = 1000  # asked before other work
_VERSION = "__import__('simbench').__version__"


@dataclass(frozen=True, slots=True)
class Tools:
    """What counts have to be counted by: simbench, and an emulator by its name, with versions."""

    simbench: str
    emulator: str
    emulator_version: str


def tools(emulator: Backend) -> Tools:
    """The tools of this machine."""
    return Tools(simbench.__version__, emulator.name, emulator.version())


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a worker has not got an emulator."""

    reason: str


def tools_there(emulator: str) -> Tools | Refusal:
    """What a worker answers: its tools, or why it has not got the ``emulator``."""
    try:
        return tools(backend(emulator))
    except SimbenchError as error:
        return Refusal(str(error))


class Workers:
    """Looks at each worker once, and at those that come later; ``noted`` is told of those that get
    no work, by name. Threads may ask at once."""

    def __init__(self, link: Link, needed: Tools, noted: Callable[[str], None]) -> None:
        self._link, self._needed, self._noted = link, needed, noted
        self._why_not: dict[str, str | None] = {}
        self._lock = Lock()

    def usable(self) -> tuple[str, ...]:
        """The addresses of those that can be given work.

        Raises InfrastructureError where there is none, and after a while still is none, or where
        the scheduler is gone.
        """
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with self._lock:
                found = self._found()
            if found:
                return found
            if time.monotonic() > deadline:
                raise InfrastructureError(self._none())
            time.sleep(LOOK_S / 10)

    def threads(self) -> int:
        """How much the usable ones do at once."""
        usable, there = set(self.usable()), self._there()
        return sum(there[name]["nthreads"] for name in usable if name in there) or 1

    def _found(self) -> tuple[str, ...]:
        there = self._there()
        self._ask(name for name in there if name not in self._why_not)
        return tuple(name for name in there if self._why_not.get(name) is None)

    def _there(self) -> dict[str, Any]:
        if self._link.is_gone:
            raise self._link.gone()
        try:
            return dict(self._link.client.scheduler_info(n_workers=-1)["workers"])
        except (OSError, *CLOSED) as error:
            raise self._link.gone() from error

    def _ask(self, names: Iterable[str]) -> None:
        versions = self._answers(names, eval, _VERSION)  # what only needs Python
        alike = [name for name, said in versions.items() if said == self._needed.simbench]
        emulators = self._answers(alike, tools_there, self._needed.emulator)
        for name, said in {**versions, **emulators}.items():
            self._why_not[name] = why_not = self._judged(said)
            if why_not is not None:
                self._noted(f"the dask worker {name} gets no work: {why_not}")

    def _answers(
        self, names: Iterable[str], function: Callable[[str], Any], word: str
    ) -> dict[str, Any]:
        """What each answers, or the exception that it raises; None for no answer in time."""
        submit = partial(self._link.client.submit, pure=False, priority=_FIRST)
        asked: dict[str, Any] = {name: submit(function, word, workers=[name]) for name in names}
        deadline = time.monotonic() + _ASK_S
        while time.monotonic() < deadline and not all(f.done() for f in asked.values()):
            time.sleep(_GLANCE_S)
        answers = {}
        for name, future in asked.items():
            if future.done():
                answers[name] = (
                    future.result() if future.status == "finished" else future.exception()
                )
            else:
                future.cancel()
                answers[name] = None
        return answers

    def _judged(self, said: Any) -> str | None:
        """Why a worker that said this gets no work."""
        needed = self._needed
        if said is None:
            return f"it did not answer within {_ASK_S:g} s"
        if isinstance(said, BaseException):
            return f"it cannot run simbench ({said}): install it there"
        if isinstance(said, Refusal):
            return said.reason
        has = said if isinstance(said, Tools) else Tools(said, needed.emulator, "")
        for what, there, asked in (
            ("simbench", has.simbench, needed.simbench),
            (needed.emulator, has.emulator_version, needed.emulator_version),
        ):
            if there != asked:
                return f"it has {what} {there} where {asked} is asked for: install the same there"
        return None

    def _none(self) -> str:
        address = self._link.address
        said = [why for why in self._why_not.values() if why is not None]
        if said:
            return f"no worker of the dask scheduler at {address} can be used: {said[0]}"
        return (
            f"the dask scheduler at {address} has no worker: start one with 'dask worker {address}'"
        )
