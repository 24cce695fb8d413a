"""Rows that are kept: a search that was killed goes on where it was.

What was measured of a model on all platforms is one entry of the store, under the hash of the model
and of all that decides a row but the platform; in it, rows are by the hash of the platform's data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from simbench.backends import Backend
from simbench.cost.residuals import load_target
from simbench.files.installed import version_of
from simbench.models.reference import interpreter_versions
from simbench.result.tree import ERROR
from simbench.search.asked import Asked
from simbench.search.meter import Board
from simbench.search.row import ModelRow
from simbench.store import ENCODING, Recall, Store, key_of, sources_hash

_ROWS = "rows"
_TRIM_EVERY = 1000  # looking through the store takes longer than measuring a model


@dataclass(slots=True)
class KeptRows:
    """Rows in a ``store``, or nowhere. ``notes`` say what was wrong with it."""

    store: Store | None
    base: str
    platforms: Mapping[str, str]
    notes: list[str] = field(default_factory=list)
    written: int = 0

    def recall(self, sha256: str) -> dict[str, ModelRow]:
        """The rows of the model by the ids of platforms, of those asked for that are kept."""
        known = self._known(sha256)
        return {id_: known[key] for id_, key in self.platforms.items() if key in known}

    def keep(self, sha256: str, rows: Iterable[ModelRow]) -> None:
        """Keep ``rows`` of the model with others of it; not those of what could not run."""
        made = {self.platforms[row.platform]: row for row in rows if row.status != ERROR}
        if self.store is None or not made:
            return
        recall = self._recall()
        self.written += 1
        entry = {self._key(sha256): {**self._known(sha256), **made}}
        recall.keep(_ROWS, entry, trims=self.written % _TRIM_EVERY == 0)
        self._note(recall)

    def _known(self, sha256: str) -> dict[str, ModelRow]:
        recall = self._recall()
        known = recall.recall(_ROWS, self._key(sha256), dict[str, ModelRow]) or {}
        self._note(recall)
        return known

    def _recall(self) -> Recall:
        return Recall(self.store, "a search")

    def _key(self, sha256: str) -> str:
        return key_of(self.base, sha256)

    def _note(self, recall: Recall) -> None:
        self.notes += (note for note in recall.notes if note not in self.notes)


def kept_rows(
    asked: Asked, boards: Iterable[Board], backend: Backend, store: Store | None
) -> KeptRows:
    """Where the rows of a search are kept."""
    base = key_of(
        replace(asked, platforms=("any",), time_limit_s=0),
        (backend.name, backend.version()),
        interpreter_versions(),
        (version_of("capstone"), version_of("numpy"), version_of("flatbuffers")),
        sources_hash("simbench.search.meter", ENCODING),
    )
    return KeptRows(store, base, {board.platform.id: _platform_key(board) for board in boards})


def _platform_key(board: Board) -> str:
    target = load_target(board.platform)
    image = board.firmware.image
    return key_of(
        board.platform, image.sha256, image.segments, target.identity, target.source, board.machine
    )


def under_name(rows: Iterable[ModelRow], name: str) -> list[ModelRow]:
    """``rows`` of the same model under another name."""
    return [replace(row, model=name) for row in rows]
