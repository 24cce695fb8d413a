"""Data sets in the folders of the MLPerf Tiny runner.

A folder for each benchmark (ad01, ic01, kws01, vww01) holds ``y_labels.csv`` and the files that it
names. A line of it is ``file, classes, class``, and of recordings that inputs are cut from
``file, classes, class, bytes of a window, bytes of a stride`` (mlcommons/tiny,
benchmark/evaluation/datasets/README.md at 1460253). The files hold what the runner sends.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from simbench.catalog.benchmarks import Benchmark, DataClasses, PackagedModel, ResultKind
from simbench.errors import UsageError
from simbench.models.prepared import PreparedModel
from simbench.task.inputs import wire_size
from simbench.task.labelled import DataSet, Sample

LABELS = "y_labels.csv"
_NAMED = 5  # of what is missing, as many are named
_SHORT, _LONG = 3, 5  # fields in a line


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the labels; ``window`` is bytes and stride, where the file has many inputs."""

    number: int
    file: str
    label: str
    window: tuple[int, int] | None


def check_folders(root: Path, benchmarks: Sequence[Benchmark]) -> None:
    """Raise UsageError, naming what is missing, where ``root`` lacks labels of ``benchmarks``."""
    for benchmark in benchmarks:
        if benchmark.stream is not None:
            raise UsageError(
                f"{benchmark.id} is judged by a stream, not by files: simbench serve --benchmark "
                f"{benchmark.id} --runner DIR --dataset {root} has MLCommons' runner play it"
            )
    wanted = dict.fromkeys(Path(benchmark.data_folder) / LABELS for benchmark in benchmarks)
    missing = [str(path) for path in wanted if not (root / path).is_file()]
    if missing:
        raise UsageError(
            f"{root} has no {' and no '.join(missing)}: give the folder of the MLPerf Tiny "
            "runner's data sets, and name the benchmarks that it has with --benchmark"
        )


def read_data_set(root: Path, benchmark: Benchmark, model: PreparedModel) -> DataSet:
    """The data set of ``benchmark``, whose inputs ``model`` takes.

    Raises UsageError naming the file, and the line of the labels, at fault.
    """
    if benchmark.data is None:
        raise UsageError(
            f"{benchmark.id} has no labelled data: its YAML must say the classes under 'data'"
        )
    folder = root / benchmark.data_folder
    lines = _labels(folder / LABELS, benchmark.data)
    _check_use(folder / LABELS, lines, benchmark)
    missing = [line.file for line in lines if not (folder / line.file).is_file()]
    if missing:
        more = f" and {len(missing) - _NAMED:,} more" if len(missing) > _NAMED else ""
        raise UsageError(
            f"{folder} lacks {', '.join(missing[:_NAMED])}{more}, which {LABELS} names: copy them "
            "there"
        )
    size = wire_size(model.input, benchmark.encoding)
    caution = benchmark.data.caution if isinstance(benchmark.model, PackagedModel) else None
    return DataSet(
        tuple(_sample(folder, line, size, benchmark) for line in lines),
        notes=() if caution is None else (caution,),
    )


def _check_use(path: Path, lines: Sequence[_Line], benchmark: Benchmark) -> None:
    """Raise UsageError where the benchmark's metric has no use for the labels."""
    if benchmark.result is ResultKind.MSE:
        if len({line.label for line in lines}) < 2:
            raise UsageError(
                f"{path} labels every file {lines[0].label}: to tell the classes apart, name files "
                "of both"
            )
        return
    cut = next((line for line in lines if line.window), None)
    if cut is not None:
        raise UsageError(
            f"{path}, line {cut.number}: {cut.file} has a window and a stride, which only the "
            f"recordings of anomaly detection have; inputs of {benchmark.id} are whole files"
        )


def _labels(path: Path, classes: DataClasses) -> list[_Line]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [(number, row) for number, row in enumerate(csv.reader(file), 1) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} is no table of labels ({error}): copy it anew") from error
    if not rows:
        raise UsageError(f"{path} has no labels: copy it anew")
    return [_line(path, number, [cell.strip() for cell in row], classes) for number, row in rows]


def _line(path: Path, number: int, row: Sequence[str], classes: DataClasses) -> _Line:
    name, *numbers = row
    names = classes.names
    if len(row) not in (_SHORT, _LONG) or not all(n.isascii() and n.isdigit() for n in numbers):
        raise UsageError(
            f"{path}, line {number}: {','.join(row)} is not 'file, classes, class' or 'file, "
            "classes, class, window bytes, stride bytes'"
        )
    count, chosen, *window = map(int, numbers)
    if count != len(names) or chosen >= count:
        raise UsageError(
            f"{path}, line {number}: class {chosen} of {count} is none of the {len(names)} classes "
            f"{', '.join(names)}"
        )
    if window and min(window) < 1:
        raise UsageError(f"{path}, line {number}: a window and a stride have 1 byte or more")
    return _Line(number, name, names[chosen], (window[0], window[1]) if window else None)


def _sample(folder: Path, line: _Line, size: int, benchmark: Benchmark) -> Sample:
    path = folder / line.file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path} ({error.strerror}): give another data set") from error
    window, stride = line.window or (len(data), max(len(data), 1))
    if window != size:
        raise UsageError(
            f"{path} has inputs of {window:,} bytes, the model takes {size:,}: copy it anew, or "
            f"give the model that it was made for with --model, beside --benchmark {benchmark.id}"
        )
    if len(data) < window:
        raise UsageError(
            f"{path} has {len(data):,} bytes, fewer than the {window:,} of an input: copy it anew"
        )
    return Sample(line.file, line.label, data, window, stride)
