"""Decodes what Armv8.1-M adds to Thumb-2: vectors (MVE), low-overhead loops, selects, long shifts,
signed return addresses (PACBTI).

capstone 5 does not know them. An instruction is the first row of the table whose bits it has.
Source: Armv8-M Architecture Reference Manual, Arm DDI 0553B, chapter C2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simbench.isa.instruction import (
    LOADS,
    PROGRAM_COUNTER,
    STORES,
    Instruction,
    InstructionClass,
    MemoryOperand,
)

_FIRST_FLOAT = 16
_INTRA_CALL, _STACK_POINTER, _LINK_REGISTER = 12, 13, 14
_VECTOR_BYTES = 16

_CLASSES = {
    "alu": InstructionClass.ALU,
    "move": InstructionClass.FLOAT_MOVE,
    "status": InstructionClass.FLOAT_STATUS,
    "vector": InstructionClass.VECTOR,
    "product": InstructionClass.VECTOR_MULTIPLY,
    "control": InstructionClass.VECTOR_CONTROL,
    "load": InstructionClass.VECTOR_LOAD,
    "store": InstructionClass.VECTOR_STORE,
    "start": InstructionClass.LOOP_START,
    "end": InstructionClass.LOOP_END,
    "system": InstructionClass.SYSTEM,
    "hint": InstructionClass.HINT,
    "return": InstructionClass.BRANCH_INDIRECT,
    "get": InstructionClass.LOAD,
    "put": InstructionClass.STORE,
    "none": InstructionClass.UNKNOWN,
}

_OF_VECTORS = (InstructionClass.VECTOR_LOAD, InstructionClass.VECTOR_STORE)
_VECTOR_FIELDS = {"d": (15, 13), "n": (19, 17), "m": (3, 1)}
# the halves of a pair are an even and an odd register, of which the low bit is left out
_CORE_FIELDS: Mapping[str, tuple[int, int, int | None]] = {
    "t": (15, 12, None),
    "c": (19, 16, None),
    "r": (3, 0, None),
    "l": (11, 8, None),
    "e": (15, 13, 0),
    "o": (22, 20, 1),
    "g": (19, 17, 0),
    "p": (11, 9, 1),
    "k": (3, 1, 1),
}
# mask and value of the 32 bits, mnemonic, class, operands: a field in small letters is read, in
# capitals written, after a plus both; x is the double register that a lane is in, i and f are lists
# of core and of float registers, y is r12 and z are the link register and the stack pointer
_ROWS = """
    fff0f000 ea508000 csel       alu     L c r
    fff0f000 ea509000 csinc      alu     L c r
    fff0f000 ea50a000 csinv      alu     L c r
    fff0f000 ea50b000 csneg      alu     L c r
    fff08fff ea500f0d uqrshl     alu     +c t
    fff08fff ea500f2d sqrshr     alu     +c t
    fff08f3f ea500f0f uqshl      alu     +c
    fff08f3f ea500f1f urshr      alu     +c
    fff08f3f ea500f2f srshr      alu     +c
    fff08f3f ea500f3f sqshl      alu     +c
    fff1817f ea51010d uqrshll    alu     +g +p t
    fff1817f ea51012d sqrshrl    alu     +g +p t
    fff1813f ea51010f uqshll     alu     +g +p
    fff1813f ea51011f urshrl     alu     +g +p
    fff1813f ea51012f srshrl     alu     +g +p
    fff1813f ea51013f sqshll     alu     +g +p
    fff181ff ea50010d lsll       alu     +g +p t
    fff181ff ea50012d asrl       alu     +g +p t
    fff1813f ea50010f lsll       alu     +g +p
    fff1813f ea50011f lsrl       alu     +g +p
    fff1813f ea50012f asrl       alu     +g +p

    ffff2000 e89f0000 clrm       alu     I
    ffbf0e00 ec9f0a00 vscclrm    move    F

    fff0ffff f040e001 dls        start   c
    ffc0ffff f000e001 dlstp      start   c
    ffffffff f00fe001 lctp       start
    fffff001 f00fc001 le         end
    fffff001 f02fc001 le         end
    fffff001 f01fc001 letp       end
    fff0f001 f040c001 wls        start   c
    ffc0f001 f000c001 wlstp      start   c
    ffc0ffff f000e801 vctp       control c
    f800d001 f000c001 bf         none

    fff0f0f0 fb60f000 pacg       system  L c r
    fffff0ff f3ef8020 mrs        system  L
    fff00ff0 fb500f00 autg       system  t c r
    fff00ff0 fb500f10 bxaut      return  t c r
    ffffffff f3af800f bti        hint
    ffffffff f3af801d pac        hint    Y z
    ffffffff f3af800d pacbti     hint    Y z
    ffffffff f3af802d aut        hint    y z

    ff101f80 ed100f80 vldr       get
    ff301f80 ec300f80 vldr       get
    ff101f80 ed000f80 vstr       put
    ff301f80 ec200f80 vstr       put
    ffff0fff eee20a10 vmsr       status  t
    fffc0fff eeec0a10 vmsr       status  t
    ffff0fff eef20a10 vmrs       status  T
    fffc0fff eefc0a10 vmrs       status  T
    ff900f1f ee000b10 vmov       move    t +x
    ff100f1f ee100b10 vmov       move    T x
    ffb01fe0 ec000f00 vmov       move    d R C
    ffb01fe0 ec100f00 vmov       move    r c +d
    ffb10f5f eea00b10 vdup       vector  t N

    eff01e00 ec900e00 vldr       load    D
    fff01e00 ec800e00 vstr       store   d
    ffd01e01 fc901e00 vld2       load    D
    ffd01e01 fc901e01 vld4       load    D
    ffd01e01 fc801e00 vst2       store   d
    ffd01e01 fc801e01 vst4       store   d
    ff511e00 fd101e00 vldr       load    D
    ff511e00 fd001e00 vstr       store   d
    ff501e00 ed101e00 vldr       load    D
    ff501e00 ed001e00 vstr       store   d
    ff701e00 ec301e00 vldr       load    D
    ff701e00 ec201e00 vstr       store   d
    ef501e00 ed100e00 vldr       load    D
    ff501e00 ed000e00 vstr       store   d
    ef701e00 ec300e00 vldr       load    D
    ff701e00 ec200e00 vstr       store   d

    fe201ff1 fc200840 vcmla      product +d n m
    fee01ff1 fc800840 vcadd      product D n m

    fff11ff1 fe310f01 vpsel      vector  D n m
    ffffffff fe310f4d vpnot      control
    ffbf1fff fe310f4d vpst       control
    ffc1ef70 fe010f00 vcmp       product n m
    ffc1ef50 fe010f40 vcmp       product n r
    eff1ef70 ee310f00 vcmp       product n m
    eff1ef50 ee310f40 vcmp       product n r
    ff810f70 fe010f00 vpt        product n m
    ff810f50 fe010f40 vpt        product n r
    efb10f70 ee310f00 vpt        product n m
    efb10f50 ee310f40 vpt        product n r

    ffff1ff1 fe3f0e01 vcvtb      product +d m
    ffff1ff1 ee3f0e01 vcvtb      product +d m
    ffff1ff1 fe3f1e01 vcvtt      product +d m
    ffff1ff1 ee3f1e01 vcvtt      product +d m
    fff31ff1 fe310e81 vmovnb     vector  +d m
    fff31ff1 fe311e81 vmovnt     vector  +d m
    eff31ff1 ee330e01 vqmovnb    vector  +d m
    eff31ff1 ee331e01 vqmovnt    vector  +d m
    fff31ff1 ee310e81 vqmovunb   vector  +d m
    fff31ff1 ee311e81 vqmovunt   vector  +d m
    fff31ff1 ee330e81 vmaxa      vector  +d m
    fff31ff1 ee331e81 vmina      vector  +d m
    effb1ff1 ee310e01 vshllb     vector  D m
    effb1ff1 ee311e01 vshllt     vector  D m
    efc11ff1 ee010e01 vmulh      product D n m
    efc11ff1 ee011e01 vrmulh     product D n m
    eff10ff0 ee300e00 vcmul      product D n m
    efc11ff1 ee010e00 vmullb     product D n m
    efc11ff1 ee011e00 vmullt     product D n m
    ffc10ff1 ee000e00 vqdmladh   product +d n m
    ffc10ff1 ee000e01 vqrdmladh  product +d n m
    ffc10ff1 fe000e00 vqdmlsdh   product +d n m
    ffc10ff1 fe000e01 vqrdmlsdh  product +d n m
    eff11ff1 ee300f01 vqdmullb   product D n m
    eff11ff1 ee301f01 vqdmullt   product D n m
    eff11ff0 ee300f60 vqdmullb   product D n r
    eff11ff0 ee301f60 vqdmullt   product D n r
    fff10ff1 ee300f00 vadc       vector  D n m
    fff10ff1 fe300f00 vsbc       vector  D n m
    ffc10ff1 ee000f00 vhcadd     vector  D n m
    ffc10ff1 fe000f00 vcadd      vector  D n m

    eff11ff0 ee300f40 vadd       product D n r
    eff11ff0 ee301f40 vsub       product D n r
    eff11ff0 ee310e60 vmul       product D n r
    eff11ff0 ee310e40 vfma       product +d n r
    eff11ff0 ee311e40 vfmas      product +d n r
    eff31ff0 ee311e60 vshl       vector  +d r
    eff31ff0 ee331e60 vrshl      vector  +d r
    eff31ff0 ee311ee0 vqshl      vector  +d r
    eff31ff0 ee331ee0 vqrshl     vector  +d r
    ffc11f7e ee011f6e vddup      vector  D +g
    ffc11f7e ee010f6e vidup      vector  D +g
    ffc11f70 ee011f60 vdwdup     vector  D +g k
    ffc11f70 ee010f60 viwdup     vector  D +g k
    ffc11ff0 ee010f40 vadd       vector  D n r
    ffc11ff0 ee011f40 vsub       vector  D n r
    efc11ff0 ee000f40 vhadd      vector  D n r
    efc11ff0 ee001f40 vhsub      vector  D n r
    efc11ff0 ee000f60 vqadd      vector  D n r
    efc11ff0 ee001f60 vqsub      vector  D n r
    ffc11ff0 ee011e60 vmul       product D n r
    ffc11ff0 fe011e60 vbrsr      vector  D n r
    ffc11ff0 ee010e60 vqdmulh    product D n r
    ffc11ff0 fe010e60 vqrdmulh   product D n r
    efc11ff0 ee010e40 vmla       product +d n r
    efc11ff0 ee011e40 vmlas      product +d n r
    ffc11ff0 ee000e60 vqdmlah    product +d n r
    ffc11ff0 ee000e40 vqrdmlah   product +d n r
    ffc11ff0 ee001e60 vqdmlash   product +d n r
    ffc11ff0 ee001e40 vqrdmlash  product +d n r

    efff0ff1 eeee0f00 vmaxnmv    vector  +t m
    efff0ff1 eeee0f80 vminnmv    vector  +t m
    efff0ff1 eeec0f00 vmaxnmav   vector  +t m
    efff0ff1 eeec0f80 vminnmav   vector  +t m
    eff30ff1 eee20f00 vmaxv      vector  +t m
    eff30ff1 eee20f80 vminv      vector  +t m
    fff30ff1 eee00f00 vmaxav     vector  +t m
    fff30ff1 eee00f80 vminav     vector  +t m
    efc10ff1 ee800f01 vabav      vector  +t n m
    eff31ff1 eef10f00 vaddv      product E m
    eff31ff1 eef10f20 vaddva     product +e m
    ef8f1ff1 ee890f00 vaddlv     product E O m
    ef8f1ff1 ee890f20 vaddlva    product +e +o m
    eff01ef1 eef00e00 vmlav      product E n m
    eff01ef1 eef00e20 vmlava     product +e n m
    eff01ef1 eef01e00 vmladavx   product E n m
    eff01ef1 eef01e20 vmladavax  product +e n m
    eff01ef1 eef00e01 vmlsdav    product E n m
    eff01ef1 eef00e21 vmlsdava   product +e n m
    eff01ef1 eef01e01 vmlsdavx   product E n m
    eff01ef1 eef01e21 vmlsdavax  product +e n m
    ef811ff1 ee800f00 vrmlalvh   product E O n m
    ef811ff1 ee800f20 vrmlalvha  product +e +o n m
    ef801ff1 ee800e00 vmlalv     product E O n m
    ef801ff1 ee800e20 vmlalva    product +e +o n m
    ef801ff1 ee801e00 vmlaldavx  product E O n m
    ef801ff1 ee801e20 vmlaldavax product +e +o n m
    ff801ff1 fe800e01 vrmlsldavh product E O n m
    ff801ff1 fe800e21 vrmlsldavha product +e +o n m
    ff801ff1 fe801e01 vrmlsldavhx product E O n m
    ff801ff1 fe801e21 vrmlsldavhax product +e +o n m
    ef801ff1 ee800e01 vmlsldav   product E O n m
    ef801ff1 ee800e21 vmlsldava  product +e +o n m
    ef801ff1 ee801e01 vmlsldavx  product E O n m
    ef801ff1 ee801e21 vmlsldavax product +e +o n m

    efe71ff1 eea00f40 vmovlb     vector  D m
    efe71ff1 eea01f40 vmovlt     vector  D m
    efe01ff1 eea00f40 vshllb     vector  D m
    efe01ff1 eea01f40 vshllt     vector  D m
    ffe01ff0 eea00fc0 vshlc      vector  +d +r
    ffe01ff1 ee800fc1 vshrnb     vector  +d m
    ffe01ff1 ee801fc1 vshrnt     vector  +d m
    ffe01ff1 fe800fc1 vrshrnb    vector  +d m
    ffe01ff1 fe801fc1 vrshrnt    vector  +d m
    efe01ff1 ee800f40 vqshrnb    vector  +d m
    efe01ff1 ee801f40 vqshrnt    vector  +d m
    efe01ff1 ee800f41 vqrshrnb   vector  +d m
    efe01ff1 ee801f41 vqrshrnt   vector  +d m
    ffe01ff1 ee800fc0 vqshrunb   vector  +d m
    ffe01ff1 ee801fc0 vqshrunt   vector  +d m
    ffe01ff1 fe800fc0 vqrshrunb  vector  +d m
    ffe01ff1 fe801fc0 vqrshrunt  vector  +d m

    fff11ff1 ef000150 vand       vector  D n m
    fff11ff1 ef100150 vbic       vector  D n m
    fff11ff1 ef200150 vorr       vector  D n m
    fff11ff1 ef300150 vorn       vector  D n m
    fff11ff1 ff000150 veor       vector  D n m
    ffc11ff1 ef000840 vadd       vector  D n m
    ffc11ff1 ff000840 vsub       vector  D n m
    ffe11ff1 ef000d40 vadd       product D n m
    ffe11ff1 ef200d40 vsub       product D n m
    ffc11ff1 ef000950 vmul       product D n m
    ffe11ff1 ff000d50 vmul       product D n m
    efc11ff1 ef000040 vhadd      vector  D n m
    efc11ff1 ef000240 vhsub      vector  D n m
    efc11ff1 ef000140 vrhadd     vector  D n m
    efc11ff1 ef000050 vqadd      vector  D n m
    efc11ff1 ef000250 vqsub      vector  D n m
    efc11ff1 ef000640 vmax       vector  D n m
    efc11ff1 ef000650 vmin       vector  D n m
    ffe11ff1 ff000f50 vmaxnm     product D n m
    ffe11ff1 ff200f50 vminnm     product D n m
    efc11ff1 ef000740 vabd       vector  D n m
    ffe11ff1 ff200d40 vabd       product D n m
    efc11ff1 ef000440 vshl       vector  D n m
    efc11ff1 ef000540 vrshl      vector  D n m
    efc11ff1 ef000450 vqshl      vector  D n m
    efc11ff1 ef000550 vqrshl     vector  D n m
    ffc11ff1 ef000b40 vqdmulh    product D n m
    ffc11ff1 ff000b40 vqrdmulh   product D n m
    ffe11ff1 ef000c50 vfma       product +d n m
    ffe11ff1 ef200c50 vfms       product +d n m
    eff819f0 ef800150 vorr       vector  +d
    eff81df0 ef800950 vorr       vector  +d
    eff819f0 ef800170 vbic       vector  +d
    eff81df0 ef800970 vbic       vector  +d
    eff819f0 ef800070 vmvn       product D
    eff81df0 ef800870 vmvn       product D
    eff81ef0 ef800c70 vmvn       product D
    eff810d0 ef800050 vmov       product D
    ef801cd1 ef800c50 vcvt       product D m
    ef801ff1 ef800050 vshr       vector  D m
    ef801ff1 ef800250 vrshr      vector  D m
    ffc01ff1 ef800550 vshl       vector  D m
    ffc01ff1 ff800550 vsli       vector  +d m
    ffc01ff1 ff800450 vsri       vector  +d m
    ffc01ff1 ff800650 vqshlu     vector  D m
    efc01ff1 ef800750 vqshl      vector  D m
    ffff1ff1 ffb005c0 vmvn       vector  D m
    fff31ff1 ffb10340 vabs       vector  D m
    fff31ff1 ffb103c0 vneg       vector  D m
    fff31ff1 ffb00740 vqabs      vector  D m
    fff31ff1 ffb007c0 vqneg      vector  D m
    fff31ff1 ffb10740 vabs       product D m
    fff31ff1 ffb107c0 vneg       product D m
    fff31ff1 ffb004c0 vclz       vector  D m
    fff31ff1 ffb00440 vcls       vector  D m
    fff31ff1 ffb00040 vrev64     vector  D m
    fff31ff1 ffb000c0 vrev32     vector  D m
    fff31ff1 ffb00140 vrev16     vector  D m
    fff31e71 ffb30640 vcvt       product D m
    fff31f71 ffb30040 vcvta      product D m
    fff31f71 ffb30140 vcvtn      product D m
    fff31f71 ffb30240 vcvtp      product D m
    fff31f71 ffb30340 vcvtm      product D m
    fff31ff1 ffb20540 vrinta     product D m
    fff31ff1 ffb20440 vrintn     product D m
    fff31ff1 ffb204c0 vrintx     product D m
    fff31ff1 ffb205c0 vrintz     product D m
    fff31ff1 ffb206c0 vrintm     product D m
    fff31ff1 ffb207c0 vrintp     product D m
"""


@dataclass(frozen=True, slots=True)
class _Row:
    mask: int
    value: int
    mnemonic: str
    kind: InstructionClass
    operands: tuple[str, ...]


def _rows() -> tuple[_Row, ...]:
    rows = []
    for line in filter(None, map(str.split, _ROWS.splitlines())):
        mask, value, mnemonic, kind, *operands = line
        row = _Row(int(mask, 16), int(value, 16), mnemonic, _CLASSES[kind], tuple(operands))
        rows.append(row)
    return tuple(rows)


_TABLE = _rows()


def vector_classes(mnemonic: str) -> set[InstructionClass]:
    """The classes of the instructions of that name; the types of their elements may decide."""
    return {row.kind for row in _TABLE if _named(row, mnemonic)}


def _named(row: _Row, mnemonic: str) -> bool:
    stem = row.mnemonic
    return mnemonic == stem or (row.kind in _OF_VECTORS and mnemonic[:-1] == stem)


def decode_mve(encoding: bytes) -> Instruction | None:
    """Decode one 32-bit instruction, little endian as in memory; None if it is none of these."""
    if len(encoding) != 4:
        return None
    word = int.from_bytes(encoding[:2], "little") << 16 | int.from_bytes(encoding[2:], "little")
    row = next((row for row in _TABLE if word & row.mask == row.value), None)
    return None if row is None else _instruction(row, word)


def _instruction(row: _Row, word: int) -> Instruction:
    reads = writes = 0
    for operand in row.operands:
        registers = _field(operand[-1].lower(), word)
        if operand[0] == "+" or operand.islower():
            reads |= registers
        if operand[0] == "+" or operand.isupper():
            writes |= registers
    memory = _memory(row, word)
    if memory is not None:
        reads |= memory.address_registers
        writes |= memory.writeback << memory.base
    if row.kind is InstructionClass.LOOP_START or row.mnemonic == "letp":
        writes |= 1 << _LINK_REGISTER
    if row.kind is InstructionClass.LOOP_END:
        reads |= 1 << _LINK_REGISTER
        writes |= 1 << _LINK_REGISTER
    # as an operand the program counter means zero
    reads &= ~(1 << PROGRAM_COUNTER)
    if row.kind is InstructionClass.BRANCH_INDIRECT:
        writes |= 1 << PROGRAM_COUNTER
    name = row.mnemonic
    if name in ("vldr", "vstr") and row.kind in _OF_VECTORS:
        name += _size(row, word)
    return Instruction(name, row.kind, 4, reads, writes, memory, 0)


def _bits(word: int, high: int, low: int) -> int:
    return word >> low & (1 << (high - low + 1)) - 1


def _field(letter: str, word: int) -> int:
    """The registers that a field of the encoding names, as a mask."""
    if letter == "x":
        return 3 << (_FIRST_FLOAT + 2 * (_bits(word, 7, 7) << 4 | _bits(word, 19, 16)))
    if letter == "y":
        return 1 << _INTRA_CALL
    if letter == "z":
        return 1 << _LINK_REGISTER | 1 << _STACK_POINTER
    if letter == "i":
        return _bits(word, 14, 0)
    if letter == "f":
        return _float_list(word)
    if letter in _VECTOR_FIELDS:
        return _vector(_bits(word, *_VECTOR_FIELDS[letter]))
    high, low, odd = _CORE_FIELDS[letter]
    number = _bits(word, high, low)
    return 1 << (number if odd is None else 2 * number + odd)


def _float_list(word: int) -> int:
    """As many words as the low bits say, from a double register where bit 8 is set."""
    high, low = _bits(word, 22, 22), _bits(word, 15, 12)
    first = 2 * (high << 4 | low) if _bits(word, 8, 8) else low << 1 | high
    registers = (1 << _bits(word, 7, 0)) - 1 << _FIRST_FLOAT + first
    return registers & (1 << _FIRST_FLOAT + 32) - 1


def _vector(number: int) -> int:
    return 15 << (_FIRST_FLOAT + 4 * number)


def _is_gather(word: int) -> bool:
    """Whether each element has an address of its own, the base's plus an offset in a vector."""
    return _bits(word, 12, 12) == 0 and _bits(word, 24, 21) == 0b0100


def _is_gather_from_vector(word: int) -> bool:
    """Whether each element has an address of its own, out of a vector."""
    return _bits(word, 31, 24) == 0xFD and bool(_bits(word, 12, 12))


def _size(row: _Row, word: int) -> str:
    """The size of what is moved in memory: b, h, w or d."""
    assert row.kind in LOADS | STORES
    if _is_gather_from_vector(word):
        return "wd"[_bits(word, 8, 8)]
    if _is_gather(word):
        return "bhwd"[_bits(word, 6, 6) << 1 | _bits(word, 4, 4)]
    if _bits(word, 12, 12) == 0:
        return "bh"[_bits(word, 19, 19)]
    return "bhwd"[_bits(word, 8, 7)]


def _memory(row: _Row, word: int) -> MemoryOperand | None:
    if row.kind not in LOADS | STORES:
        return None
    base, index = _bits(word, 19, 16), None
    if row.kind not in _OF_VECTORS:  # a system register's value
        is_load = row.kind is InstructionClass.LOAD
        return MemoryOperand(base, None, is_load, 1, 4, bool(_bits(word, 21, 21)))
    elements = _VECTOR_BYTES >> _bits(word, 8, 7)
    moved = _VECTOR_BYTES
    if row.mnemonic in ("vldr", "vstr"):
        if _is_gather_from_vector(word):
            base = _FIRST_FLOAT + 4 * _bits(word, 19, 17)
        elif _is_gather(word):
            index = _FIRST_FLOAT + 4 * _bits(word, 3, 1)
            moved = elements << "bhwd".index(_size(row, word))
        elif _bits(word, 12, 12) == 0:
            base = _bits(word, 18, 16)
            moved = elements << _bits(word, 19, 19)
    is_indexed = not _is_gather(word)
    return MemoryOperand(
        base=base,
        index=index,
        is_load=row.kind in LOADS,
        words=max(moved // 4, 1),
        bytes=moved,
        writeback=is_indexed and bool(_bits(word, 21, 21)),
    )
