"""A client's bytes to whole commands, as the firmware reads them."""

from __future__ import annotations

from collections.abc import Iterator

_TERMINATOR = b"%"
_LINE_ENDS = b"\r\n"
_COMMAND_BYTES = 80


class CommandSplitter:
    """Takes bytes in pieces of any size; gives commands, each with its ``%``.

    As the firmware does, it drops line ends and cuts a command at 80 characters. So it keeps little
    of a client that sends no ``%``, and of one that leaves in the middle of a command the firmware
    has heard nothing.
    """

    def __init__(self) -> None:
        self._begun = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The commands that ``data`` completes."""
        *complete, rest = data.split(_TERMINATOR)
        for piece in complete:
            self._keep(piece)
            yield bytes(self._begun) + _TERMINATOR
            self._begun.clear()
        self._keep(rest)

    def _keep(self, piece: bytes) -> None:
        room = _COMMAND_BYTES - len(self._begun)
        self._begun += piece.translate(None, _LINE_ENDS)[:room]
