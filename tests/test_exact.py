"""Published images run as they are: what is found, how a board is set up, what the figures are."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from simbench.backends import backend
from simbench.catalog.benchmarks import load_benchmarks
from simbench.catalog.platforms import load_platform, platform_files
from simbench.cli.main import _run
from simbench.errors import EXIT_NOTHING, EXIT_USAGE, NothingRun, UsageError
from simbench.exports.validation import Validated, model_error_page, render_residuals
from simbench.firmware.read import read_image
from simbench.validation.exact import (
    ExactResult,
    exact_residuals,
    figures,
    integers,
    kept_results,
    render_exact,
)
from simbench.validation.firmware import (
    WIRE_BYTES,
    FirmwareRow,
    firmware_rows,
    found_images,
    published_task,
    set_up,
    validate_firmware,
)
from simbench.validation.validate import summary

ROWS = firmware_rows()


def made(platform: str, core: str, error: float, *, arithmetic: str = "int8") -> ExactResult:
    modelled = round(1e6 * (1 + error))
    return ExactResult(
        *("1.2", "Someone", f"{platform} board", platform, core, "kws", arithmetic),
        blind=True,
        cycles=10**6,
        modelled=modelled,
        lower=round(modelled * 0.95),
        upper=round(modelled * 1.05),
        energy_j=None,
        modelled_energy_j=None,
    )


# ---- the published rows ----


def test_every_published_image_is_a_fact_with_its_source() -> None:
    benchmarks, platforms = load_benchmarks(), platform_files()
    assert len({row.sha256 for row in ROWS}) == len(ROWS) == 69
    for row in ROWS:
        assert row.platform in platforms
        assert row.source.startswith("github mlcommons/tiny_results_v")
        assert row.begin != row.end
        macs = benchmarks[row.benchmark].macs
        assert macs is not None
        assert 0.3 < row.cycles / macs < 30


def test_what_came_of_the_images_is_of_these_rows() -> None:
    keys = {(row.round, row.system, row.benchmark): row.cycles for row in ROWS}
    kept = kept_results()
    assert {(r.round, r.system, r.benchmark): r.cycles for r in kept} == keys
    assert all(r.core == load_platform(r.platform).core for r in kept)


def test_kept_results_are_read_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "exact.csv"
    path.write_text(render_exact(kept_results()))
    assert kept_results(path) == kept_results()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [("yes", "perhaps", "perhaps"), ("0x8005428", "here", "here"), ("369622", "many", "many")],
)
def test_a_wrong_row_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    from simbench.files.paths import data_dir

    text = (data_dir("platforms") / "firmware.csv").read_text()
    assert old in text
    path = tmp_path / "own.csv"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(UsageError, match=rf"own\.csv:\d+: .*{said}"):
        firmware_rows(path)


# ---- a checkout ----


def checkout(folder: Path, row: FirmwareRow, data: bytes) -> FirmwareRow:
    path = folder / row.image
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return replace(row, sha256=hashlib.sha256(data).hexdigest())


def test_images_are_found_by_their_hash_in_a_checkout_or_beside_others(tmp_path: Path) -> None:
    row = checkout(tmp_path / "tiny_results_v1.2", ROWS[0], b"an image")
    expected = {row: tmp_path / "tiny_results_v1.2" / row.image}
    assert found_images([row, *ROWS[1:]], tmp_path) == expected
    assert found_images([row], tmp_path / "tiny_results_v1.2") == expected
    with pytest.raises(NothingRun, match="has none of the published images"):
        found_images(ROWS, tmp_path)  # another image at that place is another


def test_a_published_image_is_sent_what_the_official_runner_sends(tmp_path: Path) -> None:
    row = next(r for r in ROWS if r.platform == "stm32l4r5" and r.benchmark == "ad")
    vectors = bytes.fromhex("0004002009000008")
    row = checkout(tmp_path, row, vectors + bytes(64))
    board, benchmark = load_platform(row.platform), load_benchmarks()[row.benchmark]
    task = published_task(row, tmp_path / row.image, board, benchmark)
    assert task.measured is not None
    assert len(task.measured.wire) == WIRE_BYTES["ad"] == 2560
    assert task.section is not None
    assert task.section.is_last


def test_the_flash_is_set_up_as_the_row_says() -> None:
    board, row = load_platform("stm32l4r5"), ROWS[0]
    assert set_up(board, replace(row, flash_width_bytes=None)) == board
    single = set_up(board, replace(row, flash_width_bytes=16)).memories["flash"]
    assert single.width_bytes == 16
    assert single.data_cache is not None
    assert single.data_cache.sector_bytes == 16


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--firmware", "no-such-folder"], EXIT_USAGE, "is no folder"),
        (["--firmware", "."], EXIT_NOTHING, "has none of the published images"),
        (["--firmware", ".", "--page", "x"], EXIT_USAGE, "leave the others out"),
        (["--firmware", ".", "--platform", "nrf5340"], EXIT_USAGE, "no firmware of nrf5340"),
        (["--exact", "x"], EXIT_USAGE, "name their folder with --firmware"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    more: list[str],
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _run(["validate", *more]) == code
    assert said in capsys.readouterr().err


# ---- the figures ----


def test_the_figures_are_over_int8_networks() -> None:
    rows = [made("a", "m4", 0.02), made("a", "m4", -0.10), made("a", "m4", 0.5, arithmetic="f")]
    found = figures(integers(rows))
    assert found is not None
    assert found.rows == 2
    assert found.mean_abs_error == pytest.approx(0.06)
    assert found.max_abs_error == pytest.approx(0.10)
    assert found.covered == pytest.approx(0.5)
    assert figures([]) is None


def test_no_row_makes_its_own_range() -> None:
    a = [made("a", "m7", 0.10)] * 5
    b = [made("b", "m7", 0.02)] * 5
    c = [made("c", "m4", 0.04)] * 5
    found = exact_residuals([*a, *b, *c])
    assert found["a"] == pytest.approx(0.02)  # the other board of its core
    assert found["b"] == pytest.approx(0.10)
    assert found["c"] == pytest.approx(0.10)  # none has its core: nine in ten of all others
    assert found["m4"] == pytest.approx(0.04)
    assert found["m7"] == found["elsewhere"] == pytest.approx(0.10)


def test_the_page_has_two_figures_and_shows_every_image() -> None:
    rows = [made("a", "m7", 0.10), made("b", "m7", 0.02)]
    page = _page(rows)
    assert "2 images of int8 networks on 2 boards" in page
    assert page.index("Error of the model") < page.index("## Difference of stacks")
    assert page.count("Someone 1.2") == 2
    assert "| m7 | 2 | 2 | 6.0% |" in page


def _page(rows: list[ExactResult]) -> str:
    from test_validate import made as compared

    comparisons = [compared("a", 0.05)]
    return model_error_page(comparisons, summary(comparisons), rows)


def test_residuals_are_of_the_images() -> None:
    rows = [made("a", "m7", 0.10), made("b", "m7", 0.02)]
    text = render_residuals(Validated([], summary([]), rows))
    assert "  a: 0.020\n" in text
    assert render_residuals(Validated([], summary([]))) == ""


@pytest.mark.emulator
@pytest.mark.image
def test_an_image_in_a_checkout_is_run_and_priced(tmp_path: Path) -> None:
    """The example as if it had been published: a raw image, sent what the runner sends."""
    example = Path(__file__).resolve().parent.parent / "examples" / "own_firmware"
    subprocess.run(["make", "-s", f"OUT={tmp_path}"], cwd=example, check=True)
    elf, raw = tmp_path / "app.elf", tmp_path / "app.bin"
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", str(elf), str(raw)], check=True)
    symbols = read_image(elf).symbols
    row = replace(
        next(r for r in ROWS if r.benchmark == "kws"),
        platform="stm32f4",
        base=0x08000000,
        begin=symbols["th_pre"],
        end=symbols["th_post"],
        flash_width_bytes=None,
    )
    row = checkout(tmp_path / "checkout", row, raw.read_bytes())
    found = found_images([row], tmp_path / "checkout")
    boards = {"stm32f4": load_platform("stm32f4")}
    said: list[str] = []
    (result,) = validate_firmware(found, boards, load_benchmarks(), backend("qemu"), said.append)
    assert said == []
    assert result.core == "cortex-m4"
    # four sums over 490 inputs, of two inferences
    assert 2 * 4 * 490 * 4 < result.modelled < 2 * 4 * 490 * 20
    assert result.lower < result.modelled < result.upper
