"""The sha256 of each firmware image of the pinned toolchain, in firmware_images/digests.yaml.

``python scripts/digests.py`` builds every image and writes the file anew.
"""

from __future__ import annotations

import sys

import yaml

from simbench.catalog.scenario import Variant
from simbench.files import paths
from simbench.firmware.build import KERNELS, build_image, firmware_cores

HEAD = "# Each image's sha256 with the pinned toolchain, on every machine. By scripts/digests.py.\n"


def main() -> int:
    """Write the file."""
    digests = {
        core: {kernels: build_image(core, Variant(kernels), _say).sha256 for kernels in KERNELS}
        for core in firmware_cores()
    }
    target = paths.data_dir("firmware_images") / "digests.yaml"
    target.write_text(HEAD + yaml.safe_dump(digests), encoding="utf-8")
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
