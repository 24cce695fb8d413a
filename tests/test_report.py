from __future__ import annotations

import base64
import gzip
import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from browser import Page, chromium
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from simbench.catalog.platforms import platform_files
from simbench.cli.main import _run
from simbench.exports import html as html_export
from simbench.exports import json as json_export
from simbench.exports.html.blocks import Facts, Link, Rows, Section, Text
from simbench.exports.html.figures import INK, LINE, PALETTE, PAPER, REST, operator_colours, plain
from simbench.exports.html.page import render_page
from simbench.exports.html.stacks import OTHER, merged, shown_parts
from simbench.result.estimate import Estimate
from simbench.result.ranking import verdict
from simbench.result.stored import Stored, read_run, read_stored
from simbench.result.tree import (
    DOES_NOT_FIT,
    OK,
    ArenaBuffer,
    ArenaUse,
    FlashUse,
    Frame,
    Layer,
    MemoryUse,
    Parity,
    Prediction,
    RamUse,
    Result,
    Run,
)

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Reader(HTMLParser):
    """What a page has: its elements' attributes, texts, and figures; tags must be balanced."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.figures: list[dict[str, Any]] = []
        self._is_figure = False
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self._is_figure = attrs == [("type", "application/gzip")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self._is_figure = False

    def handle_data(self, data: str) -> None:
        if self._is_figure:
            self.figures.append(json.loads(gzip.decompress(base64.b64decode(data))))
        elif self.open and self.open[-1] not in ("script", "style"):
            self.text += data


def columns(figure: dict[str, Any]) -> list[dict[str, list[Any]]]:
    """The data of a figure, by glyph."""
    found: list[dict[str, list[Any]]] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("name") == "ColumnDataSource":
                found.append(dict(node["attributes"]["data"]["entries"]))
            node = list(node.values())
        if isinstance(node, list):
            for child in node:
                walk(child)

    walk(figure["doc"])
    return found


@pytest.fixture(scope="session")
def stored_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run: the 31 layers of vww on an STM32F4."""
    path = tmp_path_factory.mktemp("report") / "vww.json"
    arguments = ["run", "--platform", "stm32f4", "--benchmark", "vww", "--samples", "1"]
    assert _run([*arguments, "--json", str(path)]) == 0
    return path


@pytest.fixture(scope="session")
def page(stored_run: Path) -> Path:
    path = stored_run.with_suffix(".html")
    assert _run(["report", str(stored_run), "--html", str(path)]) == 0
    return path


@cache
def estimate(value: float) -> Estimate:
    parts = {"issue": 0.7, "data_wait": 0.295, "divide": 0.005}
    stack = {part: share * value for part, share in parts.items()}
    return Estimate(value, 0.9 * value, 1.2 * value, "cortex-m4 2 on stm32f4 2", stack)


def run_of(text: str) -> Run:
    """A run that has ``text`` wherever it can have any, and every fact there is."""
    layers = tuple(
        Layer(i, text, text, 10, estimate(100.0), estimate(1e-6), 40 * i) for i in range(2)
    )
    plan = tuple(ArenaBuffer(text, kind, 0, 1024, 0, 1) for kind in ("tensor", "scratch", text))
    memory = MemoryUse(
        4096,
        4096,
        2048,
        {text: {"used_bytes": 1, "size_bytes": 2}},
        FlashUse(1, 2, 3, 4),
        RamUse(1, 2, 1),
        ArenaUse(1024, 512, 1536, plan),
    )
    result = Result(
        id=text,
        benchmark=text,
        platform=text,
        kernels=text,
        status=text,
        reason=text,
        instructions=30,
        cycles=replace(estimate(300.0), source=text),
        time_s=estimate(1.0),
        energy_j=estimate(3e-6),
        coverage=0.9999,
        memory=memory,
        predictions=(Prediction(text, text, 0.5),),
        layers=layers,
        frames=tuple(Frame(layer, text, 10, 100.0) for layer in (0, 1, None)),
        notes=(text,),
        missing={text: text},
    )
    return Run({"name": text}, {text: text}, {text: text}, (result,))


@cache
def tame_tags() -> list[str]:
    return Reader(html_export.render(run_of("tame"))).tags


@pytest.mark.emulator
def test_the_page_is_whole_small_and_alone(page: Path) -> None:
    text = page.read_text()
    assert len(text.encode()) < 800_000
    read = Reader(text)
    assert not {"link", "img", "iframe", "object", "base"} & set(read.tags)
    fetching = [v for _, name, v in read.attributes if name in ("src", "href", "action", "data")]
    assert all(value.startswith("#") for value in fetching)
    anchors = [value for _, name, value in read.attributes if name == "id"]
    assert {value[1:] for value in fetching} <= set(anchors)
    assert "url(" not in re.search(r"<style>(.*?)</style>", text, re.S)[1]  # type: ignore[index]


@pytest.mark.emulator
def test_the_page_says_all_there_is_to_say(page: Path, stored_run: Path) -> None:
    document = json.loads(stored_run.read_text())
    result = document["results"][0]
    text = Reader(page.read_text()).text
    said = [
        f"{result['instructions']:,}",
        document["fingerprint"],
        result["model"]["sha256"],
        result["model"]["source_sha256"],
        result["firmware_sha256"],
        result["output_sha256"],
        result["input"]["sha256"],
        document["environment"]["toolchain"],
        result["energy_j"]["source"],
        "astronaut",
        "not validated",  # the accuracy sentence of the platform
        "ST RM0090",  # a source of the platform
        *(layer["op"] for layer in result["layers"]),
        *(layer["name"] for layer in result["layers"]),
        *(f"{layer['instructions']:,}" for layer in result["layers"]),
        *result["missing"].values(),
    ]
    assert [fact for fact in said if fact not in text] == []


@pytest.mark.emulator
def test_figures_add_up_to_the_result(page: Path, stored_run: Path) -> None:
    result = json.loads(stored_run.read_text())["results"][0]
    figures = [columns(figure) for figure in Reader(page.read_text()).figures]
    bars, whole_cycles, layer_cycles, whole_energy, layer_energy, flame, bytes_, plan = figures

    def total(data: dict[str, list[float]]) -> float:
        return sum(data["right"]) - sum(data["left"])

    layers = sum(layer["cycles"]["value"] for layer in result["layers"])
    assert total(bars[0]) == pytest.approx(layers / 1e6)
    assert len(bars[0]["left"]) == len(result["layers"])
    for figure in (whole_cycles, layer_cycles):
        assert total(figure[0]) == pytest.approx(result["cycles"]["value"] / 1e6)
    for figure in (whole_energy, layer_energy):
        assert total(figure[0]) == pytest.approx(result["energy_j"]["value"] / 1e-3)
    tops = list(zip(flame[0]["left"], flame[0]["top"], flame[0]["bottom"], strict=True))
    for column in sorted({left for left, _, _ in tops}):
        heights = sum(bottom - top for left, top, bottom in tops if left == column)
        assert heights == pytest.approx(result["cycles"]["value"] / 1e6)
        executed = (
            int(text.replace(",", ""))
            for left, text in zip(flame[0]["left"], flame[0]["instructions"], strict=True)
            if left == column
        )
        assert sum(executed) == result["instructions"]
    memory = result["memory"]
    assert total(bytes_[0]) == pytest.approx((memory["flash_bytes"] + memory["ram_bytes"]) / 1024)
    assert max(plan[0]["top"]) <= memory["arena_bytes"] / 1024


@pytest.mark.emulator
def test_equal_results_give_equal_bytes(page: Path, stored_run: Path) -> None:
    again = html_export.render_stored(read_stored(stored_run))
    assert again == page.read_text()


def on_boards(stored_run: Path, names: Sequence[str]) -> Run:
    """The stored result as if on each of ``names``, each a tenth slower than the one before."""
    run = read_run(stored_run)
    (result,) = run.results
    assert result.time_s is not None
    results = []
    for place, name in enumerate(names):
        by = 1.1**place
        time_s = replace(
            result.time_s,
            value=result.time_s.value * by,
            lower=result.time_s.lower * by,
            upper=result.time_s.upper * by,
        )
        id_ = f"vww@{name}/cmsis-nn"
        results.append(replace(result, id=id_, platform=name, time_s=time_s))
    return replace(run, results=tuple(results))


@pytest.mark.emulator
def test_a_page_of_twelve_boards_opens_with_the_answer_and_is_small(stored_run: Path) -> None:
    names = sorted(platform_files())[:12]
    run = on_boards(stored_run, names[::-1])
    page = html_export.render(run)
    assert len(page.encode()) < 1_500_000
    read = Reader(page)
    said = verdict(run.results)
    assert said in read.text
    assert read.text.index(said) < read.text.index("vww@")
    widths = [float(width) for width in re.findall(r'<i style="width:([0-9.]+)%"></i>', page)]
    times = widths[: len(names)]
    assert times == sorted(times)
    assert times[1] / times[0] == pytest.approx(1.1, abs=0.01)
    spans = re.findall(r'<b style="left:([0-9.]+)%;width:([0-9.]+)%"></b>', page)
    assert float(spans[len(names) - 1][0]) + float(spans[len(names) - 1][1]) == pytest.approx(100)
    for fact in ("simbench 0", "Exact: outputs", "no MLPerf result"):
        assert fact in read.text[: read.text.index(said)]
    memory = run.results[0].memory
    assert memory is not None
    assert memory.kinds is not None
    used, there = (memory.kinds["ram"][name] / 1024 for name in ("used_bytes", "size_bytes"))
    assert f"{used:.1f} of {there:.0f} KiB" in read.text


def test_what_does_not_fit_is_a_faint_full_bar() -> None:
    kinds = {
        "ram": {"used_bytes": 4096, "size_bytes": 1024},
        "flash": {"used_bytes": 512, "size_bytes": 1024},
    }
    memory = MemoryUse(512, 4096, 100, {}, kinds=kinds)
    large = Result("a@b/c", "a", "b", "c", status=DOES_NOT_FIT, reason="too much", memory=memory)
    page = html_export.render(Run({}, {}, {}, (large,)))
    assert "a on b: does-not-fit, too much." in Reader(page).text
    assert 'class="bar faint"' in page
    assert re.findall(r'<i style="width:([0-9.]+)%"></i>', page) == ["100.00", "50.00"]


def test_an_operator_has_one_colour_on_every_page() -> None:
    first = operator_colours(["CONV_2D", "SOFTMAX", "MINE"])
    second = operator_colours(["SOFTMAX", "ADD", "CONV_2D"])
    assert first["CONV_2D"] == second["CONV_2D"] != first["SOFTMAX"] == second["SOFTMAX"]
    assert first["MINE"] == REST


@pytest.mark.emulator
def test_a_page_takes_about_a_second_of_a_processor(stored_run: Path, tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    command = [sys.executable, "-m", "simbench.cli.main", "report", str(stored_run)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*command, "--html", str(target)], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime - before.ru_utime < 2  # 0.8 on an idle machine; others share this one
    assert target.exists()


@pytest.mark.emulator
@settings(max_examples=6)
@given(st.text(min_size=1, max_size=20) | st.sampled_from(["platforms", "<b>$$x$$</b>"]))
def test_every_name_is_escaped(name: str) -> None:
    hostile = f"{name}</script><script>alert(1)</script><!--\"'&lt;"
    run = run_of(hostile)
    read = Reader(html_export.render(run))
    assert read.tags == tame_tags()
    assert hostile.replace("\r\n", "\n").replace("\r", "\n") in read.text.replace("\r", "\n")


def test_a_label_is_never_tex_for_bokeh() -> None:
    assert "$$" not in plain("$$x$$")
    assert "\\" not in plain(r"\(x\)")
    assert plain("a" * 30) == "a" * 23 + "…"


def test_what_is_missing_is_said_with_its_reason() -> None:
    bare = Result("a@b/c", "a", "b", "c", DOES_NOT_FIT, reason="the arena is too small")
    partial = replace(
        bare, id="d@b/c", cycles=estimate(1.0), missing={"frames": "no symbols", "energy_j": "why"}
    )
    text = Reader(html_export.render(Run({"name": "simbench"}, {}, {}, (bare, partial)))).text
    for said in ("does-not-fit: the arena is too small", "No flame graph: no symbols", "as why"):
        assert said in text


def test_outputs_of_floats_are_said_to_be_near() -> None:
    bare = Result("a@b/c", "a", "b", "c", OK)
    runs = {
        "9/10 equal to the host's reference, bit for bit": Parity(10, 9),
        "10/10 equal to the host's reference or near it (within 1e-5), 3 of them bit for bit": (
            Parity(10, 3, 10, "within 1e-5")
        ),
    }
    for said, parity in runs.items():
        run = Run({"name": "simbench"}, {}, {}, (replace(bare, parity=parity),))
        assert said in Reader(html_export.render(run)).text
    text = Reader(html_export.render(Run({"name": "simbench"}, {}, {}, (bare,)))).text
    assert "host's reference" not in text


def test_the_title_names_few_boards_and_counts_many() -> None:
    results = tuple(Result(f"a@b{i}/c", "a", f"b{i}", "c", OK) for i in range(5))
    few, many = (
        html_export.render(Run({"name": "simbench"}, {}, {}, some))
        for some in (results[:2], results)
    )
    assert "<title>2 results on b0, b1" in few
    assert "<title>5 results on 5 boards" in many


def test_an_edited_file_is_said_to_be_edited() -> None:
    run = run_of("x")
    text = Reader(html_export.render_stored(Stored(run, None, ("x.json was edited",)))).text
    assert "x.json was edited." in text


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1e9), max_size=20))
def test_merging_small_parts_keeps_the_total(stack: dict[str, float]) -> None:
    parts = shown_parts([stack])
    assert len(parts) <= len(PALETTE)
    shown = merged(stack, parts)
    assert sum(shown.values()) == pytest.approx(sum(stack.values()))
    assert set(shown) <= {*parts, OTHER}


def test_a_page_of_blocks_needs_no_result() -> None:
    table = Rows(("a", "b"), [(Link("to", "there"), "1")], caption="what")
    section = Section("One", [Text("said"), Facts([("k", "v")]), table], anchor="there")
    text = Reader(render_page("Title", [section])).text
    for said in ("Title", "One", "said", "k", "v", "to", "what"):
        assert said in text


@pytest.mark.emulator
def test_the_table_is_what_there_is_without_an_option(
    stored_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(["report", str(stored_run)]) == 0
    shown = capsys.readouterr()
    assert "stm32f4, cmsis-nn kernels" in shown.out
    assert "astronaut: person" in shown.out
    assert shown.err == ""


@pytest.mark.emulator
def test_a_report_is_exported_as_it_was_stored(
    stored_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(["report", str(stored_run), "--export", "json=-"]) == 0
    assert capsys.readouterr().out == stored_run.read_text()


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.json"], "nothing.json"),
        (["{run}", "--export", "pdf=x"], "html"),
        (["{run}", "--html", "/nowhere/x.html"], "/nowhere/x.html"),
        (["{run}", "--html", "-", "--export", "csv=-"], "only one"),
    ],
)
def test_a_mistake_gets_one_sentence(
    stored_run: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(["report", *(a.replace("{run}", str(stored_run)) for a in arguments)]) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.emulator
def test_a_run_that_ended_before_its_first_result_is_nothing_to_report(tmp_path: Path) -> None:
    path = tmp_path / "empty.json"
    path.write_text(json_export.render(Run({}, {}, {}, ())))
    assert _run(["report", str(path)]) == 4


DRAWN = "[...document.querySelectorAll('.plot')].every((plot) => plot.dataset.drawn === 'yes')"
CANVASES = """(() => {
  const pixels = (canvas) => {
    if (!canvas.width || !canvas.height) return false;
    const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    return data.some((value) => value > 0);
  };
  const drawn = (node) => [...node.querySelectorAll("*")].some((child) =>
    (child.tagName === "CANVAS" && pixels(child)) || (child.shadowRoot && drawn(child.shadowRoot)));
  return [...document.querySelectorAll(".plot")].map(drawn);
})()"""


def shown(tab: Page, page: Path, width: int, scheme: str, *, mobile: bool) -> Image.Image:
    """The whole page in a window of that width, with all figures drawn."""
    tab.look(width, 800, scheme, mobile=mobile)
    tab.open(page)
    tab.look(width, tab.value("document.documentElement.scrollHeight"), scheme, mobile=mobile)
    tab.until(DRAWN)
    tab.until(f"{CANVASES}.every(Boolean)")
    assert tab.value("document.documentElement.scrollWidth") == width
    return tab.picture()


def colours_of(picture: Image.Image) -> dict[str, int]:
    """How many pixels have each colour."""
    counted = picture.getcolors(1 << 24)
    assert counted is not None
    return {f"#{r:02x}{g:02x}{b:02x}": number for number, (r, g, b) in counted}  # type: ignore[misc]


@pytest.mark.emulator
def test_a_browser_shows_the_page_on_a_desk_and_on_a_phone_in_the_dark(
    page: Path, tmp_path: Path
) -> None:
    os.utime(page, (0, 86400 * 365))
    with chromium(tmp_path / "profile") as tab:
        light = colours_of(shown(tab, page, 1280, "light", mobile=False))
        dark = colours_of(shown(tab, page, 390, "dark", mobile=True))
        assert tab.value("document.querySelectorAll('.plot').length") == 8
        assert tab.value("document.getElementById('made').textContent").endswith(" · 1971-01-01")
        assert tab.complaints() == []
        assert {url.split("#")[0] for url in tab.requests()} == {page.as_uri()}
        tab.command("Emulation.setScriptExecutionDisabled", value=True)
        tab.open(page)
        assert not tab.value("document.querySelector('figure:not(.bars)').checkVisibility()")
        assert tab.value("document.querySelector('.bars').checkVisibility()")
        assert tab.value("document.querySelector('details').checkVisibility()")
    for picture, paper in ((light, "#fefefe"), (dark, "#17181a")):
        assert max(picture, key=lambda colour: picture[colour]) == paper
        for colour in PALETTE:
            assert picture.get(colour, 0) > 100, f"no bar is drawn in {colour}"
    assert LINE in light
    for colour in (INK, LINE, PAPER):  # a pixel of any colour may lie between two others
        assert dark.get(colour, 0) < 10, f"{colour} is drawn in the dark"


@pytest.mark.emulator
def test_figures_that_were_never_seen_are_drawn_for_the_printer(page: Path, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile") as tab:
        tab.look(1000, 400, "light")
        tab.open(page)
        tab.until(DRAWN)
        tab.until(f"{CANVASES}.every(Boolean)")
        printed = tab.command("Page.printToPDF")["data"]
        assert tab.complaints() == []
    assert base64.b64decode(printed)[:5] == b"%PDF-"


@pytest.mark.browser
def test_hovering_and_a_change_of_scheme_work_and_names_stay_text(tmp_path: Path) -> None:
    hostile = "<img src=x onerror=document.title='got'>$$x$$"
    page = tmp_path / "page.html"
    page.write_text(html_export.render(run_of(hostile)))
    tooltips = """(() => {
      const all = (node) => [...node.querySelectorAll("*")].flatMap((child) =>
        [child, ...(child.shadowRoot ? all(child.shadowRoot) : [])]);
      return all(document.body).filter((e) => e.className === "bk-tooltip-content")
        .map((e) => e.textContent + e.querySelectorAll("img").length).join();
    })()"""
    with chromium(tmp_path / "profile") as tab:
        shown(tab, page, 1000, "light", mobile=False)
        x, y = tab.value(
            "(({x, y}) => [x, y])(document.querySelector('.plot').getBoundingClientRect())"
        )
        for step in (200, 204, 208):
            tab.command("Input.dispatchMouseEvent", type="mouseMoved", x=x + step, y=y + 10)
        tab.until(f"{tooltips} !== ''")
        told = tab.value(tooltips)
        assert hostile[:20] in told
        assert told.endswith("0")
        tab.value("document.querySelectorAll('.plot').forEach((plot) => delete plot.dataset.drawn)")
        tab.look(1000, 800, "dark")
        tab.until(f"{DRAWN} && {CANVASES}.every(Boolean)")
        assert tab.complaints() == []
        assert tab.value("document.title") == hostile
