"""Which subgraphs an operator calls: WHILE, IF and CALL_ONCE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from simbench.errors import ModelError
from simbench.models.schema import BOOL, operator_code, operator_name

IF, WHILE, CALL_ONCE = 118, 119, 129  # schema.fbs, enum BuiltinOperator

_CALLS = {
    WHILE: ("WhileOptionsT", ("condSubgraphIndex", "bodySubgraphIndex")),
    IF: ("IfOptionsT", ("thenSubgraphIndex", "elseSubgraphIndex")),
    CALL_ONCE: ("CallOnceOptionsT", ("initSubgraphIndex",)),
}
_DEEPEST = 8  # the firmware's runtime goes as deep


def callees(model: Any, operator: Any) -> tuple[int, ...]:
    """Indices of the subgraphs that the operator calls, as its options say."""
    call = _CALLS.get(operator_code(model.operatorCodes[operator.opcodeIndex]))
    if call is None or type(operator.builtinOptions).__name__ != call[0]:
        return ()
    return tuple(int(getattr(operator.builtinOptions, field)) for field in call[1])


def renumber_callees(model: Any, operator: Any, new: Mapping[int, int]) -> None:
    """Let the operator call the same subgraphs by their ``new`` indices."""
    called = callees(model, operator)
    if called:
        code = operator_code(model.operatorCodes[operator.opcodeIndex])
        for field, callee in zip(_CALLS[code][1], called, strict=True):
            setattr(operator.builtinOptions, field, new[callee])


def reached(model: Any) -> tuple[int, ...]:
    """Subgraphs that run, the main one first.

    Raises :class:`ModelError` where an operator calls one that is not there, or calls go in a
    circle or too deep.
    """
    heights: dict[int, int] = {}
    if _height(model, 0, (), heights) > _DEEPEST:
        raise ModelError(
            f"the model's subgraphs call each other more than {_DEEPEST} deep: unroll its loops"
        )
    return tuple(sorted(heights))


def _height(model: Any, graph: int, callers: tuple[int, ...], heights: dict[int, int]) -> int:
    """How many subgraphs deep the calls from ``graph`` go, itself among them."""
    if graph in callers:
        raise ModelError("a subgraph of the model calls itself: convert it without recursion")
    if graph not in heights:
        below = [
            _height(model, callee, (*callers, graph), heights)
            for operator in model.subgraphs[graph].operators
            for callee in _checked_callees(model, operator)
        ]
        heights[graph] = 1 + max(below, default=0)
    return heights[graph]


def _checked_callees(model: Any, operator: Any) -> tuple[int, ...]:
    if not 0 <= operator.opcodeIndex < len(model.operatorCodes):
        raise ModelError("a layer of the model names no operator: convert it again")
    code = operator_code(model.operatorCodes[operator.opcodeIndex])
    called = callees(model, operator)
    if code in _CALLS and not called:
        raise ModelError(
            f"a {operator_name(code)} of the model comes without its options: convert it again"
        )
    for callee in called:
        if not 0 < callee < len(model.subgraphs):
            raise ModelError(
                f"a {operator_name(code)} of the model calls subgraph {callee}, which it may not: "
                "convert the model again"
            )
    return called


def check_call(model: Any, graph: Any, operator: Any) -> str | None:
    """What does not fit between an operator and the subgraphs it calls, if anything."""
    code = operator_code(model.operatorCodes[operator.opcodeIndex])
    called = [model.subgraphs[callee] for callee in callees(model, operator)]
    if not called:
        return None
    if code == CALL_ONCE:
        ends = (operator.inputs, operator.outputs, called[0].inputs, called[0].outputs)
        return "gives or takes what it may not" if any(map(len, ends)) else None
    given = list(_ends(graph, operator.inputs))
    taken = list(_ends(graph, operator.outputs))
    if code == IF:
        fit = all(_fits(sub, given[1:], taken) for sub in called) and given[0][1] == BOOL
        return None if fit else "does not fit the subgraphs that it calls"
    condition, body = called
    verdict = list(_ends(condition, condition.outputs))
    fit = bool(
        list(_ends(condition, condition.inputs)) == given
        and _fits(body, given, taken)
        and given == taken
        and [kind for _, kind in verdict] == [BOOL]
    )
    return None if fit else "does not fit the subgraphs that it calls"


def _fits(called: Any, given: list[Any], taken: list[Any]) -> bool:
    return (
        list(_ends(called, called.inputs)) == given and list(_ends(called, called.outputs)) == taken
    )


def _ends(graph: Any, indices: Any) -> Iterator[tuple[tuple[int, ...], int]]:
    for index in indices:
        tensor = graph.tensors[index]
        yield tuple(int(d) for d in tensor.shape), tensor.type
