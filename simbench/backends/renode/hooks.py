"""What is asked of Renode to count while it runs: the counter, C# that Renode compiles.

It adds up as blocks end, and writes the sums of a window when that closes: there is no trace. Of
blocks of one instruction it tells which one accessed what; so those are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from simbench.backends.board import LaunchSpec
from simbench.backends.markers import marker_addresses
from simbench.backends.pieces import joined
from simbench.backends.renode.compiled import load_counter
from simbench.backends.renode.monitor import Monitor, path
from simbench.backends.renode.tables import read_window
from simbench.backends.watched import CACHES_REST, cache_markers, caches_as_numbers
from simbench.counts import Counts
from simbench.firmware.read import CodeReader


class Hooks:
    """Counts the windows of the board that ``monitor`` has made; its files are in ``folder``.

    Every call is for while no slice of virtual time runs. Raises InfrastructureError where Renode
    does not take the commands.
    """

    questions = ("cpu SimbenchInWindow",)
    """Asked after each slice: how many instructions of an open window were executed."""

    starting = "cpu SimbenchStart"

    @staticmethod
    def load(monitor: Monitor, folder: Path) -> None:
        """Teach Renode to count, before it has a board: commands of one that is there it knows."""
        load_counter(monitor, folder)

    def __init__(self, monitor: Monitor, folder: Path, spec: LaunchSpec) -> None:
        self._monitor = monitor
        self._prefix = folder / "window"
        self._spec = spec
        self._code_at = CodeReader(spec.image)
        self._counted = 0
        self._is_on = False
        for command in setup_commands(spec, self._prefix):
            monitor.execute(command)

    def start(self) -> None:
        """Count what follows, unless it is counted already or all windows have been."""
        if not self._is_on and not self._is_done:
            self._monitor.execute(self.starting)
            self._is_on = True

    def has_window(self) -> bool:
        """Whether a window has closed that :meth:`windows` has not given."""
        return not self._is_done and self._file(self._counted).exists()

    def windows(self) -> tuple[Counts, ...]:
        """The windows since the last call."""
        found = []
        while self.has_window():
            file = self._file(self._counted)
            found.append(joined(read_window(file.read_bytes(), self._code_at, self._spec.caches)))
            file.unlink()
            self._counted += 1
        if self._is_on and self._is_done:
            self._monitor.execute("cpu SimbenchStop")
            self._is_on = False
        return tuple(found)

    def in_window(self, answers: Sequence[int]) -> int:
        """How many instructions of an open window were executed, by the answers to a slice."""
        return answers[-1]

    @property
    def _is_done(self) -> bool:
        limit = self._spec.counted_windows
        return limit is not None and self._counted >= limit

    def _file(self, number: int) -> Path:
        return self._prefix.with_name(f"{self._prefix.name}{number}")


class BlockHooks(Hooks):
    """Counts blocks as Renode makes them: instructions and taken branches alone, much faster."""

    starting = "cpu SimbenchStartBlocks"


def setup_commands(spec: LaunchSpec, prefix: Path) -> Iterator[str]:
    """Commands that tell the counter where it writes, the segments, the caches, and the markers.

    Raises UsageError where a cache cannot be built.
    """
    yield f"cpu SimbenchCount {path(prefix)}"
    for segment, ranges in spec.image.segments.items():
        for span in ranges:
            yield f"cpu SimbenchSegment {span.start:#010x} {span.end:#010x} {segment:d}"
    for numbers in caches_as_numbers(spec.caches):
        yield f'cpu SimbenchCache "{" ".join(map(str, numbers))}"'
    for address, kind in cache_markers(spec) if spec.caches else ():
        yield f"cpu SimbenchCachesRest {address:#010x} {str(kind == CACHES_REST).lower()}"
    for address, marker in marker_addresses(spec).items():
        yield f"cpu SimbenchMarker {address:#010x} {marker:d}"
