"""MLCommons Tiny's runner, as it is, at the served board: started, shown the ports, waited for."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from simbench.accuracy.recording import read_recording
from simbench.errors import InfrastructureError, UsageError

ACCURACY, PERFORMANCE, ENERGY = "accuracy", "performance", "energy"
MODES = (ACCURACY, PERFORMANCE, ENERGY)

# what benchmark/runner/devices_kws_ic_vww.yaml at 1afd2c9 finds its boards by
_USB: Mapping[str, tuple[int, int]] = {
    "dut": (0x0483, 0x374B),
    "interface": (0x0483, 0x374E),
    "power": (0x0483, 0x5740),
}
_NAMES = {"dut": "l4r5zi", "interface": "stm32h573i-dk", "power": "lpm01a"}
_BAUDS = {"dut": 115_200, "interface": 115_200, "power": 3_686_400}
_MODULES = ("numpy", "sklearn", "matplotlib", "yaml", "serial", "usb", "scipy", "pandas")
_PACKAGES = "numpy scikit-learn matplotlib pyyaml pyserial pyusb scipy pandas"
_CHECK_S = 60.0
_GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class Job:
    """A session of the runner in ``folder`` (its main.py), by a ``python`` that has its packages.

    ``datasets`` is the folder with kws01 and the others. Its sessions are written to ``sessions``
    in the current folder, as it always does.
    """

    folder: Path
    mode: str
    datasets: Path
    python: str = sys.executable
    is_streamed: bool = False

    @property
    def has_interface(self) -> bool:
        """Whether the runner talks to the board through an interface board."""
        return self.is_energy or self.is_streamed

    @property
    def tests(self) -> str:
        """The runner's file of test scripts."""
        # tests_accuracy.yaml loops over the streams without a count, which the runner cannot count
        # (StreamingDataSet has no get_num_files at 1afd2c9): the other files play the same stream
        mode = PERFORMANCE if self.is_streamed and self.mode == ACCURACY else self.mode
        return f"tests_{mode}.yaml"

    @property
    def is_energy(self) -> bool:
        """Whether the board's power is measured."""
        return self.mode == ENERGY


def check_job(job: Job, data_folder: str, model_id: str) -> None:
    """Raise UsageError, saying what to do, where there is no such runner, data or Python."""
    for name in ("main.py", job.tests):
        if not (job.folder / name).is_file():
            raise UsageError(
                f"{job.folder} has no {name}: give benchmark/runner of a clone of mlcommons/tiny "
                "with --runner"
            )
    if job.is_streamed:
        check_recordings(job, data_folder, model_id)
    else:
        _check_labels(job.datasets / data_folder / "y_labels.csv")
    missing = _missing_modules(job.python)
    if missing:
        raise UsageError(
            f"{job.python} has no {', '.join(missing)}, which the runner imports: "
            f"{job.python} -m pip install {_PACKAGES}, or name another with --runner-python"
        )


def _check_labels(labels: Path) -> None:
    if not labels.is_file():
        raise UsageError(
            f"there is no {labels}, which the runner reads: name the folder of its data sets with "
            "--dataset"
        )


def check_recordings(job: Job, data_folder: str, model_id: str) -> None:
    """Raise UsageError where what the runner of ``job`` has played cannot be."""
    tests = (job.folder / job.tests).read_text(encoding="utf-8")
    named = re.search(rf"^{model_id}:\s*$.*?truth_file:\s*(\S+)", tests, re.DOTALL | re.MULTILINE)
    if named is None:
        raise UsageError(f"{job.tests} of {job.folder} has no {model_id}: give a newer clone")
    truth = job.datasets / data_folder / named[1]
    try:
        recordings = [str(entry["wav_file"]) for entry in json.loads(truth.read_bytes())]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f"cannot read {truth} ({error}), which the runner reads: the clone has it in "
            "benchmark/runner/sww_data_dir"
        ) from error
    for name in recordings:
        read_recording(truth.parent / name)


def _missing_modules(python: str) -> list[str]:
    code = (
        "import importlib.util, sys; "
        "print(*(name for name in sys.argv[1:] if importlib.util.find_spec(name) is None))"
    )
    try:
        done = subprocess.run(
            [python, "-c", code, *_MODULES], capture_output=True, text=True, timeout=_CHECK_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{python} is no Python that runs ({error}): name another") from error
    if done.returncode:
        raise UsageError(f"{python} is no Python that runs: {done.stderr.strip()[-200:]}")
    return done.stdout.split()


def devices_yaml(volts: float) -> str:
    """The devices file that the runner takes with ``-d``; the monitor supplies ``volts``."""
    lines = []
    for kind in _USB:
        vid, pid = _USB[kind]
        lines += [f"- name: {_NAMES[kind]}", f"  type: {kind}", "  preference: 2"]
        lines += [f"  baud: {_BAUDS[kind]}"]
        lines += [f"  voltage: {volts:g}"] if kind == "power" else []
        lines += ["  usb:", f"    {vid:#06x}: {pid:#06x}"]
    return "\n".join(lines) + "\n"


def seen_ports(job: Job, ports: tuple[str, ...]) -> str:
    """``ports`` as the runner is shown them: the board, or in energy mode what is around it."""
    kinds = ["interface" if job.has_interface else "dut"]
    kinds += ["power"] if job.is_energy else []
    return json.dumps(
        [
            {
                "device": device,
                "vid": _USB[kind][0],
                "pid": _USB[kind][1],
                "description": f"simbench {kind}",
            }
            for kind, device in zip(kinds, ports, strict=True)
        ]
    )


def command(job: Job, ports: tuple[str, ...], devices: Path) -> list[str]:
    """The words that start the runner."""
    shim = importlib.util.find_spec("simbench.serve.mlcommons.seen_ports")
    assert shim is not None
    assert shim.origin is not None
    main = job.folder.resolve() / "main.py"
    tests = job.folder.resolve() / job.tests
    options = ["-d", str(devices), "-t", str(tests), "-s", str(job.datasets), "-m", job.mode[0]]
    return [job.python, shim.origin, seen_ports(job, ports), str(main), *options]


async def run_job(
    job: Job, ports: tuple[str, ...], volts: float, up: asyncio.Event, ended: asyncio.Event
) -> None:
    """Run the runner once the board is ``up``, to its end or until it is to be ``ended``; what it
    prints goes where ours does.

    Raises InfrastructureError where it fails or was ended.
    """
    with tempfile.TemporaryDirectory(prefix="simbench-runner-") as folder:
        devices = Path(folder) / "devices.yaml"
        devices.write_text(devices_yaml(volts), encoding="utf-8")
        await up.wait()
        process = await asyncio.create_subprocess_exec(
            *command(job, ports, devices),
            env={**os.environ, "MPLBACKEND": "Agg"},
            start_new_session=True,  # Ctrl-C is ours, to end it with all that it started
        )
        running = asyncio.create_task(process.wait())
        asked = asyncio.create_task(ended.wait())
        try:
            await asyncio.wait([running, asked], return_when=asyncio.FIRST_COMPLETED)
        finally:
            asked.cancel()
            if not running.done():
                await _end(process)
    if ended.is_set():
        raise InfrastructureError("the runner was ended before it was done")
    if process.returncode:
        raise InfrastructureError(
            f"the runner ended with exit code {process.returncode}: what it said is above, and in "
            "the newest folder of ./sessions"
        )


async def _end(process: asyncio.subprocess.Process) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_S):
                await process.wait()
                return
