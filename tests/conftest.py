"""What holds for every test."""

from __future__ import annotations

from itertools import count

import pytest

_STORES = count()


@pytest.fixture(autouse=True)
def _own_store(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store for each test alone: what a test runs is emulated, not recalled from another's."""
    folder = tmp_path_factory.getbasetemp() / f"store-{next(_STORES)}"
    monkeypatch.setenv("SIMBENCH_CACHE", str(folder))
