"""What holds for every test."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import hypothesis
import pytest
from pinned_tools import use_pinned_tools
from quick import MARKERS, Bare, make_bare

_STORES = count()
_BARE = pytest.StashKey[Bare]()
_FOLDER = pytest.StashKey[tempfile.TemporaryDirectory[str]]()

# a slow machine is no bug; what failed by chance is told so that it can be run again
hypothesis.settings.register_profile("simbench", deadline=None, print_blob=True)
hypothesis.settings.load_profile("simbench")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the quick check."""
    parser.addoption(
        "--quick", action="store_true", help="leave out every test with one of simbench's markers"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known, hide what a quick check does without, pin what other tests use."""
    for marker, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{marker}: {meaning}")
    config.stash[_FOLDER] = tempfile.TemporaryDirectory()
    if config.getoption("quick"):
        config.stash[_BARE] = make_bare(Path(config.stash[_FOLDER].name))
    else:
        use_pinned_tools(Path(config.stash[_FOLDER].name))
    os.environ["SIMBENCH_TRACEBACK"] = "1"  # what no test foresaw is shown whole
    # Ctrl-C works in what tests start, even where the whole run ignores it, as in a background
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked, in a quick check."""
    if config.getoption("quick"):
        marked = [item for item in items if any(map(item.get_closest_marker, MARKERS))]
        config.hook.pytest_deselected(items=marked)
        items[:] = [item for item in items if item not in marked]
        config.stash[_BARE].complaints()  # what a module asked while it was read is no test's


@pytest.fixture(autouse=True)
def _own_store(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store for each test alone: what a test runs is emulated, not recalled from another's."""
    folder = tmp_path_factory.getbasetemp() / f"store-{next(_STORES)}"
    monkeypatch.setenv("SIMBENCH_CACHE", str(folder))


@pytest.fixture(autouse=True)
def _only_what_is_marked(pytestconfig: pytest.Config) -> Iterator[None]:
    """In a quick check, fail a test that called what it is not marked to need."""
    yield
    if pytestconfig.getoption("quick"):
        complaints = pytestconfig.stash[_BARE].complaints()
        assert not complaints, complaints
