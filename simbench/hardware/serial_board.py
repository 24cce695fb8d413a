"""A real board on a serial port, as a :class:`simbench.backends.board.Board` that cannot count."""

from __future__ import annotations

import time
from typing import NoReturn

import serial

from simbench.backends.closing import Closing
from simbench.counts import Counts
from simbench.errors import InfrastructureError, UsageError

_CHUNK = 1 << 12
_WRITE_TIMEOUT_S = 10.0
_QUIET_S = 0.3
_ANSWER_S = 2.0
_WAKE_S = 10.0
_DEVICE_NAME = b"m-name-dut-["
_WHO = b"name%"
_READY = b"m-ready"


class SerialBoard(Closing):
    """See :class:`simbench.backends.board.Board`. ``port`` is a device, or a URL of pyserial's.

    Raises UsageError where the port cannot be had.
    """

    def __init__(self, port: str, baud: int) -> None:
        self._port = port
        try:
            self._serial = serial.serial_for_url(
                port, baud, timeout=0, write_timeout=_WRITE_TIMEOUT_S, do_not_open=True
            )
            self._serial.exclusive = True
            self._serial.open()
        except (serial.SerialException, ValueError) as error:
            raise UsageError(
                f"the port {port} cannot be opened ({_reason(error)}): see that the board is "
                "connected, that no other program has it open, and that you may use it"
            ) from error

    def wake(self) -> None:
        """Return when the board awaits a command, whatever it was in the middle of: booting, say.

        Raises InfrastructureError where none answers.
        """
        deadline = time.monotonic() + _WAKE_S
        self.write(_WHO)  # ends what another client left of a command; not every firmware takes ""
        while time.monotonic() < deadline:
            self._drain()
            self.write(_WHO)
            if self._answers(min(deadline, time.monotonic() + _ANSWER_S)):
                self._drain()
                return
        raise InfrastructureError(
            f"no board answers on {self._port} within {_WAKE_S:g} s: check --baud, and that its "
            "firmware speaks the MLPerf Tiny protocol and is not at work for somebody else"
        )

    def write(self, data: bytes) -> None:
        """Send ``data``."""
        try:
            self._serial.write(data)
        except (OSError, serial.SerialException) as error:
            self._lost(error)

    def read(self, timeout_s: float) -> bytes:
        """Bytes from the board as soon as there are any, or ``b""`` after ``timeout_s``."""
        try:
            self._serial.timeout = timeout_s
            first = self._serial.read(1)
            self._serial.timeout = 0
            data: bytes = first + (self._serial.read(_CHUNK) if first else b"")
        except (OSError, TypeError, serial.SerialException) as error:
            self._lost(error)  # pyserial meets its own None where the port was closed
        return data

    def windows(self) -> tuple[Counts, ...]:
        """Refused: hardware does not count."""
        raise UsageError("a real board counts no instructions")

    def take_windows(self) -> tuple[Counts, ...]:
        """Refused likewise."""
        return self.windows()

    def halt(self) -> str | None:
        """Nothing: a board cannot be stopped through its UART, nor say where it is."""
        return None

    def where(self, address: int) -> str:
        """An address in words; its firmware is not known."""
        return f"at {address & ~1:#010x}"

    def abort(self) -> None:
        """Close the port."""
        self._serial.close()

    def close(self) -> None:
        """Close the port."""
        self._serial.close()

    def _drain(self) -> None:
        while self.read(_QUIET_S):
            pass

    def _answers(self, deadline: float) -> bool:
        heard = b""
        while (left := deadline - time.monotonic()) > 0:
            heard += self.read(left)
            if _READY in heard.partition(_DEVICE_NAME)[2]:
                return True
        return False

    def _lost(self, error: Exception) -> NoReturn:
        raise InfrastructureError(
            f"the connection to {self._port} was lost ({_reason(error)}): connect the board again"
        ) from error


def _reason(error: Exception) -> str:
    """What the system says, without pyserial's words around it."""
    said = getattr(error, "strerror", None) or str(error)
    return str(said).rpartition("] ")[2].partition(":")[0].strip().lower() or type(error).__name__
