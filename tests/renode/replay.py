#!/usr/bin/env python3
"""Repeats what a real Renode said in the session that RENODE_RECORDING names; takes no other."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    """Serve the session, then stay, like Renode."""
    session = json.loads(Path(os.environ["RENODE_RECORDING"]).read_text())
    for sent, received in session:
        heard = "".join(sys.stdin.readline() for _ in sent.splitlines())
        if heard != sent:
            sys.exit(f"not as recorded: {heard!r}")
        sys.stdout.write(received)
        sys.stdout.flush()
    time.sleep(3600)


main()
