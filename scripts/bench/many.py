"""What many models cost, each as a row, beside a run of one by itself."""

from __future__ import annotations

import importlib.util
import resource
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from measuring import SIMBENCH, Row, spent
from workloads import PLATFORM

from simbench.backends import pricing_backend
from simbench.models.apart import end_hosts
from simbench.search.asked import Asked
from simbench.search.meter import Meter, boards_of
from simbench.search.model import Model

_SPOTTERS = Path(__file__).resolve().parents[2] / "examples" / "nas" / "spotters.py"
_MODELS, _ALONE = 60, 5
_MOST_CHANNELS = 12


def many() -> Iterator[Row]:
    """CPU time of a model in a search that keeps nothing, start and end of its processes included,
    and of ``simbench run`` of one model, also without a store."""
    with TemporaryDirectory() as folder:
        paths = list(_written(Path(folder)))
        words = ["run", "--platform", PLATFORM, "--samples", "1", "--no-cache", "--model"]
        alone = [spent([*SIMBENCH, *words, str(path)]).cpu_s for path in paths[:_ALONE]]
        each_s = _searched_s(paths) / len(paths)
    alone_s = statistics.median(alone)
    how = f"{alone_s * 1e3:.0f} ms alone, {each_s * 1e3:.0f} ms of {len(paths)} small models"
    yield Row("a model of many / a run of its own, CPU", each_s / alone_s, how)


def _searched_s(paths: list[Path]) -> float:
    before = _cpu_s()
    asked = Asked((PLATFORM,))
    with Meter(asked, boards_of(asked, pricing_backend(asked.backend), None)) as meter:
        for path in paths:
            meter.rows(Model(str(path)))
    end_hosts()
    return _cpu_s() - before


def _cpu_s() -> float:
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, whose))


def _written(folder: Path) -> Iterator[Path]:
    spotters = _module()
    small = (s for s in spotters.sample(1000) if max(s.channels) <= _MOST_CHANNELS)
    for spotter, _ in zip(small, range(_MODELS), strict=False):
        path = folder / f"{spotter.name}.tflite"
        path.write_bytes(spotters.model(spotter))
        yield path


def _module() -> Any:
    spec = importlib.util.spec_from_file_location("spotters", _SPOTTERS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
