"""What is closed on leaving a ``with``."""

from __future__ import annotations

from types import TracebackType
from typing import Self


class Closing:
    """A board, or its like, that a ``with`` closes."""

    def close(self) -> None:
        """Leave nothing behind. May be called again."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()
