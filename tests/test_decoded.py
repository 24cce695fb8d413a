"""Decoded code, kept in a store and recalled."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

from simbench.counts import Block
from simbench.files.installed import version_of
from simbench.isa import decode as decoder
from simbench.isa.decode import decode, decode_block, encodings
from simbench.runs.decoded import recall_decoded
from simbench.store import Store

# vldrw.u32 q0, [r1], #16; ldr r0, [r1, r2, lsl #2]; bx lr; not an instruction; half of one
CODE = bytes.fromhex("91ec041f 51f82200 7047 fffffff7 51f8")
BLOCKS = (Block(0x100, CODE, 5), Block(0x200, CODE[8:10], 1))
READ_BACK = """
import sys
from pathlib import Path
from simbench.counts import Block
from simbench.runs.decoded import recall_decoded
from simbench.isa.decode import decode_block
from simbench.store import Store
code = bytes.fromhex(sys.argv[2])
assert recall_decoded("kws", (Block(0, code, 1),), Store(Path(sys.argv[1]), 10**6)) == ()
print(decode_block(code))
print("capstone" in sys.modules)
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", 10**6)


def test_another_process_recalls_the_same_instructions_without_a_disassembler(store: Store) -> None:
    whole = (Block(0, CODE, 5),)
    assert recall_decoded("kws", whole, store) == ()
    command = [sys.executable, "-c", READ_BACK, str(store.folder), CODE.hex()]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == [str(decode_block(CODE)), "False"]


def test_what_is_recalled_is_what_is_decoded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = {each: decode(each) for block in BLOCKS for each in encodings(block.code)}
    recall_decoded("kws", BLOCKS, store)
    recalled: dict[bytes, object] = {}
    monkeypatch.setattr("simbench.runs.decoded.remember", recalled.update)
    monkeypatch.setattr("simbench.runs.decoded.decode", None)
    assert recall_decoded("kws", BLOCKS, store) == ()
    assert recalled == expected


def test_a_damaged_entry_is_said_and_made_anew(store: Store) -> None:
    recall_decoded("kws", BLOCKS, store)
    (entry,) = store.folder.glob("*.instructions")
    entry.write_bytes(entry.read_bytes()[:-1])
    (note,) = recall_decoded("kws", BLOCKS, store)
    assert "damaged" in note
    assert recall_decoded("kws", BLOCKS, store) == ()


def test_without_a_store_nothing_is_kept() -> None:
    assert recall_decoded("kws", BLOCKS, None) == ()


def test_what_is_remembered_is_not_decoded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "_decoded", {})
    nop, move = decode(bytes.fromhex("00bf")), bytes.fromhex("0846")
    decoder.remember({move: nop})
    assert decode(move) is nop


def test_versions_of_packages_are_those_of_their_metadata() -> None:
    first = {d.metadata["Name"]: d.version for d in reversed(list(distributions()))}
    assert {name: version_of(name) for name in first} == first


def test_a_package_that_is_not_installed_has_no_version() -> None:
    assert version_of("no-such-package") is None
