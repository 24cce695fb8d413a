"""Models of one operator, made here, and what the firmware and the host's interpreters answer.

Tensors' shapes are as in the schema; a tensor with ``data`` is a constant, one without an input, or
a variable of the operator's own.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simbench.backends import Blob, LaunchSpec, backend
from simbench.catalog.scenario import Variant
from simbench.firmware.build import build_image
from simbench.firmware.config import BoardConfig, pack_config
from simbench.models.reference import reference_version
from simbench.models.schema import TENSOR_DTYPES, pack, schema
from simbench.session.conversation import Conversation, Patience

CORE = "cortex-m4"
_TYPES = {dtype.name: code for code, dtype in TENSOR_DTYPES.items()}
_BANK_ALIGNMENT = 16
_MICRO_ARENA_BYTES = 16 << 20
_PATIENCE = Patience(20.0, 20.0, 60.0)


@dataclass(frozen=True, slots=True)
class Tensor:
    """``scale`` and ``zero_point``: one, one for each channel along ``axis``, or none."""

    shape: tuple[int, ...]
    dtype: str = "int8"
    scale: tuple[float, ...] = ()
    zero_point: tuple[int, ...] = ()
    axis: int = 0
    data: NDArray[Any] | None = None
    is_variable: bool = False


def constant(values: Any, dtype: str = "int32", **quantization: Any) -> Tensor:
    """A constant tensor of ``values``."""
    array = np.asarray(values, dtype)
    return Tensor(array.shape, dtype, data=array, **quantization)


@dataclass(frozen=True, slots=True)
class Case:
    """One operator with its tensors; its options are of the schema's class ``options_class``."""

    op: str
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    options_class: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    version: int = 1

    @property
    def fed(self) -> tuple[Tensor, ...]:
        """The inputs that are not constant."""
        return tuple(t for t in self.inputs if t is not None and _is_fed(t))


def _is_fed(tensor: Tensor) -> bool:
    return tensor.data is None and not tensor.is_variable


def model_of(*cases: Case) -> bytes:
    """The .tflite file of ``cases`` side by side: none reads what another writes."""
    module = schema()
    model, graph = module.ModelT(), module.SubGraphT()
    model.version = 3
    model.buffers, model.operatorCodes, model.subgraphs = [module.BufferT()], [], [graph]
    graph.tensors, graph.inputs, graph.outputs, graph.operators = [], [], [], []
    for case in cases:
        operator = module.OperatorT()
        operator.opcodeIndex = len(model.operatorCodes)
        model.operatorCodes.append(_code(case))
        operator.inputs = [-1 if t is None else _add(model, graph, t) for t in case.inputs]
        operator.outputs = [_add(model, graph, t) for t in case.outputs]
        if case.options_class is not None:
            operator.builtinOptionsType = getattr(module.BuiltinOptions, case.options_class)
            operator.builtinOptions = getattr(module, f"{case.options_class}T")()
            for name, value in case.options.items():
                assert hasattr(operator.builtinOptions, name), name
                setattr(operator.builtinOptions, name, value)
        named = zip(case.inputs, operator.inputs, strict=True)
        graph.inputs += [i for t, i in named if t is not None and _is_fed(t)]
        graph.outputs += operator.outputs
        graph.operators.append(operator)
    return pack(model)


def _code(case: Case) -> Any:
    code = schema().OperatorCodeT()
    number = getattr(schema().BuiltinOperator, case.op)
    code.deprecatedBuiltinCode, code.builtinCode = min(number, 127), number
    code.version = case.version
    return code


def _add(model: Any, graph: Any, tensor: Tensor) -> int:
    module = schema()
    made = module.TensorT()
    made.shape = np.array(tensor.shape, np.int32)
    made.type = _TYPES[tensor.dtype]
    made.name = f"t{len(graph.tensors)}".encode()
    made.buffer, made.isVariable = 0, tensor.is_variable
    if tensor.data is not None:
        buffer = module.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(tensor.data).tobytes(), np.uint8)
        made.buffer = len(model.buffers)
        model.buffers.append(buffer)
    if tensor.scale:
        made.quantization = module.QuantizationParametersT()
        made.quantization.scale = np.array(tensor.scale, np.float32)
        zero_point = tensor.zero_point or (0,) * len(tensor.scale)
        made.quantization.zeroPoint = np.array(zero_point, np.int64)
        made.quantization.quantizedDimension = tensor.axis
    graph.tensors.append(made)
    return len(graph.tensors) - 1


Arrays = Sequence[NDArray[Any]]


def on_firmware(
    data: bytes, samples: Sequence[Arrays], kernels: str, core: str = CORE
) -> list[bytes]:
    """The output tensors' bytes for each sample, which has an array for each input."""
    image = build_image(core, Variant(kernels))
    at = image.symbols
    entries = [b"".join(np.ascontiguousarray(a).tobytes() for a in arrays) for arrays in samples]
    stride = max(-(-len(e) // _BANK_ALIGNMENT) * _BANK_ALIGNMENT for e in entries)
    config = BoardConfig(
        model_address=at["__weights_start"],
        model_bytes=len(data),
        arena_address=at["__arena_start"],
        arena_bytes=at["__arena_end"] - at["__arena_start"],
        bank_address=at["__bank_start"],
        bank_entries=len(entries),
        bank_stride_bytes=stride,
        input_encoding=0,
        result_kind=0,
        dut_name="board",
        model_id="single",
    )
    blobs = (
        Blob(at["simbench_config"], pack_config(config)),
        Blob(at["__weights_start"], data),
        Blob(at["__bank_start"], b"".join(e.ljust(stride, b"\0") for e in entries)),
    )
    qemu = backend("qemu")
    with qemu.launch(LaunchSpec(image, qemu.machine(core), blobs, counting=False)) as board:
        talk = Conversation(board, _PATIENCE, counted=False)
        assert not talk.boot_errors, talk.boot_errors
        answers = []
        for index in range(len(entries)):
            talk.load_bank(index)
            talk.infer()
            answers.append(talk.output())
    return answers


def on_lite(data: bytes, samples: Sequence[Arrays]) -> list[bytes]:
    """The same of TensorFlow Lite with its reference resolver; RuntimeError where no exact one is
    for this Python."""
    package = reference_version().partition(" ")[0]
    if package == "tflite-micro":
        raise RuntimeError("tflite-micro is the only reference here")
    module = importlib.import_module(f"{package.replace('-', '_')}.interpreter")
    run = module.Interpreter(
        model_content=data,
        num_threads=1,
        experimental_op_resolver_type=module.OpResolverType.BUILTIN_REF,
    )
    run.allocate_tensors()
    answers = []
    for arrays in samples:
        for details, array in zip(run.get_input_details(), arrays, strict=True):
            run.set_tensor(details["index"], array)
        run.invoke()
        outputs = (run.get_tensor(o["index"]) for o in run.get_output_details())
        answers.append(b"".join(np.ascontiguousarray(o).tobytes() for o in outputs))
    return answers


def on_micro(data: bytes, samples: Sequence[Arrays]) -> list[bytes]:
    """The same of the TensorFlow Lite Micro that the package tflite-micro is."""
    runtime = importlib.import_module("tflite_micro").runtime
    run = runtime.Interpreter.from_bytes(data, arena_size=_MICRO_ARENA_BYTES)
    count = schema().Model.GetRootAs(data, 0).Subgraphs(0).OutputsLength()
    answers = []
    for arrays in samples:
        for index, array in enumerate(arrays):
            run.set_input(array, index)
        run.invoke()
        outputs = (run.get_output(i) for i in range(count))
        answers.append(b"".join(np.ascontiguousarray(o).tobytes() for o in outputs))
    return answers


def random_array(rng: np.random.Generator, tensor: Tensor) -> NDArray[Any]:
    """Elements over all of the tensor's range; floats around zero."""
    if tensor.dtype == "bool":
        return rng.integers(0, 2, tensor.shape).astype(bool)
    if tensor.dtype.startswith("float"):
        return (rng.standard_normal(tensor.shape) * 3).astype(tensor.dtype)
    limits = np.iinfo(tensor.dtype)
    low, high = max(limits.min, -(1 << 20)), min(limits.max, 1 << 20)
    return rng.integers(low, high, tensor.shape, endpoint=True).astype(tensor.dtype)
