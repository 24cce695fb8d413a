#!/bin/sh
# GNU as 2.40, that of Debian 12, writes MVE's VCVTB and VCVTT of half floats with twice the registers'
# numbers: q3 becomes q6, and from q4 on there is no such instruction. It says nothing. GCC's
# intrinsics go the same way. Mended in binutils' commit 433e2bef4a9e; 2.44 is right.
. "$(dirname "$0")/common.sh"
debian binutils-arm-none-eabi=2.40-2+18+b1
cd "$WORK"

# assembled LINE: the encoding's two halfwords, in hexadecimal
assembled() {
  printf '.syntax unified\n.thumb\n%s\n' "$1" > line.s
  usr/bin/arm-none-eabi-as -march=armv8.1-m.main+mve.fp line.s -o line.o
  usr/bin/arm-none-eabi-objcopy -O binary -j .text line.o line.bin
  printf '%-22s %s\n' "$1" "$(od -An -tx2 --endian=little line.bin | tr -d '\n')"
}

# the encodings are those of the Armv8-M reference manual: Qd is bits 15 to 13, Qm 3 to 1
now=$(
  assembled 'vcvtb.f16.f32 q0, q1'
  assembled 'vcvtb.f16.f32 q3, q2'
  assembled 'vcvtt.f32.f16 q5, q7'
)
verdict 'vcvtb.f16.f32 q0, q1    ee3f 0e03
vcvtb.f16.f32 q3, q2    ee3f 6e05
vcvtt.f32.f16 q5, q7    fe3f be0f' 'vcvtb.f16.f32 q0, q1    ee3f 0e05
vcvtb.f16.f32 q3, q2    ee3f ce09
vcvtt.f32.f16 q5, q7    fe3f 5e1d' "$now"
