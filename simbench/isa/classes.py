"""The class of each mnemonic, as capstone names it without suffixes. Absent is unknown."""

from __future__ import annotations

from collections.abc import Mapping

from simbench.isa.instruction import InstructionClass

_MNEMONICS: Mapping[InstructionClass, str] = {
    InstructionClass.ALU: """
        adc add addw adr and asr bfc bfi bic clz cmn cmp eor lsl lsr mov movs movt movw mvn neg orn
        orr pkhbt pkhtb qadd qadd16 qadd8 qasx qdadd qdsub qsax qsub qsub16 qsub8 rbit rev rev16
        revsh ror rrx rsb sadd16 sadd8 sasx sbc sbfx sel shadd16 shadd8 shasx shsax shsub16 shsub8
        ssat ssat16 ssax ssub16 ssub8 sub subw sxtab sxtab16 sxtah sxtb sxtb16 sxth teq tst uadd16
        uadd8 uasx ubfx uhadd16 uhadd8 uhasx uhsax uhsub16 uhsub8 uqadd16 uqadd8 uqasx uqsax uqsub16
        uqsub8 usat usat16 usax usub16 usub8 uxtab uxtab16 uxtah uxtb uxtb16 uxth""",
    InstructionClass.MULTIPLY: """
        mla mls mul smlabb smlabt smlad smladx smlal smlalbb smlalbt smlald smlaldx smlaltb smlaltt
        smlatb smlatt smlawb smlawt smlsd smlsdx smlsld smlsldx smmla smmlar smmls smmlsr smmul
        smmulr smuad smuadx smulbb smulbt smull smultb smultt smulwb smulwt smusd smusdx umaal
        umlal umull usad8 usada8""",
    InstructionClass.DIVIDE: "sdiv udiv",
    InstructionClass.LOAD: """
        ldr ldrb ldrbt ldrex ldrexb ldrexh ldrh ldrht ldrsb ldrsbt ldrsh ldrsht ldrt vldr
        lda ldab ldah ldaex ldaexb ldaexh""",
    InstructionClass.LOAD_DUAL: "ldrd",
    InstructionClass.LOAD_MULTIPLE: "ldm ldmdb pop vldmia vldmdb vpop",
    InstructionClass.STORE: """
        str strb strbt strex strexb strexh strh strht strt vstr
        stl stlb stlh stlex stlexb stlexh""",
    InstructionClass.STORE_DUAL: "strd",
    InstructionClass.STORE_MULTIPLE: "stm stmdb push vstmia vstmdb vpush",
    InstructionClass.BRANCH: "b",
    InstructionClass.BRANCH_CONDITIONAL: "cbz cbnz",
    InstructionClass.CALL: "bl",
    InstructionClass.BRANCH_INDIRECT: "bx blx bxns blxns",
    InstructionClass.TABLE_BRANCH: "tbb tbh",
    InstructionClass.IF_THEN: "it",
    InstructionClass.HINT: "nop yield sev wfe wfi hint pld pldw pli dbg csdb",
    InstructionClass.BARRIER: "dsb dmb isb clrex",
    InstructionClass.SYSTEM: "bkpt cps cpsie cpsid mrs msr svc udf sg tt ttt tta ttat",
    InstructionClass.FLOAT: """
        vabs vadd vcmp vcmpe vcvt vcvta vcvtb vcvtm vcvtn vcvtp vcvtr vcvtt vmaxnm vminnm vmul
        vneg vnmul vrinta vrintm vrintn vrintp vrintr vrintx vrintz vsel vseleq vselge vselgt
        vselvs vsub""",
    InstructionClass.FLOAT_MOVE: "vmov fconsts fconstd",
    InstructionClass.FLOAT_MULTIPLY_ACCUMULATE: "vfma vfms vfnma vfnms vmla vmls vnmla vnmls",
    InstructionClass.FLOAT_DIVIDE: "vdiv vsqrt",
    InstructionClass.FLOAT_STATUS: "vmrs vmsr fmstat",
}

CLASS_OF: Mapping[str, InstructionClass] = {
    mnemonic: kind for kind, names in _MNEMONICS.items() for mnemonic in names.split()
}
