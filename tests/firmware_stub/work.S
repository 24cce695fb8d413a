/* What the stub measures: small routines whose counts can be worked out by hand. */
    .syntax unified
    .thumb
    .cpu cortex-m4
    .fpu fpv4-sp-d16

.macro routine name
    .section .text.\name, "ax"
    .balign 16
    .global \name
    .type \name, %function
    .thumb_func
\name:
.endm

.macro done name
    .size \name, . - \name
.endm

routine th_pre
    bx lr
done th_pre
routine th_post
    bx lr
done th_post
routine simbench_op_begin
    bx lr
done simbench_op_begin
routine simbench_op_end
    bx lr
done simbench_op_end

/* r0 weights, r1 arena, r2 n: copies n words. 2 + 4n instructions, n - 1 taken edges of its own. */
routine work_copy
    push {r4, lr}
1:  ldr r4, [r0], #4
    str r4, [r1], #4
    subs r2, r2, #1
    bne 1b
    pop {r4, pc}
done work_copy

/* Every kind of access once. r0 weights, r1 arena. */
routine work_kinds
    push {r4, r5, r6, r7, lr}
    sub sp, sp, #32
    ldr r2, =0x12345678
    ldrd r4, r5, [r0]
    strd r4, r5, [r1]
    ldm r0, {r4, r5, r6}
    stm r1!, {r4, r5, r6}
    vldr d0, [r0, #8]
    vstr s0, [r1]
    vldmia r0, {d0-d3}
    vstmia sp, {s0-s2}
    ldrb r3, [r0, #1]
    ldrh r3, [r0, r3]
    ldrsb r3, [r1, #-4]!
    strd r4, r5, [sp, #8]
    ldr r3, [sp, #12]
    add sp, sp, #32
    pop {r4, r5, r6, r7, pc}
    .ltorg
done work_kinds

/* Accesses that an IT makes conditional, the second time executed, on the stack and elsewhere. */
routine work_conditional
    push {r4, lr}
    movs r4, #2
1:  cmp r4, #1
    itte eq
    ldreq r2, [sp]
    ldreq r3, [r0]
    strne r3, [r1]
    subs r4, r4, #1
    bne 1b
    pop {r4, pc}
done work_conditional

/* An IT at the end of a 1 KB page: what it makes conditional starts the next block. */
    .section .text.work_page, "ax"
    .balign 1024
    .space 1010
    .global work_page
    .type work_page, %function
    .thumb_func
work_page:
    push {r4, lr}
    movs r4, #2
1:  cmp r4, #1
    nop
    nop
    nop
    itt eq
    ldreq r2, [sp]
    ldreq r3, [sp, #4]
    subs r4, r4, #1
    bne 1b
    pop {r4, pc}
done work_page

/* One base register: moved by constants, then by a register. r0 weights, r1 arena. */
routine work_bases
    push {r4, lr}
    ldr r2, [r0], #8
    ldr r2, [r0, #-4]
    adds r0, #4
    ldr r2, [r0]
    mov r4, r1
    ldr r2, [r4]
    mov r4, r0
    ldr r2, [r4, #4]
    ldr r4, [r4]
    mov r4, sp
    ldr r4, [r4]
    pop {r4, pc}
done work_bases

/* A table branch through a literal table, and a loop that never ends. */
routine work_table
    movs r2, #1
    tbb [pc, r2]
2:  .byte (3f - 2b) / 2, (4f - 2b) / 2
3:  nop
4:  bx lr
done work_table

routine work_forever
    b work_forever
done work_forever

/* Touches r1 lines of 16 bytes from r0 on, r2 times over. */
routine work_lines
    push {r4, r5, lr}
1:  mov r3, r0
    mov r4, r1
2:  ldr r5, [r3], #16
    subs r4, r4, #1
    bne 2b
    subs r2, r2, #1
    bne 1b
    pop {r4, r5, pc}
done work_lines

/* A loop of four lines of 16 bytes, r0 times: 1 + 16 r0 + 1 instructions. */
routine work_long
    b 1f
    .balign 16
1:  .rept 14
    nop.w
    .endr
    subs.w r0, r0, #1
    bne.w 1b
    bx lr
done work_long

/* Loads and stores at every alignment. r0 weights, r1 arena. */
routine work_misaligned
    ldr.w r2, [r0, #1]
    ldr.w r2, [r0, #2]
    ldrh.w r2, [r0, #1]
    ldrh.w r2, [r0, #2]
    ldrb.w r2, [r0, #3]
    str.w r2, [r1, #3]
    strh.w r2, [r1, #3]
    bx lr
done work_misaligned
