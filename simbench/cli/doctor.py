"""``simbench doctor``: what is found on this machine, and what to do about what is missing."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import click
from rich.table import Table

from simbench.cli.console import console
from simbench.errors import EXIT_GOOD, EXIT_INFRASTRUCTURE, SimbenchError

_VERSION_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing simbench needs, or can use where it is not ``is_needed``: what was found of it, or
    what to do where nothing was."""

    what: str
    found: str | None
    remedy: str = ""
    is_needed: bool = True


@click.command(name="doctor")
def command() -> int:
    """Say what is found on this machine, its version, whether QEMU counts a few instructions
    right, and what to do about what is missing.

    \b
    Exits with 3 where something that is needed is missing.

    \b
    Example:
      simbench doctor
    """
    findings = [*_tools(), *_parts()]
    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in findings:
        table.add_row(finding.what, _mark(finding), finding.found or finding.remedy)
    console().print(table)
    missing = [finding for finding in findings if not finding.found and finding.is_needed]
    if not missing:
        return EXIT_GOOD
    click.echo(f"simbench: {missing[0].what} is missing: {missing[0].remedy}", err=True)
    return EXIT_INFRASTRUCTURE


def _mark(finding: Finding) -> str:
    if finding.found:
        return "[green]ok"
    return "[bold red]missing" if finding.is_needed else "[dim]not here"


def _tools() -> Sequence[Finding]:
    python, debian = "install the Python package", "install the Debian package"
    packages = (
        ("cmake", f"{python} cmake"),
        ("ninja", f"{python} ninja"),
        ("cc", f"{debian} gcc"),
        ("c++", f"{debian} g++"),
    )
    # the smoke set's words
    speech = replace(_tool("espeak-ng", f"{debian} espeak-ng"), is_needed=False)
    return [*(_tool(name, remedy) for name, remedy in packages), speech]


def _tool(name: str, remedy: str) -> Finding:
    from simbench.files.programs import program as found_program

    program = found_program(name)
    remedy += _or_setup()
    if program is None:
        return Finding(name, None, remedy)
    done = subprocess.run(
        [program, "--version"],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_VERSION_TIMEOUT_S,
        check=False,
    )
    first = (done.stdout or done.stderr).splitlines()
    return Finding(name, first[0] if first else "version unknown", remedy)


def _or_setup() -> str:
    from simbench.files import paths

    return ", or run 'make setup'" if paths.is_checkout() else ""


def _parts() -> Sequence[Finding]:
    from simbench.backends import backend
    from simbench.backends.qemu.probe import probe
    from simbench.backends.renode.tool import TRIED_WITH, WITHOUT_PYRENODE3, pyrenode3_version
    from simbench.catalog.scenario import Variant
    from simbench.files import fetch, paths
    from simbench.firmware.build import KERNELS, built_image, firmware_cores
    from simbench.firmware.pinned import check_pinned_fetchable, is_pinned_here, pinned_version
    from simbench.models.reference import reference_version
    from simbench.result.units import format_si
    from simbench.store import default_store

    def firmware() -> str:
        names = [
            f"{c} {k}"
            for c in firmware_cores()
            for k in KERNELS
            if built_image(c, Variant(k)) is not None
        ]
        return ", ".join(names)

    def compiler() -> str:
        if is_pinned_here():
            return pinned_version()
        check_pinned_fetchable()
        return ""

    def store() -> str:
        kept = default_store()
        used = sum(entry.bytes for entry in kept.entries())
        return f"{kept.folder}, {format_si(used, 'B')} of {format_si(kept.limit_bytes, 'B')}"

    def sources() -> str:
        there = [pin.name for pin in fetch.pins().values() if fetch.is_fetched(pin.name)]
        fetch.check_fetchable()
        return ", ".join(there) if len(there) == len(fetch.pins()) else ""

    images = _optional("firmware", firmware, "the first run builds what it needs")
    return [
        _part("qemu-system-arm", lambda: backend("qemu").version(), ""),
        _part("counting in QEMU", probe, ""),
        _part("host reference", reference_version, ""),
        _fetched("pinned sources", sources, images),
        _fetched("pinned toolchain", compiler, images),
        images,
        Finding("build folder", str(paths.build_dir())),
        _part("store of counts", store, ""),
        _optional("Renode", lambda: f"{backend('renode').version()}; {TRIED_WITH}", ""),
        _optional("pyrenode3", lambda: pyrenode3_version() or "", WITHOUT_PYRENODE3),
    ]


def _fetched(what: str, find: Callable[[], str], images: Finding) -> Finding:
    """What a run fetches by itself: needed where it cannot, and there is no firmware either."""
    part = _part(what, find, "")
    if part.found or not part.remedy:
        return replace(part, remedy="the first run fetches it", is_needed=False)
    if images.found:
        return replace(part, remedy=f"only to build firmware: {part.remedy}", is_needed=False)
    return part


def _optional(what: str, find: Callable[[], str], remedy: str) -> Finding:
    return replace(_part(what, find, remedy), is_needed=False)


def _part(what: str, find: Callable[[], str], remedy: str) -> Finding:
    try:
        return Finding(what, find() or None, remedy)
    except SimbenchError as error:
        return Finding(what, None, str(error))
