"""Recall a value from a store, or keep it there; what goes wrong is a note, never an end.

The one place that knows that there may be no store: nothing is recalled then, and nothing kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from simbench.store.encoding import decode, encode
from simbench.store.files import Store, StoreError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Recall:
    """A store, or none, and the notes of one piece of work: a sentence for all that went wrong."""

    store: Store | None
    about: str
    notes: list[str] = field(default_factory=list)

    def recalled(self, kind: str, key: str, shape: type[T], make: Callable[[], T]) -> T:
        """The value under ``key``, or what ``make`` makes, which is kept under it."""
        value = self.recall(kind, key, shape)
        if value is None:
            value = make()
            self.keep(kind, {key: value})
        return value

    def recall(self, kind: str, key: str, shape: type[T]) -> T | None:
        """The value under ``key``, or None where there is none that can be used."""
        if self.store is None:
            return None
        try:
            content = self.store.read(kind, key)
            return None if content is None else decode(content, shape)
        except StoreError as error:
            self._note(str(error))
        except msgspec.DecodeError as error:
            self._note(f"{key}.{kind} in {self.store.folder} is not used: {error}")
        return None

    def keep(self, kind: str, values: Mapping[str, object], *, trims: bool = True) -> None:
        """Keep each of ``values`` under its key; ``trims`` the store, which reads its folder."""
        if self.store is None:
            return
        try:
            for key, value in values.items():
                self.store.write(kind, key, self.about, encode(value))
            if trims:
                self.store.trim()
        except StoreError as error:
            self._note(str(error))

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)
