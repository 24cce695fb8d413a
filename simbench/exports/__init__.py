"""Exporters: a result document in another format, one small file each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from simbench.exports import callgrind, collapsed, speedscope
from simbench.profile import Profile

FORMATS: Mapping[str, Callable[[Profile], str]] = {
    "callgrind": callgrind.render,
    "collapsed": collapsed.render,
    "speedscope": speedscope.render,
}
"""Formats that a profile can be written in, by name."""
