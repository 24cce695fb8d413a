"""Recall a value from a store, or keep it there; what goes wrong is a note, never an end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from simbench.store.encoding import decode, encode
from simbench.store.files import Store, StoreError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Memory:
    """A store with the notes of one piece of work: a sentence for all that went wrong with it."""

    store: Store
    about: str
    notes: list[str] = field(default_factory=list)

    def recall(self, kind: str, key: str, shape: type[T]) -> T | None:
        """The value under ``key``, or None where there is none that can be used."""
        try:
            content = self.store.read(kind, key)
            return None if content is None else decode(content, shape)
        except StoreError as error:
            self._note(str(error))
        except msgspec.DecodeError as error:
            self._note(f"{key}.{kind} in {self.store.folder} is not used: {error}")
        return None

    def keep(self, kind: str, values: Mapping[str, object]) -> None:
        """Keep each of ``values`` under its key."""
        try:
            for key, value in values.items():
                self.store.write(kind, key, self.about, encode(value))
            self.store.trim()
        except StoreError as error:
            self._note(str(error))

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)
