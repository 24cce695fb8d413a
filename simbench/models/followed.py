"""What only one of the host's interpreters answers rightly: which is followed, and why.

Each line was seen in tflite-runtime 2.14 beside tflite-micro of October 2026, on models of one
operator; docs/reference/models.md has the table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simbench.models.parse import parse
from simbench.models.schema import (
    FLOAT32,
    INT8,
    INT16,
    operator_code,
    operator_name,
    scale_count,
    schema,
)

_MOST_REPEATED = 4
_NOT_REPEATED = (
    *("MUL", "SQUARED_DIFFERENCE", "PRELU", "FLOOR_DIV", "FLOOR_MOD", "EQUAL", "NOT_EQUAL"),
    *("GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"),
)
_LACKING = ("ELU", "CEIL", "CUMSUM", "ROUND", "BROADCAST_TO")


@dataclass(frozen=True, slots=True)
class _Node:
    """An operator with its tensors; ``None`` where an optional input is left out."""

    inputs: tuple[Any, ...]
    output: Any
    options: Any

    def is_of(self, kind: int) -> bool:
        return bool(self.output.type == kind)


def only_in_micro(data: bytes) -> tuple[str, ...]:
    """Names of the model's operators that the reference kernels of TensorFlow Lite lack or compute
    wrongly, as the model has them, and those of TensorFlow Lite Micro do not."""
    source = schema().Model.GetRootAs(data, 0)
    entries = [source.OperatorCodes(i) for i in range(source.OperatorCodesLength())]
    names = [
        operator_name(max(entry.DeprecatedBuiltinCode(), entry.BuiltinCode())) for entry in entries
    ]
    if not _WRONG.keys() & set(names):  # nearly every model: there is no need to read it all
        return ()
    model = parse(data)
    found = set()
    for graph in model.subgraphs:
        for operator in graph.operators:
            name = operator_name(operator_code(model.operatorCodes[operator.opcodeIndex]))
            if name in _WRONG and _WRONG[name](_node(graph, operator)):
                found.add(name)
    return tuple(sorted(found))


def _node(graph: Any, operator: Any) -> _Node:
    inputs = tuple(None if i < 0 else graph.tensors[i] for i in operator.inputs)
    return _Node(inputs, graph.tensors[operator.outputs[0]], operator.builtinOptions)


def _always(_: _Node) -> bool:
    return True


def _fully_connected(node: _Node) -> bool:
    """With a scale for each channel, only the first rows of more than two dimensions."""
    return node.is_of(INT8) and len(node.output.shape) > 2 and scale_count(node.inputs[1]) > 1


def _matmul(node: _Node) -> bool:
    """Of int8 with the first turned, only the first of several matrices."""
    several = math.prod(int(d) for d in node.output.shape[:-2]) > 1
    return node.is_of(INT8) and several and bool(getattr(node.options, "adjX", False))


def _of_int8(node: _Node) -> bool:
    """Of int8: not there, or sums that wrap around, or by another table."""
    return node.is_of(INT8)


def _repeated_beyond_four(node: _Node) -> bool:
    """More than four dimensions, of which one input is repeated: not borne."""
    shapes = {tuple(int(d) for d in t.shape) for t in node.inputs if t is not None}
    return len(node.output.shape) > _MOST_REPEATED and len(shapes) > 1


def _rescaled(node: _Node) -> bool:
    """Of int16 with two scales, halves between two elements."""
    given, made = (t.quantization for t in (node.inputs[0], node.output))
    scales = [None if q is None or q.scale is None else q.scale.tolist() for q in (given, made)]
    return node.is_of(INT16) and scales[0] != scales[1]


def _lstm(node: _Node) -> bool:
    """Of integers, gates by another table than that of LOGISTIC and TANH."""
    return not node.is_of(FLOAT32)


_WRONG: Mapping[str, Callable[[_Node], bool]] = {
    **dict.fromkeys(_LACKING, _always),
    **dict.fromkeys(("ABS", "LEAKY_RELU"), _rescaled),
    "FULLY_CONNECTED": _fully_connected,
    "BATCH_MATMUL": _matmul,
    **dict.fromkeys(("ADD_N", "DIV", "SUM"), _of_int8),
    **dict.fromkeys(_NOT_REPEATED, _repeated_beyond_four),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
}
