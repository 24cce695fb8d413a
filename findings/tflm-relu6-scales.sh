#!/bin/sh
# RELU6 of int8 whose output has another scale than its input: tflite-micro clamps and does not
# rescale, so the same real number comes out as another. LiteRT's reference kernel rescales.
. "$(dirname "$0")/common.sh"
environment tflm tflite-micro==0.dev20261023182759 numpy==2.4.6 flatbuffers==25.12.19
environment litert ai-edge-litert==2.3.0 numpy==2.4.6 flatbuffers==25.12.19

cat >"$WORK/model.py" <<'PYTHON'
import numpy as np
from one_op import Tensor, one_op

model = one_op("RELU6", [Tensor([4], "int8", 0.1)], Tensor([4], "int8", 0.05))
numbers = np.array([-20, 10, 40, 80], np.int8)  # -2, 1, 4 and 8
PYTHON
now=$(
  PYTHONPATH="$HERE:$WORK" "$WORK/litert/bin/python" - 2>/dev/null <<'PYTHON'
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from model import model, numbers

interpreter = Interpreter(
    model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
)
interpreter.allocate_tensors()
interpreter.set_tensor(0, numbers)
interpreter.invoke()
print("LiteRT:", (interpreter.get_tensor(1) * 0.05).round(2).tolist())
PYTHON
  PYTHONPATH="$HERE:$WORK" "$WORK/tflm/bin/python" - 2>/dev/null <<'PYTHON'
from model import model, numbers
from tflite_micro.python.tflite_micro.runtime import Interpreter

interpreter = Interpreter.from_bytes(model, arena_size=20_000)
interpreter.set_input(numbers, 0)
interpreter.invoke()
print("tflite-micro:", (interpreter.get_output(0) * 0.05).round(2).tolist())
PYTHON
)
verdict 'LiteRT: [0.0, 1.0, 4.0, 6.0]
tflite-micro: [0.0, 1.0, 4.0, 6.0]' 'LiteRT: [0.0, 1.0, 4.0, 6.0]
tflite-micro: [0.0, 0.5, 2.0, 3.0]' "$now"
