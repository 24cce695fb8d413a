"""A search: every model once, rows as they come, those that are kept at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from simbench.backends import Backend, pricing_backend
from simbench.files.fetch import Progress, quiet
from simbench.result.tree import ERROR
from simbench.search.asked import Asked
from simbench.search.crew import Staff, borrowed, give_back
from simbench.search.kept import KeptRows, kept_rows, under_name
from simbench.search.meter import Board, boards_of
from simbench.search.model import Model
from simbench.search.row import ModelRow
from simbench.search.worker import Answer, Job, Start
from simbench.store import Store, encode
from simbench.store.encoding import decode

_AHEAD = 2  # jobs a worker: one that it does, one that waits for it

Rows = list[ModelRow]


@dataclass(frozen=True, slots=True)
class Came:
    """All rows of a model, under one of its names; ``is_kept`` says that nothing was measured."""

    model: str
    rows: Rows
    is_kept: bool = False


@dataclass(slots=True)
class _Search:
    kept: KeptRows
    kernels: str
    waiting: dict[str, list[str]] = field(default_factory=dict)
    """Names of the models that are being measured, by the hash of their content."""
    partly: dict[str, Rows] = field(default_factory=dict)
    """Of these, the rows that were kept."""
    known: dict[str, bytes] = field(default_factory=dict)
    """Where nothing is kept in a store: rows by content, as bytes, which take little room."""

    def asked(self, model: Model, crew: Staff) -> Came | None:
        """What is known of ``model`` already; else it is given to the ``crew``."""
        sha256 = model.sha256()
        if sha256 in self.waiting:
            self.waiting[sha256].append(model.name)
            return None
        if sha256 in self.known:
            return Came(model.name, under_name(decode(self.known[sha256], Rows), model.name), True)
        kept = {} if sha256 is None else self.kept.recall(sha256)
        missing = tuple(id_ for id_ in self.kept.platforms if id_ not in kept)
        rows = under_name(kept.values(), model.name)
        if not missing:
            return Came(model.name, rows, True)
        if sha256 is not None:
            self.waiting[sha256], self.partly[sha256] = [model.name], rows
        crew.give(Job(model, missing, sha256))
        return None

    def came(self, job: Job, answer: Answer) -> Iterator[Came]:
        """The rows of a job, once for each of its names; they are kept before they are told."""
        found = answer.rows if answer.error is None else self._failed(job, answer.error)
        rows = [replace(row, sha256=job.sha256) for row in found]
        if job.sha256 is None:
            yield Came(job.model.name, rows)
            return
        self.kept.keep(job.sha256, rows)
        rows = _in_order([*self.partly.pop(job.sha256), *rows], self.kept.platforms)
        if self.kept.store is None:
            self.known[job.sha256] = encode(rows)
        for name in self.waiting.pop(job.sha256):
            yield Came(name, under_name(rows, name))

    def _failed(self, job: Job, error: str) -> Iterator[ModelRow]:
        for platform in job.platforms:
            yield ModelRow(job.model.name, job.sha256, platform, self.kernels, ERROR, error)


def search(
    models: Iterable[Model],
    asked: Asked,
    store: Store | None,
    jobs: int | None = None,
    progress: Progress = quiet,
    noted: Callable[[str], None] = quiet,
    scheduler: str | None = None,
) -> Iterator[Came]:
    """The rows of ``models``, model by model as they come, on ``jobs`` processes (one for each core
    where that is not said), or by the workers of the dask ``scheduler`` at that address.

    A model that is there twice is measured once. ``noted`` is told what is wrong with the store, or
    a worker. Raises as :func:`simbench.search.meter.boards_of`, and what
    :func:`simbench.search.remote.dask_crew` raises, before any model is measured.
    """
    backend = pricing_backend(asked.backend)
    boards = boards_of(asked, backend, store, progress)
    state = _Search(kept_rows(asked, boards, backend, store), asked.kernels)
    start = Start(asked, store is not None)

    staff = (
        partial(_processes, start, jobs)
        if scheduler is None
        else partial(_abroad, scheduler, start, boards, backend, noted)
    )
    return _searched(models, state, staff, noted)


def _searched(
    models: Iterable[Model],
    state: _Search,
    staff: Callable[[], AbstractContextManager[Staff]],
    noted: Callable[[str], None],
) -> Iterator[Came]:
    with staff() as crew:
        for model in models:
            known = state.asked(model, crew)
            if known is not None:
                yield known
            for job, answer in crew.done(left=_AHEAD * crew.size):
                yield from state.came(job, answer)
        for job, answer in crew.done(left=0):
            yield from state.came(job, answer)
        for note in state.kept.notes:
            noted(note)


@contextmanager
def _processes(start: Start, jobs: int | None) -> Iterator[Staff]:
    crew = borrowed(start, jobs or len(os.sched_getaffinity(0)))
    try:
        yield crew
    finally:
        give_back(crew)


def _abroad(
    scheduler: str,
    start: Start,
    boards: Sequence[Board],
    backend: Backend,
    noted: Callable[[str], None],
) -> AbstractContextManager[Staff]:
    from simbench.search.remote import dask_crew  # dask is installed by few

    return dask_crew(scheduler, start, boards, backend, noted)


def _in_order(rows: Rows, platforms: Mapping[str, str]) -> Rows:
    places = {id_: place for place, id_ in enumerate(platforms)}
    return sorted(rows, key=lambda row: places[row.platform])
