"""The markers of a run: addresses whose execution opens and closes windows and layers."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from simbench.backends.board import LaunchSpec
from simbench.firmware.window import window_of


class Marker(IntEnum):
    """Kinds of markers, as in qemu/plugin/blocks.h."""

    WINDOW_OPENS = 0
    WINDOW_CLOSES = 1
    LAYER_OPENS = 2
    LAYER_CLOSES = 3
    SECTION_OPENS = 4
    PERIOD = 7
    CALLED = 8


_LAYERS = {
    "simbench_op_begin": Marker.LAYER_OPENS,
    "simbench_op_end": Marker.LAYER_CLOSES,
}


def marker_addresses(spec: LaunchSpec) -> Mapping[int, Marker]:
    """The markers of ``spec``'s image, or of its section, by address.

    Raises UsageError for an image without those that bracket a window.
    """
    if spec.section is not None:
        if spec.section.end is None:
            return {spec.section.begin: Marker.CALLED}
        if spec.section.begin == spec.section.end:
            return {spec.section.begin: Marker.PERIOD}
        opens = Marker.WINDOW_OPENS if spec.section.is_last else Marker.SECTION_OPENS
        return {
            spec.section.begin: opens,
            spec.section.end: Marker.WINDOW_CLOSES,
        }
    begin, end = window_of(spec.image)
    symbols = spec.image.symbols
    layers = {symbols[name] & ~1: marker for name, marker in _LAYERS.items() if name in symbols}
    return {begin: Marker.WINDOW_OPENS, end: Marker.WINDOW_CLOSES, **layers}
