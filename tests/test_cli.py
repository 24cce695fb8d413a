from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import jsonschema
import pytest
from rich.console import Console

import simbench
import simbench.cli.main
from simbench import backends
from simbench.backends import Capabilities
from simbench.catalog.benchmarks import load_benchmarks
from simbench.cli.console import log_to
from simbench.cli.ending import file_trouble
from simbench.cli.main import VERBS, _run
from simbench.cli.tables.results import results_table
from simbench.files.paths import data_dir
from simbench.models.source import source_bytes
from simbench.result.estimate import Estimate
from simbench.result.tree import MemoryUse, Parity, Result

SCHEMA = json.loads(
    (Path(simbench.__file__).parent / "result" / "schemas" / "result-1.schema.json").read_text()
)
T = TypeVar("T")
RUN_KWS = ("run", "--platform", "stm32f4", "--benchmark", "kws", "--samples", "2")


def simbench_process(arguments: Sequence[str], **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "simbench.cli.main", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "80", **environment},
    )


def run(*arguments: str, **environment: str) -> tuple[int, str, str]:
    with simbench_process(arguments, **environment) as process:
        out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def boards_of(parent: int) -> list[str]:
    """Children of any thread of ``parent`` that emulate a board."""
    listed = Path(f"/proc/{parent}/task").glob("*/children")
    children = [child for file in listed for child in file.read_text().split()]
    return [c for c in children if b"-machine" in Path(f"/proc/{c}/cmdline").read_bytes()]


def wait_for(condition: Callable[[], T]) -> T:
    deadline = time.monotonic() + 30
    while not (met := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return met


@pytest.mark.emulator
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run([verb, "--help"]) == 0
    assert f"simbench {verb}" in capsys.readouterr().out.split("Example", 1)[1]


@pytest.mark.image
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run"], "--platform"),
        (["run", "--platform", "stm32f5"], "stm32f4"),
        (["run", "--platform", "stm32f4", "--benchmark", "kw"], "kws"),
        (["run", "--platform", "stm32f4", "--kernels", "fast"], "cmsis-nn"),
        (["run", "--platform", "stm32f4", "--backend", "qem"], "qemu"),
        (["run", "--platform", "stm32f4", "--samples", "0"], "1 to 10,000"),
        (["run", "--platform", "stm32f4", "--model", "nothing.tflite"], "nothing.tflite"),
        (["run", "--platform", "stm32f4", "--model", "m", "--benchmark", "kws"], "model m"),
        (["run", "--platform", "stm32f4", "--elf", "nothing.elf"], "--benchmark"),
        (
            ["run", "--platform", "stm32f4", "--elf", "nothing.elf", "--benchmark", "kws"],
            "nothing.elf",
        ),
        (["run", "--platform", "missing/board.yaml"], "missing/board.yaml"),
        ([*RUN_KWS, "--json", "/nowhere/result.json"], "/nowhere/result.json"),
        (["ran"], "run"),
    ],
)
def test_a_users_mistake_gets_one_sentence_and_exit_code_2(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)  # where there is no suite file
    assert _run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err.strip().splitlines()[-1]
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["run", "stm32f4"], "did you mean --platform stm32f4?"),
        (["run", "STM32F4", "kws"], "did you mean --platform STM32F4 --benchmark kws?"),
        (["run", "a/mine.tflite"], "did you mean --model a/mine.tflite?"),
        (["run", "suite.yaml"], "did you mean --suite suite.yaml?"),
        (["sweep", "a.yaml", "stm32f4"], "did you mean --platform stm32f4?"),
    ],
)
def test_a_word_without_its_option_gets_the_option(
    arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(arguments) == 2
    assert capsys.readouterr().err.strip().endswith(hint)


def test_a_word_that_is_nothing_gets_no_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["run", "nonsense"]) == 2
    assert "did you mean" not in capsys.readouterr().err


def test_help_of_a_verb_and_the_version_are_had_in_both_ways(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def said(*arguments: str) -> str:
        assert _run(arguments) == 0
        return capsys.readouterr().out

    assert said("help") == said("--help")
    assert said("help", "sweep") == said("sweep", "--help")
    assert said("-V") == said("--version") == f"simbench, version {simbench.__version__}\n"


@pytest.mark.emulator
@pytest.mark.parametrize("where", [0, 1, 3])
def test_quiet_is_results_and_errors_alone(where: int, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", "--platform", "stm32f4", "--benchmark", "ad", "--samples", "1"]
    arguments.insert(where, "-q")
    assert _run(arguments) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "1/1" in captured.out
    assert _run([*arguments[:-1], "0"]) == 2
    assert "1 to 10,000" in capsys.readouterr().err
    assert "SIMBENCH_QUIET" not in os.environ


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("simbench prof", "profile"),
        ("simbench run --platform stm32f", "stm32f4 stm32f746"),
        ("simbench run --platform STM32G", "stm32g0b1"),
        ("simbench run --platform al", "all"),
        ("simbench sweep --benchmark k", "kws"),
        ("simbench profile --kernels r", "reference"),
        ("simbench run --backend q", "qemu"),
        ("simbench run --export ju", "junit="),
        ("simbench run --runtime si", "simbench"),
        ("simbench profile --toolchain s", "system"),
    ],
)
def test_a_shell_completes_names(typed: str, offered: str) -> None:
    words = typed.split()
    _, out, err = run(
        _SIMBENCH_COMPLETE="bash_complete", COMP_WORDS=typed, COMP_CWORD=str(len(words) - 1)
    )
    assert err == ""
    assert " ".join(line.partition(",")[2] for line in out.splitlines()) == offered


@pytest.mark.image
def test_a_truncated_model_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken.tflite"
    whole = source_bytes(load_benchmarks()["kws"].model)
    broken.write_bytes(whole[: len(whole) // 2])
    kept = tmp_path / "result.json"
    arguments = ["run", "--platform", "stm32f4", "--model", str(broken), "--json", str(kept)]
    assert _run(arguments) == 2
    assert "damaged" in capsys.readouterr().err.splitlines()[-1]
    assert not kept.exists()


@pytest.mark.image
def test_a_missing_emulator_is_an_infrastructure_error() -> None:
    code, out, err = run(*RUN_KWS, SIMBENCH_QEMU="/nowhere/qemu-system-arm")
    assert (code, out) == (3, "")
    assert "qemu-system-arm" in err.splitlines()[-1]


@pytest.mark.emulator
def test_the_json_is_what_the_schema_says_and_equal_from_run_to_run(tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    # both at once: two runs must not disturb each other
    arguments = [(*RUN_KWS, "--no-cache", "--json", str(path)) for path in (first, second)]
    processes = [simbench_process(a) for a in arguments]
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert "kws" in out
    documents = [json.loads(path.read_text()) for path in (first, second)]
    for document in documents:
        jsonschema.validate(document, SCHEMA)
    result = documents[0]["results"][0]
    assert result["status"] == "ok"
    assert (result["parity"]["samples"], result["parity"]["exact"]) == (2, 2)
    assert result["coverage"] == 1.0
    assert documents[0] == documents[1]
    for name in ("cycles", "time_s", "energy_j"):
        estimate = result[name]
        assert estimate["lower"] <= estimate["value"] <= estimate["upper"]
        assert sum(estimate["stack"].values()) == pytest.approx(estimate["value"])
    layers = result["layers"]
    assert sum(layer["macs"] for layer in layers) == result["model"]["macs"]
    outside = result["instructions"] - sum(layer["instructions"] for layer in layers)
    assert 0 < outside < 1_000 * len(layers)


@pytest.mark.emulator
def test_json_on_standard_output_leaves_the_table_out() -> None:
    code, out, _ = run(*RUN_KWS, "--json", "-")
    assert code == 0
    jsonschema.validate(json.loads(out), SCHEMA)


@pytest.mark.emulator
def test_the_table_fits_eighty_columns() -> None:
    code, out, _ = run(*RUN_KWS)
    assert code == 0
    assert max(len(line) for line in out.splitlines()) <= 80
    assert "…" not in out
    assert "\x1b" not in out


def small_board(folder: Path, **sizes: str) -> Path:
    text = (data_dir("platforms") / "stm32f4.yaml").read_text()
    for before, after in sizes.items():
        text = text.replace(f"value: {before}", f"value: {after}")
    path = folder / "small.yaml"
    path.write_text(text.replace("id: stm32f4", "id: small"))
    return path


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("sizes", "segment"),
    [
        ({"128KiB": "8KiB"}, "arena"),
        ({"64KiB": "4KiB"}, "static"),
        ({"1MiB": "224KiB"}, "the model"),
    ],
)
def test_what_does_not_fit_is_a_result(
    tmp_path: Path, sizes: dict[str, str], segment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    board = small_board(tmp_path, **sizes)
    kept = tmp_path / "result.json"
    arguments = ["run", "--platform", str(board), "--benchmark", "kws", "--samples", "1"]
    assert _run([*arguments, "--json", str(kept)]) == 0
    result = json.loads(kept.read_text())["results"][0]
    assert result["status"] == "does-not-fit"
    assert segment in result["reason"]
    assert "are free" in result["reason"]
    assert "does-not-fit" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["camera", "my-long-model-of-keywords", "x" * 32])
def test_a_name_is_broken_at_its_dashes_and_the_table_fits(name: str) -> None:
    wide = Estimate(6.32e6, 5.62e6, 9.27e6, "")
    memory = MemoryUse(203 * 1024, 937 * 1024, 900 * 1024, {})
    result = Result(
        f"{name}@b/c",
        name,
        "b",
        "c",
        "ok",
        instructions=9_527_889,
        cycles=wide,
        time_s=replace(wide, value=22.6e-3, lower=20.1e-3, upper=133.1e-3),
        energy_j=replace(wide, value=13.21e-3, lower=12.58e-3, upper=15.00e-3),
        memory=memory,
        parity=Parity(10, 10),
    )
    console = Console(width=80, file=io.StringIO())
    console.print(results_table("title", [result]))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue().splitlines()
    assert all(len(line) <= 80 for line in shown)
    assert "9,527,889" in shown[3]
    names = [line.split(" ")[0] for line in shown[3:]]
    assert "".join(names) == name
    assert all(part.endswith("-") for part in names[:-1] if "-" in name and part)


def building(*, terminal: bool) -> str:
    """What is said while something is fetched, one thing is built, and another is not."""
    console = Console(width=80, file=io.StringIO(), force_terminal=terminal)
    log = log_to(console)
    log("fetching tfmicro 0.1.0")
    for percent in range(0, 101, 10):
        log(f"building the firmware: {percent} %")
    for percent in range(0, 50, 10):
        log(f"building another: {percent} %")
    log("could not build another")
    log("fetching tfmicro 0.1.0")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_build_is_said_once_where_there_is_no_terminal() -> None:
    assert building(terminal=False).splitlines() == [
        "fetching tfmicro 0.1.0",
        "building the firmware",
        "building another",
        "could not build another",
    ]


def test_a_build_is_one_line_that_moves_in_a_terminal_and_is_gone_at_its_end() -> None:
    said = building(terminal=True)
    assert "100%" in said
    assert " 40%" in said
    assert said.count("\n") == 4  # two sentences, and the line of each build, taken back
    assert said.count("\x1b[1A\x1b[2K") == 2
    assert said.count("\x1b[?25l") == said.count("\x1b[?25h") == 2  # the cursor is back
    assert said.count("fetching") == 1


@pytest.mark.emulator
def test_a_narrow_terminal_cuts_no_number() -> None:
    arguments = ("run", "--platform", "stm32f4", "--benchmark", "ad", "--samples", "1")
    wide, narrow = (run(*arguments, COLUMNS=columns)[1] for columns in ("80", "60"))
    assert narrow == wide


@pytest.mark.emulator
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_end_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("this run ignores the signal, as under nohup, and so does what it starts")
    many = ("run", "--platform", "stm32f4", "--samples", "250")
    with simbench_process(many, TMPDIR=str(tmp_path)) as process:
        boards = wait_for(lambda: boards_of(process.pid))
        assert list(tmp_path.iterdir())
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert err.strip().splitlines()[-1] == f"simbench: ended by {number.name}"
    assert wait_for(lambda: not any(Path(f"/proc/{board}").exists() for board in boards))
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_before_anything_is_imported_is_a_sentence() -> None:
    program = (
        "import sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'simbench.cli.main': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "from simbench.cli.start import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "simbench: interrupted\n")


@pytest.mark.emulator
def test_a_file_that_cannot_be_written_takes_nothing_with_it(tmp_path: Path) -> None:
    kept = tmp_path / "result.csv"
    lost = ("--json", "/dev/full", "--export", "bmf=/dev/full", "--export", f"csv={kept}")
    code, out, err = run("run", "--platform", "stm32f4", "--benchmark", "ad", *lost)
    assert code == 3
    assert "10/10" in out
    assert kept.read_text().startswith("id,benchmark")
    last = err.strip().splitlines()[-1]
    assert last.startswith("simbench: cannot write /dev/full (No space left on device)")


def test_a_terminal_of_few_letters_gets_plainer_ones() -> None:
    code, out, err = run("list", "benchmarks", PYTHONIOENCODING="ascii")
    assert (code, err) == (0, "")
    assert "Anomaly detection" in out
    program = (
        "from simbench.cli.letters import make_printable\n"
        "make_printable()\n"
        "print('7.03 µJ – 52 µs, ☃')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "7.03 uJ - 52 us, ?\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("run", "--suite", "a" * 300), 2),
        (("run", "--platform", "a" * 300 + ".yaml"), 2),
        (("report", "a" * 300), 2),
        (("list", "--json"), 0),
    ],
)
def test_what_a_file_system_refuses_is_one_sentence(arguments: tuple[str, ...], code: int) -> None:
    done, _, err = run(*arguments, SIMBENCH_TRACEBACK="")
    assert done == code
    assert len(err.splitlines()) == (code > 0)


def test_what_nobody_foresaw_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("a\nb")

    monkeypatch.setattr(simbench.cli.main.cli, "main", broken)
    with pytest.raises(KeyError):
        _run([])
    monkeypatch.delenv("SIMBENCH_TRACEBACK")
    assert _run([]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert "a mistake of simbench's own (KeyError: " in line


@pytest.mark.parametrize(
    ("number", "code", "says"),
    [
        (errno.EACCES, 2, "cannot use f (Permission denied)"),
        (errno.EMFILE, 3, "raise the limit with ulimit -n (f)"),
        (errno.ENOSPC, 3, "the disk is full: free some space and run again (f)"),
        (errno.EIO, 3, "cannot use f (Input/output error)"),
    ],
)
def test_trouble_with_a_file_has_a_sentence_and_a_code(number: int, code: int, says: str) -> None:
    sentence, found = file_trouble(OSError(number, os.strerror(number), "f"))
    assert found == code
    assert says in sentence


@pytest.mark.emulator
def test_ctrl_c_ends_with_130_and_leaves_nothing_behind(tmp_path: Path) -> None:
    kept = tmp_path / "result.json"
    many = ("run", "--platform", "stm32f4", "--samples", "250", "--json", str(kept))
    with simbench_process(many) as process:
        boards = wait_for(lambda: boards_of(process.pid))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.strip().splitlines()[-1] == "simbench: interrupted"
    jsonschema.validate(json.loads(kept.read_text()), SCHEMA)
    assert wait_for(lambda: not any(Path(f"/proc/{board}").exists() for board in boards))


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m simbench.cli.main list | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("what", ["platforms", "benchmarks", "kernels", "backends"])
def test_list_shows_and_prints_json(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["list", what, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)[what]
    assert rows
    assert _run(["list", what]) == 0
    table = capsys.readouterr().out
    assert all(row["name"] in table for row in rows)


@pytest.mark.emulator
@pytest.mark.tool
def test_doctor_finds_what_make_setup_installed(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["doctor"]) == 0
    assert "qemu-system-arm" in capsys.readouterr().out


@pytest.mark.emulator
@pytest.mark.tool
def test_doctor_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIMBENCH_QEMU", "/nowhere/qemu-system-arm")
    assert _run(["doctor"]) == 3
    assert "Debian package" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments",
    [("profile", "--benchmark", "kws"), ("sweep", "--benchmark", "kws"), ("serve",), ("validate",)],
)
def test_what_cannot_be_priced_is_no_backend_of_a_verb_that_prices(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blind = Capabilities(True, True, False, False, {"accesses": "it is blind", "caches": "too"})
    made = type("Blind", (), {"name": "blind", "capabilities": blind})
    monkeypatch.setitem(backends._BACKENDS, "blind", lambda _: made())
    assert _run([*arguments, "--platform", "stm32l4r5", "--backend", "blind"]) == 2
    said = "--backend blind gives no counts that have a price: it is blind"
    assert capsys.readouterr().err.strip().endswith(said)
