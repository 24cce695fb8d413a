"""What ``simbench run`` is asked for: a suite, from the options or from the suite file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from simbench.catalog.platforms import load_platform
from simbench.catalog.scenario import DEFAULT_KERNELS
from simbench.cli.workload import workloads
from simbench.errors import UsageError
from simbench.firmware.build import kernel_set
from simbench.suites.file import SUITE_FILE, read_suite
from simbench.suites.lock import LOCK_FILE
from simbench.suites.suite import Suite, narrowed
from simbench.task.tasks import DEFAULT_SAMPLES

suite_option = click.option(
    "--suite",
    "suite_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=f"Suite file. Default: {SUITE_FILE} here, where no --platform is given.",
)

WRITE_LOCK, CHECK_LOCK = "write", "check"

lock_option = click.option(
    "--lock", "locking", flag_value=WRITE_LOCK, help=f"Write {LOCK_FILE}: the hashes of what ran."
)

locked_option = click.option(
    "--locked", "locking", flag_value=CHECK_LOCK, help=f"Refuse what is not as {LOCK_FILE} says."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The options that say what to run, as they were given."""

    suite_path: Path | None
    platforms: Sequence[str]
    benchmarks: Sequence[str]
    kernels: Sequence[str]
    samples: int | None
    model: Path | None
    elf: Path | None
    inputs: Sequence[Path]
    dataset: str | None = None

    @property
    def is_by_file(self) -> bool:
        """Whether a suite file says what to run, and the options only narrow it."""
        return self.suite_path is not None or not self.platforms

    @property
    def lock_path(self) -> Path:
        """The lock file: beside the suite file, or here."""
        return (self.suite_path or Path(SUITE_FILE)).with_name(LOCK_FILE)


def asked_suite(asked: Asked) -> Suite:
    """The suite that ``asked`` says; UsageError where it says none, or two things at once."""
    return _from_file(asked) if asked.is_by_file else _from_options(asked)


def _from_file(asked: Asked) -> Suite:
    alone = {"--model": asked.model, "--elf": asked.elf, "--input": asked.inputs}
    for option, value in alone.items():
        if value:
            raise UsageError(f"{option} needs a --platform, and no --suite: a suite names its own")
    suite = read_suite(asked.suite_path or Path(SUITE_FILE))
    return narrowed(suite, asked.platforms, asked.benchmarks, asked.kernels, asked.samples)


def _from_options(asked: Asked) -> Suite:
    chosen = workloads(asked.benchmarks, asked.model, is_judged=asked.dataset is not None)
    if asked.inputs and len(chosen) > 1:
        raise UsageError("--input needs one --benchmark, or a --model: inputs are made for one")
    return Suite(
        platforms=tuple(map(load_platform, asked.platforms)),
        benchmarks=chosen,
        kernels=tuple(kernel_set(name) for name in asked.kernels or (DEFAULT_KERNELS,)),
        samples=DEFAULT_SAMPLES if asked.samples is None else asked.samples,
        inputs={chosen[0].id: tuple(asked.inputs)} if asked.inputs else {},
    )
