#!/bin/sh
# LiteRT's optimised QUANTIZE rounds a tie by where it stands: the same number becomes 2 within the
# groups of eight and 3 behind the last, in one tensor, in one call. Its reference kernel says 3, and
# its default delegate 2, everywhere.
. "$(dirname "$0")/common.sh"
environment litert ai-edge-litert==2.3.0 numpy==2.4.6 flatbuffers==25.12.19

now=$("$WORK/litert/bin/python" - 2>/dev/null <<'PYTHON'
import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from one_op import Tensor, one_op

model = one_op("QUANTIZE", [Tensor([1, 19], "float32")], Tensor([1, 19], "int8", 1.0), {})
for name in ("BUILTIN_WITHOUT_DEFAULT_DELEGATES", "BUILTIN_REF", "AUTO"):
    resolver = getattr(OpResolverType, name)
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    interpreter.set_tensor(0, np.full((1, 19), 2.5, np.float32))
    interpreter.invoke()
    print(*interpreter.get_tensor(1)[0], "", name)
PYTHON
)
verdict 'nineteen times the same number in each line' \
  '2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 3 3 3  BUILTIN_WITHOUT_DEFAULT_DELEGATES
3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3  BUILTIN_REF
2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2  AUTO' "$now"
