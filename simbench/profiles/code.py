"""What of a profile follows from the instructions of its blocks: lines, calls and the mix."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from simbench.cost.cores.core import Core
from simbench.cost.cores.pipelines import pipeline
from simbench.cost.points import Split
from simbench.counts import Block, Counts
from simbench.firmware.lines import SourceLine
from simbench.isa.decode import decode_block
from simbench.isa.instruction import Instruction, InstructionClass
from simbench.profiles.functions import Functions
from simbench.profiles.tree import Call, LineCost, MixEntry

Sources = Mapping[int, SourceLine]
"""The source line of an address, where it is known."""


def instructions_of(block: Block) -> Iterator[tuple[int, Instruction]]:
    """The instructions of ``block`` with their addresses."""
    address = block.address
    for instruction in decode_block(block.code):
        yield address, instruction
        address += instruction.width


def addresses(counts: Counts) -> list[int]:
    """The address of every instruction that the inference executed."""
    used = np.flatnonzero(counts.inference.executions)
    return [address for index in used for address, _ in instructions_of(counts.blocks[index])]


def line_costs(
    counts: Counts, by_block: Split, core: Core, functions: Functions, sources: Sources
) -> tuple[LineCost, ...]:
    """What each source line costs, from the inference's price by index of block; dearest first."""
    cycles: defaultdict[tuple[int, SourceLine | None], float] = defaultdict(float)
    executed: Counter[tuple[int, SourceLine | None]] = Counter()
    spent = by_block.prices.cycles[:, 0].tolist()
    for index, total in zip(by_block.groups, spent, strict=True):
        times = int(counts.inference.executions[index])
        shares = _shares(counts.blocks[index], core)
        placed = instructions_of(counts.blocks[index])
        for (address, _), share in zip(placed, shares.tolist(), strict=True):
            key = (functions.starts[index], sources.get(address))
            cycles[key] += total * share
            executed[key] += times
    rows = (LineCost(f, line, executed[f, line], spent) for (f, line), spent in cycles.items())
    return tuple(sorted(rows, key=lambda row: -row.cycles))


def _shares(block: Block, core: Core) -> NDArray[np.float64]:
    """A block's price goes to its instructions as their own cycles do, stalls with them."""
    priced = pipeline(core).cycles(decode_block(block.code), block.address % 4)
    own: NDArray[np.float64] = priced.sum(axis=1)[:, 0]
    total = own.sum()
    return own / total if total > 0 else np.full(len(own), 1.0 / len(own))


def calls(counts: Counts, functions: Functions, sources: Sources) -> tuple[Call, ...]:
    """The calls that the inference made, by calling block."""
    blocks, section = counts.blocks, counts.inference
    found = []
    # the jump that ends the section leads to what is no longer in it
    inside = section.executions[section.edges["target"]] > 0
    for source, target, count in section.edges[inside].tolist():
        caller, callee = functions.starts[source], functions.starts[target]
        if blocks[target].address != callee or not functions.functions[callee].name:
            continue
        *_, (at, last) = instructions_of(blocks[source])
        is_call = last.kind is InstructionClass.CALL or last.mnemonic == "blx"
        if is_call or caller != callee:
            found.append(Call(caller, callee, blocks[source].address, sources.get(at), count))
    return tuple(found)


def mix(blocks: Sequence[Block], executions: NDArray[np.int64]) -> tuple[MixEntry, ...]:
    """How often each instruction was executed, the most frequent first."""
    counted: Counter[tuple[str, str]] = Counter()
    for block, times in zip(blocks, executions.tolist(), strict=True):
        for instruction in decode_block(block.code):
            counted[instruction.kind.value, instruction.mnemonic] += times
    entries = (MixEntry(*key, n) for key, n in counted.items() if n)
    return tuple(sorted(entries, key=lambda entry: (-entry.count, entry.mnemonic)))
