"""Errors a user can act on. Each says in one sentence what to do, and carries its exit code."""

from __future__ import annotations

EXIT_GOOD = 0
EXIT_WRONG = 1
EXIT_USAGE = 2
EXIT_INFRASTRUCTURE = 3
EXIT_NOTHING = 4
EXIT_INTERRUPTED = 130


class SimbenchError(Exception):
    """Base of every error simbench raises on purpose; ``str(error)`` is one clear sentence."""

    exit_code = EXIT_INFRASTRUCTURE


class UsageError(SimbenchError):
    """A flag, a configuration file or an input file is wrong: the user mends it."""

    exit_code = EXIT_USAGE


class ModelError(UsageError):
    """A model file is damaged, hostile, or needs what the firmware has not."""


class DoesNotFit(SimbenchError):
    """A model needs more of a memory than the platform has. A result, not a crash.

    ``memory`` is the name of what is too small ("arena", "flash"); sizes are in bytes.
    """

    exit_code = EXIT_GOOD

    def __init__(self, memory: str, needed_bytes: int, available_bytes: int) -> None:
        self.memory = memory
        self.needed_bytes = needed_bytes
        self.available_bytes = available_bytes
        super().__init__(f"the {memory} needs {needed_bytes:,} bytes, {available_bytes:,} are free")


class InfrastructureError(SimbenchError):
    """The emulator or a tool is missing, crashed or hung."""


class FirmwareFault(InfrastructureError):
    """The firmware faulted, or ran past its limit; the message names the function."""


class NothingRun(SimbenchError):
    """Nothing was run or compared."""

    exit_code = EXIT_NOTHING
