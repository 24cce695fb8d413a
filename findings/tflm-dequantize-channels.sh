#!/bin/sh
# DEQUANTIZE of int8 with a scale for each channel, as files with int8 weights and float layers have
# it: tflite-micro multiplies every channel by the first one's scale. LiteRT takes each its own.
. "$(dirname "$0")/common.sh"
environment tflm tflite-micro==0.dev20261023182759 numpy==2.4.6 flatbuffers==25.12.19
environment litert ai-edge-litert==2.3.0 numpy==2.4.6 flatbuffers==25.12.19

cat >"$WORK/model.py" <<'PYTHON'
import numpy as np
from one_op import Tensor, one_op

scales = [0.25, 0.5, 2.0]
model = one_op("DEQUANTIZE", [Tensor([3, 1], "int8", scales)], Tensor([3, 1], "float32"))
numbers = np.array([[4], [4], [4]], np.int8)
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
print("LiteRT:", interpreter.get_tensor(1).ravel().tolist())
PYTHON
  PYTHONPATH="$HERE:$WORK" "$WORK/tflm/bin/python" - 2>/dev/null <<'PYTHON'
from model import model, numbers
from tflite_micro.python.tflite_micro.runtime import Interpreter

interpreter = Interpreter.from_bytes(model, arena_size=20_000)
interpreter.set_input(numbers, 0)
interpreter.invoke()
print("tflite-micro:", interpreter.get_output(0).ravel().tolist())
PYTHON
)
verdict 'LiteRT: [1.0, 2.0, 8.0]
tflite-micro: [1.0, 2.0, 8.0]' 'LiteRT: [1.0, 2.0, 8.0]
tflite-micro: [1.0, 1.0, 1.0]' "$now"
