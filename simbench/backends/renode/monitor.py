"""Renode's Monitor over standard input and output: send a command, wait for its whole answer.

The Monitor marks neither the end of an answer nor an error in it. So each command is followed by
an ``echo`` of a marker of its own, an answer ends with that marker and the prompt, and errors are
known by their words. Source: ``Monitor.cs`` of renode, and what others who drive it look for.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from simbench.errors import InfrastructureError

START_TIMEOUT_S = 60.0
COMMAND_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 5.0
_CHUNK = 1 << 16
_MARKER = "simbench-"
_PROMPT = re.compile(r"\([^\s()]+\) +\Z")  # the banner ends in a bracket, but in no space
_PROMPTS = re.compile(r"^(?:\([^\s()]+\) )*")
_STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
_ERROR = re.compile(
    r"There was an error executing command|No such command or device|Could not|Error E\d+:"
    r"|Bad parameters for command|Parameters did not match|does not provide a field"
    r"|Exception|Fatal error|Invalid|not found|Unable to|error CS\d+"
)
_SHOWN_LINES = 3


class Monitor:
    """A Renode that runs. Raises InfrastructureError where it does not start, refuses a command,
    ends, or does not answer in time."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._folder = folder
        self._heard = ""
        self._asked = ""
        self._numbered = 0
        self._process = _start(command, folder)
        self._await_prompt(command)

    @property
    def pid(self) -> int:
        """Renode's process."""
        return self._process.pid

    @property
    def is_busy(self) -> bool:
        """Whether a command has been sent whose answer was not taken yet."""
        return bool(self._asked)

    def execute(self, command: str, timeout_s: float = COMMAND_TIMEOUT_S, at: str = "") -> str:
        """The answer to ``command``; ``at`` says where the command is from, should it fail."""
        self.send(command)
        answer = self.answer(timeout_s, at)
        if answer is None:
            self._fail(f"did not answer {_shown(command)}{at} within {timeout_s:g} s")
        return answer

    def send(self, command: str) -> None:
        """Send a command line; :meth:`answer` gives what comes of it."""
        assert not self._asked  # the answer before has been taken
        self._asked = command
        self._numbered += 1
        self._write(f'{command}\necho "{_MARKER}{self._numbered}"\n')

    def answer(self, timeout_s: float, at: str = "") -> str | None:
        """The answer to the command sent, without echo and prompts; None if it takes longer than
        ``timeout_s``."""
        end = re.compile(rf"{_PROMPTS.pattern}{_MARKER}{self._numbered}$", re.MULTILINE)
        deadline = time.monotonic() + timeout_s
        while not ((found := end.search(self._heard)) and _PROMPT.search(self._heard, found.end())):
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self._hear(left)
        command, self._asked = self._asked, ""
        said = _without_echo(self._heard[: found.start()], command)
        self._heard = ""
        if _ERROR.search(said):
            raise InfrastructureError(f"Renode refused {_shown(command)}{at}: {_gist(said)}")
        return said

    def abort(self) -> None:
        """Kill Renode, from any thread."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Ask Renode to quit, kill it if it does not, and leave nothing open."""
        if self._process.poll() is None and not self._asked:
            with contextlib.suppress(InfrastructureError):
                self._write("quit\n")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_TIMEOUT_S)
        self.abort()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _await_prompt(self, command: Sequence[str]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _PROMPT.search(self._heard):
            left = deadline - time.monotonic()
            if left <= 0:
                self._fail(f"({command[-1]}) gave no prompt within {START_TIMEOUT_S:g} s")
            self._hear(left)
        self._heard = ""

    def _hear(self, timeout_s: float) -> None:
        stream = self._process.stdout
        assert stream is not None
        ready, _, _ = select.select([stream], [], [], timeout_s)
        if not ready:
            return
        data = os.read(stream.fileno(), _CHUNK)
        if not data:
            self._process.wait()
            said = _gist(self._heard) or "nothing"
            raise InfrastructureError(
                f"Renode ended by itself (status {self._process.returncode}), saying: {said}"
            )
        self._heard += _STEERING.sub("", data.decode(errors="replace"))

    def _write(self, text: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(text.encode())
            self._process.stdin.flush()
        except OSError as error:
            raise InfrastructureError("Renode ended by itself, and takes no command") from error

    def _fail(self, what: str) -> NoReturn:
        self.abort()
        self._process.wait()
        raise InfrastructureError(f"Renode {what}, and was ended; {_advice(self._heard)}")


def path(file: Path) -> str:
    """A path as the Monitor takes it."""
    return "@" + str(file).replace(" ", "\\ ")


def _start(command: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    """Renode with its own configuration, history and temporary folder, and without a port: its
    ``--port`` is -1, none, unless another is given (``Options.cs``)."""
    scratch = folder / "tmp"
    scratch.mkdir()
    options = ("--plain", "--console", "--disable-gui", "--hide-log")
    files = ("--config", str(folder / "config"), "--pid-file", str(folder / "pid"))
    try:
        return subprocess.Popen(
            [*_leash(), *command, *options, *files],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=_environment(os.environ, scratch),
            start_new_session=True,
        )
    except OSError as error:
        raise InfrastructureError(f"{command[-1]} does not start: {error.strerror}") from error


def _leash() -> tuple[str, ...]:
    """Ends Renode with us: at the end of its input it would read on for ever."""
    found = shutil.which("setpriv")
    return () if found is None else (found, "--pdeathsig", "KILL")


def _environment(base: Mapping[str, str], scratch: Path) -> dict[str, str]:
    """RENODE_CI_MODE keeps Renode off files that it shares with others of its kind; .NET gathers
    what it has let go of every 8 MiB (else in larger steps: 70 MiB more in all)."""
    own = {"TMPDIR": str(scratch), "RENODE_CI_MODE": "YES"}
    return {"DOTNET_GCgen0size": "0x800000", **base, **own}


def _without_echo(text: str, command: str) -> str:
    """What was said, without prompts and without the commands, where the console repeats them.

    It repeats a long one with a blank at every 80th column.
    """
    lines = (_PROMPTS.sub("", line) for line in text.split("\n"))
    repeated = (_packed(command), _packed(f'echo "{_MARKER}'))
    return "\n".join(s for s in lines if s and not _packed(s).startswith(repeated)).strip()


def _packed(text: str) -> str:
    return "".join(text.split())


def _gist(text: str) -> str:
    """The first lines of what was said, in one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines[:_SHOWN_LINES])


def _advice(heard: str) -> str:
    said = _gist(heard)
    return f"it said: {said}" if said else "it said nothing; see whether it starts by hand"


def _shown(command: str) -> str:
    return repr(command if len(command) <= 80 else command[:77] + "...")
