"""Code of other distributions, found by their entry points and loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from simbench.errors import InfrastructureError, SimbenchError, UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


def load_plugin(group: str, name: str) -> object | None:
    """What the entry point ``name`` of ``group`` refers to, or None if no distribution has one.

    Raises :class:`UsageError` where several distributions have one, or it cannot be imported.
    """
    point = _point(group, name)
    if point is None:
        return None
    try:
        loaded: object = point.load()
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"the plug-in {name} of {group} ({point.value}) cannot be imported: {described(error)}"
        ) from error
    return loaded


def load_maker(group: str, name: str) -> Callable[[Any], object] | None:
    """As :func:`load_plugin`, a class or function. What it raises is one sentence.

    Raises :class:`UsageError` for a plug-in that cannot be called, too.
    """
    maker = load_plugin(group, name)
    if maker is None:
        return None
    if not callable(maker):
        raise UsageError(
            f"the plug-in {name} of {group} is no function, but {type(maker).__name__}"
        )
    return guarded(group, name, maker)


def distribution_of(group: str, name: str) -> str | None:
    """The distribution, with its version, of the entry point ``name``; None if there is none.

    Raises :class:`UsageError` where several distributions have one.
    """
    point = _point(group, name)
    return None if point is None else _distribution(point)


def guarded(group: str, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """``call`` of the plug-in ``name`` of ``group``: what it raises by mistake is one sentence."""

    def guard(*given: Any) -> Any:
        try:
            return call(*given)
        except SimbenchError:
            raise
        except Exception as error:
            raise InfrastructureError(
                f"the plug-in {name} of {group} failed: {described(error)}"
            ) from error

    return guard


def guarded_methods(
    group: str, name: str, thing: object, methods: Iterable[str]
) -> Mapping[str, Callable[..., Any]]:
    """Those of ``methods`` that ``thing`` has, guarded, to be those of a class."""
    return {
        method: staticmethod(guarded(group, name, getattr(thing, method)))
        for method in methods
        if callable(getattr(thing, method, None))
    }


def plugins(group: str) -> list[tuple[str, str]]:
    """The entry points of ``group``, by name: each with its distribution and that one's version."""
    from importlib.metadata import entry_points

    return sorted((point.name, _distribution(point)) for point in entry_points(group=group))


def described(error: BaseException) -> str:
    """``error`` in one line: its type and the first line of its message."""
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _point(group: str, name: str) -> EntryPoint | None:
    from importlib.metadata import entry_points  # slow to import, and seldom needed

    found = {point.value: point for point in entry_points(group=group, name=name)}
    if len(found) > 1:
        raise UsageError(
            f"several plug-ins are called {name} in {group} ({', '.join(sorted(found))}): "
            "uninstall all but one"
        )
    return next(iter(found.values()), None)


def _distribution(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "unknown"
