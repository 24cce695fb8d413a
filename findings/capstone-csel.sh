#!/bin/sh
# capstone 5 decodes Armv8.1-M's conditional selects, which set no flag, as ORRS, which sets three;
# and CLRM, which reads no memory, as a load of many registers.
. "$(dirname "$0")/common.sh"
environment capstone capstone==5.0.9

# the encodings are those of the Armv8-M reference manual: CSEL, CSINC, CSINV, CSNEG, CLRM
now=$("$WORK/capstone/bin/python" - <<'PYTHON'
from capstone import CS_ARCH_ARM, CS_MODE_MCLASS, CS_MODE_THUMB, CS_MODE_V8, Cs

decoder = Cs(CS_ARCH_ARM, CS_MODE_THUMB | CS_MODE_MCLASS | CS_MODE_V8)
for halfwords in ("ea51 8002", "ea51 9002", "ea51 a002", "ea51 b002", "e89f 0003"):
    code = b"".join(int(h, 16).to_bytes(2, "little") for h in halfwords.split())
    (only,) = decoder.disasm(code, 0)
    print(f"{halfwords}  {only.mnemonic} {only.op_str}")
PYTHON
)
verdict 'ea51 8002  csel r0, r1, r2, eq
ea51 9002  csinc r0, r1, r2, eq
ea51 a002  csinv r0, r1, r2, eq
ea51 b002  csneg r0, r1, r2, eq
e89f 0003  clrm {r0, r1}' 'ea51 8002  orrs.w r0, r1, r2
ea51 9002  orrs.w r0, r1, r2, lsl #4
ea51 a002  orrs.w r0, r1, r2, lsl #8
ea51 b002  orrs.w r0, r1, r2, lsl #12
e89f 0003  ldm.w pc, {r0, r1}' "$now"
