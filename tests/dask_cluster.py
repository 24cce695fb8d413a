"""A dask scheduler and its workers, each a process of its own, on the loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from distributed import Client

GOOD = ""
STALE = "import simbench; simbench.__version__ = '0.0.1'; "
BARE = "sys.modules['simbench'] = None; "  # as if simbench were not installed
_WORKER = "import sys; {kind}from distributed.cli.dask_worker import main; main()"


class Cluster:
    """A scheduler without workers, until some are :meth:`add`-ed."""

    def __init__(self, folder: Path) -> None:
        self._folder, file = folder, folder / "scheduler.json"
        self._where = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file)]
        self.workers: list[subprocess.Popen[bytes]] = []
        command = ["-m", "distributed.cli.dask_scheduler", "--port", "0", *self._where]
        self.scheduler = self._start(command)
        deadline = time.monotonic() + 30
        while not file.exists() or not file.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        self.address = str(json.loads(file.read_text())["address"])

    def add(self, *kinds: str) -> None:
        """Start a worker of each of ``kinds``, and wait until they are known."""
        for kind in kinds:
            command = ["-c", _WORKER.format(kind=kind), "--no-nanny", "--nthreads", "1"]
            self.workers.append(self._start([*command, *self._where]))
        with Client(self.address) as client:  # type: ignore[no-untyped-call]
            client.wait_for_workers(len(self.workers), timeout=30)

    def kill(self, number: int) -> None:
        """Kill a worker."""
        self.workers[number].kill()
        assert self.workers[number].wait(timeout=10) == -signal.SIGKILL

    def stop(self) -> None:
        """End all."""
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def _start(self, arguments: list[str]) -> subprocess.Popen[bytes]:
        # a worker is not where this machine's files are, and keeps no store
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "SIMBENCH_CACHE": str(self._folder / "none")},
        )
