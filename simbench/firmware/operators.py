"""What each operator of simbench's own firmware runs: the one list, ``runtime/ops.def``, read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from simbench.files import paths

_ROW = re.compile(r'^SIMBENCH_OP\((\w+), (\d+), (\d+), "([^"]*)", "([^"]*)", "([^"]*)"\)$', re.M)
_CMSIS_NN = "cmsis-nn"
_TITLES = {
    _CMSIS_NN: "CMSIS-NN",
    "tflm": "TFLM",
    "own": "own",
}


@dataclass(frozen=True, slots=True)
class Operator:
    """A row of the list. ``code`` is the schema's; ``types`` are its elements' (``any`` moves
    elements of every size); ``kernels`` say who computes: ``cmsis-nn``, ``tflm``, ``own``."""

    name: str
    code: int
    highest_version: int
    types: tuple[str, ...]
    features: tuple[str, ...]
    kernels: tuple[str, ...]

    def sources(self, kernel_set: str) -> tuple[str, ...]:
        """Whose kernels run it in ``kernel_set``, in words."""
        here = (k for k in self.kernels if k != _CMSIS_NN or kernel_set == _CMSIS_NN)
        return tuple(_TITLES[kernel] for kernel in here)


@cache
def operators() -> tuple[Operator, ...]:
    """Every operator of the firmware, by name."""
    text = (paths.data_dir("firmware_images") / "runtime/ops.def").read_text(encoding="utf-8")
    rows = (
        Operator(
            name=name,
            code=int(code),
            highest_version=int(version),
            types=tuple(types.split()),
            features=tuple(part for part in features.split(", ") if part),
            kernels=tuple(kernels.split()),
        )
        for name, code, version, types, features, kernels in _ROW.findall(text)
    )
    return tuple(sorted(rows, key=lambda operator: operator.name))
