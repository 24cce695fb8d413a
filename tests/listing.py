"""GNU objdump's view of a program: every instruction with its class, as a second opinion."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from simbench.isa.classes import CLASS_OF
from simbench.isa.instruction import InstructionClass
from simbench.isa.mve import vector_classes

CONDITIONS = (
    "eq", "ne", "cs", "hs", "cc", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le",
    "al",
)  # fmt: skip
# what objdump calls differently: aliases of one encoding
ALIASES = {
    "neg": "rsb",
    "negs": "rsb",
    "ldmia": "ldm",
    "stmia": "stm",
    "cset": "csinc",
    "csetm": "csinv",
    "cinc": "csinc",
    "cinv": "csinv",
    "cneg": "csneg",
}
_LOOPS = {"dls", "wls", "dlstp", "wlstp", "lctp", "le", "letp"}
_SELECTS = {"csel", "csinc", "csinv", "csneg"}
_SIGNING = {
    "pacg": InstructionClass.SYSTEM,
    "autg": InstructionClass.SYSTEM,
    "bxaut": InstructionClass.BRANCH_INDIRECT,
    **dict.fromkeys(("pac", "aut", "bti", "pacbti"), InstructionClass.HINT),
}
_CLEARING = {"clrm": InstructionClass.ALU, "vscclrm": InstructionClass.FLOAT_MOVE}
_LONG_SHIFTS = {
    "asrl", "lsll", "lsrl", "sqrshr", "sqrshrl", "sqshl", "sqshll", "srshr", "srshrl", "uqrshl",
    "uqrshll", "uqshl", "uqshll", "urshr", "urshrl",
}  # fmt: skip
_ROW = re.compile(r"^\s*[0-9a-f]+:\t([0-9a-f]{4}(?: [0-9a-f]{4})?)\s*\t(\S+)[ \t]*(.*)$", re.M)


NEWEST = "armv8.1-m.main"


def listing(program: Path, architecture: str = NEWEST) -> Iterator[tuple[bytes, str, str]]:
    """Encoding, mnemonic and operands of every instruction that objdump finds in ``program``."""
    options = ["-m", architecture, "-M", "force-thumb"]
    command = ["arm-none-eabi-objdump", "-d", *options, str(program)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for code, name, operands in _ROW.findall(text):
        if name.startswith(("@", ".", ";", "<")):
            continue  # data between functions
        halfwords = (int(h, 16).to_bytes(2, "little") for h in code.split())
        yield b"".join(halfwords), name, operands.split("\t")[0]


def named_class(name: str, operands: str) -> InstructionClass:
    """The class of an instruction as objdump writes it. Raises KeyError where it is not known."""
    base = name.split(".")[0]
    if re.search(r"\bq[0-7]\b", operands) or base.startswith(("vpst", "vctp", "vpnot", "vpt")):
        return _vector_class(base, name, operands)
    if re.fullmatch(r"it[te]{0,3}", base):
        return InstructionClass.IF_THEN
    if base[:1] == "b" and base[1:] in CONDITIONS:
        return InstructionClass.BRANCH_CONDITIONAL
    stem = _stem(base)
    kind = _special(stem, base, operands)
    return kind if kind is not None else CLASS_OF[stem]


def _special(stem: str, base: str, operands: str) -> InstructionClass | None:
    if stem in ("dls", "wls", "dlstp", "wlstp", "lctp"):
        return InstructionClass.LOOP_START
    if stem in ("le", "letp"):
        return InstructionClass.LOOP_END
    if stem in _SELECTS or stem in _LONG_SHIFTS:
        return InstructionClass.ALU
    if stem in _CLEARING:
        return _CLEARING[stem]
    if stem in _SIGNING:
        return _SIGNING[stem]
    if base == "nop" and "mov r8, r8" in operands:
        return InstructionClass.ALU  # that of Armv6-M, which has no other
    if stem in ("vldr", "vstr") and operands.startswith("d"):
        return InstructionClass.LOAD_DUAL if stem == "vldr" else InstructionClass.STORE_DUAL
    writes_first = stem not in ("cmp", "cmn", "tst", "teq")
    if CLASS_OF.get(stem) is InstructionClass.ALU and writes_first and operands.startswith("pc"):
        return InstructionClass.BRANCH_INDIRECT
    return None


def _vector_class(base: str, name: str, operands: str) -> InstructionClass:
    kinds: set[InstructionClass] = set()
    for stem in (base, base[:-1]):  # a letter for then or else may stand behind
        kinds = vector_classes(ALIASES.get(stem, stem))
        if kinds:
            break
    if base in ("vmov", "vmvn"):
        return _vector_move(operands)
    if len(kinds) == 2:
        # additions and the like: of floats on one pipe, of integers on the other
        is_float = re.search(r"\.f(16|32)", name) is not None
        return InstructionClass.VECTOR_MULTIPLY if is_float else InstructionClass.VECTOR
    if len(kinds) != 1:
        raise KeyError(f"{base} {operands}")
    return kinds.pop()


def _vector_move(operands: str) -> InstructionClass:
    if "#" in operands:
        return InstructionClass.VECTOR_MULTIPLY
    # objdump's name for VORR of a register with itself, or lanes
    is_whole = re.fullmatch(r"q\d, q\d", operands) is not None
    return InstructionClass.VECTOR if is_whole else InstructionClass.FLOAT_MOVE


def _stem(base: str) -> str:
    """Without condition and without the flag-setting s."""
    if base in ALIASES:
        return ALIASES[base]
    for name in (base, base.removesuffix("s")):
        if (
            name in CLASS_OF
            or name in _LOOPS | _SELECTS | _LONG_SHIFTS | _CLEARING.keys() | _SIGNING.keys()
        ):
            return name
    for condition in CONDITIONS:
        if base.endswith(condition) and len(base) > len(condition):
            return _stem(base.removesuffix(condition))
    raise KeyError(base)
