"""The pytest plugin: a ``simbench`` fixture that runs firmware, and budgets as a marker.

The rest of simbench is imported when a test first asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from simbench.runs.outcome import Outcome

MARK = "simbench"
_MARK_HELP = (
    f"{MARK}(platform, model=None, benchmark=None, kernels='cmsis-nn', input=(), samples=10, "
    "parity=True, **budgets): run firmware before the test, and fail it where an output is wrong "
    "or a budget (cycles=12e6, energy_j='5mJ', arena_bytes='64KiB', ...) is not met."
)


class Bench:
    """The ``simbench`` fixture. Files are relative to ``root``, which is pytest's."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __repr__(self) -> str:
        """As short as a failed assertion wants it."""
        return "<simbench>"

    def run(
        self,
        *,
        platform: str,
        model: str | Path | None = None,
        benchmark: str | None = None,
        kernels: str = "cmsis-nn",
        input: str | Path | Sequence[str | Path] = (),
        samples: int = 10,
        parity: bool = True,
        **budgets: float | str,
    ) -> Outcome:
        """Run ``model``, or a built-in ``benchmark``, on the board ``platform``.

        The test fails where the model does not fit, where one of the ``budgets`` is not met, and,
        unless ``parity`` is False, where an output differs from the host's reference.
        """
        from simbench import api
        from simbench.errors import SimbenchError, UsageError
        from simbench.runs.outcome import complaint

        inputs = [input] if isinstance(input, str | Path) else input
        try:
            if (model is None) == (benchmark is None):
                raise UsageError("give a model or a benchmark: one of the two")
            found = api.run(
                platform=self._root / platform if platform.endswith(".yaml") else platform,
                model=None if model is None else self._root / model,
                benchmark=benchmark or (),
                kernels=kernels,
                input=[self._root / path for path in inputs],
                samples=samples,
                budgets=budgets,
            )
            wrong = complaint(found, parity=parity)
        except SimbenchError as error:
            wrong = str(error)
        if wrong is not None:
            pytest.fail(wrong, pytrace=False)
        return found


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARK_HELP)


@pytest.fixture(scope="session")
def simbench(pytestconfig: pytest.Config) -> Bench:
    """Runs models and benchmarks on emulated boards: ``simbench.run(platform=..., model=...)``."""
    return Bench(pytestconfig.rootpath)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Hold a marked test against its budgets before its body runs."""
    for mark in item.iter_markers(MARK):
        if mark.args or not isinstance(mark.kwargs.get("platform"), str):
            pytest.fail(f"the marker {MARK} needs a platform='...', by keyword", pytrace=False)
        Bench(item.config.rootpath).run(**mark.kwargs)
