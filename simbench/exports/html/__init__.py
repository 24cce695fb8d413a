"""Results as one HTML file that needs nothing else: figures, tables and sources."""

from __future__ import annotations

from simbench.result.stored import Stored
from simbench.result.tree import Run


def render(run: Run) -> str:
    """``run`` as a page."""
    return render_stored(Stored(run, run.document()["fingerprint"]))


def render_stored(stored: Stored) -> str:
    """A stored run as a page, with the fingerprint it was stored with and what is odd about it."""
    from simbench.exports.html.report import report_page  # Bokeh takes 0.3 s to import

    return report_page(stored)
