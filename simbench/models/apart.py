"""The host's interpreter in a process of its own: what crashes there is a bad model.

One process starts Python and the interpreter, and then forks for each model, so that a model costs
a fork and not a start, and finds nothing that another left behind.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import resource
import signal
import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from threading import Lock
from typing import IO, NoReturn

from simbench.errors import InfrastructureError, ModelError

_TIME_LIMIT_S = 300
_MEMORY_LIMIT_BYTES = 4 << 30
_ANSWERED, _REFUSED, _BROKEN = 0, 3, 1  # exit codes of the process that runs a model
_HEAD = struct.Struct("<iQ")  # an exit code or a negative signal, and how many bytes follow
_LENGTH = struct.Struct("<I")


def outputs_apart(package: str, data: bytes, inputs: Sequence[bytes]) -> tuple[bytes, ...]:
    """The output tensors' bytes that the interpreter ``package`` gives for each of ``inputs``.

    Raises ModelError where it refuses the model ``data``, crashes on it or takes too long, and
    InfrastructureError where it cannot be started.
    """
    status, answer = _HOSTS.ask(_framed([package.encode(), data, *inputs]))
    said = answer.decode("utf-8", "replace") if status else ""
    if status == _REFUSED:
        raise ModelError(said)
    if status == -signal.SIGALRM:
        raise ModelError(
            f"the host interpreter did not finish the model in {_TIME_LIMIT_S} s: give a smaller "
            "one"
        )
    if status < 0:
        raise ModelError(
            f"the host interpreter crashed on the model (signal {-status}): convert it again"
        )
    if status != _ANSWERED:
        raise _not_started(said)
    return tuple(_unframed(answer))


def _not_started(said: str) -> InfrastructureError:
    last = (said.strip().splitlines() or ["no message"])[-1]
    return InfrastructureError(
        f"the host interpreter could not be started ({last}): run `simbench doctor`"
    )


class _Host:
    """A started process that takes a model after the other."""

    def __init__(self) -> None:
        search = os.pathsep.join(place for place in sys.path if place)
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # threads of NumPy's own would cost more than they do, and cannot be forked
            env={**os.environ, "PYTHONPATH": search, "OPENBLAS_NUM_THREADS": "1"},
        )

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """How the process that ran the ``request`` ended, and what it answered."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            process.stdin.write(_HEAD.pack(0, len(request)) + request)
            process.stdin.flush()
            status, length = _HEAD.unpack(_exactly(process.stdout, _HEAD.size))
            return status, _exactly(process.stdout, length)
        except (EOFError, BrokenPipeError):
            raise _not_started(process.stderr.read().decode("utf-8", "replace")) from None

    def close(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.communicate()


class _Hosts:
    """As many as are asked at once; those that wait are used again."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: list[_Host] = []

    def ask(self, request: bytes) -> tuple[int, bytes]:
        with self._lock:
            host = self._waiting.pop() if self._waiting else None
        host = host or _Host()
        try:
            answer = host.ask(request)
        except BaseException:
            host.close()
            raise
        with self._lock:
            self._waiting.append(host)
        return answer

    def forget(self) -> None:
        """Leave them to the process that started them."""
        self._lock, self._waiting = Lock(), []

    def close(self) -> None:
        """End those that wait."""
        while self._waiting:
            self._waiting.pop().close()


_HOSTS = _Hosts()


@atexit.register
def end_hosts() -> None:
    """End the processes that wait for another model."""
    _HOSTS.close()


os.register_at_fork(after_in_child=_HOSTS.forget)


def _exactly(stream: IO[bytes], length: int) -> bytes:
    data = stream.read(length)
    if len(data) != length:
        raise EOFError
    return data


def _framed(parts: Iterable[bytes]) -> bytes:
    return b"".join(_LENGTH.pack(len(part)) + part for part in parts)


def _unframed(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        (size,) = _LENGTH.unpack_from(data, at)
        yield data[at + _LENGTH.size : at + _LENGTH.size + size]
        at += _LENGTH.size + size


def _serve() -> None:
    """Take requests until there are no more; each is run by a process of its own."""
    importlib.import_module("simbench.models.reference")  # before the first fork
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started this ends it
    # what libraries print must not get between the answers
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while head := sys.stdin.buffer.read(_HEAD.size):
        name, data, *inputs = _unframed(sys.stdin.buffer.read(_HEAD.unpack(head)[1]))
        package = name.decode()
        with contextlib.suppress(ImportError):  # that is for the one that runs it to say
            module = importlib.import_module(package.replace("-", "_"))
            importlib.import_module(f"{module.__name__}.interpreter")
        status, answer = _run(package, data, inputs)
        answers.write(_HEAD.pack(status, len(answer)) + answer)
        answers.flush()


def _run(package: str, data: bytes, inputs: Sequence[bytes]) -> tuple[int, bytes]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _answer(writing, package, data, inputs)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        said = answer.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def _answer(writing: int, package: str, data: bytes, inputs: Sequence[bytes]) -> NoReturn:
    """Run the model, write what comes of it, and end."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.alarm(_TIME_LIMIT_S)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_LIMIT_BYTES, _MEMORY_LIMIT_BYTES))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    os.dup2(2, 1)
    from simbench.models.reference import outputs_here

    try:
        status, answer = _ANSWERED, _framed(outputs_here(package, data, inputs))
    except ModelError as error:
        status, answer = _REFUSED, str(error).encode()
    except BaseException as error:  # told to who asked
        status, answer = _BROKEN, f"{type(error).__name__}: {error}".encode()
    with os.fdopen(writing, "wb") as stream:
        stream.write(answer)
    os._exit(status)


if __name__ == "__main__":
    _serve()
