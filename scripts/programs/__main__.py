"""Integer programs that others timed on silicon: Embench's, built and priced, as a file of facts.

``python scripts/programs EMBENCH [GCC]`` takes a checkout of github embench/embench-iot and an
arm-none-eabi-gcc (Debian 13's 14.2 with libnewlib-arm-none-eabi is nearest to the 14.1 that the
published figures are of), builds each program as its README says, runs it on an STM32F407 at 16 MHz
and writes ``platforms/programs.csv`` anew. The sources are Embench's and no part of simbench.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import simbench
from simbench.result.tree import Result
from simbench.validation.programs import ProgramResult, render_programs

HERE = Path(__file__).resolve().parent
FACTS = HERE.parent.parent / "platforms" / "programs.csv"
BOARD = HERE / "stm32f407.yaml"
CLOCK_KHZ = 16_000
SECTION = "begin=start_trigger,end=stop_trigger"
FLAGS = (
    "-O2",
    "-ffunction-sections",
    "-fdata-sections",
    "-mcpu=cortex-m4",
    "-mfloat-abi=soft",
    "-mthumb",
    "-std=gnu17",
    "-w",
)
COUNTS = ("-DWARMUP_HEAT=1", "-DGLOBAL_SCALE_FACTOR=16")


def main() -> int:
    """Write the file."""
    embench, gcc = Path(sys.argv[1]), (sys.argv[2:] or ["arm-none-eabi-gcc"])[0]
    published = json.loads((embench / "baseline-data" / "speed.json").read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        results = list(measured(embench.resolve(), gcc, Path(folder), published))
    FACTS.write_text(render_programs(results), "utf-8")
    return 0


def measured(
    embench: Path, gcc: str, folder: Path, published: Mapping[str, int]
) -> Iterator[ProgramResult]:
    """Each program of ``published``, with its milliseconds on the chip, built and priced."""
    commit = said("git", "-C", str(embench), "rev-parse", "--short=10", "HEAD")
    library = folder / "small_libc.o"
    source = str(HERE / "small_libc.c")
    subprocess.run([gcc, *FLAGS, "-Os", "-c", source, "-o", str(library)], check=True)
    for name, milliseconds in sorted(published.items()):
        bare, whole = (
            priced(built(embench, gcc, folder / kind / f"{name}.elf", objects))
            for kind, objects in (("fast", ()), ("small", (library,)))
        )
        cycles = whole.cycles
        assert cycles is not None  # the board prices cycles
        yield ProgramResult(
            suite="Embench IoT 2.0",
            program=name,
            board="STM32F407, 16 MHz",
            core="cortex-m4",
            calls_library=bare.instructions != whole.instructions,
            cycles=milliseconds * CLOCK_KHZ,
            modelled=round(cycles.value),
            lower=round(cycles.lower),
            upper=round(cycles.upper),
            source=f"github embench/embench-iot@{commit} baseline-data/speed.json",
        )


def built(embench: Path, gcc: str, elf: Path, objects: tuple[Path, ...]) -> Path:
    """The program that ``elf`` is named after, with ``objects`` in place of what they define."""
    board = embench / "examples" / "arm" / "stm32f4-discovery"
    source = embench / "src" / elf.stem
    elf.parent.mkdir(exist_ok=True)
    files = [
        *sorted(source.glob("*.c")),
        *(embench / "support" / name for name in ("main.c", "beebsc.c")),
        *(board / name for name in ("boardsupport.c", "system_stm32f4xx.c")),
        board / "startup_stm32f407xx.s",
    ]
    folders = [f"-I{path}" for path in (embench / "support", board, board / "Include", source)]
    linked = ["-Wl,--gc-sections", f"-T{board / 'STM32F407IGHX_FLASH.ld'}", "-nostartfiles"]
    parts = [*folders, *map(str, [*files, *objects]), *linked, "-lm"]
    subprocess.run([gcc, *FLAGS, *COUNTS, "-DSTM32F407xx", *parts, "-o", str(elf)], check=True)
    return elf


def priced(elf: Path) -> Result:
    """The timed section of ``elf``."""
    outcome = simbench.run(platform=BOARD, elf=elf, section=SECTION)
    (result,) = outcome.results
    print(result.id, file=sys.stderr)
    return result


def said(*command: str) -> str:
    """What ``command`` prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
