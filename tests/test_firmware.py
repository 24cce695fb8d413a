"""The firmware: built, read, configured, and talked to on an emulated board."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_models import asking

from simbench.backends import Blob, LaunchSpec, backend
from simbench.catalog.benchmarks import load_benchmarks
from simbench.catalog.scenario import Variant
from simbench.counts import Segment
from simbench.errors import InfrastructureError, UsageError
from simbench.files import paths, programs
from simbench.files.installed import version_of
from simbench.files.programs import program, with_brought
from simbench.firmware import build
from simbench.firmware.build import KERNELS, build_image, built_image, firmware_cores, source_dirs
from simbench.firmware.config import CONFIG_BYTES, BoardConfig, pack_config
from simbench.firmware.image import AddressRange, Image
from simbench.firmware.operators import operators
from simbench.firmware.read import function_at, ops, read_image, read_memory
from simbench.models.prepared import PreparedModel
from simbench.models.source import benchmark_model

CORE = "cortex-m4"
CONV_2D, FULLY_CONNECTED, VAR_HANDLE = 3, 9, 142


@pytest.fixture(scope="module", params=sorted(KERNELS))
def image(request: pytest.FixtureRequest) -> Image:
    return build_image(CORE, Variant(request.param))


@cache
def _kws() -> PreparedModel:
    return benchmark_model(load_benchmarks()["kws"])


def _config(image: Image, **changes: int | str) -> BoardConfig:
    at = image.symbols
    return replace(
        BoardConfig(
            model_address=at["__weights_start"],
            model_bytes=len(_kws().data),
            arena_address=at["__arena_start"],
            arena_bytes=at["__arena_end"] - at["__arena_start"],
            bank_address=at["__bank_start"],
            bank_entries=0,
            bank_stride_bytes=0,
            input_encoding=0,
            result_kind=0,
            dut_name="board",
            model_id="kws01",
        ),
        **changes,  # type: ignore[arg-type]
    )


@contextmanager
def _board(
    image: Image, config: bytes | None = None, bank: bytes = b"", **changes: int | str
) -> Iterator[Callable[[str], list[str]]]:
    """A started board: ask it a command, get its lines. ``ask("")`` gives what it said at boot."""
    block = pack_config(_config(image, **changes)) if config is None else config
    blobs = [
        Blob(image.symbols["simbench_config"], block),
        Blob(image.symbols["__weights_start"], _kws().data),
    ]
    if bank:
        blobs.append(Blob(image.symbols["__bank_start"], bank))
    qemu = backend("qemu")
    spec = LaunchSpec(image, qemu.machine(CORE), tuple(blobs), counting=False)
    with qemu.launch(spec) as board:
        yield asking(board)


def _load(ask: Callable[[str], list[str]], data: bytes) -> None:
    ask(f"db load {len(data)}")
    for start in range(0, len(data), 31):
        said = ask(f"db {data[start : start + 31].hex()}")
    assert said == ["m-load-done"]


# --- the image ---


@pytest.mark.image
def test_segments_are_those_of_the_linker_script(image: Image) -> None:
    assert image.segments[Segment.CODE] == (AddressRange(0, 0x1FF000),)
    assert image.segments[Segment.WEIGHTS] == (AddressRange(0x200000, 0x400000),)
    assert image.segments[Segment.STATIC] == (AddressRange(0x20000000, 0x20400000),)
    assert image.segments[Segment.ARENA] == (AddressRange(0x21000000, 0x21800000),)
    for ranges in image.segments.values():
        assert all(r.start % 256 == 0 and r.end % 256 == 0 for r in ranges)


@pytest.mark.image
def test_symbols_that_others_rely_on(image: Image) -> None:
    markers = ["th_pre", "th_post", "simbench_op_begin", "simbench_op_end"]
    addresses = [image.symbols[name] for name in markers]
    assert len(set(addresses)) == len(markers)  # the compiler may not fold them
    assert all(image.symbols["__code_end"] > a and a % 2 == 0 for a in addresses)
    assert image.symbols["simbench_config"] == 0x1FF000
    assert image.symbols["__bank_end"] - image.symbols["__bank_start"] == 8 << 20


@pytest.mark.image
def test_sizes_are_those_that_the_toolchain_reports(image: Image) -> None:
    said = subprocess.run(
        ["arm-none-eabi-size", "-A", image.path], capture_output=True, text=True, check=True
    ).stdout
    size = {name: int(bytes_) for name, bytes_ in re.findall(r"^(\.\S+)\s+(\d+)", said, re.M)}
    assert image.text_bytes == size[".text"]
    assert image.tables_bytes == size[".rodata"] + size[".ARM.exidx"]
    assert image.data_bytes == size[".data"]
    assert image.code_bytes == image.text_bytes + image.tables_bytes + image.data_bytes
    assert image.stack_bytes == size[".stack"]
    assert image.static_bytes == size[".data"] + size[".bss"] + size[".stack"]
    assert 27_648 < image.static_bytes < 48 << 10  # the field's input buffer, and not much more


@pytest.mark.image
def test_no_heap_no_library_printf_no_path_of_this_machine(image: Image) -> None:
    assert not {"malloc", "_malloc_r", "_sbrk", "printf", "_printf_r"} & image.symbols.keys()
    data = image.path.read_bytes()
    for folder in (paths.build_dir(), paths.data_dir("firmware_images"), Path.home()):
        assert str(folder).encode() + b"/" not in data
    assert b".debug_line" in data


@pytest.mark.image
def test_ops_table(image: Image) -> None:
    table = ops(image)
    assert table[CONV_2D] == 8
    assert table[FULLY_CONNECTED] == 12
    assert table[VAR_HANDLE] == 1  # later than the schema that it is built with
    assert table == {row.code: row.highest_version for row in operators()}


@pytest.mark.image
def test_functions_are_told_by_address(image: Image) -> None:
    start = image.symbols["th_results"]
    assert function_at(image, image.symbols["simbench_config"]) is None
    function = function_at(image, start | 1)
    assert function is not None
    assert function.name == "th_results"


@pytest.mark.image
def test_reading_memory_that_the_image_has_not(image: Image) -> None:
    stack_pointer = read_memory(image, image.symbols["__code_start"])[:4]
    assert int.from_bytes(stack_pointer, "little") == image.symbols["__stack_end"]
    with pytest.raises(UsageError, match="nothing at address 0x200000"):
        read_memory(image, image.symbols["__weights_start"])


@pytest.mark.image
def test_reading_what_is_no_arm_program(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read_image(tmp_path / "absent.elf")
    text = tmp_path / "text.elf"
    text.write_text("not an ELF")
    with pytest.raises(UsageError, match="not a whole ELF"):
        read_image(text)
    with pytest.raises(UsageError, match="not a program for Arm"):
        read_image(Path(sys.executable).resolve())
    build_image(CORE, Variant("reference"))
    objects = next((paths.build_dir() / "firmware" / CORE).rglob("main.cc.obj"))
    with pytest.raises(UsageError, match="not linked"):
        read_image(objects)


@pytest.mark.image
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cut=st.integers(0, 60_000),
    flips=st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=4))),
)
def test_reading_a_damaged_image_never_crashes(
    tmp_path: Path, cut: int, flips: list[tuple[int, bytes]]
) -> None:
    data = bytearray(_stripped()[: cut or None])
    for place, change in flips:
        data[place : place + len(change)] = change
    damaged = tmp_path / "damaged.elf"
    damaged.write_bytes(data)
    try:
        image = read_image(damaged)
    except UsageError:
        return
    assert image.path == damaged


@cache
def _stripped() -> bytes:
    path = build_image(CORE, Variant("reference")).path
    target = path.with_name("stripped-for-test.elf")
    subprocess.run(["arm-none-eabi-strip", "-g", path, "-o", target], check=True)
    data = target.read_bytes()
    target.unlink()
    return data


@pytest.mark.image
def test_an_image_without_declared_segments_is_read_by_its_flags(tmp_path: Path) -> None:
    source, elf = tmp_path / "own.c", tmp_path / "own.elf"
    source.write_text("int data = 3; int zero; void _start(void) { zero = data; for (;;); }\n")
    subprocess.run(
        ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-nostdlib", source, "-o", elf,
         "-Ttext=0x08000000", "-Tdata=0x20000000"],
        check=True,
    )  # fmt: skip
    own = read_image(elf)
    assert any(r.start <= own.symbols["_start"] < r.end for r in own.segments[Segment.CODE])
    assert any(r.start <= own.symbols["zero"] < r.end for r in own.segments[Segment.STATIC])
    assert own.static_bytes == 8
    assert own.data_bytes == 4
    assert own.stack_bytes == 0
    assert own.text_bytes > 0
    with pytest.raises(UsageError, match="does not say which operators"):
        ops(own)


# --- the build ---


@pytest.mark.image
def test_what_is_built_is_reused(image: Image) -> None:
    kernels = image.path.parent.name.removeprefix(f"{CORE}-")
    written = image.path.stat().st_mtime_ns
    said: list[str] = []
    assert build_image(CORE, Variant(kernels), said.append) == image
    assert image.path.stat().st_mtime_ns == written
    assert said == []


@pytest.mark.image
def test_kernel_sets_differ() -> None:
    assert build_image(CORE, Variant()).sha256 != build_image(CORE, Variant("reference")).sha256
    assert "arm_convolve_wrapper_s8" in build_image(CORE, Variant()).symbols
    assert "arm_convolve_wrapper_s8" not in build_image(CORE, Variant("reference")).symbols


def test_unknown_names_get_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean cmsis-nn"):
        build_image(CORE, Variant("cmsis_nn"))
    with pytest.raises(UsageError, match="did you mean cortex-m4"):
        build_image("cortex-m44", Variant("reference"))
    assert CORE in firmware_cores()


def test_nothing_is_built_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMBENCH_BUILD_DIR", str(tmp_path))
    assert built_image(CORE, Variant("reference")) is None


def test_missing_tools_are_named_by_their_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMBENCH_BUILD_DIR", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs, "_brought", lambda: str(tmp_path))
    with pytest.raises(InfrastructureError, match="Python packages cmake ninja"):
        build_image(CORE, Variant("reference"))
    assert not any(tmp_path.iterdir())


def test_what_python_packages_brought_is_found_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    brought = program("ninja")
    assert brought is not None
    said = subprocess.run([brought, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.strip().startswith(version_of("ninja") or "not installed")
    own = tmp_path / "ninja"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    assert program("ninja") == str(own)
    assert with_brought()["PATH"].split(os.pathsep) == [str(tmp_path), str(Path(brought).parent)]


@pytest.mark.image
def test_a_failed_build_says_why_and_keeps_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = source_dirs()
    broken = tmp_path / "firmware_images"
    shutil.copytree(paths.data_dir("firmware_images"), broken)
    lists = broken / "CMakeLists.txt"
    lists.write_text(lists.read_text() + 'message(FATAL_ERROR "no such flag as -mfoo")\n')
    monkeypatch.setattr(paths, "data_dir", lambda name: tmp_path / name)
    monkeypatch.setattr(build, "source_dirs", lambda _progress: sources)
    monkeypatch.setenv("SIMBENCH_BUILD_DIR", str(tmp_path / "build"))
    with pytest.raises(InfrastructureError, match=r"did not build: .*build\.log") as raised:
        build_image(CORE, Variant("reference"))
    log = tmp_path / f"build/firmware/{CORE}-reference/build.log"
    assert "no such flag as -mfoo" in log.read_text()
    assert str(log) in str(raised.value)
    assert built_image(CORE, Variant("reference")) is None


@pytest.mark.image
def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SIMBENCH_BUILD_DIR", str(tmp_path / "file" / "build"))
    with pytest.raises(InfrastructureError, match="cannot write to"):
        build_image(CORE, Variant("reference"))


# --- the configuration block ---


def test_config_layout() -> None:
    config = BoardConfig(0x200000, 5, 0x21000000, 6, 0x21800000, 7, 8, 1, 1, "stm32f4", "kws01")
    assert pack_config(config).hex() == (
        "53424346" "01000000" "00002000" "05000000" "00000021" "06000000" "00008021" "07000000"
        "08000000" "01000000" "01000000" + b"stm32f4".ljust(32, b"\0").hex()
        + b"kws01".ljust(16, b"\0").hex()
    )  # fmt: skip
    assert len(pack_config(config)) == CONFIG_BYTES


def test_config_that_does_not_fit() -> None:
    config = BoardConfig(0, 0, 0, 0, 0, 0, 0, 0, 0, "n" * 31, "m" * 15)
    assert len(pack_config(config)) == CONFIG_BYTES
    with pytest.raises(UsageError, match="too long: use at most 31"):
        pack_config(replace(config, dut_name="n" * 32))
    with pytest.raises(UsageError, match="too long: use at most 15"):
        pack_config(replace(config, model_id="m" * 16))
    with pytest.raises(UsageError, match="32 bits"):
        pack_config(replace(config, arena_bytes=1 << 32))


# --- the firmware at work ---


@pytest.mark.emulator
def test_replies_of_the_protocol(image: Image) -> None:
    with _board(image) as ask:
        boot = ask("")
        assert boot[0] == "m-timestamp-mode-performance"
        assert re.fullmatch(r"m-lap-us-\d+", boot[1])
        assert boot[2:] == ["m-init-done"]
        assert ask("name") == ["m-name-dut-[board]"]
        assert ask("profile") == [
            "m-profile-[ULPMark for tinyML Firmware V0.0.1]",
            "m-model-[kws01]",
        ]
        assert re.fullmatch(r"m-lap-us-\d+", ask("timestamp")[0])
        assert ask("\r\nname\n") == ["m-name-dut-[board]"]
        assert any("infer" in line for line in ask("help"))


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("nonsense", "e-[Unknown command: nonsense]"),
        ("n" * 100, f"e-[Unknown command: {'n' * 80}]"),
        ("  ", "e-[Unknown command: ]"),
        ("infer 0", "e-[Inference iterations must be >0]"),
        ("infer x", "e-[Inference iterations must be >0]"),
        ("infer 1 -1", "e-[Inference warmup must be >=0]"),
        ("infer 1 0", "e-[Input db has 0 bytes, expected 500]"),
        ("db", "e-[Command 'db' requires a subcommand]"),
        ("db load", "e-[Command 'db load' requires the # of bytes]"),
        ("db load 0", "e-[Command 'db load' must be >0 bytes]"),
        ("db load 27649", "e-[Supplied buffer size 27649 exceeds maximum of 27648]"),
        ("db 123", "e-[Insufficent number of hex digits]"),
        ("db 0g", "e-[Invalid hex digit '0g']"),
        ("bank 0", "e-[Command 'bank' requires an entry of the bank]"),
        ("bank one", "e-[Command 'bank' requires an entry of the bank]"),
    ],
)
def test_errors_of_the_protocol(command: str, reply: str, idle: Callable[[str], list[str]]) -> None:
    assert idle(command) == [reply]


@pytest.fixture(scope="module")
def idle() -> Iterator[Callable[[str], list[str]]]:
    with _board(build_image(CORE, Variant())) as ask:
        ask("")
        yield ask


@pytest.mark.emulator
def test_the_buffer_is_printed_as_it_was_loaded(image: Image) -> None:
    with _board(image) as ask:
        ask("")
        assert ask("db load 10") == ["m-[Expecting 10 bytes]"]
        assert ask("db 0001020304") == []
        assert ask("db 05060708FE00") == ["m-load-done"]
        assert ask("db print") == ["m-buffer-00-01-02-03-04-05-06-07", "m-buffer-08-fe"]


@pytest.mark.emulator
def test_an_inference_replies_in_order_and_its_results_are_its_output(image: Image) -> None:
    with _board(image) as ask:
        ask("")
        _load(ask, bytes(range(250)) * 2)
        said = ask("infer 2 3")
        assert said[0:3] == ["m-warmup-start-3", "m-warmup-done", "m-infer-start-2"]
        before, after = (int(line.removeprefix("m-lap-us-")) for line in said[3:5])
        assert after > before
        assert said[5] == "m-infer-done"
        assert ask("results") == said[6:]
        raw = bytes.fromhex(ask("output")[0].removeprefix("m-output-[").removesuffix("]"))
        real = _kws().outputs[0].dequantize(np.frombuffer(raw, np.int8))
        assert said[6] == f"m-results-[{','.join(f'{value:0.3f}' for value in real.ravel())}]"


@pytest.mark.emulator
def test_bank_and_buffer_give_the_same_output(image: Image) -> None:
    generator = np.random.default_rng(7)
    inputs = [generator.integers(-128, 128, 500, dtype=np.int8).tobytes() for _ in range(3)]
    bank = b"".join(data.ljust(512, b"\0") for data in inputs)
    with _board(image, bank=bank, bank_entries=3, bank_stride_bytes=512) as ask:
        ask("")
        outputs = []
        for number, data in enumerate(inputs):
            assert ask(f"bank {number}") == ["m-load-done"]
            ask("infer 1 0")
            outputs.append(ask("output"))
            _load(ask, data)
            ask("infer 1 2")
            assert ask("output") == outputs[-1]
        assert len({line for output in outputs for line in output}) == 3


@pytest.mark.emulator
def test_encodings_of_one_input_agree(image: Image) -> None:
    elements = np.random.default_rng(8).integers(-128, 128, 500, dtype=np.int8)
    tensor = _kws().inputs[0]
    wires = (
        elements.tobytes(),
        (elements.astype(np.int16) + 128).astype(np.uint8).tobytes(),
        tensor.dequantize(elements).astype("<f4").tobytes(),
    )
    outputs: set[str] = set()
    for encoding, wire in enumerate(wires):
        with _board(image, input_encoding=encoding) as ask:
            ask("")
            _load(ask, wire)
            ask("infer 1 0")
            outputs.add(*ask("output"))
    assert len(outputs) == 1


@pytest.mark.emulator
def test_arena_is_the_smallest_that_works(image: Image) -> None:
    with _board(image) as ask:
        ask("")
        needed, used = (int(line.rsplit("-", 1)[1]) for line in ask("arena"))
    assert needed % 16 == 0
    assert used <= needed < 32 << 10
    with _board(image, arena_bytes=needed) as ask:
        assert ask("")[2:] == ["m-init-done"]
        assert ask("arena")[0] == f"m-arena-bytes-{needed}"
    with _board(image, arena_bytes=needed - 16) as ask:
        assert ask("")[2].startswith("e-[")
        assert ask("infer 1 0")[0].startswith("e-[")


@pytest.mark.emulator
def test_the_plan_lies_in_the_head_of_the_arena(image: Image) -> None:
    with _board(image) as ask:
        ask("")
        used = int(ask("arena")[1].rsplit("-", 1)[1])
        head, tail, *lines = ask("plan")
        assert ask("plan") == [head, tail, *lines]
    head_bytes, tail_bytes = int(head.rsplit("-", 1)[1]), int(tail.rsplit("-", 1)[1])
    assert head_bytes + tail_bytes == used
    assert lines[0].startswith("m-plan-[tensor,0,")  # the model's input
    for line in lines:
        _, number, offset, size = line.removeprefix("m-plan-[").removesuffix("]").split(",")
        assert int(number) >= 0
        assert int(offset) % 16 == 0
        assert int(offset) + int(size) <= head_bytes


@pytest.mark.emulator
def test_the_stack_was_as_deep_as_the_deepest_call_so_far(image: Image) -> None:
    with _board(image) as ask:
        ask("")
        idle = ask("stack")
        assert ask("stack") == idle
        _load(ask, bytes(500))
        ask("infer 1 0")
        inferred = ask("stack")
        ask("infer 3 2")
        assert ask("stack") == inferred
    before, after = (int(line.rsplit("-", 1)[1]) for line in (*idle, *inferred))
    assert 0 < before <= after < image.stack_bytes // 2
    # Arm's convolutions go deeper than anything that happens at boot
    assert after > before or "arm_convolve_s8" not in image.symbols


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"model_bytes": 0}, "e-[The loader wrote no model]"),
        ({"arena_bytes": 1000}, "e-[The model needs an arena of more than 992 bytes]"),
    ],
)
def test_what_the_loader_forgot_is_told(changes: dict[str, int], problem: str) -> None:
    with _board(build_image(CORE, Variant("reference")), **changes) as ask:  # type: ignore[arg-type]
        assert ask("")[2:] == [problem, "m-init-done"]
        assert ask("infer 1 0") == [problem]


@pytest.mark.emulator
def test_without_a_configuration_it_still_answers() -> None:
    with _board(build_image(CORE, Variant("reference")), config=bytes(CONFIG_BYTES)) as ask:
        assert ask("")[2:] == ["e-[The loader wrote no configuration]", "m-init-done"]
        assert ask("name") == ["m-name-dut-[unspecified]"]
        assert ask("output") == ["e-[The loader wrote no configuration]"]
        assert ask("plan") == ["e-[The loader wrote no configuration]"]
        assert ask("stack")[0].startswith("m-stack-used-")


@pytest.mark.emulator
def test_a_fault_is_reported_with_its_registers(image: Image) -> None:
    nowhere = 0x60000000
    with _board(image, bank_address=nowhere, bank_entries=1, bank_stride_bytes=500) as ask:
        ask("")
        ask("bank 0")
        fault = next(line for line in ask("infer 1 0") if line.startswith("e-[fault"))
    registers = dict(re.findall(r"(\w+)=([0-9a-f]{8})", fault))
    assert registers["cfsr"] == "00008200"  # precise data bus error, its address is valid
    assert int(registers["bfar"], 16) == nowhere
    faulting = function_at(image, int(registers["pc"], 16))
    assert faulting is not None
    assert faulting.name == "memcpy"
