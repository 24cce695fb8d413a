#!/bin/sh
# DIV of int8 where the quotient is a fraction of the output's step: tflite-micro answers the highest or
# the lowest element in the place of zero. It shifts a 32-bit number right by more than 31 bits.
. "$(dirname "$0")/common.sh"
environment tflm tflite-micro==0.dev20261023182759 numpy==2.4.6 flatbuffers==25.12.19

now=$(
  "$WORK/tflm/bin/python" - 2>/dev/null <<'PYTHON'
import numpy as np
from one_op import Tensor, one_op
from tflite_micro.python.tflite_micro.runtime import Interpreter

ends = Tensor([4], "int8", 0.004), Tensor([4], "int8", 0.25)
interpreter = Interpreter.from_bytes(
    one_op("DIV", ends, Tensor([4], "int8", 0.05), {}), arena_size=20_000
)
interpreter.set_input(np.array([20, 47, -60, 100], np.int8), 0)
interpreter.set_input(np.array([76, 76, 76, 4], np.int8), 1)
interpreter.invoke()
print("in steps of 0.05:", interpreter.get_output(0).tolist())
PYTHON
)
verdict 'in steps of 0.05: [0, 0, 0, 8]' 'in steps of 0.05: [127, 127, -128, 8]' "$now"
