"""The report of a run as a page: the answer, then a section for each result, then the sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from simbench.exports.html.answer import answer_sections
from simbench.exports.html.blocks import Block, Facts, Rows, Section, Text
from simbench.exports.html.frames import frame_blocks
from simbench.exports.html.layers import layer_blocks
from simbench.exports.html.memory import memory_blocks
from simbench.exports.html.page import render_page
from simbench.exports.html.provenance import board_section, hashes, provenance_section
from simbench.exports.html.stacks import percent, shown_parts
from simbench.exports.html.what_if import result_sliders
from simbench.result.estimate import Estimate
from simbench.result.stored import Stored
from simbench.result.tree import OK, ModelUsed, Parity, Result
from simbench.result.units import format_accuracy, format_range, format_score, format_si
from simbench.suites.budgets import shown

_MOST_NAMED = 4
_NAMES = {"time_s": "time", "energy_j": "energy"}


def report_page(stored: Stored) -> str:
    """The whole report of a run as one HTML file."""
    results = stored.run.results
    cycle_parts = shown_parts(r.cycles.stack for r in results if r.cycles)
    energy_parts = shown_parts(r.energy_j.stack for r in results if r.energy_j)
    versions = stored.run.settings.get("platforms")
    boards = list(dict.fromkeys(result.platform for result in results))
    anchors = {result.id: f"result-{number}" for number, result in enumerate(results)}
    warnings = [Text(f"{note}.", warning=True) for note in stored.notes]
    sections = [
        *([Section("Before all", warnings)] if warnings else []),
        *answer_sections(results, anchors),
        *(
            _result_section(result, anchors[result.id], cycle_parts, energy_parts)
            for result in results
        ),
        provenance_section(stored),
        *(
            board_section(board, versions.get(board) if isinstance(versions, dict) else None)
            for board in boards
        ),
    ]
    return render_page(_title(results), sections)


def _title(results: Sequence[Result]) -> str:
    if len(results) == 1:
        return results[0].id
    if not results:
        return "A run without results"
    boards = list(dict.fromkeys(result.platform for result in results))
    named = ", ".join(boards) if len(boards) <= _MOST_NAMED else f"{len(boards)} boards"
    return f"{len(results)} results on {named}"


def _result_section(
    result: Result, anchor: str, cycle_parts: Sequence[str], energy_parts: Sequence[str]
) -> Section:
    blocks: list[Block] = []
    if result.status != OK:
        blocks.append(Text(f"{result.status}: {result.reason or 'no reason given'}", warning=True))
    blocks.append(Facts(list(_facts(result))))
    if result.predictions:
        said = [(p.input, p.label, format_score(p.score)) for p in result.predictions]
        blocks.append(Rows(("real input", "the firmware says", "score"), said, text_columns=2))
    blocks += result_sliders(result, anchor)
    blocks += layer_blocks(result, cycle_parts, energy_parts)
    blocks += frame_blocks(result)
    blocks += memory_blocks(result)
    if result.model is not None:
        blocks.append(_model(result.model))
    return Section(result.id, [*blocks, hashes(result)], anchor)


def _facts(result: Result) -> Iterable[tuple[str, str]]:
    """What there is to say in a line; of what is missing, why."""
    missing = result.missing or {}
    if result.parity is not None:
        yield "outputs", _compared(result.parity)
    if result.accuracy is not None:
        yield "accuracy", format_accuracy(result.accuracy)
    if result.instructions is not None:
        yield "instructions", f"{result.instructions:,}"
    if result.coverage is not None:
        yield "priced", f"{percent(result.coverage, 1.0)} of the instructions executed"
    for name, unit in (("cycles", ""), ("time_s", "s"), ("energy_j", "J")):
        estimate: Estimate | None = getattr(result, name)
        if estimate is not None:
            value = f"{format_si(estimate.value, unit)} ({format_range(estimate)})"
            yield _NAMES.get(name, name), f"{value}, by {estimate.source}"
    for name, reason in missing.items():
        yield _NAMES.get(name, name.replace("_", " ")), f"none, as {reason}"
    for budget in result.budgets:
        said = "not known" if budget.value is None else shown(budget.metric, budget.value)
        kept = "within" if budget.is_met else "over"
        yield "budget", f"{budget.metric} {said}, {kept} {shown(budget.metric, budget.limit)}"
    if result.notes:
        yield "notes", "; ".join(result.notes)


def _compared(parity: Parity) -> str:
    if parity.within is None:
        return f"{parity.shown} equal to the host's reference, bit for bit"
    near = f"{parity.within}/{parity.samples} equal to the host's reference or near it"
    return f"{near} ({parity.tolerance}), {parity.exact} of them bit for bit"


def _model(model: ModelUsed) -> Facts:
    facts = [("model", f"{model.name}, {model.bytes:,} bytes, {model.macs:,} MACs")]
    if model.changes:
        facts.append(("before it ran", "; ".join(model.changes)))
    return Facts(facts)
