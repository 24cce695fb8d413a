"""Names as people write them: patterns, "all", another case; and what was meant by a wrong one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from fnmatch import filter as matching

from simbench.errors import UsageError

ALL = "all"
_WILD = "*?["


def chosen(what: str, patterns: Iterable[str], known: Sequence[str]) -> tuple[str, ...]:
    """The names of ``known`` that ``patterns`` choose, each once, in the order asked for.

    A pattern is a name in any case, ``all`` or a glob ("stm32*"). Raises UsageError, which calls
    them ``what``, where one chooses nothing.
    """
    names = (name for pattern in patterns for name in _chosen_by(what, pattern, known))
    return tuple(dict.fromkeys(names))


def called(what: str, name: str, known: Sequence[str]) -> str:
    """The name of ``known`` that ``name`` is, in any case. Raises UsageError saying what was
    meant."""
    if name in known:
        return name
    by_fold = {each.casefold(): each for each in known}
    if name.casefold() in by_fold:
        return by_fold[name.casefold()]
    near = get_close_matches(name.casefold(), by_fold, 2)
    meant = " or ".join(by_fold[each] for each in near)
    hint = f"did you mean {meant}?" if near else f"there are {', '.join(known)}"
    raise UsageError(f"there is no {what} {name}: {hint}")


def _chosen_by(what: str, pattern: str, known: Sequence[str]) -> Sequence[str]:
    if pattern == ALL and ALL not in known:
        return known
    if not any(character in pattern for character in _WILD):
        return (called(what, pattern, known),)
    found = matching(known, pattern)
    if not found:
        raise UsageError(f"no {what} is called like {pattern}: there are {', '.join(known)}")
    return found
