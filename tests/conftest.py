"""What holds for every test."""

from __future__ import annotations

import signal
from itertools import count

import pytest

_STORES = count()


@pytest.fixture(autouse=True)
def _own_store(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store for each test alone: what a test runs is emulated, not recalled from another's."""
    folder = tmp_path_factory.getbasetemp() / f"store-{next(_STORES)}"
    monkeypatch.setenv("SIMBENCH_CACHE", str(folder))


def pytest_configure() -> None:
    """Ctrl-C works in what tests start, even where the whole run ignores it, as in a background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
