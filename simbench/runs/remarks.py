"""What is to be said of results beside their numbers."""

from __future__ import annotations

from collections.abc import Sequence

from simbench.result.tree import Result
from simbench.task.labelled import NO_DATA_SET


def by_sentence(results: Sequence[Result]) -> dict[str, list[Result]]:
    """What is not known and why, and the notes: each sentence once, with what it is said of."""
    gathered: dict[str, list[Result]] = {}
    for result in results:
        reasons: dict[str, list[str]] = {}
        for fact, reason in (result.missing or {}).items():
            if reason != NO_DATA_SET:  # nobody asked
                reasons.setdefault(reason, []).append(fact.partition("_")[0])
        absent = (f"no {', '.join(facts)}: {reason}" for reason, facts in reasons.items())
        for sentence in (*absent, *result.notes):
            gathered.setdefault(sentence, []).append(result)
    return gathered
