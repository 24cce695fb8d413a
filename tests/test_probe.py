"""The doctor's question to a QEMU: does it count?"""

from __future__ import annotations

from pathlib import Path

import pytest
from other_qemus import OTHERS, other_qemu

from simbench.backends.qemu import plugin_build, probe
from simbench.backends.qemu.tool import Tool, find_tool, other_interface
from simbench.cli.main import _run
from simbench.errors import InfrastructureError


@pytest.mark.emulator
@pytest.mark.parametrize("qemu", ["installed", *OTHERS])
def test_every_qemu_counts_what_the_instructions_do(
    qemu: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if qemu in OTHERS:
        monkeypatch.setenv("SIMBENCH_QEMU", other_qemu(qemu))
    assert probe.probe() == "51 instructions, 9 branches and 20 accesses counted"


@pytest.mark.emulator
def test_a_qemu_that_counts_otherwise_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "_TURNS_BACK", 10)
    with pytest.raises(InfrastructureError, match="counts 51 instructions, 9 branches and 20 acc"):
        probe.probe()


@pytest.mark.emulator
@pytest.mark.tool
@pytest.mark.parametrize("api", [2, 7])
def test_a_qemu_of_an_unknown_interface_is_one_sentence(
    api: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The installed one is given a plugin that is not of its interface, as a newer one would be."""
    if find_tool().series >= (9, 0):
        pytest.skip("the installed QEMU takes another interface")
    monkeypatch.setattr(plugin_build, "plugin_api", lambda _: api)
    assert _run(["doctor"]) == 3
    said = capsys.readouterr().err
    assert "does not take simbench's plugin: install one of the versions tried" in said
    assert "7.2, 8.2, 10.0 and 11.1" in said


def test_the_sentence_names_the_version() -> None:
    assert "QEMU 13.0.1 does not" in str(other_interface(Tool(Path("qemu"), "13.0.1")))
