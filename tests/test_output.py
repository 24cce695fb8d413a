from __future__ import annotations

from pathlib import Path

import pytest

from simbench.cli.output import OutputFile, Unwritten
from simbench.errors import UsageError


def test_the_file_is_whole_after_each_write(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    output = OutputFile(str(path))
    assert not path.exists()
    output.write("first")
    assert path.read_text() == "first"
    output.write("second")
    assert path.read_text() == "second"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failing_write_keeps_the_last_whole_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "result.json"
    output = OutputFile(str(path))
    output.write("whole")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(Unwritten, match=r"cannot write .*result\.json \(No space left on device\)"):
        output.write("half")
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["missing/result.json", ".", "a" * 300, "a\0b"])
def test_a_path_that_cannot_be_written_is_refused_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        OutputFile(str(tmp_path / name))


def test_standard_output_gets_the_last_text_once(capsys: pytest.CaptureFixture[str]) -> None:
    output = OutputFile("-")
    output.write("first")
    output.write("second")
    assert capsys.readouterr().out == ""
    output.close()
    assert capsys.readouterr().out == "second"
