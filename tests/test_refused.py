"""A model that is refused is a result among others, and never the end of a suite."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hand_made_models import Maker

from simbench.cli.main import _run
from simbench.files.paths import data_dir
from simbench.result.tree import OK, UNSUPPORTED

CUSTOM, INT8 = 32, 9

pytestmark = [pytest.mark.emulator, pytest.mark.image]


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A suite of ad and of a benchmark whose model has an operator of nobody's."""
    maker = Maker()
    given, made = (maker.tensor((1, 4), INT8, (1.0,)) for _ in range(2))
    maker.layer(CUSTOM, [given], [made])
    maker.model.operatorCodes[0].customCode = b"Nobodys"
    model = maker.packed([given], [made])
    folder = tmp_path / "mine"
    (folder / "benchmarks").mkdir(parents=True)
    (folder / "benchmarks" / "odd.tflite").write_bytes(model)
    text = (data_dir("benchmarks") / "ad.yaml").read_text().replace("id: ad", "id: odd", 1)
    head, _, rest = text.partition("model:")
    digest = hashlib.sha256(model).hexdigest()
    rest = "labels:" + rest.partition("labels:")[2]
    own = f"model:\n  file: odd.tflite\n  sha256: {digest}\n\n"
    (folder / "benchmarks" / "odd.yaml").write_text(head + own + rest)
    monkeypatch.setenv("SIMBENCH_PATH", str(folder))
    path = tmp_path / "simbench.yaml"
    path.write_text("platforms: [stm32f4]\nbenchmarks: [odd, ad]\nsamples: 1\n")
    return path


def test_the_others_run_and_all_is_written(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document, junit = tmp_path / "run.json", tmp_path / "run.xml"
    arguments = ["run", "--suite", str(suite), "--json", str(document), "--export"]
    assert _run([*arguments, f"junit={junit}"]) == 2
    results = json.loads(document.read_text())["results"]
    assert [(r["benchmark"], r["status"]) for r in results] == [("odd", UNSUPPORTED), ("ad", OK)]
    assert "Nobodys" in results[0]["reason"]
    assert "Nobodys" in capsys.readouterr().err
    suites = {s.get("name"): s.get("errors") for s in ET.parse(junit).getroot()}
    assert suites == {"odd@stm32f4/cmsis-nn": "1", "ad@stm32f4/cmsis-nn": "0"}


def test_where_every_model_is_refused_the_reason_is_the_end(
    suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(["run", "--suite", str(suite), "--benchmark", "odd"]) == 2
    assert "Nobodys" in capsys.readouterr().err
