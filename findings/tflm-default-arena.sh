#!/bin/sh
# The tflite-micro wheel sizes the arena by the size of the file, not by what the tensors need: a
# valid model of 408 bytes is refused for want of memory, and runs if it is told a size.
. "$(dirname "$0")/common.sh"
environment tflm tflite-micro==0.dev20261023182759 numpy==2.4.6 flatbuffers==25.12.19

now=$("$WORK/tflm/bin/python" - 2>/dev/null <<'PYTHON'
import numpy as np
from one_op import Tensor, one_op
from tflite_micro.python.tflite_micro.runtime import Interpreter

picture = Tensor([1, 64, 64, 8], "int8", 0.05)
model = one_op("RELU", [picture], picture)
for arena in (None, 80_000):
    try:
        interpreter = Interpreter.from_bytes(model, arena_size=arena)
        interpreter.set_input(np.full(picture.shape, 3, np.int8), 0)
        interpreter.invoke()
        said = f"ran: {np.unique(interpreter.get_output(0))}"
    except RuntimeError as error:
        said = f"refused: {error}"
    print(f"{len(model)} bytes, arena {arena or 'by default'}: {said}")
PYTHON
)
verdict '408 bytes, arena by default: ran: [3]
408 bytes, arena 80000: ran: [3]' '408 bytes, arena by default: refused: TFLM failed to allocate tensors
408 bytes, arena 80000: ran: [3]' "$now"
