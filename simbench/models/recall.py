"""What is made of a model once: its preparation, and what it must answer."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain

from simbench.catalog.benchmarks import Benchmark, ModelFile, PackagedModel
from simbench.files.fetch import Progress, quiet
from simbench.files.installed import version_of
from simbench.models.prepared import PreparedModel, input_names
from simbench.models.reference import reference_outputs, reference_version
from simbench.models.source import benchmark_model, source_bytes
from simbench.store import ENCODING, Recall, Store, key_of, sources_hash

_MODEL = "model"
_OUTPUTS = "outputs"
_ANSWERS = "answers"
_PREPARES = ("simbench.models.source", ENCODING)
_ANSWERS_FOR = ("simbench.models.reference", ENCODING)


def prepared_model(
    benchmark: Benchmark,
    ops: Mapping[int, int] | None,
    store: Store | None,
    progress: Progress = quiet,
) -> PreparedModel:
    """As :func:`simbench.models.source.benchmark_model`, recalled where it was made before."""
    recall = Recall(store, benchmark.id)
    key = key_of(
        _source(benchmark.model),
        None if ops is None else sorted(ops.items()),
        version_of("flatbuffers"),
        sources_hash(*_PREPARES),
    )
    make = partial(benchmark_model, benchmark, ops)
    model = recall.recalled(_MODEL, key, PreparedModel, make)
    for note in recall.notes:
        progress(note)
    return model


def _source(model: PackagedModel | ModelFile) -> object:
    """What is prepared: a pinned place, whose hash preparing checks, or a file's content."""
    if isinstance(model, PackagedModel):
        return model
    return hashlib.sha256(source_bytes(model)).hexdigest(), model.sha256


@dataclass(frozen=True, slots=True)
class Expected:
    """The host's reference outputs, and what was wrong with the store, in sentences."""

    outputs: tuple[bytes, ...]
    notes: tuple[str, ...] = ()


def expected_outputs(
    benchmark: str, model: PreparedModel, inputs: Sequence[bytes], store: Store | None
) -> Expected:
    """As :func:`simbench.models.reference.reference_outputs`, recalled where they are known."""
    recall = Recall(store, benchmark)
    key = key_of(model.sha256, reference_version(model), sources_hash(*_ANSWERS_FOR))
    known = recall.recall(_OUTPUTS, key, dict[str, bytes]) or {}
    names = input_names(model, inputs)
    missing = {name: given for name, given in zip(names, inputs, strict=True) if name not in known}
    if missing and model.is_stateful:  # what comes after depends on what came before
        missing = dict(zip(names, inputs, strict=True))
    if missing:
        found = reference_outputs(model, list(missing.values()))
        known |= dict(zip(missing, found, strict=True))
        recall.keep(_OUTPUTS, {key: known})
    return Expected(tuple(known[name] for name in names), tuple(recall.notes))


def data_outputs(
    benchmark: str, model: PreparedModel, data: str, inputs: Sequence[bytes], store: Store | None
) -> Expected:
    """The host's reference outputs for ``inputs``, made on all cores, recalled where ``data``, the
    hash that stands for all of them, was judged before."""
    recall = Recall(store, benchmark)
    key = key_of(
        model.sha256, data, len(inputs), reference_version(model), sources_hash(*_ANSWERS_FOR)
    )
    make = partial(_on_all_cores, model, inputs)
    outputs = recall.recalled(_ANSWERS, key, tuple[bytes, ...], make)
    return Expected(outputs, tuple(recall.notes))


def _on_all_cores(model: PreparedModel, inputs: Sequence[bytes]) -> tuple[bytes, ...]:
    cores = 1 if model.is_stateful else os.cpu_count() or 1
    share = -(-len(inputs) // cores)
    parts = [inputs[start : start + share] for start in range(0, len(inputs), share)]
    with ThreadPoolExecutor(len(parts)) as pool:
        return tuple(chain.from_iterable(pool.map(partial(reference_outputs, model), parts)))
