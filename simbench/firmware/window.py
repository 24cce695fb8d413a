"""Where the measured window of an image begins and ends: the functions th_pre and th_post.

They may be C's or C++'s: the API of mlcommons/tiny (benchmark/api) declares them in C++ headers.
"""

from __future__ import annotations

import re

from simbench.errors import UsageError
from simbench.firmware.image import Image

PRE, POST = "th_pre", "th_post"


def window_of(image: Image) -> tuple[int, int]:
    """The addresses of th_pre and th_post in ``image``, without the Thumb bit.

    Raises UsageError naming what is not there, or is there twice.
    """
    found = {name: _addresses(image, name) for name in (PRE, POST)}
    missing = [name for name, addresses in found.items() if not addresses]
    if missing:
        raise UsageError(
            f"{image.path} has no symbol {' and no symbol '.join(missing)}: measured is what runs "
            f"between the functions {PRE} and {POST}; link them and keep the symbols, or name two "
            "others with --section"
        )
    for name, addresses in found.items():
        if len(addresses) > 1:
            raise UsageError(
                f"{image.path} has {len(addresses)} functions {name}: say which is meant with "
                "--section"
            )
    (begin,), (end,) = found.values()
    return begin, end


def _addresses(image: Image, name: str) -> set[int]:
    """The addresses of the functions called ``name``: in C, or else as C++ mangles them."""
    if name in image.symbols:
        return {image.symbols[name] & ~1}
    # Itanium C++ ABI: _Z, the length of the name and the name, perhaps in a namespace; no arguments
    mangled = re.compile(rf"_Z(N\w*{len(name)}{name}Ev|L?{len(name)}{name}v)", re.ASCII)
    return {address & ~1 for symbol, address in image.symbols.items() if mangled.fullmatch(symbol)}
