"""What if, by hand: what a result carries, and what the sliders of a page show of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from pathlib import Path
from urllib.parse import quote

import pytest
from browser import Page, chromium
from hypothesis import given
from hypothesis import strategies as st
from made_runs import made_result, made_run

import simbench
from simbench.catalog.platforms import load_platform
from simbench.cli.main import _run
from simbench.exports import html as html_export
from simbench.exports.html.blocks import WhatIf as Sliders
from simbench.exports.html.sweep import sweep_page
from simbench.exports.html.what_if import ranged, result_sliders, shown_cells, sweep_sliders
from simbench.result.stored import read_run
from simbench.result.tree import Result
from simbench.result.what_if import Choice, WhatIf
from simbench.sweeps.sweep import Sweep

BOARDS = ("stm32l4r5", "nrf52840", "stm32h7", "corstone-300", "apollo3")
UNITS = {"cycles": "", "time_s": "s", "energy_j": "J"}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Result]:
    """A small network on boards with caches, without, with several RAMs, with energy and not."""
    path = tmp_path_factory.mktemp("what-if") / "ad.json"
    boards = [word for board in BOARDS for word in ("--platform", board)]
    assert _run(["run", *boards, "--benchmark", "ad", "--samples", "1", "--json", str(path)]) == 0
    return {result.platform: result for result in read_run(path).results}


def known(result: Result) -> WhatIf:
    assert result.what_if is not None
    return result.what_if


def sliders(result: Result) -> Sliders:
    (block,) = result_sliders(result, "result-0")
    assert isinstance(block, Sliders)
    return block


def swept(result: Result, without: Sequence[str] = ()) -> Sweep:
    """What ``simbench sweep`` says of every combination of a result's choices."""
    return simbench.sweep(
        platform=result.platform,
        benchmark=result.benchmark,
        zip=[
            dict.fromkeys(choice.paths, _values(choice))
            for choice in known(result).choices
            if choice.paths[0] not in without
        ],
    )


def _values(choice: Choice) -> list[str]:
    return ["as-is" if n == choice.as_is else value for n, value in enumerate(choice.values)]


def said_by(sweep: Sweep) -> Iterator[list[str]]:
    for row in sweep.rows():
        yield [
            "not known"
            if row[name] is None
            else ranged((row[name], row[f"{name}_lower"], row[f"{name}_upper"]), unit)
            for name, unit in UNITS.items()
        ]


def without_change(said: str) -> str:
    return said.partition("), ")[0] + ")" if "), " in said else said


@pytest.mark.emulator
@pytest.mark.parametrize("board", BOARDS)
def test_every_cell_is_what_sweep_says_to_the_last_digit_shown(
    board: str, results: Mapping[str, Result]
) -> None:
    cells = sliders(results[board]).cells
    sweep = swept(results[board])
    priced = 0
    for cell, row, said in zip(cells, sweep.rows(), said_by(sweep), strict=True):
        if isinstance(cell, str):
            assert (row["status"] == "does-not-fit") == (cell == "does not fit")
        else:
            assert row["status"] == "ok"
            assert [without_change(each) for each in cell] == said
            priced += 1
    assert priced >= len(cells) / 3


@pytest.mark.emulator
def test_what_was_not_counted_needs_a_simulation_of_its_own(results: Mapping[str, Result]) -> None:
    """Only where a sweep has to simulate again is a price said to be missing."""
    kinds = {
        board: {c for c in known(r).cycles if isinstance(c, str)} for board, r in results.items()
    }
    not_counted = {board for board, said in kinds.items() if any("counted" in c for c in said)}
    assert not_counted == {"stm32l4r5", "stm32h7", "apollo3"}  # they have a data cache
    plain = swept(results["nrf52840"], ("memories.flash.instruction_cache",))
    assert plain.simulations == 1


@pytest.mark.emulator
def test_the_board_as_it_is_costs_what_the_result_says(results: Mapping[str, Result]) -> None:
    for result in results.values():
        what_if, block = known(result), sliders(result)
        place = 0
        for slider in block.sliders:
            place = place * len(slider.values) + slider.start
        found = [result.cycles, result.time_s, result.energy_j]
        spans = [None if e is None else (e.value, e.lower, e.upper) for e in found]
        assert block.cells[place] == shown_cells([spans], spans)[0]
        assert what_if.clock_hz[what_if.choices[0].as_is] == load_platform(result.platform).clock_hz
        assert len(what_if.cycles) * len(what_if.clock_hz) == len(block.cells)


@pytest.mark.emulator
def test_what_has_no_slider_has_a_reason(results: Mapping[str, Result]) -> None:
    for result in results.values():
        paths = {path for choice in known(result).choices for path in choice.paths}
        left_out = known(result).left_out
        assert "supply" in left_out
        for path in ("clock", "placement.weights", "placement.arena"):
            assert (path in paths) != (path in left_out)
    assert "caches" in known(results["corstone-300"]).left_out
    assert any(path.endswith("wait_states") for path in known(results["corstone-300"]).left_out)


def test_a_result_without_such_prices_has_no_sliders() -> None:
    assert list(result_sliders(made_result(), "result-0")) == []
    assert 'class="what-if"' not in html_export.render(made_run())


SPAN = st.tuples(*[st.floats(1e-9, 1e9) for _ in range(3)])


@st.composite
def what_ifs(draw: st.DrawFn) -> WhatIf:
    clocks = draw(st.lists(st.floats(1e3, 1e9), min_size=1, max_size=3))
    sizes = draw(st.lists(st.integers(1, 3), max_size=3))
    choices = [
        Choice(("clock",), tuple(map(str, clocks)), 0),
        *(
            Choice((f"placement.p{n}",), tuple(f"v{i}" for i in range(size)), size - 1)
            for n, size in enumerate(sizes)
        ),
    ]
    cells = prod(sizes)
    cell = SPAN | st.just("does not fit")
    cycles = draw(st.lists(cell, min_size=cells, max_size=cells))
    of_energy = [c if isinstance(c, str) else (1e-6, 1e-7, 1e-5) for c in cycles] * len(clocks)
    energy = of_energy if draw(st.booleans()) else []
    return WhatIf(tuple(clocks), tuple(choices), tuple(cycles), tuple(energy), {})


@given(what_ifs())
def test_the_last_choice_changes_fastest(made: WhatIf) -> None:
    block = sliders(made_result(what_if=made))
    ranges = [range(len(choice.values)) for choice in made.choices]
    for place, (clock, *others) in enumerate(product(*ranges)):
        setting = 0
        for choice, index in zip(made.choices[1:], others, strict=True):
            setting = setting * len(choice.values) + index
        cycles, cell = made.cycles[setting], block.cells[place]
        if isinstance(cycles, str):
            assert cell == cycles
        else:
            assert cell[0] == ranged(cycles, "")
            value, lower, upper = (each / made.clock_hz[clock] for each in cycles)
            assert without_change(cell[1]) == ranged((value, lower, upper), "s")
            assert (cell[2] == "not known") == (not made.energy_j)


def test_changes_are_against_the_board_as_it_is() -> None:
    base = [(100.0, 90.0, 110.0), (2.0, 1.0, 3.0), None]
    other = [(150.0, 140.0, 160.0), (3.0, 2.0, 4.0), (1.0, 1.0, 1.0)]
    assert shown_cells([base, other, "does not fit"], base) == [
        ["100 (90–110)", "2.00 s (1.00–3.00)", "not known"],
        ["150 (140–160)", "3.00 s (2.00–4.00), +50.0 %", "1.00 J (1.00–1.00)"],
        "does not fit",
    ]
    assert shown_cells([other], "does not fit")[0][1] == "3.00 s (2.00–4.00)"


@pytest.fixture(scope="module")
def sweep() -> Sweep:
    """Two boards, an axis with what needs a simulation of its own, and two axes together."""
    return simbench.sweep(
        platform=["stm32l4r5", "stm32u575"],
        benchmark="ad",
        set={"placement.weights": ["flash", "sram"], "clock_hz": ["20MHz", "40MHz", "60MHz"]},
        zip=[
            {
                "memories.flash.wait_states": ["0", "as-is"],
                "memories.flash.prefetch": ["true", "as-is"],
            }
        ],
    )


@pytest.mark.emulator
def test_a_sweep_has_a_slider_for_each_axis_and_every_point(sweep: Sweep) -> None:
    blocks = [block for block in sweep_sliders(sweep.points, sweep) if isinstance(block, Sliders)]
    assert [block.name for block in blocks] == ["ad@stm32l4r5/cmsis-nn", "ad@stm32u575/cmsis-nn"]
    assert [slider.label for slider in blocks[0].sliders] == [
        "weights in",
        "clock",
        "memories.flash.wait_states, memories.flash.prefetch",
    ]
    assert blocks[0].sliders[2].settings == [
        ["memories.flash.wait_states=0", "memories.flash.prefetch=true"],
        [],
    ]
    cells = [cell for block in blocks for cell in block.cells]
    assert [[without_change(s) for s in cell] for cell in cells] == list(said_by(sweep))


# ---- in a browser


SAID = """[...document.querySelectorAll(".what-if")].map((box) =>
  [...box.querySelectorAll("dd")].map((dd) => dd.textContent))"""


def opened(tab: Page, page: Path, fragment: str = "", width: int = 1200) -> None:
    """A fresh copy of ``page`` opened, by a link with that fragment."""
    copy = page.with_name(f"{len(list(page.parent.iterdir()))}.html")
    copy.write_bytes(page.read_bytes())
    tab.look(width, 800, "light", mobile=width < 600)
    tab.command("Page.navigate", url=copy.as_uri() + fragment)
    tab.until(f"location.pathname.endsWith('/{copy.name}') && document.readyState === 'complete'")
    tab.until("[...document.querySelectorAll('.what-if dd')].every((dd) => dd.textContent)")


def moved(tab: Page, box: int, indices: Sequence[int], *, is_let_go: bool = False) -> list[str]:
    """What the sliders of a box say, moved there, and let go or not."""
    tab.value(
        f"""(() => {{
      const inputs = document.querySelectorAll(".what-if")[{box}].querySelectorAll("input");
      {json.dumps(list(indices))}.forEach((index, number) => {{
        inputs[number].value = index;
        for (const kind of ["input", "change"].slice(0, {1 + is_let_go}))
          inputs[number].dispatchEvent(new Event(kind, {{ bubbles: true }}));
      }});
    }})()"""
    )
    said: list[str] = tab.value(f"{SAID}[{box}]")
    return said


@pytest.mark.emulator
@pytest.mark.browser
def test_a_browser_shows_what_sweep_says_wherever_the_sliders_are(
    results: Mapping[str, Result], tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    page.write_text(html_export.render(made_run(list(results.values()))))
    boards = [result.platform for result in results.values()]
    with chromium(tmp_path / "profile") as tab:
        opened(tab, page)
        for box, board in enumerate(boards):
            block, rows = sliders(results[board]), list(said_by(swept(results[board])))
            every = list(product(*(range(len(slider.values)) for slider in block.sliders)))
            for place in range(0, len(every), 7):  # 7 divides no number of values
                said = moved(tab, box, every[place])
                cell = block.cells[place]
                if isinstance(cell, str):
                    assert said == [cell, "–", "–"]
                else:
                    assert [without_change(each) for each in said] == rows[place]
        assert tab.complaints() == []
        assert len(tab.requests()) == 1


@pytest.mark.emulator
@pytest.mark.browser
def test_a_link_keeps_the_setting_and_paper_and_keys_work(
    results: Mapping[str, Result], tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    page.write_text(html_export.render(made_run([results["stm32l4r5"], results["nrf52840"]])))
    with chromium(tmp_path / "profile") as tab:
        opened(tab, page)
        began = tab.value(SAID)
        assert tab.value("location.hash") == ""
        first, second = (moved(tab, box, to, is_let_go=True) for box, to in ((0, [2, 1]), (1, [5])))
        fragment = tab.value("location.hash")
        assert fragment == (
            "#result-0?clock=45MHz&memories.flash.wait_states=1;result-1?clock=48MHz"
        )
        setting = "document.querySelector('.what-if code').textContent"
        assert tab.value(setting) == "--set clock=45MHz --set memories.flash.wait_states=1"
        opened(tab, page, fragment, width=390)
        assert tab.value(SAID) == [first, second]
        assert tab.value("document.documentElement.scrollWidth") == 390
        assert tab.value("scrollY") > 0
        tab.value("document.querySelectorAll('.what-if button').forEach((b) => b.click())")
        assert tab.value(SAID) == began
        assert tab.value(setting) == "the board as it is"
        tab.value("document.querySelector('.what-if input').focus()")
        for kind in ("rawKeyDown", "keyUp"):
            tab.command(
                "Input.dispatchKeyEvent", type=kind, key="ArrowLeft", windowsVirtualKeyCode=37
            )
        assert tab.value("location.hash") == "#result-0?clock=105MHz"
        # what a link says that the page has not is passed over
        opened(
            tab,
            page,
            "#result-1?clock=1GHz&core=x&memories.flash.wait_states=0;result-9?clock=1MHz",
        )
        assert tab.value(SAID)[0] == began[0]
        assert tab.value(f"{SAID}[1][1]") != began[1][1]
        tab.command("Emulation.setEmulatedMedia", media="print")
        assert not tab.value("document.querySelector('.what-if').checkVisibility()")
        assert tab.complaints() == []


@pytest.mark.emulator
@pytest.mark.browser
def test_a_browser_shows_the_points_of_a_sweep(sweep: Sweep, tmp_path: Path) -> None:
    page = tmp_path / "sweep.html"
    page.write_text(sweep_page(sweep))
    rows = list(said_by(sweep))
    with chromium(tmp_path / "profile") as tab:
        opened(tab, page)
        for place, indices in enumerate(product(range(2), range(2), range(3), range(2))):
            said = moved(tab, indices[0], indices[1:], is_let_go=True)
            assert [without_change(each) for each in said] == rows[place]
        name = quote("ad@stm32u575/cmsis-nn", safe="")
        assert f"{name}?placement.weights=sram" in tab.value("location.hash")
        assert tab.complaints() == []


@pytest.mark.emulator
def test_the_page_of_every_board_is_small(results: Mapping[str, Result]) -> None:
    twelve = [
        made_result(f"ad@stm32f4/n{number}", what_if=results["stm32l4r5"].what_if)
        for number in range(12)
    ]
    with_sliders, without = (
        len(html_export.render(made_run(found)))
        for found in (twelve, [made_result(f"ad@stm32f4/n{number}") for number in range(12)])
    )
    assert with_sliders - without < 500_000
