"""One HTML file with everything in it: text, tables, figures, and the code that draws them.

The file fetches nothing, and forbids the browser to: its content security policy allows only the
script in it and the library that this unpacks, by their hashes. Equal sections give equal bytes.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import bokeh
from bokeh.document import Document
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from simbench import __version__
from simbench.exports.html.blocks import Section
from simbench.result import notice

_ABOUT = (
    "Exact: outputs, instructions, bytes. Modelled, with a range that a whisker or brackets show: "
    f"cycles, time, energy. {notice.SENTENCE}"
)


def render_page(title: str, sections: Sequence[Section]) -> str:
    """The page called ``title``: its sections one after the other, as one self-contained file."""
    environment = Environment(
        loader=PackageLoader("simbench.exports.html", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # not sorted by key, for BokehJS needs the order: a reference comes after what it refers to
    environment.filters["packed_item"] = lambda plot: _packed(
        json.dumps(figure_item(plot), separators=(",", ":"))
    )
    environment.filters["packed"] = lambda data: _packed(json.dumps(data, separators=(",", ":")))
    scripts = (_bokeh(), _asset("page.js"), _asset("what_if.js"))
    return environment.get_template("page.html.j2").render(
        title=title,
        sections=sections,
        made=f"simbench {__version__}",
        about=_ABOUT,
        style=Markup(_asset("page.css")),
        library=_packed(_bokeh()),
        scripts=[Markup(script) for script in scripts[1:]],
        policy=" ".join(f"'sha256-{_digest(script)}'" for script in scripts),
    )


@cache
def _packed(text: str) -> str:
    """``text`` as the page's script unpacks it: gzip in base64, a third of the library's size."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def figure_item(plot: Any) -> dict[str, Any]:
    """``plot`` as BokehJS embeds it, with ids that depend on nothing but the plot."""
    document = Document()  # what bokeh.embed does beyond this doubles the time
    document.add_root(plot)
    names: dict[str, str] = {}
    renamed = _renamed(document.to_json(deferred=False), names)
    return {"doc": renamed, "root_id": names[plot.id]}


def _renamed(node: Any, names: dict[str, str]) -> Any:
    """A document's JSON with its models' ids, which are all that is called so, as "m0", "m1"..."""
    if isinstance(node, list):
        return [_renamed(child, names) for child in node]
    if not isinstance(node, dict):
        return node
    if "id" in node:
        names.setdefault(node["id"], f"m{len(names)}")
    return {
        key: names[child] if key == "id" else _renamed(child, names) for key, child in node.items()
    }


@cache
def _bokeh() -> str:
    return (Path(bokeh.__file__).parent / "server/static/js/bokeh.min.js").read_text("utf-8")


def _asset(name: str) -> str:
    return (files("simbench.exports.html") / name).read_text("utf-8")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
