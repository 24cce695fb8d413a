"""The tables of a profile: made to be read in a terminal of 80 columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from simbench.profiles import INTERPRETER, SHARED, Cost, LineCost, MixEntry, Profile
from simbench.result.estimate import Estimate
from simbench.result.units import format_range, format_si

_UNKNOWN = "–"
_TOP_MNEMONICS = 4
_LONGEST_PLACE = 36
_PLACE_AND_FUNCTION = 54
_SHOWN = 5e-5
_SURE = 5e-4
_CYCLES = {
    "load_store": "load\nstore",
    "other_memory": "load\nstore",
    "misaligned": "load\nstore",
    "shared_bus": "load\nstore",
    "branch_refill": "jump",
    "misprediction": "jump",
    "exceptions": "jump",
    "fetch_wait": "fetch",
    "code_bus": "fetch",
    "data_wait": "data",
}
_CYCLE_GROUPS = ("core", "load\nstore", "jump", "fetch", "data")
_ENERGY_GROUPS = ("static", "clock", "instr", "mem")


def profile_tables(title: str, profile: Profile, top: int) -> RenderableType:
    """All tables: layers, their stacks, functions, lines, instructions, memory."""
    parts = [
        Text(title, style="bold"),
        Text(_summary(profile.total)),
        *(Text(note, style="dim") for note in profile.notes),
        *(_titled("Layers", _layers(profile)) if profile.layers else ()),
        *_titled(_stacks_title(profile), _stacks(profile)),
        *_titled(f"Functions, without those they call ({_of(top, profile.functions)})",
                 _functions(profile, top)),
    ]  # fmt: skip
    if profile.interrupts:
        parts += _titled("Interrupts, each with all that its handler calls", _interrupts(profile))
    if profile.tasks:
        parts += _titled("Tasks, each with all that it calls", _tasks(profile))
    if any(line.source is not None for line in profile.lines):
        parts += _titled(f"Source lines ({_of(top, profile.lines)})", _lines(profile, top))
    parts += _titled("Instructions executed", _mix(profile))
    parts += _titled("Words moved", _memory(profile))
    if profile.effects:
        parts += _titled("Where the model is least sure, in cycles", _effects(profile))
    return Group(*parts)


def _of(top: int, rows: Sequence[object]) -> str:
    return f"{min(top, len(rows))} of {len(rows)}"


def _titled(title: str, table: RenderableType) -> Iterator[RenderableType]:
    yield Text(f"\n{title}", style="bold")
    yield table


def _table(first: Sequence[str], numbers: Sequence[str], gap: int = 2) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="dim")
    for heading in first:
        table.add_column(heading, overflow="fold")
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _summary(total: Cost) -> str:
    energy = "" if total.energy_j is None else f", {_both(total.energy_j, 'J')}"
    cycles = _both(total.cycles, " cycles")
    return f"{total.instructions:,} instructions, {cycles}{energy}"


def _both(estimate: Estimate, unit: str) -> str:
    return f"{format_si(estimate.value, unit)} ({format_range(estimate)})"


def _times(count: int) -> str:
    return str(count) if count < 1000 else format_si(count, "")


def _layers(profile: Profile) -> Table:
    names = ("MACs", "instr", "cycles", "/MAC", *_energy_heading(profile), "share")
    table = _table(("", "op", "output"), names, gap=1)
    for layer in profile.layers:
        table.add_row(
            str(layer.index),
            layer.op,
            _shape(layer.output_shape),
            *_costs(layer.cost, layer.macs),
        )
    macs = sum(layer.macs or 0 for layer in profile.layers)
    for name, cost in _others(profile):
        table.add_row("", name, "", *_costs(cost, macs if cost is profile.total else None))
    return table


def _others(profile: Profile) -> Iterator[tuple[str, Cost]]:
    """The rows below the layers, and the sum of all."""
    if profile.layers:
        yield INTERPRETER, profile.interpreter
    if abs(profile.shared.share) >= _SHOWN:
        yield SHARED, profile.shared
    yield "total", profile.total


def _costs(cost: Cost, macs: int | None) -> Iterator[str]:
    yield _times(macs) if macs else _UNKNOWN
    yield _times(cost.instructions)
    yield format_si(cost.cycles.value, "")
    yield f"{cost.cycles.value / macs:.2f}" if macs else _UNKNOWN
    yield from _energy(cost)
    yield _percent(cost.share)


def _energy_heading(profile: Profile) -> Sequence[str]:
    return () if profile.total.energy_j is None else ("energy",)


def _energy(cost: Cost) -> Sequence[str]:
    """No cell where the platform's energy is not known: a note says so, and why."""
    return () if cost.energy_j is None else (format_si(cost.energy_j.value, "J"),)


def _percent(share: float) -> str:
    return f"{_hundredths(share)} %"


def _hundredths(share: float) -> str:
    return f"{round(100 * share, 1) + 0.0:.1f}"  # + 0.0: no "-0.0"


def _shape(shape: Sequence[int]) -> str:
    """Without the batch of one."""
    kept = shape[1:] if len(shape) > 1 and shape[0] == 1 else shape
    return "x".join(map(str, kept))


def _stacks_title(profile: Profile) -> str:
    has_energy = profile.total.energy_j is not None
    what = "cycles (left) and energy (right) go" if has_energy else "cycles go"
    return f"Where {what}, in %"


def _stacks(profile: Profile) -> Table:
    energy_groups = () if profile.total.energy_j is None else ("", *_ENERGY_GROUPS)
    table = _table(("", ""), (*_CYCLE_GROUPS, *energy_groups), gap=1)
    rows = [(str(layer.index), layer.op, layer.cost) for layer in profile.layers]
    rows += [("", name, cost) for name, cost in _others(profile)]
    for index, name, cost in rows:
        cycles = _shares(cost.cycles.stack, {k: _CYCLES.get(k, "core") for k in cost.cycles.stack})
        cells = [cycles.get(group, 0.0) for group in _CYCLE_GROUPS]
        energy = ["", *map(_hundredths, _energy_shares(cost))]
        table.add_row(index, name, *map(_hundredths, cells), *energy[: len(energy_groups)])
    return table


def _energy_shares(cost: Cost) -> list[float]:
    if cost.energy_j is None:
        return []
    shares = _shares(cost.energy_j.stack, {k: _energy_group(k) for k in cost.energy_j.stack})
    return [shares.get(group, 0.0) for group in _ENERGY_GROUPS]


def _energy_group(part: str) -> str:
    if part in ("static", "clock"):
        return part
    return "mem" if part.endswith(("_access", "_read")) else "instr"


def _shares(stack: Mapping[str, float], group_of: Mapping[str, str]) -> dict[str, float]:
    total = sum(stack.values())
    groups: defaultdict[str, float] = defaultdict(float)
    for part, value in stack.items():
        groups[group_of[part]] += value / total if total else 0.0
    return groups


def _functions(profile: Profile, top: int) -> Table:
    table = _table(("",), ("instr", "cycles", "per instr", *_energy_heading(profile), "share"))
    for function in profile.functions[:top]:
        cost = function.cost
        each = cost.cycles.value / cost.instructions if cost.instructions else 0.0
        cells = (_times(cost.instructions), format_si(cost.cycles.value, ""), f"{each:.2f}")
        table.add_row(Text(function.name), *cells, *_energy(cost), _percent(cost.share))
    return table


def _interrupts(profile: Profile) -> Table:
    names = ("taken", "chained", "instr", "cycles", *_energy_heading(profile), "share")
    table = _table(("", "handler"), names, gap=1)
    within = [interrupt for interrupt in profile.interrupts if interrupt.number]
    for interrupt in within:
        times = (_times(interrupt.taken), _times(interrupt.chained))
        handler = Text(interrupt.handler or _UNKNOWN)
        table.add_row(interrupt.name, handler, *times, *_each(interrupt.cost))
    for interrupt in profile.interrupts:
        if not interrupt.number:
            table.add_row("outside", "", "", "", *_each(interrupt.cost))
    return table


def _tasks(profile: Profile) -> Table:
    names = ("resumed", "instr", "cycles", *_energy_heading(profile), "share")
    table = _table(("",), names, gap=1)
    for task in profile.tasks:
        resumed = "" if task.address is None else _times(task.resumed)
        table.add_row(Text(task.name), resumed, *_each(task.cost))
    return table


def _each(cost: Cost) -> Iterator[str]:
    yield _times(cost.instructions)
    yield format_si(cost.cycles.value, "")
    yield from _energy(cost)
    yield _percent(cost.share)


def _lines(profile: Profile, top: int) -> Table:
    names = {function.address: function.name for function in profile.functions}
    total = profile.total.cycles.value
    table = _table(("", "in"), ("instr", "cycles", "share"), gap=1)
    places = [_place(line) for line in profile.lines[:top]]
    # rich folds the wider column first, which may be either: places stay whole
    table.columns[0].min_width = min(max(map(len, places)), _LONGEST_PLACE)
    table.columns[1].max_width = _PLACE_AND_FUNCTION - table.columns[0].min_width
    for line in profile.lines[:top]:
        cells = (_times(line.instructions), format_si(line.cycles, ""))
        share = _percent(line.cycles / total if total else 0.0)
        table.add_row(Text(_place(line)), Text(names[line.function]), *cells, share)
    return table


def _place(line: LineCost) -> str:
    if line.source is None:
        return _UNKNOWN
    return f"{PurePath(line.source.file).name}:{line.source.line}"


def _mix(profile: Profile) -> Table:
    table = _table(("class",), ("executed", "share"))
    table.add_column("most of them", overflow="fold")
    kinds: defaultdict[str, list[MixEntry]] = defaultdict(list)
    for entry in profile.mix:
        kinds[entry.kind].append(entry)
    executed = sum(entry.count for entry in profile.mix)
    for kind, entries in sorted(kinds.items(), key=lambda item: -_count(item[1])):
        count = _count(entries)
        most = ", ".join(f"{e.mnemonic} {_times(e.count)}" for e in entries[:_TOP_MNEMONICS])
        name = kind.replace("_", " ")
        table.add_row(name, _times(count), _percent(count / executed), Text(most, style="dim"))
    return table


def _count(entries: Iterable[MixEntry]) -> int:
    return sum(entry.count for entry in entries)


def _effects(profile: Profile) -> Table:
    table = _table(("effect",), ("value", "lower", "upper", "range"))
    table.add_column("its numbers", overflow="fold")
    total = profile.total.cycles.value
    for effect in profile.effects:
        width = effect.upper - effect.lower
        if width < _SURE * total:
            continue
        said = (format_si(n, "") for n in (effect.value, effect.lower, effect.upper))
        found_in = Text(effect.found_in, style="dim")
        table.add_row(effect.effect.replace("_", " "), *said, _percent(width / total), found_in)
    return table


def _memory(profile: Profile) -> Table:
    table = _table(("segment", "memory"), ("loaded", "stored"))
    for access in profile.accesses:
        table.add_row(access.segment, access.memory, f"{access.loaded:,}", f"{access.stored:,}")
    return table
