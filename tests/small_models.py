"""Models of a few operators, made operator by operator, and a board that runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simbench.backends import Blob, Board, LaunchSpec, backend
from simbench.firmware.config import BoardConfig, pack_config
from simbench.firmware.image import Image
from simbench.models.schema import pack, schema

READY = b"m-ready\r\n"
CORE = "cortex-m4"
FLOAT, INT32, UINT8, BOOL, INT16, INT8, RESOURCE = 0, 2, 3, 6, 7, 9, 13
LATER_CODES = 127  # what the field of one byte says of an operator beyond it

Shape = tuple[int, ...]
Ask = Callable[[str], list[str]]


@dataclass
class Graph:
    """A subgraph to be: tensors by what it is told of them, operators in order."""

    model: Model
    tensors: list[Any] = field(default_factory=list)
    operators: list[Any] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)

    def tensor(self, shape: Shape = (4,), kind: int = FLOAT, *, variable: bool = False) -> int:
        tensor = schema().TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = b"t", list(shape), kind, 0
        tensor.isVariable = variable
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def quantize(self, tensor: int, scale: float, zero_point: int) -> None:
        quantization = schema().QuantizationParametersT()
        quantization.scale = np.array([scale], np.float32)
        quantization.zeroPoint = np.array([zero_point], np.int64)
        self.tensors[tensor].quantization = quantization

    def given(self, shape: Shape = (4,), kind: int = FLOAT) -> int:
        self.inputs.append(self.tensor(shape, kind))
        return self.inputs[-1]

    def constant(self, *values: float, shape: Shape | None = None) -> int:
        index = self.tensor((len(values),) if shape is None else shape)
        buffer = schema().BufferT()
        buffer.data = np.frombuffer(np.array(values, np.float32).tobytes(), np.uint8)
        self.tensors[index].buffer = len(self.model.buffers)
        self.model.buffers.append(buffer)
        return index

    def add(
        self, op: str, inputs: Sequence[int], outputs: Sequence[int], **options: object
    ) -> None:
        """Operator ``op`` (as the schema spells it) with the options of its name."""
        module = schema()
        operator = module.OperatorT()
        operator.opcodeIndex = self.model.code(getattr(module.BuiltinOperator, op))
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        name = "".join(part.capitalize() for part in op.split("_")) + "Options"
        if hasattr(module.BuiltinOptions, name):
            operator.builtinOptionsType = getattr(module.BuiltinOptions, name)
            operator.builtinOptions = getattr(module, name + "T")()
            for option, value in options.items():
                setattr(operator.builtinOptions, option, value)
        self.operators.append(operator)

    def computed(self, op: str, *inputs: int, shape: Shape = (4,), kind: int = FLOAT) -> int:
        """The output of a new operator."""
        output = self.tensor(shape, kind)
        self.add(op, inputs, [output])
        return output


class Model:
    """Subgraphs to be; the first is the model."""

    def __init__(self) -> None:
        self.graphs: list[Graph] = []
        self.buffers: list[Any] = [schema().BufferT()]
        self.codes: list[int] = []

    def graph(self) -> Graph:
        self.graphs.append(Graph(self))
        return self.graphs[-1]

    def code(self, number: int) -> int:
        if number not in self.codes:
            self.codes.append(number)
        return self.codes.index(number)

    def pack(self) -> bytes:
        module = schema()
        model = module.ModelT()
        model.version, model.buffers = 3, self.buffers
        model.operatorCodes, model.subgraphs = [], []
        for number in self.codes:
            code = module.OperatorCodeT()
            code.builtinCode, code.version = number, 1
            code.deprecatedBuiltinCode = min(number, LATER_CODES)
            model.operatorCodes.append(code)
        for graph in self.graphs:
            subgraph = module.SubGraphT()
            subgraph.tensors, subgraph.operators = graph.tensors, graph.operators
            subgraph.inputs, subgraph.outputs = graph.inputs, graph.outputs
            model.subgraphs.append(subgraph)
        return pack(model)


@contextmanager
def running(
    image: Image,
    data: bytes,
    inputs: Sequence[bytes] = (),
    arena_bytes: int | None = None,
    encoding: int = 0,
) -> Iterator[Ask]:
    """A started board with ``data`` as its model and ``inputs`` of one size as its bank: ask it a
    command, get its lines. ``ask("")`` gives what it said at boot."""
    at = image.symbols
    stride = -(-max((len(one) for one in inputs), default=1) // 16) * 16
    config = BoardConfig(
        model_address=at["__weights_start"],
        model_bytes=len(data),
        arena_address=at["__arena_start"],
        arena_bytes=arena_bytes or at["__arena_end"] - at["__arena_start"],
        bank_address=at["__bank_start"],
        bank_entries=len(inputs),
        bank_stride_bytes=stride,
        input_encoding=encoding,
        result_kind=0,
        dut_name="board",
        model_id="small",
    )
    bank = b"".join(one.ljust(stride, b"\0") for one in inputs)
    blobs = (
        Blob(at["simbench_config"], pack_config(config)),
        Blob(at["__weights_start"], data),
        *((Blob(at["__bank_start"], bank),) if bank else ()),
    )
    qemu = backend("qemu")
    with qemu.launch(LaunchSpec(image, qemu.machine(CORE), blobs, counting=False)) as board:
        yield asking(board)


def asking(board: Board) -> Ask:
    """``ask`` for a board: its lines to a command, or what it says before it is ready for one."""

    def ask(command: str) -> list[str]:
        if command:
            board.write(command.encode() + b"%")
        said = b""
        while not said.endswith(READY) and b"]\r\n" not in said.partition(b"e-[fault")[2]:
            heard = board.read(20)
            assert heard, f"{command!r}: silence after {said!r}"
            said += heard
        return said.decode().replace("m-ready\r\n", "").splitlines()

    return ask


def problem(ask: Ask) -> str:
    """What the board complained of at boot, or nothing."""
    return "".join(line for line in ask("") if line.startswith("e-"))


def inferred(ask: Ask, index: int) -> NDArray[np.float32]:
    """The floats of the outputs for input ``index`` of the bank."""
    return np.frombuffer(output(ask, index), np.float32)


def output(ask: Ask, index: int) -> bytes:
    """The bytes of the outputs for input ``index`` of the bank."""
    ask(f"bank {index}")
    said = ask("infer 1 0")
    assert not [line for line in said if line.startswith("e-")], said
    return bytes.fromhex(ask("output")[0].removeprefix("m-output-[").removesuffix("]"))


def arena_bytes(ask: Ask) -> int:
    """The smallest arena that works."""
    return int(ask("arena")[0].rsplit("-", 1)[1])
