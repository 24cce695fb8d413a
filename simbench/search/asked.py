"""What is asked of every model of a search: where it runs, by what, and what of it is told."""

from __future__ import annotations

from dataclasses import dataclass

from simbench.catalog.scenario import DEFAULT_KERNELS, Variant
from simbench.errors import UsageError
from simbench.task.tasks import DEFAULT_SAMPLES, DEFAULT_TIME_LIMIT_S

PARITY = {"none": 0, "one": 1, "all": DEFAULT_SAMPLES}
"""How many outputs are compared with the host's, by what a user says."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The same for every model. ``platforms`` are names or files; ``parity`` is of
    :data:`PARITY`."""

    platforms: tuple[str, ...]
    kernels: str = DEFAULT_KERNELS
    parity: str = "one"
    layers: bool = False
    backend: str = "qemu"
    time_limit_s: float = DEFAULT_TIME_LIMIT_S

    def __post_init__(self) -> None:
        """Raises UsageError for a parity that there is not, and without a platform."""
        if self.parity not in PARITY:
            raise UsageError(f"--parity is {self.parity}: choose {', '.join(PARITY)}")
        if not self.platforms:
            raise UsageError("no platform is named: give --platform NAME, or 'all'")

    @property
    def variant(self) -> Variant:
        """The kernels, under simbench's own runtime."""
        return Variant(self.kernels)
