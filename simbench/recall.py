"""What goes into a run and what must come out of it, made once: models, pictures, references."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain

from simbench.benchmarks import Benchmark, ModelFile, PackagedModel
from simbench.fetch import Progress, quiet
from simbench.inputs import Input, pictures_folder, real_inputs
from simbench.installed import version_of
from simbench.models.prepared import PreparedModel
from simbench.models.reference import reference_outputs, reference_version
from simbench.models.source import benchmark_model, source_bytes
from simbench.store import ENCODING, Memory, Store, key_of, sources_hash

_MODEL = "model"
_INPUTS = "inputs"
_OUTPUTS = "outputs"
_ANSWERS = "answers"


def prepared_model(
    benchmark: Benchmark,
    ops: Mapping[int, int] | None,
    store: Store | None,
    progress: Progress = quiet,
) -> PreparedModel:
    """As :func:`simbench.models.source.benchmark_model`, recalled where it was made before."""
    if store is None:
        return benchmark_model(benchmark, ops)
    memory = Memory(store, benchmark.id)
    key = key_of(
        _source(benchmark.model),
        None if ops is None else sorted(ops.items()),
        version_of("flatbuffers"),
        sources_hash("simbench.models.source", ENCODING),
    )
    model = memory.recall(_MODEL, key, PreparedModel)
    if model is None:
        model = benchmark_model(benchmark, ops)
        memory.keep(_MODEL, {key: model})
    for note in memory.notes:
        progress(note)
    return model


def _source(model: PackagedModel | ModelFile) -> object:
    """What is prepared: a pinned place, whose hash preparing checks, or a file's content."""
    if isinstance(model, PackagedModel):
        return model
    return hashlib.sha256(source_bytes(model)).hexdigest(), model.sha256


def recalled_inputs(
    benchmark: Benchmark, model: PreparedModel, store: Store | None, progress: Progress = quiet
) -> tuple[Input, ...]:
    """As :func:`simbench.inputs.real_inputs`, recalled where they were made before."""
    if store is None or not benchmark.pictures:
        return real_inputs(benchmark, model)
    memory = Memory(store, benchmark.id)
    files = [pictures_folder() / picture.file for picture in benchmark.pictures]
    key = key_of(
        [hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()],
        benchmark.pictures,
        benchmark.input_shape,
        benchmark.encoding,
        model.sha256,
        version_of("pillow"),
        sources_hash("simbench.inputs", ENCODING),
    )
    inputs = memory.recall(_INPUTS, key, tuple[Input, ...])
    if inputs is None:
        inputs = real_inputs(benchmark, model)
        memory.keep(_INPUTS, {key: inputs})
    for note in memory.notes:
        progress(note)
    return inputs


@dataclass(frozen=True, slots=True)
class Expected:
    """The host's reference outputs, and what was wrong with the store, in sentences."""

    outputs: tuple[bytes, ...]
    notes: tuple[str, ...] = ()


def expected_outputs(
    benchmark: str, model: PreparedModel | None, inputs: Sequence[bytes], store: Store | None
) -> Expected:
    """As :func:`simbench.models.reference.reference_outputs`, recalled where they are known.

    Of a user's own ELF, whose model is not known, none are expected.
    """
    if model is None:
        return Expected(())
    if store is None:
        return Expected(reference_outputs(model, inputs))
    memory = Memory(store, benchmark)
    key = key_of(
        model.sha256, reference_version(), sources_hash("simbench.models.reference", ENCODING)
    )
    known = memory.recall(_OUTPUTS, key, dict[str, bytes]) or {}
    names = [hashlib.sha256(given).hexdigest() for given in inputs]
    missing = {name: given for name, given in zip(names, inputs, strict=True) if name not in known}
    if missing:
        found = reference_outputs(model, list(missing.values()))
        known |= dict(zip(missing, found, strict=True))
        memory.keep(_OUTPUTS, {key: known})
    return Expected(tuple(known[name] for name in names), tuple(memory.notes))


def data_outputs(
    benchmark: str, model: PreparedModel, data: str, inputs: Sequence[bytes], store: Store | None
) -> Expected:
    """The host's reference outputs for ``inputs``, made on all cores, recalled where ``data``, the
    hash that stands for all of them, was judged before."""
    memory = None if store is None else Memory(store, benchmark)
    key = key_of(
        model.sha256, data, reference_version(), sources_hash("simbench.models.reference", ENCODING)
    )
    known = None if memory is None else memory.recall(_ANSWERS, key, tuple[bytes, ...])
    if known is None or len(known) != len(inputs):
        known = _on_all_cores(model, inputs)
        if memory is not None:
            memory.keep(_ANSWERS, {key: known})
    return Expected(known, () if memory is None else tuple(memory.notes))


def _on_all_cores(model: PreparedModel, inputs: Sequence[bytes]) -> tuple[bytes, ...]:
    share = -(-len(inputs) // (os.cpu_count() or 1))
    parts = [inputs[start : start + share] for start in range(0, len(inputs), share)]
    with ThreadPoolExecutor(len(parts)) as pool:
        return tuple(chain.from_iterable(pool.map(partial(reference_outputs, model), parts)))
