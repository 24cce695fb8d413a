"""JUnit's XML, as Jenkins, GitLab and most other CI systems show it.

Format: junit-10.xsd of github.com/jenkinsci/xunit-plugin, the strictest reader known. It has no
properties of a test case, so each result is a suite of one. A wrong output or a breached budget is
a failure, what does not fit is skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from simbench.comparisons.wording import over_budget
from simbench.result.estimate import Estimate
from simbench.result.metrics import METRICS
from simbench.result.tree import DOES_NOT_FIT, ERROR, FAILED, UNSUPPORTED, Budget, Result, Run

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, however it is escaped (its section 2.2)."""

_OUTCOMES = {FAILED: "failure", ERROR: "error", DOES_NOT_FIT: "skipped", UNSUPPORTED: "error"}


def render(run: Run) -> str:
    """``run`` as JUnit XML: a test suite for each result, with its metrics as properties.

    A case's ``time`` is the modelled time of one inference in seconds.
    """
    root = ET.Element("testsuites", name="simbench")
    for result in run.results:
        _add_suite(root, result)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _add_suite(root: ET.Element, result: Result) -> None:
    outcome = _outcome(result)
    names = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    suite = ET.SubElement(root, "testsuite", name=_text(result.id), tests="1")
    for name, kind in names.items():
        suite.set(name, str(int(outcome == kind)))
    properties = ET.SubElement(suite, "properties")
    for key, value in _properties(result):
        ET.SubElement(properties, "property", name=key, value=value)
    seconds = result.time_s.value if result.time_s is not None else 0.0
    where = {
        "classname": _text(f"{result.platform}/{result.kernels}"),
        "name": _text(result.benchmark),
        "time": f"{seconds:.9f}",
    }
    case = ET.SubElement(suite, "testcase", where)
    if outcome is not None:
        ET.SubElement(case, outcome, message=_text(_reason(result)), type=result.status)


def _outcome(result: Result) -> str | None:
    outcome = _OUTCOMES.get(result.status)
    return outcome or ("failure" if _missed(result) else None)


def _missed(result: Result) -> list[Budget]:
    return [budget for budget in result.budgets if not budget.is_met]


def _reason(result: Result) -> str:
    return "; ".join(filter(None, (result.reason, *map(over_budget, _missed(result)))))


def _properties(result: Result) -> Iterator[tuple[str, str]]:
    yield "status", result.status
    for name, metric in METRICS.items():
        reading = metric.read(result)
        if isinstance(reading, Estimate):
            yield name, repr(reading.value)
            yield f"{name}_lower", repr(reading.lower)
            yield f"{name}_upper", repr(reading.upper)
        elif reading is not None:
            yield name, str(reading)


def _text(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)
