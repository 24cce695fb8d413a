from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

import simbench
from simbench.exports import json as json_export
from simbench.result.estimate import Estimate
from simbench.result.tree import (
    OK,
    ArenaBuffer,
    ArenaUse,
    FlashUse,
    Layer,
    MemoryUse,
    ModelUsed,
    Parity,
    Prediction,
    RamUse,
    Result,
    Run,
)

SCHEMA = json.loads(
    (Path(simbench.__file__).parent / "result" / "schemas" / "result-1.schema.json").read_text()
)
CYCLES = Estimate(100.0, 90.0, 120.0, "cortex-m4/1", {"issue": 80.0, "branch": 20.0})
MEMORY = MemoryUse(
    flash_bytes=10,
    ram_bytes=70,
    arena_bytes=64,
    memories={"flash": {"used_bytes": 10, "size_bytes": 99}},
    flash=FlashUse(4, 3, 1, 2),
    ram=RamUse(2, 4, None),
    arena=ArenaUse(32, 32, 64, (ArenaBuffer("first", "tensor", 0, 32, 0, 0),)),
)
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
    memory=MEMORY,
    parity=Parity(10, 10),
    predictions=(Prediction("astronaut", "person", 0.94),),
    layers=(Layer(0, "CONV_2D", "first", 80, CYCLES, CYCLES, 10),),
    model=ModelUsed("kws", "0" * 64, "1" * 64, 5, 10, ("dropped the float32 ends",)),
    missing={"accuracy": "no data set was given"},
)
RUN = Run(
    tool={"name": "simbench", "version": "0"},
    environment={"emulator": "qemu", "version": "7.2.22", "toolchain": "gcc 12.2.1"},
    settings={"samples": 10},
    results=(RESULT,),
)


def test_the_document_is_what_the_schema_says() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(RUN.document(), SCHEMA)
    jsonschema.validate(json.loads(json_export.render(RUN)), SCHEMA)


def test_a_document_without_the_parts_of_memory_is_what_the_schema_says() -> None:
    plain = replace(MEMORY, flash=None, ram=None, arena=None)
    document = replace(RUN, results=(replace(RESULT, memory=plain),)).document()
    jsonschema.validate(document, SCHEMA)
    for part in ("flash", "ram", "arena"):
        del document["results"][0]["memory"][part]
    jsonschema.validate(document, SCHEMA)


def test_an_unsuccessful_result_is_what_the_schema_says() -> None:
    bare = Result("a@b/c", "a", "b", "c", "does-not-fit", reason="the arena is too small")
    jsonschema.validate(replace(RUN, results=(bare,)).document(), SCHEMA)


@pytest.mark.parametrize("key", ["status", "instructions", "cycles"])
def test_the_schema_refuses_a_document_that_lacks(key: str) -> None:
    document = RUN.document()
    del document["results"][0][key]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)


def test_the_fingerprint_ignores_host_facts_and_nothing_else() -> None:
    other_host = replace(RUN, environment={**RUN.environment, "version": "10.0.2"})
    other_setting = replace(RUN, settings={"samples": 11})
    other_count = replace(RUN, results=(replace(RESULT, instructions=81),))
    mark = RUN.document()["fingerprint"]
    assert other_host.document()["fingerprint"] == mark
    assert other_setting.document()["fingerprint"] != mark
    assert other_count.document()["fingerprint"] != mark
