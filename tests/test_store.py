"""The store: what comes out is what went in, or nothing; a second run starts no emulator."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import resource
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_tasks import NoEmulator, as_elf, unexpected

from simbench.backends import Backend, backend
from simbench.backends.qemu.backend import QemuBackend
from simbench.catalog.benchmarks import load_benchmarks
from simbench.catalog.platforms import load_platform, platform_caches
from simbench.catalog.scenario import Scenario
from simbench.cli.main import _run
from simbench.counts import EDGE, CacheGeometry, Segment
from simbench.errors import UsageError
from simbench.firmware.section import Section
from simbench.models.prepared import PreparedModel
from simbench.models.recall import expected_outputs, prepared_model
from simbench.models.reference import reference_outputs
from simbench.session.measure import Observation, measure
from simbench.session.observe import (
    _COUNTS,
    _EVENTS,
    _Events,
    _Kept,
    _key,
    _unit_key,
    observe,
)
from simbench.session.units import units_of
from simbench.store import Recall, Store, default_store, encode
from simbench.store.encoding import decode
from simbench.store.files import StoreError
from simbench.task.recall import recalled_inputs
from simbench.task.tasks import ModelTask, Task, suite_task

KEY = "0" * 64
QEMU = backend("qemu")
RUN = ("run", "--platform", "stm32f4", "--benchmark", "ad", "--samples", "2")
ID = "ad@stm32f4/cmsis-nn"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", 10**8)


def paths(store: Store, kind: str = "*") -> list[Path]:
    return sorted(store.folder.glob(f"*.{kind}"))


# files


@given(content=st.binary(max_size=100), about=st.text(max_size=10))
def test_what_is_kept_comes_back(content: bytes, about: str) -> None:
    store = default_store()
    store.write("counts", KEY, about, content)
    assert store.read("counts", KEY) == content
    assert [(e.kind, e.about) for e in store.entries()] == [("counts", about)]


@given(place=st.integers(0, 10**6), bit=st.integers(0, 7), cut=st.booleans())
def test_a_damaged_entry_never_gives_another_content(place: int, bit: int, cut: bool) -> None:
    store = default_store()
    store.write("counts", KEY, "kws", b"content")
    path = store.folder / f"{KEY}.counts"
    whole = bytearray(path.read_bytes())
    place %= len(whole)
    whole[place] ^= 1 << bit
    path.write_bytes(whole[:place] if cut else whole)
    try:
        found = store.read("counts", KEY)
    except StoreError:
        return
    assert not cut
    assert found == b"content"  # only what is said about it was changed


def test_damage_is_told(store: Store) -> None:
    store.write("counts", KEY, "kws", b"content")
    path = store.folder / f"{KEY}.counts"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError, match=f"{KEY}.counts is damaged: it is not used, and made anew"):
        store.read("counts", KEY)


def test_an_entry_under_another_name_is_damage(store: Store) -> None:
    store.write("counts", KEY, "", b"content")
    (store.folder / f"{KEY}.counts").rename(store.folder / f"{'1' * 64}.counts")
    assert store.read("counts", KEY) is None
    with pytest.raises(StoreError, match="damaged"):
        store.read("counts", "1" * 64)


def test_the_least_recently_used_entries_go_first(tmp_path: Path) -> None:
    store = Store(tmp_path, 500)
    for index in range(3):
        store.write("counts", f"{index:064}", "", bytes(50))
        os.utime(tmp_path / f"{index:064}.counts", (index, index))
    store.read("counts", f"{0:064}")  # used again
    store.write("counts", f"{3:064}", "", bytes(50))
    store.trim()
    assert [store.read("counts", f"{i:064}") is None for i in range(4)] == [0, 1, 0, 0]
    assert sum(e.bytes for e in store.entries()) <= 500


def test_clearing_removes_entries_and_what_a_killed_writer_left_and_nothing_else(
    store: Store,
) -> None:
    store.write("counts", KEY, "kws", bytes(1000))
    left, written = (store.folder / f".{KEY}.counts.{name}" for name in ("left", "written"))
    left.write_bytes(bytes(500))
    os.utime(left, (0, 0))
    written.touch()
    (store.folder / "notes.txt").write_text("mine")
    assert 1500 < store.clear() < 1800
    assert sorted(p.name for p in store.folder.iterdir()) == [written.name, "notes.txt"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = Store(tmp_path / "file" / "store", 10**6)
    with pytest.raises(StoreError, match="set SIMBENCH_CACHE to a folder that can be written"):
        store.write("counts", KEY, "", b"content")
    assert store.entries() == ()


def test_a_full_disk_is_told_and_leaves_nothing(store: Store) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(StoreError, match="free some space"):
            store.write("counts", KEY, "", bytes(10**5))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(store.folder.iterdir()) == []


def _work(folder: Path, seed: int) -> None:
    store = Store(folder, 5_000)  # of the 8 entries of 1,000 bytes, some are evicted all the time
    for step in range(300):
        number = (seed + step * 7) % 8
        content = bytes([number]) * 1000
        assert store.read("counts", f"{number:064}") in (None, content)
        store.write("counts", f"{number:064}", "", content)
        store.trim()
        store.entries()


def test_processes_share_a_store_without_locks(tmp_path: Path) -> None:
    workers = [multiprocessing.Process(target=_work, args=(tmp_path, seed)) for seed in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert sum(entry.bytes for entry in Store(tmp_path, 0).entries()) <= 5_000


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("1500", 1500), ("3K", 3000), ("512M", 512 * 10**6), ("4G", 4e9)]
)
def test_the_limit_is_a_size(text: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMBENCH_CACHE_LIMIT", text)
    assert default_store().limit_bytes == size


@pytest.mark.parametrize("text", ["much", "-1", "1.5G", "1T"])
def test_a_limit_that_is_none_is_a_mistake(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMBENCH_CACHE_LIMIT", text)
    with pytest.raises(UsageError, match="SIMBENCH_CACHE_LIMIT"):
        default_store()


def test_the_folder_is_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIMBENCH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/users/cache")
    assert default_store().folder == Path("/users/cache/simbench/store")


# encoding


@given(rows=st.lists(st.tuples(*[st.integers(0, 2**32 - 1)] * 2, st.integers(0, 2**64 - 1))))
def test_events_are_encoded_exactly(rows: list[tuple[int, int, int]]) -> None:
    numbers = np.array([row[2] >> 1 for row in rows], np.int64)
    events = _Events("hash", ((np.array(rows, EDGE), numbers),))
    back = decode(encode(events), _Events)
    assert back.blocks == "hash"
    for ours, theirs in zip(back.sections[0], events.sections[0], strict=True):
        assert ours.dtype == theirs.dtype
        assert np.array_equal(ours, theirs)


def test_a_content_of_another_shape_is_a_note(store: Store) -> None:
    recall = Recall(store, "kws")
    recall.keep("counts", {KEY: {"another": 1}})
    assert recall.recall("counts", KEY, _Events) is None
    assert "is not used: " in recall.notes[0]


# observations


@cache
def task(benchmark: str = "ad", platform: str = "stm32f4", samples: int = 2) -> ModelTask:
    board = load_platform(platform)
    scenario = Scenario(benchmark, platform)
    machine = QEMU.machine(board.core)
    return suite_task(scenario, board, load_benchmarks()[benchmark], machine, samples)


@cache
def measured(platform: str = "stm32f4", samples: int = 2) -> Observation:
    return measure(task(platform=platform, samples=samples), QEMU)


def same(ours: Observation, theirs: Observation) -> bool:
    return encode(ours) == encode(theirs)


@pytest.mark.emulator
def test_a_second_observation_starts_no_emulator_and_is_the_same(store: Store) -> None:
    first = observe(task(), QEMU, store)
    second = observe(task(), NoEmulator(), store)
    assert (first.is_cached, second.is_cached) == (False, True)
    assert first.notes == second.notes == ()
    assert same(first.observation, measured())
    assert same(second.observation, measured())


@pytest.mark.emulator
@pytest.mark.parametrize("others", [("stm32l4r5", "nrf52840"), ("nrf5340", "ra6m4")])
def test_boards_with_one_core_share_the_counts(store: Store, others: tuple[str, str]) -> None:
    """Those of the second pair have caches that share lines, watched in another order."""
    for platform in others:
        assert not observe(task(platform=platform), QEMU, store).is_cached
    assert len(paths(store, "counts")) == 1
    for platform in others:
        again = observe(task(platform=platform), NoEmulator(), store)
        assert again.is_cached
        assert same(again.observation, measured(platform))


@pytest.mark.emulator
def test_fewer_inputs_are_served_and_more_are_added(store: Store) -> None:
    assert not observe(task(samples=2), QEMU, store).is_cached
    fewer = observe(task(samples=1), NoEmulator(), store)
    assert fewer.is_cached
    assert same(fewer.observation, measured(samples=1))
    more = observe(task(samples=3), QEMU, store)
    assert not more.is_cached
    for samples in (1, 2, 3):
        assert same(
            observe(task(samples=samples), NoEmulator(), store).observation,
            measured(samples=samples),
        )


@pytest.mark.emulator
def test_outputs_that_are_known_are_kept_when_only_caches_are_missing(store: Store) -> None:
    observe(task(samples=3), QEMU, store)
    for path in paths(store, "events"):
        path.unlink()
    again = observe(task(samples=3), QEMU, store)
    assert not again.is_cached
    assert same(again.observation, measured(samples=3))
    assert observe(task(samples=3), NoEmulator(), store).is_cached


@pytest.mark.emulator
@pytest.mark.parametrize("kind", [_COUNTS, _EVENTS])
def test_a_damaged_observation_is_measured_again_and_replaced(store: Store, kind: str) -> None:
    observe(task(), QEMU, store)
    damaged = paths(store, kind)[0]
    damaged.write_bytes(damaged.read_bytes()[:-1])
    again = observe(task(), QEMU, store)
    assert not again.is_cached
    assert again.notes == (f"{damaged} is damaged: it is not used, and made anew",)
    assert same(again.observation, measured())
    assert observe(task(), NoEmulator(), store).is_cached


@pytest.mark.emulator
def test_events_of_other_blocks_are_not_used(store: Store) -> None:
    observe(task(), QEMU, store)
    unit = units_of(platform_caches(task().platform))[0]
    key = _unit_key(_key(task(), QEMU), unit)
    recall = Recall(store, "")
    events = recall.recall(_EVENTS, key, _Events)
    assert events is not None
    recall.keep(_EVENTS, {key: replace(events, blocks="others")})
    again = observe(task(), QEMU, store)
    assert not again.is_cached
    assert same(again.observation, measured())


def parts(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all that is in ``value``."""
    yield place
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from parts(value[key], (*place, key))


def put(value: Any, place: tuple[Any, ...], part: object) -> Any:
    """``value`` with ``part`` at ``place``."""
    if not place:
        return part
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[place[0]] = put(value[place[0]], place[1:], part)
    return changed


FORGED: tuple[object, ...] = (
    "",
    "x",
    b"",
    b"\xff" * 8,
    -1,
    2**62,
    0.0,
    True,
    None,
    [],
    {},
    '[["a", "<i8"]]',
)


@pytest.mark.emulator
@pytest.mark.parametrize("seed", range(8))
def test_an_entry_that_was_forged_ends_no_run(store: Store, seed: int) -> None:
    """What is kept is not trusted to be of the right shape, though its hash is right."""
    ran = _run([*RUN, "--no-cache"])
    run_kept = [*RUN, "--time-limit", "20"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIMBENCH_CACHE", str(store.folder))
        assert _run(run_kept) == ran == 0
        chance = random.Random(seed)
        for path in paths(store, "result"):
            path.unlink()  # it would hide the others
        for path in paths(store):
            whole = path.read_bytes()
            head, _, content = whole.partition(b"\n")
            value = msgspec.msgpack.decode(content)
            place = chance.choice([*parts(value)])
            store.write(
                path.suffix[1:],
                path.stem,
                json.loads(head)["about"],
                msgspec.msgpack.encode(put(value, place, chance.choice(FORGED))),
            )
            assert _run(run_kept) in (0, 1, 2, 3)
            path.write_bytes(whole)
            for made in paths(store, "result"):
                made.unlink()
        assert _run(run_kept) == 0


@pytest.mark.emulator
def test_counts_that_are_not_whole_are_measured_again(store: Store) -> None:
    observe(task(), QEMU, store)
    key, recall = _key(task(), QEMU), Recall(store, "")
    kept = recall.recall(_COUNTS, key, _Kept)
    assert kept is not None
    counts = kept.observation.counts
    edges = counts.inference.edges.copy()
    edges["source"][0] = len(counts.blocks)
    first = replace(counts.layers[0], executions=counts.layers[0].executions[1:])
    for wrong in (
        replace(counts, inference=replace(counts.inference, edges=edges)),
        replace(counts, layers=(first, *counts.layers[1:])),
        replace(counts, layers=counts.layers[1:]),
    ):
        observation = replace(kept.observation, counts=wrong)
        recall.keep(_COUNTS, {key: replace(kept, observation=observation)})
        assert not observe(task(), QEMU, store).is_cached
    assert observe(task(), NoEmulator(), store).is_cached


@pytest.mark.emulator
def test_a_store_that_cannot_be_written_is_a_note(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    seen = observe(task(), QEMU, Store(tmp_path / "file" / "store", 10**6))
    assert same(seen.observation, measured())
    assert len(seen.notes) == 1
    assert "the next run simulates again" in seen.notes[0]


def changed() -> Iterator[Task]:
    """Tasks that execute something else, each for one reason."""
    known = task()
    yield replace(known, inputs=known.inputs[::-1])
    yield replace(known, model=replace(known.model, data=known.model.data + b"\0"))
    yield replace(known, image=replace(known.image, sha256="another"))
    yield replace(known, image=replace(known.image, segments={Segment.CODE: ()}))
    yield as_elf(known, Section(0x100, 0x200))
    yield replace(known, machine="mps2-an385")
    yield replace(known, benchmark=replace(known.benchmark, model_id="another"))


@pytest.mark.emulator
def test_a_key_holds_what_decides_the_counts() -> None:
    class OtherVersion(QemuBackend):
        def version(self) -> str:
            return "10.0.0"

    class Other(QemuBackend):
        name = "other"

    backends: list[Backend] = [QEMU, OtherVersion(), Other()]
    keys = [_key(task(), each) for each in backends] + [_key(t, QEMU) for t in changed()]
    assert len(set(keys)) == len(keys) == 10


@pytest.mark.emulator
def test_a_key_leaves_out_what_does_not() -> None:
    key = _key(task(), QEMU)
    assert _key(replace(task(), time_limit_s=1.0), QEMU) == key
    assert _key(task(samples=3), QEMU) == key
    assert _key(task(platform="nrf52840"), QEMU) == key
    assert _key(task(platform="nrf5340"), QEMU) != key


def geometry(name: str, shares: str = "", lines: int = 8) -> CacheGeometry:
    return CacheGeometry(name, "data", lines, 16, 2, (Segment.CODE,), shares=shares)


def test_caches_that_share_lines_are_kept_together() -> None:
    a, b, c, d = geometry("a"), geometry("b"), geometry("c", "a"), geometry("d", "c")
    assert units_of((a, b, c, d)) == ((a, c, d), (b,))


def test_what_a_board_calls_a_cache_decides_nothing() -> None:
    known = _unit_key(KEY, (geometry("a"), geometry("b", "a")))
    assert _unit_key(KEY, (geometry("x"), geometry("y", "x"))) == known
    others = [
        _unit_key("1" * 64, (geometry("a"), geometry("b", "a"))),
        _unit_key(KEY, (geometry("a"),)),
        _unit_key(KEY, (geometry("a", lines=16), geometry("b", "a", lines=16))),
    ]
    assert len({known, *others}) == 4


# what goes in and what must come out


def test_a_model_is_prepared_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    benchmark = load_benchmarks()["ad"]
    first = prepared_model(benchmark, None, store)
    monkeypatch.setattr("simbench.models.recall.benchmark_model", unexpected)
    assert prepared_model(benchmark, None, store) == first == prepared_model(benchmark, None, store)


@pytest.mark.image
def test_pictures_are_read_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    found = task("ic")
    first = recalled_inputs(found.benchmark, found.model, store)
    monkeypatch.setattr("simbench.task.recall.real_inputs", unexpected)
    assert recalled_inputs(found.benchmark, found.model, store) == first == found.inputs[:2]


@pytest.mark.image
def test_references_are_computed_once_for_each_input(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = task(samples=3)
    tensors = [entry.tensor for entry in found.inputs]
    truth = reference_outputs(found.model, tensors)
    asked: list[int] = []

    def counted(model: PreparedModel, inputs: list[bytes]) -> tuple[bytes, ...]:
        asked.append(len(inputs))
        return reference_outputs(model, inputs)

    monkeypatch.setattr("simbench.models.recall.reference_outputs", counted)
    for wanted in (tensors[1:], tensors, tensors[::-1]):
        answered = expected_outputs("ad", found.model, wanted, store).outputs
        assert answered == tuple(truth[tensors.index(tensor)] for tensor in wanted)
    assert asked == [2, 1]


# the command line


@pytest.mark.emulator
def test_a_second_run_starts_no_emulator_and_has_the_same_fingerprint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(name: str, *options: str) -> dict[str, object]:
        assert _run([*RUN, "--json", str(tmp_path / name), *options]) == 0
        document: dict[str, object] = json.loads((tmp_path / name).read_text())
        return document

    first = run("first.json")
    assert capsys.readouterr().err.splitlines()[-1] == f"{ID}: ok"
    with monkeypatch.context() as patched:
        patched.setattr(QemuBackend, "launch", NoEmulator.launch)
        second = run("second.json")
        assert capsys.readouterr().err.splitlines()[-1] == f"{ID}: ok (counts from the store)"
        assert _run(["profile", *RUN[1:5]]) == 0
        assert "counts from the store" in capsys.readouterr().err
        with pytest.raises(AssertionError, match="an emulator is started"):
            _run([*RUN, "--no-cache"])
    assert first["fingerprint"] == second["fingerprint"]
    assert first["environment"] == {**second["environment"], "from_store": []}  # type: ignore[dict-item]
    assert second["environment"]["from_store"] == [ID]  # type: ignore[index]


@pytest.mark.emulator
def test_a_run_without_the_store_leaves_none() -> None:
    folder = Path(os.environ["SIMBENCH_CACHE"])
    assert _run([*RUN, "--no-cache"]) == 0
    assert not folder.exists()


def test_the_store_is_shown_and_cleared(capsys: pytest.CaptureFixture[str]) -> None:
    default_store().write("counts", KEY, "kws", bytes(2000))
    assert _run(["cache", "info"]) == 0
    shown = capsys.readouterr().out
    assert "kws" in shown
    assert "2.10 kB" in shown
    assert _run(["cache", "info", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["benchmarks"] == {"kws": {"entries": 1, "bytes": facts["bytes"]}}
    assert _run(["cache", "clear"]) == 0
    assert "2.10 kB freed" in capsys.readouterr().out
    assert default_store().entries() == ()


def test_the_cache_knows_what_was_fetched_and_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIMBENCH_BUILD_DIR", str(tmp_path))
    for kind in ("downloads", "firmware"):
        (tmp_path / kind / "deep").mkdir(parents=True)
        (tmp_path / kind / "deep" / "file").write_bytes(bytes(1000))
        (tmp_path / kind / "link").symlink_to("nowhere")
    (tmp_path / "mine").touch()
    default_store().write("counts", KEY, "kws", bytes(500))
    assert _run(["cache", "info", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["kept"]["firmware"]["folder"] == str(tmp_path / "firmware")
    assert 1000 <= facts["kept"]["firmware"]["bytes"] < 1100
    assert facts["kept"]["plugin"]["bytes"] == 0
    assert _run(["cache", "clear", "firmware"]) == 0
    assert capsys.readouterr().out == "1.01 kB freed\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["downloads", "mine"]
    assert default_store().entries()
    assert _run(["cache", "clear", "all"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert default_store().entries() == ()
    assert _run(["cache", "clear", "firmwar"]) == 2
    assert "there is no kind firmwar: did you mean firmware?" in capsys.readouterr().err
