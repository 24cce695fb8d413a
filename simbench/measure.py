"""Run a task on an emulated board: the only step of a run that touches the emulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simbench.backends import Backend, Blob, Board, LaunchSpec
from simbench.counts import Counts
from simbench.errors import InfrastructureError
from simbench.firmware.config import BoardConfig, pack_config
from simbench.platforms import platform_caches
from simbench.session import Conversation, Patience, converse
from simbench.tasks import Task


@dataclass(frozen=True, slots=True)
class Observation:
    """What a board did: counts of the measured inference, the raw outputs, the arena it needed.

    ``outputs`` has one entry for each of the task's inputs. For a user's own ELF, which has no
    command for them, it is empty and ``arena_bytes`` is ``None``.
    """

    counts: Counts
    outputs: tuple[bytes, ...]
    arena_bytes: int | None


def measure(
    task: Task, backend: Backend, launched: Callable[[Board], None] | None = None
) -> Observation:
    """Run ``task`` once; ``launched`` is given the board, so that it can be aborted.

    Raises FirmwareFault and InfrastructureError, saying what to do.
    """
    with backend.launch(launch_spec(task)) as board:
        if launched is not None:
            launched(board)
        conversation = converse(board, Patience().within(task.time_limit_s))
        return _own(conversation, task) if task.model is None else _suite(conversation, task)


def launch_spec(task: Task) -> LaunchSpec:
    """The board that runs ``task``: its image, what is loaded beside it, the caches to watch."""
    return LaunchSpec(
        image=task.image,
        machine=task.machine,
        blobs=() if task.model is None else _blobs(task, task.model.data),
        caches=platform_caches(task.platform, linked_for_it=task.model is None),
        grouping=False,  # the alignment of every access is a price
        counted_windows=1,
    )


def _suite(conversation: Conversation, task: Task) -> Observation:
    if conversation.boot_errors:
        raise InfrastructureError(
            f"the firmware cannot run {task.benchmark.title}: {'; '.join(conversation.boot_errors)}"
        )
    arena = conversation.arena()
    measured, *others = task.inputs
    conversation.load(measured.wire)
    inference = conversation.infer()
    outputs = [conversation.output()]
    for index in range(len(others)):
        conversation.load_bank(index)
        conversation.infer(counted=False)
        outputs.append(conversation.output())
    assert inference.counts is not None  # the board was launched to count
    return Observation(inference.counts, tuple(outputs), arena.bytes)


def _own(conversation: Conversation, task: Task) -> Observation:
    conversation.load(task.inputs[0].wire)
    inference = conversation.infer()
    assert inference.counts is not None
    return Observation(inference.counts, (), None)


def _blobs(task: Task, model: bytes) -> tuple[Blob, ...]:
    """The model, the bank of further inputs, and the block that says where they are."""
    symbols = task.image.symbols
    bank = [entry.wire for entry in task.inputs[1:]]
    stride = max(map(len, bank), default=0)
    config = BoardConfig(
        model_address=symbols["__weights_start"],
        model_bytes=len(model),
        arena_address=symbols["__arena_start"],
        arena_bytes=symbols["__arena_end"] - symbols["__arena_start"],
        bank_address=symbols["__bank_start"],
        bank_entries=len(bank),
        bank_stride_bytes=stride,
        input_encoding=int(task.benchmark.encoding),
        result_kind=int(task.benchmark.result),
        dut_name=task.platform.id,
        model_id=task.benchmark.model_id,
    )
    blobs = [
        Blob(symbols["simbench_config"], pack_config(config)),
        Blob(symbols["__weights_start"], model),
    ]
    if bank:
        blobs.append(Blob(symbols["__bank_start"], b"".join(w.ljust(stride, b"\0") for w in bank)))
    return tuple(blobs)
