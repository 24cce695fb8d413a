"""Collapsed stacks: a line ``layer;function cycles`` each, as flame graph tools read them."""

from __future__ import annotations

from simbench.exports.rounding import whole_numbers
from simbench.profiles import Profile


def render(profile: Profile) -> str:
    """``profile`` as collapsed stacks in whole cycles; what rounds to none is left out."""
    cycles = whole_numbers(frame.cycles for frame in profile.frames)
    stacks = [f"{_name(f.layer)};{_name(f.function)}" for f in profile.frames]
    lines = (f"{stack} {count}\n" for stack, count in zip(stacks, cycles, strict=True) if count)
    return "".join(lines)


def _name(frame: str) -> str:
    """A frame's name without what separates frames and lines."""
    return " ".join(frame.replace(";", ",").split())
