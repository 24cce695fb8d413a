"""A run for the summary of a GitHub Actions job: the comment's table, and each result's layers.

``--export github-summary=- >> "$GITHUB_STEP_SUMMARY"`` adds it to what the step has written.
Limits: 1 MiB a step, says GitHub's reference "Workflow commands".
"""

from __future__ import annotations

from collections.abc import Iterator

from simbench.exports.markdown import body
from simbench.exports.markdown_text import MOST_ROWS, code, folded, table
from simbench.result.tree import Layer, Result, Run
from simbench.result.units import format_range, format_si

_HEADINGS = ("layer", "operator", "name", "cycles", "share", "MACs")


def render(run: Run) -> str:
    """``run`` as the Markdown of a job's summary."""
    layers = (_layers(result) for result in run.results[:MOST_ROWS] if result.layers)
    return "\n".join((body(run), *layers))


def _layers(result: Result) -> str:
    rows = [tuple(_cells(result, layer)) for layer in result.layers]
    shown = table(_HEADINGS, rows, left=3)
    return f"#### {code(result.id)}\n\n{folded('cycles by layer', shown)}\n"


def _cells(result: Result, layer: Layer) -> Iterator[str]:
    yield str(layer.index)
    yield code(layer.op)
    yield code(layer.name)
    yield f"{format_si(layer.cycles.value, '')} ({format_range(layer.cycles)})"
    whole = result.cycles
    yield f"{layer.cycles.value / whole.value:.1%}" if whole and whole.value else "–"
    yield f"{layer.macs:,}"
