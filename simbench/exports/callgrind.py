"""Callgrind's format: functions, calls and source lines, for KCachegrind and callgrind_annotate.

Format: Valgrind's manual, "Callgrind Format Specification". Costs are whole numbers there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from simbench import __version__
from simbench.exports.rounding import whole_numbers
from simbench.firmware.lines import SourceLine
from simbench.profiles import Call, FunctionCost, LineCost, Profile
from simbench.profiles.callgraph import call_parts, inclusive

_UNKNOWN = SourceLine("???", 0)  # what the format's tools show as unknown


def render(profile: Profile) -> str:
    """``profile`` in callgrind's format, cycles first."""
    return "\n".join([*_header(profile), "", *_Body(profile).lines()]) + "\n"


def _header(profile: Profile) -> Iterator[str]:
    total = f"{round(profile.total.cycles.value)} {profile.total.instructions}"
    yield "# callgrind format"
    yield "version: 1"
    yield f"creator: simbench {__version__}"
    yield f"cmd: {_text(profile.title)}"
    yield "positions: line"
    yield "event: Cycles : modelled cycles"
    yield "event: Instructions : executed instructions"
    yield "events: Cycles Instructions"
    yield f"summary: {total}"


class _Body:
    def __init__(self, profile: Profile) -> None:
        self._functions = {function.address: function for function in profile.functions}
        self._lines = _by_function(profile.lines)
        self._cycles = _whole_cycles(self._lines)
        parts = call_parts(self._functions, profile.calls)
        self._calls: defaultdict[int, list[tuple[Call, float]]] = defaultdict(list)
        for call, part in zip(profile.calls, parts, strict=True):
            self._calls[call.caller].append((call, part))
        cycles = {a: f.cost.cycles.value for a, f in self._functions.items()}
        instructions = {a: float(f.cost.instructions) for a, f in self._functions.items()}
        self._inclusive = [inclusive(own, profile.calls) for own in (cycles, instructions)]

    def lines(self) -> Iterator[str]:
        for address, function in self._functions.items():
            yield f"fl={_source(function).file}"
            yield f"fn={_text(function.name)}"
            here = _source(function).file
            for line, cycles in zip(self._lines[address], self._cycles[address], strict=True):
                source = line.source or _UNKNOWN
                if source.file != here:  # inlined from another file
                    yield f"fi={source.file}"
                    here = source.file
                yield f"{source.line} {cycles} {line.instructions}"
            for call, part in self._calls[address]:
                source = call.source or _UNKNOWN
                if source.file != here:
                    yield f"fi={source.file}"
                    here = source.file
                yield from self._call(call, part, source.line)
            yield ""

    def _call(self, call: Call, part: float, line: int) -> Iterator[str]:
        callee = self._functions[call.callee]
        costs = (str(round(cost[call.callee] * part)) for cost in self._inclusive)
        yield f"cfi={_source(callee).file}"
        yield f"cfn={_text(callee.name)}"
        yield f"calls={call.count} {_source(callee).line}"
        yield f"{line} {' '.join(costs)}"


def _by_function(lines: Sequence[LineCost]) -> dict[int, list[LineCost]]:
    found: defaultdict[int, list[LineCost]] = defaultdict(list)
    for line in lines:
        found[line.function].append(line)
    return {
        address: sorted(own, key=lambda line: line.source or _UNKNOWN)
        for address, own in found.items()
    }


def _whole_cycles(lines: dict[int, list[LineCost]]) -> dict[int, list[int]]:
    """Whole cycles of all lines, so that they add up to the total whichever way they are added."""
    rounded = iter(whole_numbers(line.cycles for own in lines.values() for line in own))
    return {address: [next(rounded) for _ in own] for address, own in lines.items()}


def _source(function: FunctionCost) -> SourceLine:
    return function.source or _UNKNOWN


def _text(name: str) -> str:
    return " ".join(name.split())
