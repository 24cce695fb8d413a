"""simbench benchmarks TinyML on microcontrollers that are not there."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("simbench")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0.0.0"
