#!/bin/sh
# capstone 6 (alpha) keeps the state of an IT block for the next call: what the same bytes decode to
# depends on what the decoder was asked before, somewhere else.
. "$(dirname "$0")/common.sh"
environment capstone capstone==6.0.0a11

now=$("$WORK/capstone/bin/python" - <<'PYTHON'
from capstone import CS_ARCH_ARM, CS_MODE_MCLASS, CS_MODE_THUMB, CS_MODE_V8, Cs

decoder = Cs(CS_ARCH_ARM, CS_MODE_THUMB | CS_MODE_MCLASS | CS_MODE_V8)


def decoded(halfword, address):
    (only,) = decoder.disasm(halfword.to_bytes(2, "little"), address)
    return f"{halfword:04x} at {address:#x}  {only.mnemonic} {only.op_str}"


print(decoded(0x2001, 0x8000))
print(decoded(0xBF08, 0x1000))
print(decoded(0x2001, 0x8000))
print(decoded(0x2001, 0x8000))
PYTHON
)
verdict '2001 at 0x8000  movs r0, #1
bf08 at 0x1000  it eq
2001 at 0x8000  movs r0, #1
2001 at 0x8000  movs r0, #1' '2001 at 0x8000  movs r0, #1
bf08 at 0x1000  it eq
2001 at 0x8000  moveq r0, #1
2001 at 0x8000  movs r0, #1' "$now"
