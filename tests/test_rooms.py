"""The house rules of simbench/: layers, no cycle, a small root, and a page that says so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from scripted import ROOT, script

AT_MOST_IN_THE_ROOT = 6
ROOMS = script("rooms")


def layer_of(name: str) -> int:
    places = [place for place, layer in enumerate(ROOMS.LAYERS) if name in layer]
    assert len(places) == 1, f"give {name} a place in LAYERS of scripts/rooms.py"
    return places[0]


def test_every_room_has_a_layer_and_every_layer_rooms() -> None:
    named = [name for layer in ROOMS.LAYERS for name in layer]
    assert sorted(named) == sorted(ROOMS.rooms())


@pytest.mark.parametrize("name", sorted(ROOMS.rooms()))
def test_a_room_imports_lower_ones_only(name: str) -> None:
    """So that there is no cycle between rooms either."""
    for other, file in ROOMS.imported(name).items():
        assert layer_of(other) < layer_of(name), f"{file.relative_to(ROOT)} imports {other}"


def test_imports_of_every_kind_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "simbench" / "isa").mkdir(parents=True)
    (tmp_path / "simbench" / "cost.py").touch()
    (tmp_path / "simbench" / "isa" / "__init__.py").write_text(
        "import simbench.files\nfrom simbench import __version__, cost\n"
        "def f():\n    from simbench.cli.main import VERBS\n"
        "if TYPE_CHECKING:\n    from simbench.isa.mve import x\n    import simbench.serve as s\n"
    )
    monkeypatch.setattr(ROOMS, "PACKAGE", tmp_path / "simbench")
    assert set(ROOMS.imported("isa")) == {"files", "cost", "cli", "serve"}


def test_the_root_is_small() -> None:
    assert len(list(ROOMS.PACKAGE.glob("*.py"))) <= AT_MOST_IN_THE_ROOT


def folders() -> list[Any]:
    return [pytest.param(p, id=p.parent.name) for p in sorted(ROOMS.PACKAGE.rglob("__init__.py"))]


@pytest.mark.parametrize("file", folders())
def test_every_folder_says_in_one_line_what_is_in_it(file: Path) -> None:
    said = ROOMS.summary(file)
    assert said.endswith(".")
    assert '"""' not in said


def test_the_page_has_the_rooms_as_they_are() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "rooms.py"), "--check"]
    assert subprocess.run(command, check=False).returncode == 0, "run scripts/rooms.py"
    assert ROOMS.table() in ROOMS.PAGE.read_text()
