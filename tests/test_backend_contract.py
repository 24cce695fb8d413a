"""What every backend must do: QEMU, a recording of it, a scripted stand-in for Renode, and Renode.

The contract in words is docs/explanation/backends.md. The stand-in (tests/renode) is not Renode: it
shows that simbench speaks as it means to, not that Renode answers so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import pytest
from firmware_stub import Work, build_stub, spec
from renode import Scripted, scripted

from simbench.backends import Backend, Board, LaunchSpec, backend
from simbench.backends.recording import RecordedBackend
from simbench.backends.renode.tool import find_tool
from simbench.counts import Counts, Segment
from simbench.errors import InfrastructureError, SimbenchError, UsageError
from simbench.firmware.image import Image
from simbench.firmware.section import Section
from simbench.session.conversation import Identity, converse

pytestmark = pytest.mark.emulator


def _renode_is_missing() -> bool:
    try:
        find_tool()
    except InfrastructureError:
        return True
    return False


KINDS = (
    "qemu",
    "recording",
    "stand-in",
    "stand-in-trace",
    pytest.param(
        "renode",
        marks=pytest.mark.skipif(
            _renode_is_missing(), reason="Renode is not installed; with it, 'make test-renode'"
        ),
    ),
)
EMULATORS = tuple(kind for kind in KINDS if kind != "recording")


@dataclass(frozen=True)
class Session:
    """A board, and a talk with it that every backend must be able to have."""

    spec: LaunchSpec
    talk: Callable[[Board], tuple[Counts, ...]]

    def use(self, emulator: Backend) -> tuple[Counts, ...]:
        with emulator.launch(self.spec) as board:
            return self.talk(board)


def _two_inferences(board: Board) -> tuple[Counts, ...]:
    conversation = converse(board)
    assert conversation.identify() == Identity(
        "stub", "ULPMark for tinyML Firmware V0.0.1", "kws01"
    )
    assert board.windows() == ()
    for index in range(2):
        conversation.load_bank(index)
        assert conversation.infer().results == (0.25, 0.75)
    assert conversation.output() == bytes([Work.KINDS, 5, 6, 7])
    return board.windows()


def _uncounted(board: Board) -> tuple[Counts, ...]:
    conversation = converse(board, counted=False)
    conversation.load_bank(0)
    assert conversation.infer().counts is None
    return ()


def _section(board: Board) -> tuple[Counts, ...]:
    conversation = converse(board)
    conversation.load_bank(0)
    conversation.infer(counted=False)
    return board.windows()


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return build_stub(tmp_path_factory.mktemp("stub"))


@pytest.fixture(scope="module")
def sessions(image: Image) -> dict[str, Session]:
    inputs = spec(image, (Work.COPY,), (Work.KINDS, 5, 6, 7))
    begin, end = image.symbols["work_copy"], image.symbols["simbench_op_end"]
    return {
        "counted": Session(inputs, _two_inferences),
        "bare": Session(replace(inputs, counting=False), _uncounted),
        "section": Session(
            replace(inputs, section=Section(begin, end), counted_windows=1), _section
        ),
    }


@pytest.fixture(scope="module")
def recorded(
    sessions: dict[str, Session], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Scripted]:
    return {
        name: scripted(tmp_path_factory.mktemp(name), session.spec, session.use)
        for name, session in sessions.items()
    }


class Use(Protocol):
    def __call__(self, session: str) -> Backend: ...


@pytest.fixture
def use(
    request: pytest.FixtureRequest, recorded: dict[str, Scripted], monkeypatch: pytest.MonkeyPatch
) -> Use:
    """The backend of the test's kind, for one of the sessions."""
    kind = request.param

    def of(session: str) -> Backend:
        if kind == "recording":
            return RecordedBackend(recorded[session].recording)
        if kind.startswith("stand-in"):
            for name, value in recorded[session].environment().items():
                monkeypatch.setenv(name, value)
        return backend(kind.replace("stand-in", "renode"))

    return of


def executed_in(image: Image, counts: Counts, name: str) -> int:
    """Instructions executed in a function."""
    function = next(f for f in image.functions if f.name == name)
    inside = [0 <= b.address - function.start < function.size for b in counts.blocks]
    rows = zip(counts.blocks, counts.inference.executions.tolist(), inside, strict=True)
    return sum(block.instructions * times for block, times, yes in rows if yes)


def accesses(counts: Counts, segment: Segment) -> int:
    rows = counts.inference.accesses
    return int(rows["count"][rows["segment"] == segment].sum())


@pytest.mark.parametrize("use", KINDS, indirect=True)
def test_a_backend_says_what_it_is_and_why_it_cannot_what_it_cannot(use: Use) -> None:
    emulator = use("counted")
    assert emulator.name in ("qemu", "renode", "renode-trace")
    assert emulator.version()[0].isdigit()
    can = emulator.capabilities
    facts = {name: getattr(can, name) for name in ("blocks", "edges", "accesses", "caches")}
    assert set(can.reasons) == {name for name, has in facts.items() if not has}
    assert all(reason and "\n" not in reason for reason in can.reasons.values())
    assert (can.unpriced is None) == (can.blocks and can.edges and can.accesses)


@pytest.mark.parametrize("use", KINDS, indirect=True)
def test_a_core_has_its_stable_machine_and_no_other_core_has_one(use: Use) -> None:
    emulator = use("counted")
    assert emulator.machine("cortex-m4") == "mps2-an386"
    assert emulator.machine("cortex-m55") == "mps3-an547"
    with pytest.raises(UsageError, match="cortex-m4"):
        emulator.machine("cortex-m44")


@pytest.mark.parametrize("use", KINDS, indirect=True)
def test_windows_are_counted_as_worked_out_by_hand(
    use: Use, image: Image, sessions: dict[str, Session]
) -> None:
    copy, kinds = sessions["counted"].use(use("counted"))
    assert executed_in(image, copy, "work_copy") == 402 + 42
    assert executed_in(image, kinds, "work_kinds") == 18
    assert [copy.instructions(layer) > 40 for layer in copy.layers] == [True, True]
    assert accesses(copy, Segment.WEIGHTS) == accesses(copy, Segment.ARENA) == 110
    assert accesses(kinds, Segment.WEIGHTS) == 16 + 10


@pytest.mark.parametrize("use", KINDS, indirect=True)
def test_counts_are_qemus_to_the_last_one(
    use: Use, recorded: dict[str, Scripted], sessions: dict[str, Session]
) -> None:
    emulator = use("counted")
    found = sessions["counted"].use(emulator)
    for one, other in zip(found, recorded["counted"].recording.windows, strict=True):
        pairs = zip((one.inference, *one.layers), (other.inference, *other.layers), strict=True)
        assert all(one.instructions(a) == other.instructions(b) for a, b in pairs)
        assert [accesses(one, s) for s in Segment] == [accesses(other, s) for s in Segment]
        assert one.inference.edges["count"].sum() == other.inference.edges["count"].sum()


@pytest.mark.parametrize("use", KINDS, indirect=True)
def test_a_board_without_counting_runs_and_has_no_counts(
    use: Use, sessions: dict[str, Session]
) -> None:
    session, emulator = sessions["bare"], use("bare")
    with emulator.launch(session.spec) as board:
        session.talk(board)
        with pytest.raises(UsageError, match="counting off"):
            board.windows()


@pytest.mark.parametrize("use", KINDS, indirect=True)
def test_a_section_is_a_window_without_layers(
    use: Use, image: Image, sessions: dict[str, Session]
) -> None:
    (window,) = sessions["section"].use(use("section"))
    assert executed_in(image, window, "work_copy") == 402
    assert window.layers == ()


@pytest.mark.parametrize("use", KINDS, indirect=True)
def test_an_address_is_told_by_its_function(
    use: Use, image: Image, sessions: dict[str, Session]
) -> None:
    with use("counted").launch(sessions["counted"].spec) as board:
        address = image.symbols["work_copy"]
        assert board.where(address + 2) == f"in work_copy at {address + 2:#010x}"


@pytest.mark.parametrize("use", KINDS, indirect=True)
def test_a_board_can_be_closed_twice(use: Use, sessions: dict[str, Session]) -> None:
    board = use("counted").launch(sessions["counted"].spec)
    board.read(20)
    board.close()
    board.close()


@pytest.mark.parametrize("use", EMULATORS, indirect=True)
def test_windows_that_were_taken_are_forgotten(use: Use, sessions: dict[str, Session]) -> None:
    with use("counted").launch(sessions["counted"].spec) as board:
        conversation = converse(board)
        conversation.identify()
        conversation.load_bank(0)
        conversation.infer(counted=False)
        assert len(board.take_windows()) == 1
        assert board.windows() == ()
        conversation.load_bank(1)
        conversation.infer(counted=False)
        assert len(board.windows()) == 1


@pytest.mark.parametrize("use", EMULATORS, indirect=True)
def test_nothing_said_within_the_time_is_no_bytes(use: Use, sessions: dict[str, Session]) -> None:
    with use("counted").launch(sessions["counted"].spec) as board:
        converse(board)
        assert board.read(0.2) == b""


@pytest.mark.parametrize("use", EMULATORS, indirect=True)
def test_a_board_that_was_aborted_says_so(use: Use, sessions: dict[str, Session]) -> None:
    with use("counted").launch(sessions["counted"].spec) as board:
        converse(board)
        board.abort()
        with pytest.raises(InfrastructureError, match="ended"):
            _read_to_the_end(board)


def _read_to_the_end(board: Board) -> None:
    for _ in range(100):
        board.read(0.1)


@pytest.mark.parametrize("use", EMULATORS, indirect=True)
def test_an_image_without_markers_cannot_be_counted(
    use: Use, image: Image, sessions: dict[str, Session]
) -> None:
    symbols = {n: a for n, a in image.symbols.items() if n != "th_post"}
    bare = replace(sessions["counted"].spec, image=replace(image, symbols=symbols))
    with pytest.raises(UsageError, match="no symbol th_post"):
        use("counted").launch(bare)


def test_a_recording_is_of_one_board_and_one_talk(
    recorded: dict[str, Scripted], sessions: dict[str, Session], image: Image
) -> None:
    replayed = RecordedBackend(recorded["counted"].recording)
    with pytest.raises(InfrastructureError, match="of another board"):
        replayed.launch(spec(image, (Work.PAGE,)))
    with replayed.launch(sessions["counted"].spec) as board:
        converse(board)
        with pytest.raises(InfrastructureError, match=r"does not go on with b'other%'"):
            board.write(b"other%")
        with pytest.raises(InfrastructureError, match="no more to say"):
            board.read(1)


@pytest.mark.parametrize("name", ["qemo", "recording", "renode:/nowhere", "recording:/nowhere"])
def test_a_backend_that_is_not_there_is_one_sentence(name: str) -> None:
    with pytest.raises(SimbenchError) as caught:
        backend(name).version()
    assert "\n" not in str(caught.value)
