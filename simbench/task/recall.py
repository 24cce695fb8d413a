"""Pictures made once into inputs: reading and scaling them takes longer than a run."""

from __future__ import annotations

from functools import partial

from simbench.catalog.benchmarks import Benchmark
from simbench.files.fetch import Progress, pins, quiet
from simbench.files.installed import version_of
from simbench.models.prepared import PreparedModel
from simbench.store import ENCODING, Recall, Store, key_of, sources_hash
from simbench.task.inputs import PICTURES, Input, real_inputs

_INPUTS = "inputs"
_MAKES = ("simbench.task.inputs", ENCODING)


def recalled_inputs(
    benchmark: Benchmark, model: PreparedModel, store: Store | None, progress: Progress = quiet
) -> tuple[Input, ...]:
    """As :func:`simbench.task.inputs.real_inputs`, recalled where they were made before."""
    if not benchmark.pictures:
        return real_inputs(benchmark, model)
    recall = Recall(store, benchmark.id)
    key = key_of(
        pins()[PICTURES].sha256,
        benchmark.pictures,
        benchmark.input_shape,
        benchmark.encoding,
        model.sha256,
        version_of("pillow"),
        sources_hash(*_MAKES),
    )
    make = partial(real_inputs, benchmark, model)
    inputs = recall.recalled(_INPUTS, key, tuple[Input, ...], make)
    for note in recall.notes:
        progress(note)
    return inputs
