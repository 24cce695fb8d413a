from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from simbench.errors import UsageError
from simbench.exports import json as json_export
from simbench.result.estimate import Estimate
from simbench.result.stored import read_run, read_stored
from simbench.result.tree import (
    DOES_NOT_FIT,
    OK,
    Layer,
    MeasuredInput,
    MemoryUse,
    ModelUsed,
    Parity,
    Prediction,
    Result,
    Run,
    fingerprint,
)

CYCLES = Estimate(100.5, 90.0, 120.0, "cortex-m4/1", {"issue": 80.5, "branch": 20.0})
RESULT = Result(
    id="kws@stm32f4/cmsis-nn",
    benchmark="kws",
    platform="stm32f4",
    kernels="cmsis-nn",
    status=OK,
    instructions=80,
    cycles=CYCLES,
    time_s=CYCLES,
    energy_j=CYCLES,
    coverage=1.0,
    memory=MemoryUse(1, 2, 3, {"flash": {"used_bytes": 1, "size_bytes": 9}}),
    parity=Parity(10, 10),
    predictions=(Prediction("astronaut", "person", 0.94),),
    layers=(Layer(0, "CONV_2D", "first", 80, CYCLES, None, 10),),
    model=ModelUsed("kws", "0" * 64, "1" * 64, 5, 10, ("dropped the float32 ends",)),
    input=MeasuredInput("seeded 0", "2" * 64),
    missing={"accuracy": "no data set was given"},
)
RUN = Run(
    tool={"name": "simbench", "version": "0"},
    environment={"emulator": "qemu", "version": "7.2.22"},
    settings={"samples": 10, "models": {"kws": "1" * 64}},
    results=(RESULT, Result("a@b/c", "a", "b", "c", DOES_NOT_FIT, reason="too small")),
)
WHOLE = json_export.render(RUN)
in_a_file = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def stored(folder: Path, document: dict[str, Any] | str | bytes) -> Path:
    path = folder / "run.json"
    text = json.dumps(document) if isinstance(document, dict) else document
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    found = read_stored(stored(tmp_path, WHOLE))
    assert found.run == RUN
    assert found.notes == ()
    assert found.fingerprint == RUN.document()["fingerprint"]
    assert found.run.document() == RUN.document()


def test_a_document_without_later_facts_reads_as_the_trees_defaults(tmp_path: Path) -> None:
    document = RUN.document()
    for result in document["results"]:
        for key in ("predictions", "notes", "missing", "coverage"):
            del result[key]
    document["fingerprint"] = fingerprint(document)
    older = {**document, "schema": "simbench.result/0"}
    assert read_run(stored(tmp_path, older)).results[0] == replace(
        RESULT, predictions=(), notes=(), missing=None, coverage=None
    )
    assert read_stored(stored(tmp_path, document)).notes == ()


def test_an_edited_file_is_read_and_said_to_be_edited(tmp_path: Path) -> None:
    document = RUN.document()
    document["results"][0]["instructions"] = 79
    found = read_stored(stored(tmp_path, document))
    assert found.run.results[0].instructions == 79
    assert "run.json was edited" in found.notes[0]
    del document["fingerprint"]
    assert "no fingerprint" in read_stored(stored(tmp_path, document)).notes[0]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"schema": "simbench.result/2"}, "reads up to simbench.result/1"),
        ({"schema": "simbench.result/" + "9" * 9999}, "reads up to simbench.result/1"),
        ({"schema": "simbench.profile/1"}, "simbench.profile/1"),
        ({"schema": "simbench.result/x"}, "simbench.result/x"),
        ({"schema": 1}, "no schema"),
        ({}, "no schema"),
        ("[]", "holds no result"),
        ("", "no whole JSON"),
        (b"\xff\xfe", "no whole JSON"),
        ("[" * 100_000, "no whole JSON"),
        (WHOLE.replace('"instructions": 80,', '"instructions": "many",', 1), "instructions"),
        (WHOLE.replace('"value": 100.5', '"value": null', 1), "$.results[0].cycles.value"),
    ],
)
def test_another_document_is_refused_in_one_sentence(
    tmp_path: Path, document: dict[str, Any] | str | bytes, said: str
) -> None:
    path = stored(tmp_path, document)
    with pytest.raises(UsageError) as refused:
        read_run(path)
    assert said in str(refused.value)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["nothing.json", "."])
def test_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read_run(tmp_path / name)


@in_a_file
@given(length=st.integers(0, len(WHOLE.rstrip()) - 1))
def test_any_truncation_is_refused(tmp_path: Path, length: int) -> None:
    with pytest.raises(UsageError):
        read_run(stored(tmp_path, WHOLE[:length]))


@in_a_file
@given(at=st.integers(0, len(WHOLE) - 1), damage=st.binary(min_size=1, max_size=3))
@example(at=WHOLE.index('"id": "') + 1, damage=b" ")  # a result without an id
def test_any_damage_is_refused_or_noted(tmp_path: Path, at: int, damage: bytes) -> None:
    whole = WHOLE.encode()
    damaged = whole[:at] + damage + whole[at + len(damage) :]
    try:
        found = read_stored(stored(tmp_path, damaged))
    except UsageError:
        return
    unchanged = replace(found.run, environment={}) == replace(RUN, environment={})
    assert unchanged or found.notes
