"""Run a task on an emulated board: the only step of a run that touches the emulator."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from simbench.backends import Backend, Blob, Board, LaunchSpec
from simbench.backends.board import ALWAYS, ReadableBoard
from simbench.backends.boards import Launched
from simbench.catalog.platforms import platform_caches
from simbench.catalog.scenario import OWN_RUNTIME
from simbench.catalog.set_up import controlling
from simbench.counts import CacheGeometry, Counts
from simbench.errors import FirmwareFault, InfrastructureError, ModelError, UsageError
from simbench.firmware.config import BoardConfig, pack_config
from simbench.firmware.section import Section
from simbench.session.conversation import Conversation, Footprint, Patience, converse
from simbench.session.genuine import check_code
from simbench.session.room import arena_misfit, check_room, check_segments
from simbench.task.inputs import Input
from simbench.task.tasks import ElfTask, ModelTask, Task

_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Observation:
    """What a board did: counts of the measured inference, the raw outputs, the memory it took.

    ``outputs`` has one entry for each of the task's inputs. For a user's own ELF, which has no
    command for them, it is empty and ``footprint`` is ``None``; ``results`` are then what it prints
    of each input, where it infers. ``notes`` are sentences on what was measured, ``words`` what it
    left in the registers of its chip that control a memory, by address.
    """

    counts: Counts
    outputs: tuple[bytes, ...]
    footprint: Footprint | None
    results: tuple[tuple[float, ...], ...] = ()
    notes: tuple[str, ...] = ()
    words: tuple[tuple[int, int], ...] = ()


def measure(
    task: Task,
    backend: Backend,
    launched: Callable[[Board], None] | None = None,
    caches: Sequence[CacheGeometry] | None = None,
) -> Observation:
    """Run ``task`` once; ``launched`` is given the board, so that it can be aborted. It watches the
    caches of its platform, or ``caches``.

    Raises FirmwareFault and InfrastructureError, saying what to do, and as
    :func:`simbench.session.room.check_room` and :func:`simbench.session.genuine.check_code`.
    """
    match task:
        case ModelTask():
            check_room(task)
        case ElfTask():
            check_segments(task)
    if isinstance(task, ElfTask) and task.chip is not None and not backend.capabilities.chips:
        raise UsageError(
            f"{backend.name} has no boards with a chip's own memory map, as your own firmware "
            "needs: leave out --backend"
        )
    spec = launch_spec(task, watch_caches=backend.capabilities.caches, caches=caches)
    with backend.launch(spec) as board:
        if launched is not None:
            launched(board)
        seen = replace(_observed(board, task), words=tuple(_left_behind(board, task)))
    check_code(seen.counts, spec)
    return seen


def _observed(board: Board, task: Task) -> Observation:
    match task:
        case ModelTask():
            return observed_suite(_talk(board, task), task)
        case ElfTask(section=None):
            return _own(_talk(board, task), task)
        case ElfTask():
            return _section(board, task)


def _left_behind(board: Board, task: Task) -> Iterator[tuple[int, int]]:
    if isinstance(task, ElfTask) and task.chip is not None and isinstance(board, ReadableBoard):
        addresses = [register.address for register in controlling(task.platform)]
        yield from board.words(addresses).items()


def launch_spec(
    task: Task, *, watch_caches: bool = True, caches: Sequence[CacheGeometry] | None = None
) -> LaunchSpec:
    """The board that runs ``task``: its image, what is loaded beside it, the caches to watch, which
    are those of its platform, or ``caches``."""
    match task:
        case ModelTask():
            blobs, linked_for_it, section, chip, tasks = _blobs(task), False, None, None, None
        case ElfTask():
            blobs, linked_for_it, section, chip = task.blobs, True, task.section, task.chip
            tasks = task.tasks
    if caches is None:
        caches = platform_caches(task.platform, linked_for_it=linked_for_it)
    return LaunchSpec(
        image=task.image,
        machine=task.machine,
        blobs=blobs,
        caches=tuple(caches if watch_caches else ()),
        grouping=False,  # the alignment of every access is a price
        counted_windows=1 if section is None else section.passes.number,
        section=section,
        chip=chip,
        tasks=tasks,
        base_segments=ALWAYS if chip is None else {},  # the stack of a task may be anywhere
    )


def answers(
    task: ModelTask,
    backend: Backend,
    inputs: Sequence[Input],
    launched: Launched | None = None,
) -> tuple[bytes, ...]:
    """The outputs of simbench's own firmware for ``inputs``, in one start, with nothing counted.

    ``inputs`` are no more than :func:`bank_bytes` holds. Raises as :func:`measure`.
    """
    asked = replace(task, inputs=tuple(inputs))
    spec = replace(launch_spec(asked), caches=(), counting=False)
    with backend.launch(spec) as board:
        if launched is not None:
            launched(board)
        patience = Patience().within(task.time_limit_s)
        conversation = converse(board, patience, counted=False)
        check_boot(conversation, task)
        return tuple(_output(conversation, index) for index in range(len(inputs)))


def bank_bytes(task: ModelTask) -> int:
    """The size of the board's memory for inputs."""
    return task.image.symbols["__bank_end"] - task.image.symbols["__bank_start"]


def _talk(board: Board, task: Task) -> Conversation:
    return converse(board, Patience().within(task.time_limit_s))


def check_boot(conversation: Conversation, task: ModelTask) -> None:
    """Raise DoesNotFit or InfrastructureError where simbench's firmware complained at boot.

    A runtime that is not simbench's own knows best what it runs: its complaint is a ModelError.
    """
    misfit = arena_misfit(task, conversation.boot_errors)
    if misfit is not None:
        raise misfit
    if not conversation.boot_errors:
        return
    said = f"cannot run {task.benchmark.title}: {'; '.join(conversation.boot_errors)}"
    runtime = task.scenario.variant.runtime
    if runtime != OWN_RUNTIME:
        raise ModelError(f"the runtime {runtime} {said}")
    raise InfrastructureError(f"the firmware {said}")


def observed_suite(conversation: Conversation, task: ModelTask) -> Observation:
    """What simbench's own firmware does with ``task`` and says of it, just after it started."""
    check_boot(conversation, task)
    conversation.load_bank(0)
    inference = conversation.infer()
    outputs = [conversation.output()]
    # before the other inputs: what it takes is then the measured inference's alone
    footprint = conversation.footprint()
    outputs.extend(_output(conversation, index) for index in range(1, len(task.inputs)))
    assert inference.counts is not None  # the board was launched to count
    return Observation(inference.counts, tuple(outputs), footprint)


def _output(conversation: Conversation, index: int) -> bytes:
    conversation.load_bank(index)
    conversation.infer(counted=False)
    return conversation.output()


def _own(conversation: Conversation, task: ElfTask) -> Observation:
    _check_own_boot(conversation)
    conversation.load(task.inputs[0].wire)
    inference = conversation.infer()
    assert inference.counts is not None
    results = [inference.results]
    for given in task.inputs[1:]:
        conversation.load(given.wire)
        results.append(conversation.infer(counted=False).results)
    return Observation(inference.counts, (), None, tuple(results))


def _check_own_boot(conversation: Conversation) -> None:
    """What a firmware does that complained when it started is not what is to be measured."""
    if conversation.boot_errors:
        said = "; ".join(conversation.boot_errors)
        raise InfrastructureError(f"the firmware complained when it started: {said}")


def _section(board: Board, task: ElfTask) -> Observation:
    """Wait until the section has been passed, for as long as the task's time limit."""
    assert task.section is not None
    if task.measured is not None:
        conversation = _talk(board, task)
        _check_own_boot(conversation)
        conversation.load(task.measured.wire)
        # the last of two: what the first brought into caches is there, as it is measured on boards
        conversation.infer(2 if task.section.is_last else 1, counted=False)
    passes = task.section.passes
    deadline = time.monotonic() + task.time_limit_s
    while len(windows := board.windows()) < passes.number:
        if time.monotonic() > deadline:
            where = board.halt()
            raise FirmwareFault(
                _not_passed(len(windows), task)
                + (f"; the core was {where}" if where else "")
                + f": {_remedy(len(windows), task.section)}, or raise --time-limit"
            )
        _listen(board, passes.number)
    instructions = [window.instructions(window.inference) for window in windows]
    said = passes.told(instructions)
    notes = () if said is None else (said,)
    return Observation(windows[passes.chosen(instructions)], (), None, notes=notes)


def _not_passed(times: int, task: ElfTask) -> str:
    assert task.section is not None
    within = f"within {task.time_limit_s:g} s"
    if not times:
        return f"the firmware did not pass the section {within}"
    number = task.section.passes.number
    return f"the firmware passed the section {times:,} of {number:,} times {within}"


def _remedy(times: int, section: Section) -> str:
    if times:
        return "ask for fewer passes"
    if section.end is None:
        return "see that it is called and returns"
    return "see that both its ends are executed"


def _listen(board: Board, passes: int) -> None:
    """Take what the UART says; an emulator that ended may have passed the section before."""
    try:
        board.read(_POLL_S)
    except InfrastructureError:
        if len(board.windows()) < passes:
            raise


def _blobs(task: ModelTask) -> tuple[Blob, ...]:
    """The model, the bank of inputs, and the block that says where they are."""
    symbols = task.image.symbols
    bank = [entry.wire for entry in task.inputs]
    stride = max(map(len, bank), default=0)
    config = BoardConfig(
        model_address=symbols["__weights_start"],
        model_bytes=len(task.model.data),
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
        Blob(symbols["__weights_start"], task.model.data),
    ]
    if bank:
        blobs.append(Blob(symbols["__bank_start"], b"".join(w.ljust(stride, b"\0") for w in bank)))
    return tuple(blobs)
