"""The firmware of every core on its emulated board, and every platform with every benchmark."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from listing import listing, named_class

from simbench.backends import LaunchSpec, backend
from simbench.backends.qemu import board as qemu_board
from simbench.backends.qemu.awake import sleeps_for_ever, waiting_awake
from simbench.backends.qemu.tool import Tool
from simbench.backends.watched import HOST_S_DOING, INFERENCE
from simbench.catalog.benchmarks import load_benchmarks
from simbench.catalog.platforms import load_platform, platform_files
from simbench.catalog.scenario import DEFAULT_KERNELS, Scenario, Variant
from simbench.comparisons.crosscheck import compare
from simbench.firmware.build import KERNELS, build_image, firmware_cores
from simbench.firmware.image import Image
from simbench.isa.decode import decode
from simbench.result.tree import DOES_NOT_FIT, OK, Result
from simbench.runs.runner import run_task
from simbench.session.measure import measure
from simbench.task.tasks import suite_task

BENCHMARKS = load_benchmarks()
PLATFORMS = list(platform_files())
QEMU = backend("qemu")
BOARD_OF = {
    "cortex-m0plus": "rp2040",
    "cortex-m4": "stm32f4",
    "cortex-m7": "stm32h7",
    "cortex-m33": "stm32u575",
    "cortex-m55": "corstone-300",
    "cortex-m85": "ra8d1",
}
# the arena has 117 KiB on the M0+ and 88 KiB on the M4, beside 37 KiB of data
TOO_LARGE = {("vww", "stm32g0b1"), ("vww", "stm32l476")}  # of 144 KiB, of 96 KiB


@cache
def run(platform: str, benchmark: str, kernels: str = DEFAULT_KERNELS, samples: int = 3) -> Result:
    board = load_platform(platform)
    scenario = Scenario(benchmark, platform, Variant(kernels))
    machine = QEMU.machine(board.core)
    return run_task(suite_task(scenario, board, BENCHMARKS[benchmark], machine, samples), QEMU)


@pytest.mark.emulator
@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("core", BOARD_OF)
def test_outputs_are_the_hosts_bit_for_bit_on_every_core(core: str, kernels: str) -> None:
    result = run(BOARD_OF[core], "kws", kernels)
    assert result.status == OK, result.reason
    assert result.parity is not None
    assert result.parity.exact == result.parity.samples >= 3
    assert result.coverage == 1.0


def test_every_core_with_firmware_is_on_a_board_but_the_cortex_m3() -> None:
    """No platform has one; its image still builds, and is decoded below. An M85 runs an M55's."""
    assert set(firmware_cores()) - set(BOARD_OF) == {"cortex-m3"}
    assert set(BOARD_OF) - set(firmware_cores()) == {"cortex-m85"}
    assert {load_platform(name).core for name in PLATFORMS} == set(BOARD_OF)


@pytest.mark.image
@pytest.mark.parametrize("core", firmware_cores())
def test_every_instruction_of_an_image_has_the_class_that_objdump_says(core: str) -> None:
    image = build_image(core, Variant())
    differing = []
    found = 0
    for encoding, name, operands in listing(image.path):
        found += 1
        if len(encoding) == 2 and encoding[1] >> 3 == 0b11100:
            name = "b.n"  # in an IT block objdump gives it the condition of that
        if decode(encoding).kind is not named_class(name, operands):
            differing.append((encoding.hex(), name, operands))
    assert not differing
    assert found > 50_000


@pytest.mark.image
@pytest.mark.parametrize("core", firmware_cores())
def test_every_image_has_the_functions_where_caches_rest_and_wake(core: str) -> None:
    names = {function.name for function in build_image(core, Variant()).functions}
    assert names >= {*HOST_S_DOING, INFERENCE}


@pytest.mark.emulator
@pytest.mark.parametrize("benchmark", BENCHMARKS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_runs_every_benchmark_or_says_why_not(platform: str, benchmark: str) -> None:
    result = run(platform, benchmark)
    expected = DOES_NOT_FIT if (benchmark, platform) in TOO_LARGE else OK
    assert result.status == expected, result.reason
    assert result.coverage == 1.0
    assert not result.notes
    assert result.cycles is not None
    assert result.instructions is not None
    # none of these cores issues three at once, none waits ten cycles an instruction
    assert result.instructions / 2 < result.cycles.value < result.instructions * 10
    board = load_platform(platform)
    missing = result.missing or {}
    assert (result.energy_j is None) == (board.energy is None) == ("energy_j" in missing)
    assert missing.get("energy_j") == board.energy_reason
    assert all((layer.energy_j is None) == (board.energy is None) for layer in result.layers)


@pytest.mark.emulator
@pytest.mark.parametrize("core", ["cortex-m33", "cortex-m55"])
def test_firmware_that_waits_awake_is_counted_the_same(
    core: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on QEMU 8.2, which never wakes these cores; the one here would."""
    board = load_platform(BOARD_OF[core])
    machine = QEMU.machine(core)
    task = suite_task(Scenario("ad", board.id), board, BENCHMARKS["ad"], machine, 1)
    asleep = measure(task, QEMU)
    monkeypatch.setattr(qemu_board, "sleeps_for_ever", lambda *_: True)
    assert waiting_awake(task.image) != task.image.path.read_bytes()
    awake = measure(task, QEMU)
    assert awake.outputs == asleep.outputs
    assert all(section.is_equal for section in compare(asleep.counts, awake.counts))


@pytest.mark.parametrize(
    ("version", "core", "sleeps"),
    [
        ("7.2.22", "cortex-m33", False),
        ("8.2.2", "cortex-m33", True),
        ("8.2.2", "cortex-m55", True),
        ("8.2.2", "cortex-m4", False),
        ("10.0.2", "cortex-m55", False),
    ],
)
def test_cores_that_a_qemu_never_wakes_are_known(version: str, core: str, sleeps: bool) -> None:
    image = Image(Path("app.elf"), "", {}, {}, 0, 0, 0, 0)
    spec = LaunchSpec(image, QEMU.machine(core))
    assert sleeps_for_ever(Tool(Path("qemu"), version), spec) == sleeps
