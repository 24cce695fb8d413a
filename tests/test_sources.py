"""Which code decides a kept value: the closure of imports."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simbench.store import ENCODING, sources, sources_hash

OBSERVE = "simbench.session.observe"
MAKERS = (
    OBSERVE,
    "simbench.cost.price",
    "simbench.task.inputs",
    "simbench.isa.decode",
    "simbench.models.reference",
    "simbench.models.source",
)
LOADED = "import sys, {}; print(*(m for m in sys.modules if m.split('.')[0] == 'simbench'))"


@pytest.mark.parametrize("module", MAKERS)
def test_every_module_that_is_loaded_is_in_the_closure(module: str) -> None:
    command = [sys.executable, "-c", LOADED.format(module)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = sources.source_files(module)
    names = {name.removesuffix(".py").removesuffix("/__init__") for name in found}
    for loaded in said.split():
        place = loaded.replace(".", "/").partition("/")[2] or "__init__"
        assert place in names, f"{module} loads {loaded}"


def test_a_module_imported_in_a_function_is_in_the_closure() -> None:
    found = sources.source_files(OBSERVE)
    assert "backends/qemu/backend.py" in found
    assert {"backends/renode/counting.py", "backends/renode/counter/cache.cs"} <= set(found)
    assert any(name.endswith("plugin.c") for name in found)


def test_an_import_for_type_checkers_decides_nothing() -> None:
    assert not any(name.startswith("sweeps/") for name in sources.source_files("simbench"))


def test_what_is_no_module_is_refused() -> None:
    with pytest.raises(ValueError, match=r"simbench\.nothing is no module of simbench"):
        sources.source_files("simbench.nothing")
    with pytest.raises(ValueError, match="builtins is no module"):
        sources_hash("builtins")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the package, to be changed."""
    copy = tmp_path / "simbench"
    shutil.copytree(sources._PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(sources, "_PACKAGE", copy)
    forget()
    yield copy
    forget()


def forget() -> None:
    for cached in (
        sources.sources_hash,
        sources._closure,
        sources._imported,
        sources._tree,
        sources._text,
    ):
        cached.cache_clear()


def hash_now() -> str:
    forget()
    return sources_hash(OBSERVE, ENCODING)


def test_a_change_of_any_file_of_the_closure_makes_another_key(package: Path) -> None:
    before = hash_now()
    assert hash_now() == before
    files = sources.source_files(OBSERVE, ENCODING)
    assert len(files) > 50
    for name, path in files.items():
        content = path.read_bytes()
        path.write_bytes(content + b"\n")
        assert hash_now() != before, name
        path.write_bytes(content)
    (package / "cli" / "main.py").write_text("changed")
    (package / "backends" / "qemu" / "notes.txt").write_text("no source")
    assert hash_now() == before


def test_sources_in_a_folder_without_modules_count_with_those_above(package: Path) -> None:
    before = hash_now()
    folder = package / "backends" / "qemu" / "parts"
    folder.mkdir()
    (folder / "part.h").write_text("int x;")
    assert hash_now() != before
