"""A wheel with every image of the pinned toolchain, for machines that have none.

``python scripts/images.py FOLDER`` builds every image and writes the wheel there, the same bytes on
every machine: images without debug information, their digests, the headers that models are checked
with, and the licences of all that is in them.
"""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from simbench import __version__
from simbench.catalog.scenario import Variant
from simbench.firmware.build import KERNELS, build_elf, firmware_cores, image_key, source_dirs
from simbench.firmware.packaged import HEADERS, INDEX, PACKAGE
from simbench.firmware.pinned import pinned_folder
from simbench.firmware.read import loaded_sha256
from simbench.firmware.toolchain import toolchain
from simbench.models.verifier import verifier_headers

NAME = "simbench_tinyml_images"
INFO = f"{NAME}-{__version__}.dist-info"
DATE = (1980, 1, 1, 0, 0, 0)
INIT = '"""Firmware images of simbench, built by its pinned toolchain."""\n'
METADATA = f"""\
Metadata-Version: 2.4
Name: simbench-tinyml-images
Version: {__version__}
Summary: Firmware images of simbench, built by its pinned toolchain
License-Expression: Apache-2.0 AND BSD-3-Clause AND GPL-3.0-or-later WITH GCC-exception-3.1
"""
WHEEL = """\
Wheel-Version: 1.0
Generator: simbench
Root-Is-Purelib: true
Tag: py3-none-any
"""


def main() -> int:
    """Write the wheel, and say where."""
    target = Path(sys.argv[1]) / f"{NAME}-{__version__}-py3-none-any.whl"
    owed = dict(licences())
    named = "".join(f"License-File: {name}\n" for name in owed)
    files = {
        f"{PACKAGE}/__init__.py": INIT.encode(),
        **{f"{PACKAGE}/{name}": data for name, data in images().items()},
        **{f"{PACKAGE}/{HEADERS}/{name}": data for name, data in headers()},
        **{f"{INFO}/licenses/{name}": data for name, data in owed.items()},
        f"{INFO}/METADATA": f"{METADATA}{named}".encode(),
        f"{INFO}/WHEEL": WHEEL.encode(),
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_suffix(".new")
    write(scratch, files)
    scratch.replace(target)
    print(f"{hashlib.sha256(target.read_bytes()).hexdigest()}  {target}")
    return 0


def images() -> dict[str, bytes]:
    """Each image without debug information, by its file's name, and the index of them."""
    files, index = {}, {}
    for core in firmware_cores():
        for kernels in KERNELS:
            elf = build_elf(core, Variant(kernels), say, installed=False)
            stripped = without_debug(elf)
            files[f"{core}-{kernels}.elf"] = stripped
            index[f"{core}-{kernels}"] = {
                "key": image_key(core, Variant(kernels)),
                "loads": loaded_sha256(elf),
                "built": hashlib.sha256(elf.read_bytes()).hexdigest(),
                "sha256": hashlib.sha256(stripped).hexdigest(),
            }
    return {**files, INDEX: yaml.safe_dump(index).encode()}


def without_debug(elf: Path) -> bytes:
    """``elf`` without what is for debuggers; symbols and relocations stay."""
    pinned = toolchain("pinned", say)
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / elf.name
        strip = [str(pinned.folder / "bin/arm-none-eabi-objcopy"), "--strip-debug"]
        environment = {**os.environ, **pinned.environment}
        subprocess.run([*strip, str(elf), str(target)], check=True, env=environment)
        return target.read_bytes()


def headers() -> Iterator[tuple[str, bytes]]:
    """The headers that the host's verifier of models is compiled with, by their place."""
    for folder, names in verifier_headers().items():
        for name in names:
            yield name, (folder / name).read_bytes()


def licences() -> Iterator[tuple[str, bytes]]:
    """The licences of what is linked into the images."""
    yield "tfmicro/LICENSE-APACHE", (source_dirs(say).tfmicro / "LICENSE-APACHE").read_bytes()
    documents = pinned_folder(say) / "share/doc"
    for package in ("libnewlib-arm-none-eabi", "gcc-arm-none-eabi", "libstdc++-arm-none-eabi-dev"):
        yield f"{package}/copyright", (documents / package / "copyright").read_bytes()


def write(target: Path, files: Mapping[str, bytes]) -> None:
    """The wheel of ``files``. Nothing is compressed: what zlib makes depends on its version."""
    record = "".join(f"{name},sha256={digest(data)},{len(data)}\n" for name, data in files.items())
    whole = {**files, f"{INFO}/RECORD": f"{record}{INFO}/RECORD,,\n".encode()}
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in whole.items():
            entry = zipfile.ZipInfo(name, DATE)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            archive.writestr(entry, data)


def digest(data: bytes) -> str:
    """The sha256 as a wheel's record has it."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def say(line: str) -> None:
    """Tell on standard error."""
    print(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
