"""Where the command begins: it answers an interrupt before anything that takes time is imported."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    if sys.platform == "win32":
        sys.exit(_told("Windows has no emulated UART as simbench needs: use it in WSL", 3))
    try:
        from simbench.cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(_told("interrupted", 130))
    run()


def _told(sentence: str, code: int) -> int:
    print(f"simbench: {sentence}", file=sys.stderr)
    return code
