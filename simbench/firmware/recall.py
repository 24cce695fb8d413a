"""Firmware read once: taking an ELF apart takes longer than finding that it is known."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from simbench.catalog.scenario import Variant
from simbench.files.fetch import Progress, quiet
from simbench.files.installed import version_of
from simbench.firmware.build import build_elf
from simbench.firmware.image import Image
from simbench.firmware.packaged import as_built
from simbench.store import ENCODING, Recall, Store, key_of, sources_hash

_IMAGE = "image"
_READS = ("simbench.firmware.read", ENCODING)


@dataclass(frozen=True, slots=True)
class Firmware:
    """simbench's own firmware: its image, and the operators it has, code to highest version."""

    image: Image
    ops: Mapping[int, int]


def recalled_firmware(
    core: str, variant: Variant, store: Store | None, progress: Progress = quiet
) -> Firmware:
    """The firmware for ``core`` in ``variant``, built where it is not current, recalled where it
    was read before. Raises as :func:`simbench.firmware.build.build_elf`."""
    elf = build_elf(core, variant, progress)
    recall = Recall(store, "firmware")
    content = hashlib.sha256(elf.read_bytes()).hexdigest()
    key = key_of(content, version_of("pyelftools"), sources_hash(*_READS))
    known = recall.recalled(_IMAGE, key, Firmware, partial(_read, elf))
    for note in recall.notes:
        progress(note)
    # the same firmware may be at another place
    return replace(known, image=as_built(replace(known.image, path=elf)))


def _read(elf: Path) -> Firmware:
    from simbench.firmware.read import ops, read_image

    image = read_image(elf)
    return Firmware(image, ops(image))
