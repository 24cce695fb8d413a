"""Readable names for functions: those of C++ and Rust demangled, short and all different."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Set
from functools import cache

from simbench.firmware.image import Function

_TOOLS = ("arm-none-eabi-c++filt", "c++filt")  # of binutils, which every toolchain brings
_SYMBOL = re.compile(r"_[ZR][\w.$]+", re.ASCII)
# what tells crates and instances of one name apart in Rust: a hash behind, or one of each crate
_RUST_HASH = re.compile(r"(?:::h[0-9a-f]{16}|(?<=\w)\[[0-9a-f]+\](?=::))")
_QUALIFIERS = re.compile(r"(?<![\w:)])(?:(?:\w+|\(anonymous\))::)+")
_CLONE = re.compile(r" \[clone (\.[^]]+)\]")
# the newlib of Arm's toolchain, stdint.h: int32_t is a long
_TYPES = {
    "unsigned long long": "uint64_t",
    "long long": "int64_t",
    "unsigned long": "uint32_t",
    "long": "int32_t",
    "unsigned short": "uint16_t",
    "short": "int16_t",
    "unsigned char": "uint8_t",
    "signed char": "int8_t",
}
_TYPE = re.compile(rf"\b(?:{'|'.join(_TYPES)})\b(?! double)")


def demangler() -> str | None:
    """The program that demangles, or None where there is none, and symbols stay as they are."""
    return next(filter(None, map(shutil.which, _TOOLS)), None)


def demangle(symbol: str) -> str:
    """The qualified name in a symbol of C++ or Rust, with template arguments, not parameters."""
    return _short(_demangled((symbol,))[symbol])


def readable_names(functions: Iterable[Function]) -> dict[int, str]:
    """A name for each function by its address, the address itself for one without a symbol.

    Names that are equal get what tells them apart: template arguments in full, parameters, or where
    nothing else does the address.
    """
    named = {f.start: f.name for f in functions}
    symbols = tuple(sorted({name for name in named.values() if name}))
    plain = _demangled(symbols)
    ways: tuple[Callable[[int], str], ...] = (
        lambda start: _short(plain[named[start]]),
        lambda start: _plainer(plain[named[start]]),
        lambda start: _plainer(_demangled(symbols, parameters=True)[named[start]]),
    )
    names = {start: f"{start:#010x}" for start, name in named.items() if not name}
    unnamed = [start for start, name in named.items() if name]
    for way in ways:
        tried = {start: way(start) for start in unnamed}
        times = Counter(tried.values()) + Counter(names.values())
        names |= {start: name for start, name in tried.items() if times[name] == 1}
        unnamed = [start for start in unnamed if start not in names]
    for start in unnamed:
        names[start] = _with_address(_short(plain[named[start]]), start, set(names.values()))
    return {start: names[start] for start in named}


def _with_address(name: str, start: int, taken: Set[str]) -> str:
    shown = f"{name}@{start:x}"
    return shown if shown not in taken else _with_address(shown, start, taken)


@cache
def _demangled(symbols: tuple[str, ...], *, parameters: bool = False) -> Mapping[str, str]:
    """The symbols as binutils demangles them; as they are where it cannot, or is not there."""
    mangled = [symbol for symbol in symbols if _SYMBOL.fullmatch(symbol)]
    tool = demangler()
    if tool is None or not mangled:
        return {symbol: symbol for symbol in symbols}
    command = [tool] if parameters else [tool, "--no-params"]
    done = subprocess.run(
        command,
        input="\n".join(mangled) + "\n",
        capture_output=True,
        text=True,
        errors="replace",
        check=True,
    )
    readable = dict(zip(mangled, done.stdout.splitlines(), strict=True))
    return {symbol: readable.get(symbol, symbol) for symbol in symbols}


def _plainer(name: str) -> str:
    """``name`` with the types that C's stdint.h names, and no more words than it needs."""
    name = _CLONE.sub(r"\1", name.replace("(anonymous namespace)", "(anonymous)"))
    return _TYPE.sub(lambda match: _TYPES[match[0]], name)


def _short(name: str) -> str:
    """The plainer ``name`` without Rust's hashes, its template arguments without namespaces."""
    function, bracket, arguments = _plainer(_RUST_HASH.sub("", name)).partition("<")
    return function + bracket + _QUALIFIERS.sub("", arguments)
