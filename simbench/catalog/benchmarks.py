"""Benchmarks are data: one YAML file each, built in or in a user's own folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TypeVar

from simbench.catalog.chosen import chosen
from simbench.errors import UsageError
from simbench.files.datafile import Table, read
from simbench.files.paths import data_dir, user_dirs

_Choice = TypeVar("_Choice", bound=IntEnum)
_SHA256 = "[0-9a-f]{64}"


class InputEncoding(IntEnum):
    """How a client sends an input; the value is the firmware's configuration word."""

    BYTES = 0
    """The tensor's bytes as they are."""
    UINT8 = 1
    """Unsigned pixels, from which the firmware subtracts 128."""
    FLOAT32 = 2
    """Little-endian float32, which the firmware quantizes by the input's scale and zero point."""


class ResultKind(IntEnum):
    """What the firmware reports of an inference; the value is its configuration word."""

    OUTPUTS = 0
    """The outputs as real values."""
    MSE = 1
    """The mean squared error between input and output, both as real values."""


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model inside an archive inside a pinned wheel. ``size`` is in bytes."""

    wheel: str
    version: str
    archive: str
    member: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model beside a user's own YAML; ``sha256`` is ``None`` where it is not pinned."""

    path: Path
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the pinned scikit-image.

    ``crop`` is left, top, width, height in pixels, or ``None`` for the central square; ``expect``
    is its true label, where it has one of the labels.
    """

    name: str
    file: str
    crop: tuple[int, int, int, int] | None
    expect: str | None
    origin: str
    licence: str


@dataclass(frozen=True, slots=True)
class Quality:
    """The quality target of MLPerf Tiny's closed division: ``metric`` is "top1" or "auc"."""

    metric: str
    target: float
    source: str


@dataclass(frozen=True, slots=True)
class DataClasses:
    """The classes of the benchmark's data set, in the order of their numbers there.

    ``input_bytes`` is what one input of it takes, where that is known; ``folder`` has it among the
    runner's, where that is not called as the model is; ``caution`` says why the benchmark's own
    model cannot be judged by it, where that is so.
    """

    names: tuple[str, ...]
    source: str
    caution: str | None
    input_bytes: int | None = None
    folder: str | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream of sound: an inference every ``step_s``; an output of the first class above
    ``threshold``, as the tensor has it, is a detection."""

    step_s: float
    threshold: int
    source: str


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One workload. ``macs`` counts the multiply-accumulates of one inference.

    ``data`` is None where no labelled data is known; ``smoke_pictures`` are only for the smoke set.
    ``stream`` is None where inputs come one by one.
    """

    id: str
    title: str
    model_id: str
    model: PackagedModel | ModelFile
    labels: tuple[str, ...]
    labels_source: str
    macs: int | None
    macs_source: str
    input_shape: tuple[int, ...]
    encoding: InputEncoding
    encoding_source: str
    result: ResultKind
    seed: int
    quality: Quality | None
    pictures: tuple[Picture, ...]
    data: DataClasses | None = None
    smoke_pictures: tuple[Picture, ...] = ()
    stream: Stream | None = None

    @property
    def has_model(self) -> bool:
        """Whether its own model is to be had, or a user's is to take its place."""
        return not isinstance(self.model, ModelFile) or self.model.path.is_file()

    @property
    def data_folder(self) -> str:
        """The folder of its data among the MLPerf Tiny runner's."""
        named = None if self.data is None else self.data.folder
        return named or self.model_id

    @property
    def order(self) -> tuple[int, ...]:
        """Which of the model's outputs is of the data's first class, its second, and so on: the
        order that a client reads. Empty where the outputs are no classes of the data."""
        classes = () if self.data is None or self.result is ResultKind.MSE else self.data.names
        if len(classes) != len(self.labels) or set(classes) != set(self.labels):
            return ()
        return tuple(map(self.labels.index, classes))


def load_benchmarks(folders: Sequence[Path] = ()) -> dict[str, Benchmark]:
    """The built-in benchmarks and those of the user's ``folders``, by id.

    Those of ``SIMBENCH_PATH`` are the user's too.

    Raises :class:`UsageError` naming file and key where a file is wrong.
    """
    found: dict[str, Benchmark] = {}
    for folder in (data_dir("benchmarks"), *user_dirs("benchmarks"), *folders):
        if not folder.is_dir():
            raise UsageError(f"there is no folder {folder}: give one with benchmark YAML files")
        for path in sorted(folder.glob("*.yaml")):
            benchmark = read_benchmark(path)
            if benchmark.id in found:
                raise UsageError(
                    f"{path}: id: another benchmark is called {benchmark.id} already; choose "
                    "another id"
                )
            found[benchmark.id] = benchmark
    return found


def benchmarks_by_name() -> dict[str, Benchmark]:
    """Benchmarks that run only where they are named; by id.

    ``model`` names the file that is meant: where it :attr:`has none <Benchmark.has_model>`, no
    package has it, and the benchmark runs with a user's model alone.
    """
    folder = data_dir("benchmarks") / "by-name"
    found = (read_benchmark(path) for path in sorted(folder.glob("*.yaml")))
    return {benchmark.id: benchmark for benchmark in found}


def runnable_benchmarks() -> dict[str, Benchmark]:
    """Every benchmark that runs with its own model, by id; those of :func:`load_benchmarks`
    first."""
    named = benchmarks_by_name().values()
    return {**load_benchmarks(), **{one.id: one for one in named if one.has_model}}


def benchmarks_called(ids: Iterable[str]) -> tuple[Benchmark, ...]:
    """The benchmarks that ``ids`` choose, each once. "all" and patterns choose of those that run
    unless others are named.

    Raises :class:`UsageError` where one chooses none, or one that has no model.
    """
    asked = tuple(ids)
    known = load_benchmarks()
    named = {id_: one for id_, one in benchmarks_by_name().items() if id_ in asked}
    for id_, one in named.items():
        if id_ not in known and not one.has_model:
            file = one.model.path.name if isinstance(one.model, ModelFile) else "its model"
            raise UsageError(
                f"no package has the model of {id_}: give {file} of mlcommons/tiny with --model"
            )
    return select_benchmarks(asked, {**named, **known})


def select_benchmarks(ids: Iterable[str], known: Mapping[str, Benchmark]) -> tuple[Benchmark, ...]:
    """The benchmarks that ``ids`` choose, by name, "all" or pattern, each once.

    Raises :class:`UsageError` where one chooses none.
    """
    return tuple(known[id_] for id_ in chosen("benchmark", ids, tuple(known)))


def read_benchmark(path: Path) -> Benchmark:
    """One benchmark from its YAML file; :class:`UsageError` names the file and the key at fault."""
    table = read(path)
    benchmark = Benchmark(
        id=_matching(table, "id", r"[a-z0-9][a-z0-9_-]{0,31}"),
        title=table.text("title"),
        model_id=_matching(table, "model_id", r"[A-Za-z0-9_-]{1,15}"),
        model=_model(path, table.table("model")),
        labels=table.texts("labels"),
        labels_source=table.text("labels_source"),
        macs=table.integer("macs") if "macs" in table else None,
        macs_source=table.text("macs_source"),
        input_shape=_integers(table, "input_shape"),
        encoding=_choice(table, "encoding", InputEncoding),
        encoding_source=table.text("encoding_source"),
        result=_choice(table, "result", ResultKind),
        seed=table.integer("seed"),
        quality=_quality(table.table("quality")) if "quality" in table else None,
        pictures=_pictures(table.table("pictures")) if "pictures" in table else (),
        data=_data(table.table("data")) if "data" in table else None,
        smoke_pictures=(
            _pictures(table.table("smoke_pictures")) if "smoke_pictures" in table else ()
        ),
        stream=_stream(table.table("stream")) if "stream" in table else None,
    )
    table.finish()
    _check_pictures(table, benchmark)
    return benchmark


def _check_pictures(table: Table, benchmark: Benchmark) -> None:
    shape = benchmark.input_shape
    if benchmark.pictures and (len(shape) != 4 or shape[0] != 1 or shape[3] not in (1, 3)):
        raise table.fail("input_shape", "pictures need 1, height, width, and 1 or 3 channels")
    for picture in (*benchmark.pictures, *benchmark.smoke_pictures):
        if picture.expect is not None and picture.expect not in benchmark.labels:
            raise table.fail("pictures", f"{picture.name} expects none of the labels")


def _model(path: Path, table: Table) -> PackagedModel | ModelFile:
    model: PackagedModel | ModelFile
    if "file" in table:
        pinned = _matching(table, "sha256", _SHA256) if "sha256" in table else None
        model = ModelFile(path.parent / table.text("file"), pinned)
    else:
        model = PackagedModel(
            wheel=table.text("wheel"),
            version=table.text("version"),
            archive=table.text("archive"),
            member=table.text("member"),
            size=table.integer("bytes", minimum=1),
            sha256=_matching(table, "sha256", _SHA256),
        )
    table.finish()
    return model


def _quality(table: Table) -> Quality:
    quality = Quality(
        metric=_matching(table, "metric", "top1|auc"),
        target=table.quantity("target", maximum=1.0).value,
        source=table.text("source"),
    )
    table.finish()
    return quality


def _data(table: Table) -> DataClasses:
    data = DataClasses(
        names=table.texts("classes"),
        source=table.text("source"),
        caution=table.text("caution") if "caution" in table else None,
        input_bytes=table.integer("input_bytes", minimum=1) if "input_bytes" in table else None,
        folder=_matching(table, "folder", r"[A-Za-z0-9_-]{1,32}") if "folder" in table else None,
    )
    table.finish()
    return data


def _stream(table: Table) -> Stream:
    stream = Stream(
        step_s=table.quantity("step", "s").value,
        threshold=table.integer("threshold"),
        source=table.text("source"),
    )
    table.finish()
    return stream


def _pictures(table: Table) -> tuple[Picture, ...]:
    return tuple(_picture(name, table.table(name)) for name in table)


def _picture(name: str, table: Table) -> Picture:
    picture = Picture(
        name=name,
        file=_matching(table, "file", r"[A-Za-z0-9_-]+[.](png|jpg)"),
        crop=_crop(table) if "crop" in table else None,
        expect=table.text("expect") if "expect" in table else None,
        origin=table.text("origin"),
        licence=table.text("licence"),
    )
    table.finish()
    return picture


def _crop(table: Table) -> tuple[int, int, int, int]:
    numbers = _integers(table, "crop")
    if len(numbers) != 4:
        raise table.fail("crop", "must be left, top, width, height in pixels")
    left, top, width, height = numbers
    return left, top, width, height


def _matching(table: Table, key: str, pattern: str) -> str:
    text = table.text(key)
    if not re.fullmatch(pattern, text):
        raise table.fail(key, f"{text} must match {pattern}")
    return text


def _integers(table: Table, key: str) -> tuple[int, ...]:
    texts = table.texts(key)
    if not texts or not all(re.fullmatch("[0-9]{1,9}", text) for text in texts):
        raise table.fail(key, "must be a list of whole numbers, 0 or more")
    return tuple(int(text) for text in texts)


def _choice(table: Table, key: str, choices: type[_Choice]) -> _Choice:
    names = {choice.name.lower(): choice for choice in choices}
    text = table.text(key)
    if text not in names:
        raise table.fail(key, f"{text} must be one of {', '.join(names)}")
    return names[text]
