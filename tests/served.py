"""A ``simbench serve`` of its own process, for tests."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import serial

BOARD = "stm32l4r5"


@dataclass(frozen=True)
class Served:
    """The server's process and the ports it named."""

    process: subprocess.Popen[str]
    ports: tuple[str, ...]

    @property
    def files(self) -> int:
        """How many files it has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    @property
    def boards(self) -> list[str]:
        """The emulators it runs."""
        listed = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [child for file in listed for child in file.read_text().split()]

    @property
    def resident_bytes(self) -> int:
        """Its memory."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Its exit code and what it said on standard error, after the signal."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=20)
        return self.process.returncode, said


@contextlib.contextmanager
def served(*options: str, ports: int = 1, benchmark: str = "ad") -> Iterator[Served]:
    """A server of ``benchmark`` on a board; ended at the end."""
    words = ["serve", "--platform", BOARD, "--benchmark", benchmark, "--no-cache", *options]
    with subprocess.Popen(
        [sys.executable, "-m", "simbench.cli.main", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            names = tuple(process.stdout.readline().strip() for _ in range(ports))
            assert all(names), process.communicate()[1]
            yield Served(process, names)
        finally:
            if process.poll() is None:
                process.terminate()
                process.communicate(timeout=20)


@contextlib.contextmanager
def connected(port: str, baud: int = 115_200) -> Iterator[serial.Serial]:
    """A serial port, open."""
    with serial.serial_for_url(port, baud, timeout=0.05) as wire:
        yield wire
