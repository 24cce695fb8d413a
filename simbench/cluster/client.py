"""The connection to a dask scheduler; what goes wrong with it is one sentence."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from simbench.errors import InfrastructureError, UsageError
from simbench.files.installed import extra

try:
    from distributed import Client
    from distributed.comm.core import CommClosedError
except ImportError as error:
    raise UsageError(f"--executor dask needs dask ({error}): install {extra('dask')}") from error

CONNECT_S = 5.0
CLOSED = (CancelledError, CommClosedError)
"""What is raised of work whose scheduler is gone, or that was called off."""


@dataclass(frozen=True, slots=True)
class Link:
    """A ``client`` of the scheduler at ``address``."""

    client: Client
    address: str

    @property
    def is_gone(self) -> bool:
        """Whether the scheduler has ended, or cannot be reached any more."""
        return bool(self.client.status != "running")

    def gone(self) -> InfrastructureError:
        """What is said then."""
        return InfrastructureError(
            f"the dask scheduler at {self.address} is gone: what was measured is kept, and the "
            "same command goes on once it is there again"
        )


@contextmanager
def connected(address: str) -> Iterator[Link]:
    """A link to the scheduler at ``address`` ("tcp://10.0.0.5:8786").

    Raises UsageError for what is no address, and InfrastructureError where no scheduler answers.
    """
    host, port = _host_and_port(address)
    try:
        # dask's client waits long for a host that is not there
        socket.create_connection((host, port), timeout=CONNECT_S).close()
        client = Client(address, timeout=CONNECT_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except OSError as error:  # no answer in time is an OSError
        raise InfrastructureError(
            f"no dask scheduler answers at {address} within {CONNECT_S:g} s: start one there with "
            "'dask scheduler', or correct --scheduler"
        ) from error
    with _quiet(), client:
        yield Link(client, address)


@contextmanager
def _quiet() -> Iterator[None]:
    """What dask's client logs of a lost connection is said by whoever used it."""
    logger = logging.getLogger("distributed.client")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


def _host_and_port(address: str) -> tuple[str, int]:
    try:
        parts = urlsplit(address)
        if parts.scheme in ("tcp", "tls") and parts.hostname and parts.port:
            return parts.hostname, parts.port
    except ValueError:  # a port out of range, say
        pass
    raise UsageError(f"--scheduler {address} is not tcp://host:port")
