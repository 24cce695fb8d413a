"""What a compiler costs: the four benchmarks by several toolchains, a core each, as Markdown.

``python scripts/compilers.py TOOLCHAIN...`` builds the firmware of each core by the pinned
toolchain and by those that are named (as --toolchain takes them), runs the benchmarks, and writes
the tables of docs/studies/compilers.md anew.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import simbench
from simbench.errors import InfrastructureError
from simbench.firmware.toolchain import toolchain_version, toolchains_called
from simbench.result.tree import Result

PAGE = Path(__file__).resolve().parent.parent / "docs/studies/compilers.md"
Said = Callable[[Result], float | None]
TABLES = re.compile(r"(<!-- compilers: scripts/compilers\.py -->\n).*", re.DOTALL)
PLATFORMS = {
    "Cortex-M0+": "rp2040",
    "Cortex-M4": "stm32f4",
    "Cortex-M7": "stm32f746",
    "Cortex-M33": "nrf5340",
    "Cortex-M55": "corstone-300",
}


def main() -> int:
    """Write the tables."""
    names = toolchains_called(["pinned", *sys.argv[1:]])
    lines = [
        *versions(names),
        *table("Cycles", names, cycles),
        *table("Instructions", names, count),
    ]
    text = TABLES.sub(
        lambda head: head[1] + "\n" + "\n".join(lines) + "\n", PAGE.read_text("utf-8")
    )
    PAGE.write_text(text, "utf-8")
    return 0


def versions(names: Sequence[str]) -> Iterator[str]:
    """What each toolchain is, in its own words."""
    for name in names:
        yield f"* `{name}`: {toolchain_version(name)}"
    yield ""


def table(title: str, names: Sequence[str], said: Said) -> Iterator[str]:
    """A table of what is ``said`` of each benchmark, and its ratio to the pinned toolchain's."""
    yield f"| {title} | | {' | '.join(names)} |"
    yield f"|---|---|{'--:|' * len(names)}"
    for core, platform in PLATFORMS.items():
        results = ran(platform, names)
        for number, benchmark in enumerate(results):
            row = results[benchmark]
            cells = [cell(row.get(name), row[names[0]], said) for name in names]
            yield f"| {'' if number else core} | {benchmark} | {' | '.join(cells)} |"
    yield ""


def ran(platform: str, names: Sequence[str]) -> dict[str, dict[str, Result]]:
    """The result of each benchmark by each toolchain whose firmware can be built."""
    found: dict[str, dict[str, Result]] = {}
    for name in names:
        try:
            outcome = simbench.run(platform=platform, toolchain=name, samples=1)
        except InfrastructureError as error:
            print(f"{platform}, {name}: {error}", file=sys.stderr)
            continue
        for result in outcome.results:
            found.setdefault(result.benchmark, {})[name] = result
    return found


def cell(result: Result | None, pinned: Result, said: Said) -> str:
    """A number in millions, and its ratio; where there is none, the result's status."""
    if result is None:
        return "does not build"
    own, usual = said(result), said(pinned)
    if own is None or usual is None or result.status not in ("ok", "does-not-fit"):
        return result.status
    ratio = "" if result is pinned else f" ({own / usual:.2f})"
    return f"{own / 1e6:.2f} M{ratio}"


def cycles(result: Result) -> float | None:
    """Modelled cycles of an inference."""
    return None if result.cycles is None else result.cycles.value


def count(result: Result) -> float | None:
    """Instructions of an inference, exact."""
    return result.instructions


if __name__ == "__main__":
    sys.exit(main())
