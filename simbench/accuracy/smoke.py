"""The smoke set: made here, small, and no data set of MLPerf Tiny.

It shows that the whole path works, from a picture or a sound to a class; how good a model is, it
does not show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from simbench.accuracy.sounds import DAMAGES, machine_pixels
from simbench.accuracy.speech import VOICES, word_pixels
from simbench.catalog.benchmarks import Benchmark
from simbench.errors import UsageError
from simbench.models.prepared import PreparedModel
from simbench.task.inputs import picture_inputs, wire_bytes, wire_size
from simbench.task.labelled import DataSet, Sample, whole

SMOKE = "smoke"
"""What the set is called in place of a folder."""

_WORDS = 10  # labels that are words; then come the unknown and the background
_MACHINES = 12  # sounds of a whole machine, and as many of damaged ones


def smoke_set(benchmark: Benchmark, model: PreparedModel) -> DataSet:
    """The smoke set of ``benchmark`` for its ``model``.

    Raises UsageError where it has none or the model takes another shape, and InfrastructureError
    where what makes it is missing.
    """
    make = _pictures if benchmark.pictures else _MAKERS.get(benchmark.id)
    if make is None:
        raise UsageError(f"{benchmark.id} has no smoke set: give a data set of your own")
    if model.input.shape != benchmark.input_shape:
        raise UsageError(
            f"the model takes {model.input.shape}, the smoke set of {benchmark.id} is "
            f"{benchmark.input_shape}: give a data set that was made for it"
        )
    return DataSet(tuple(make(benchmark, model)), is_smoke=True)


def _pictures(benchmark: Benchmark, model: PreparedModel) -> Iterator[Sample]:
    pictures = (*benchmark.pictures, *benchmark.smoke_pictures)
    for given in picture_inputs(pictures, benchmark, model):
        if given.expect is not None:
            yield whole(given.name, given.expect, given.wire)


def _words(benchmark: Benchmark, model: PreparedModel) -> Iterator[Sample]:
    for voice in VOICES:
        for word in benchmark.labels[:_WORDS]:
            elements = model.input.quantize(word_pixels(word, voice, model.input.shape))
            wire = wire_bytes(elements, model.input, benchmark.encoding)
            yield whole(f"{word} ({voice})", word, wire)


def _machines(benchmark: Benchmark, model: PreparedModel) -> Iterator[Sample]:
    normal, anomaly = benchmark.labels
    frame_bytes = wire_size(model.input, benchmark.encoding) // model.input.shape[1]
    for seed in range(2 * _MACHINES):
        damage = None if seed < _MACHINES else DAMAGES[seed % len(DAMAGES)]
        yield Sample(
            name=f"machine-{seed} ({damage or 'whole'})",
            label=anomaly if damage else normal,
            data=machine_pixels(seed, damage).astype("<f4").tobytes(),
            window_bytes=frame_bytes * model.input.shape[1],
            stride_bytes=frame_bytes,
        )


_MAKERS: Mapping[str, Callable[[Benchmark, PreparedModel], Iterator[Sample]]] = {
    "kws": _words,
    "ad": _machines,
}
