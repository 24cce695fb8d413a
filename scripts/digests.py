"""The sha256 of what each image of the pinned toolchain loads, in firmware_images/digests.yaml.

``python scripts/digests.py`` builds every image and writes the file anew.
"""

from __future__ import annotations

import sys

import yaml

from simbench.catalog.scenario import Variant
from simbench.files import paths
from simbench.firmware.build import KERNELS, build_elf, firmware_cores
from simbench.firmware.read import loaded_sha256

HEAD = """\
# The sha256 of what each image of the pinned toolchain loads, the same on every machine. Written by
# scripts/digests.py.
"""


def main() -> int:
    """Write the file."""
    digests = {core: {name: _digest(core, name) for name in KERNELS} for core in firmware_cores()}
    target = paths.data_dir("firmware_images") / "digests.yaml"
    target.write_text(HEAD + yaml.safe_dump(digests), encoding="utf-8")
    return 0


def _digest(core: str, kernels: str) -> str:
    return loaded_sha256(build_elf(core, Variant(kernels), _say))


def _say(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
