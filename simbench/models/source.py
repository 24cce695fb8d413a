"""Where models come from: pinned wheels, or a user's own files."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping

from simbench.catalog.benchmarks import Benchmark, ModelFile, PackagedModel
from simbench.errors import ModelError
from simbench.files.fetch import fetch_wheel, pins
from simbench.models.prepared import PreparedModel


def benchmark_model(benchmark: Benchmark, ops: Mapping[int, int] | None = None) -> PreparedModel:
    """The benchmark's own model, fetched if need be, verified and prepared.

    ``ops`` maps the builtin operator codes of the firmware to the highest version of each. Raises
    :class:`ModelError`, and what fetching raises.
    """
    from simbench.models.prepare import prepare  # a model that is kept is not prepared

    return prepare(source_bytes(benchmark.model), ops, benchmark.model.sha256)


def source_bytes(model: PackagedModel | ModelFile) -> bytes:
    """The bytes of a benchmark's .tflite as it was published."""
    from simbench.models.verify import read_model

    return read_model(model.path) if isinstance(model, ModelFile) else _packaged(model)


def _packaged(model: PackagedModel) -> bytes:
    pinned = pins()[model.wheel].version if model.wheel in pins() else model.version
    if pinned != model.version:
        raise ModelError(
            f"the wheel {model.wheel} is pinned to version {pinned}, the benchmark's YAML asks for "
            f"{model.version}: correct the YAML"
        )
    place = f"{model.member} in {model.archive} of the wheel {model.wheel}"
    try:
        with (
            zipfile.ZipFile(fetch_wheel(model.wheel)) as wheel,
            zipfile.ZipFile(io.BytesIO(wheel.read(model.archive))) as archive,
        ):
            data = archive.read(model.member)
    except (KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelError(
            f"there is no model {place}: correct its place in the benchmark's YAML"
        ) from error
    if len(data) != model.size:
        raise ModelError(
            f"the model {place} has {len(data):,} bytes, not the pinned {model.size:,}: correct "
            "the benchmark's YAML, or remove the download and fetch it again"
        )
    return data
