"""Names as values of options: completed in a shell, and known where an option was forgotten."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from simbench.catalog.chosen import ALL
from simbench.errors import SimbenchError

_EXTRA = re.compile(r"Got unexpected extra arguments? \((?P<words>.+)\)")
_SUFFIXES = {
    ".tflite": "--model",
    ".elf": "--elf",
    ".hex": "--elf",
    ".bin": "--elf",
    ".yaml": "--suite",
}


class Name(click.ParamType[str]):
    """A name of one of ``known``, which are looked up when a shell asks; any text is taken."""

    def __init__(self, name: str, known: Callable[[], Iterable[str]]) -> None:
        self.name = name
        self.known = known

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002
        """``value``: what it may be is for the verb to say, with what was meant."""
        return str(value)

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """The known names that begin so; none where a file that says them is wrong."""
        try:
            names = sorted(self.known())
        except SimbenchError:
            return []
        return [CompletionItem(name) for name in names if name.startswith(incomplete.lower())]


def _platforms() -> Iterable[str]:
    from simbench.catalog.platforms import platform_files

    return (*platform_files(), ALL)


def _benchmarks() -> Iterable[str]:
    from simbench.catalog.benchmarks import runnable_benchmarks

    return runnable_benchmarks()


def _kernels() -> Iterable[str]:
    from simbench.firmware.build import KERNELS

    return KERNELS


def _runtimes() -> Iterable[str]:
    from simbench.firmware.runtimes import runtime_names

    return runtime_names()


def _toolchains() -> Iterable[str]:
    from simbench.catalog.scenario import TOOLCHAINS

    return TOOLCHAINS


def _backends() -> Iterable[str]:
    from simbench.backends import backend_names

    return backend_names()


PLATFORM = Name("platform", _platforms)
BENCHMARK = Name("benchmark", _benchmarks)
KERNELS = Name("kernels", _kernels)
RUNTIME = Name("runtime", _runtimes)
TOOLCHAIN = Name("toolchain", _toolchains)
BACKEND = Name("backend", _backends)


def format_of(formats: Iterable[str]) -> Name:
    """What ``--export`` begins with: a format and "="."""
    return Name("format", lambda: [f"{name}=" for name in formats])


@dataclass(frozen=True, slots=True)
class _Meant:
    option: str
    word: str


def meant(error: click.UsageError) -> str | None:
    """The options that were forgotten before the words that ``error`` is about, if it is."""
    extra = _EXTRA.match(error.message)
    if extra is None or error.ctx is None:
        return None
    found = [_meant(error.ctx.command, word) for word in extra["words"].split()]
    said = " ".join(f"{each.option} {each.word}" for each in found if each is not None)
    return f"did you mean {said}?" if said else None


def _meant(command: click.Command, word: str) -> _Meant | None:
    suffix = _SUFFIXES.get(Path(word).suffix)
    for option in command.params:
        if suffix in option.opts:
            return _Meant(str(suffix), word)
        if isinstance(option.type, Name) and option.opts and word.lower() in _known(option.type):
            return _Meant(option.opts[0], word)
    return None


def _known(name: Name) -> Iterator[str]:
    return (each for each in name.known() if each != ALL)
