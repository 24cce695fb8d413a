#!/bin/sh
# tflite-micro leaves out the fused activation of an int32 ADD: the sum of two negative numbers comes
# out negative where the model asks for RELU. LiteRT's reference kernel applies it.
. "$(dirname "$0")/common.sh"
environment tflm tflite-micro==0.dev20261023182759 numpy==2.4.6 flatbuffers==25.12.19
environment litert ai-edge-litert==2.3.0 numpy==2.4.6 flatbuffers==25.12.19

cat >"$WORK/model.py" <<'PYTHON'
import numpy as np
from one_op import Tensor, one_op

RELU = 1  # ActivationFunctionType of the schema
four = Tensor([4], "int32")
model = one_op("ADD", [four, four], four, {"fusedActivationFunction": RELU})
numbers = np.array([-3, -1, 0, 2], np.int32)
PYTHON
now=$(
  PYTHONPATH="$HERE:$WORK" "$WORK/litert/bin/python" - 2>/dev/null <<'PYTHON'
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from model import model, numbers

interpreter = Interpreter(
    model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
)
interpreter.allocate_tensors()
for index in (0, 1):
    interpreter.set_tensor(index, numbers)
interpreter.invoke()
print("LiteRT:", interpreter.get_tensor(2).tolist())
PYTHON
  PYTHONPATH="$HERE:$WORK" "$WORK/tflm/bin/python" - 2>/dev/null <<'PYTHON'
from model import model, numbers
from tflite_micro.python.tflite_micro.runtime import Interpreter

interpreter = Interpreter.from_bytes(model, arena_size=20_000)
for index in (0, 1):
    interpreter.set_input(numbers, index)
interpreter.invoke()
print("tflite-micro:", interpreter.get_output(0).tolist())
PYTHON
)
verdict 'LiteRT: [0, 0, 0, 4]
tflite-micro: [0, 0, 0, 4]' 'LiteRT: [0, 0, 0, 4]
tflite-micro: [-6, -2, 0, 4]' "$now"
