"""Whether a model's ends are those of a benchmark, and what they are, in words."""

from __future__ import annotations

from math import prod

from simbench.catalog.benchmarks import Benchmark, InputEncoding, ResultKind
from simbench.errors import UsageError
from simbench.models.prepared import PreparedModel
from simbench.task.inputs import check_real, wire_size

_FLOAT_BYTES = 4


def check_ends(benchmark: Benchmark, model: PreparedModel) -> None:
    """Raise UsageError, with names and sizes, where a client of ``benchmark`` cannot use ``model``:
    its input is not the data's, or its outputs are not the classes of it."""
    _check_one_each(benchmark, model)
    _check_input(benchmark, model)
    check_output(benchmark, model)


def check_output(benchmark: Benchmark, model: PreparedModel) -> None:
    """Raise UsageError where outputs of ``model`` are not what the benchmark is scored by."""
    wanted, what = len(benchmark.labels), f"the data has {len(benchmark.labels)} classes"
    if benchmark.result is ResultKind.MSE:
        wanted, what = model.input.elements, f"its input {model.input.elements}"
    if model.output.elements != wanted:
        raise UsageError(
            f"{benchmark.title}: the model's output has {model.output.elements} values, {what}: "
            f"give a model made for {benchmark.id}"
        )


def ends_said(benchmark: Benchmark, model: PreparedModel) -> str:
    """What a client of ``benchmark`` sends the model, and what it reads, in a sentence."""
    if benchmark.result is ResultKind.MSE:
        answer = "one number, the mean squared error"
    else:
        answer = f"{len(_classes(benchmark))} numbers: {', '.join(_classes(benchmark))}"
    sent = wire_size(model.input, benchmark.encoding)
    official = None if benchmark.data is None else benchmark.data.input_bytes
    other = ""
    if official not in (None, sent):
        other = (
            f", where the official data has {official:,}: for that, give the official model with "
            "--model"
        )
    return f"{benchmark.model_id}: it answers {answer}; an input is {sent:,} bytes{other}"


def _classes(benchmark: Benchmark) -> tuple[str, ...]:
    return benchmark.labels if benchmark.data is None else benchmark.data.names


def _check_one_each(benchmark: Benchmark, model: PreparedModel) -> None:
    ends = (len(model.inputs), len(model.outputs))
    if ends != (1, 1):
        raise UsageError(
            f"{benchmark.title} has {ends[0]} inputs and {ends[1]} outputs, a model of "
            f"{benchmark.id} has one of each: leave out --benchmark {benchmark.id}"
        )


def _check_input(benchmark: Benchmark, model: PreparedModel) -> None:
    if model.input.is_real:
        try:
            check_real(benchmark.encoding)
        except UsageError as error:
            raise UsageError(f"{benchmark.title}: {error}") from None
    width = _FLOAT_BYTES if benchmark.encoding is InputEncoding.FLOAT32 else 1
    sizes = [width * prod(benchmark.input_shape)]
    if benchmark.data is not None and benchmark.data.input_bytes is not None:
        sizes.insert(0, benchmark.data.input_bytes)
    sent = wire_size(model.input, benchmark.encoding)
    if sent not in sizes:
        shape = " x ".join(map(str, model.input.shape))
        raise UsageError(
            f"{benchmark.title} takes {shape} elements of {model.input.dtype}, {sent:,} bytes; an "
            f"input of {benchmark.id} has {sizes[0]:,}: give a model made for {benchmark.id}, or "
            "leave out --benchmark"
        )
