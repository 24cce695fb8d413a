"""An emulator's program."""

from __future__ import annotations

import subprocess

from simbench.errors import InfrastructureError

_TIMEOUT_S = 60.0  # a portable Renode unpacks itself first


def version_text(program: str, *arguments: str) -> str:
    """What ``program``, with ``arguments`` and ``--version``, says; what it says of an error only
    where it says nothing else. Raises InfrastructureError where it does not start."""
    try:
        done = subprocess.run(
            [program, *arguments, "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InfrastructureError(f"{program} does not start: {error}") from error
    return done.stdout or done.stderr
