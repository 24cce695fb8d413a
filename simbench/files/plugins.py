"""Code of other distributions, found by their entry points and loaded when it is asked for."""

from __future__ import annotations

from simbench.errors import InfrastructureError, UsageError


def load_plugin(group: str, name: str) -> object | None:
    """What the entry point ``name`` of ``group`` refers to, or None if no distribution has one.

    Raises :class:`UsageError` where several distributions have one, and
    :class:`InfrastructureError` where it cannot be imported.
    """
    from importlib.metadata import entry_points  # slow to import, and seldom needed

    found = {point.value: point for point in entry_points(group=group, name=name)}
    if not found:
        return None
    if len(found) > 1:
        raise UsageError(
            f"several plug-ins are called {name} in {group} ({', '.join(sorted(found))}): "
            "uninstall all but one"
        )
    (point,) = found.values()
    try:
        loaded: object = point.load()
    except (Exception, SystemExit) as error:
        raise InfrastructureError(
            f"the plug-in {name} of {group} ({point.value}) cannot be imported: {described(error)}"
        ) from error
    return loaded


def plugins(group: str) -> list[tuple[str, str]]:
    """The entry points of ``group``, by name: each with its distribution and that one's version."""
    from importlib.metadata import entry_points

    return sorted(
        (point.name, f"{point.dist.name} {point.dist.version}" if point.dist else "unknown")
        for point in entry_points(group=group)
    )


def described(error: BaseException) -> str:
    """``error`` in one line: its type and the first line of its message."""
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
