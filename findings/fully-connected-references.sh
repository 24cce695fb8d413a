#!/bin/sh
# Two reference interpreters of one family, LiteRT and its predecessor TensorFlow Lite, disagree by
# one in an int8 FULLY_CONNECTED. "Bit-exact with the reference" has to name the version of it.
# tflite-runtime has no wheel for Python 3.12 and later: PYTHON names an earlier one.
. "$(dirname "$0")/common.sh"
environment litert ai-edge-litert==2.3.0 numpy==2.4.6 flatbuffers==25.12.19
environment tflite tflite-runtime==2.14.0 numpy==1.26.4

"$WORK/litert/bin/python" - "$WORK/model.tflite" <<'PYTHON'
import sys

import numpy as np
from one_op import Tensor, one_op

# weights and biases of all sizes; the remainders of a fixed multiplicative sequence, so that
# they are the same in every version of NumPy
numbers = np.array([pow(3, n, 65537) for n in range(64 * 65)])
weights = (numbers[: 64 * 64] % 255 - 127).astype(np.int8).reshape(64, 64)
biases = (numbers[64 * 64 :] % 10_000 - 5_000).astype(np.int32)
inputs = [
    Tensor([1, 64], "int8", 0.05),
    Tensor([64, 64], "int8", 0.01, weights),
    Tensor([64], "int32", 0.0005, biases),
]
with open(sys.argv[1], "wb") as file:
    file.write(one_op("FULLY_CONNECTED", inputs, Tensor([1, 64], "int8", 0.3), {}))
PYTHON

cat >"$WORK/outputs.py" <<'PYTHON'
import importlib
import sys

import numpy as np

_, package, model, outputs = sys.argv
module = importlib.import_module(f"{package}.interpreter")
interpreter = module.Interpreter(
    model_path=model, experimental_op_resolver_type=module.OpResolverType.BUILTIN_REF
)
interpreter.allocate_tensors()
said = []
for start in range(100):
    numbers = [pow(5, 64 * start + n, 65537) % 256 - 128 for n in range(64)]
    interpreter.set_tensor(0, np.array([numbers], np.int8))
    interpreter.invoke()
    said.append(interpreter.get_tensor(3)[0].astype(int))
np.save(outputs, said)
PYTHON
"$WORK/litert/bin/python" "$WORK/outputs.py" ai_edge_litert "$WORK/model.tflite" "$WORK/a.npy" 2>/dev/null
"$WORK/tflite/bin/python" "$WORK/outputs.py" tflite_runtime "$WORK/model.tflite" "$WORK/b.npy" 2>/dev/null

now=$("$WORK/litert/bin/python" - "$WORK/a.npy" "$WORK/b.npy" <<'PYTHON'
import sys

import numpy as np

apart = np.abs(np.load(sys.argv[1]) - np.load(sys.argv[2]))
print(f"{(apart > 0).sum()} of {apart.size} outputs differ, by {apart.max()} at most")
PYTHON
)
verdict '0 of 6400 outputs differ, by 0 at most' \
  '12 of 6400 outputs differ, by 1 at most' "$now"
