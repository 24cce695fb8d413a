"""Decoded code, recalled where it was decoded before: decoding is most of a price's work."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from simbench.counts import Block
from simbench.files.installed import version_of
from simbench.isa.decode import decode, encodings, remember
from simbench.isa.instruction import Instruction
from simbench.store import ENCODING, Recall, Store, key_of, sources_hash

_INSTRUCTIONS = "instructions"


def recall_decoded(benchmark: str, blocks: Sequence[Block], store: Store | None) -> tuple[str, ...]:
    """Have all instructions of ``blocks`` decoded, by the ``store`` where it has them.

    Returns what was wrong with the store, in sentences.
    """
    recall = Recall(store, benchmark)
    codes = [block.code for block in blocks]
    key = key_of(codes, version_of("capstone"), sources_hash("simbench.isa.decode", ENCODING))
    known = recall.recalled(_INSTRUCTIONS, key, dict[bytes, Instruction], partial(_decoded, codes))
    remember(known)
    return tuple(recall.notes)


def _decoded(codes: Sequence[bytes]) -> dict[bytes, Instruction]:
    return {each: decode(each) for code in codes for each in encodings(code)}
