"""The lock file, ``simbench.lock``: what a run was made of, so that another can insist on it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from simbench import __version__
from simbench.cost.residuals import load_target
from simbench.errors import UsageError
from simbench.task.tasks import ModelTask, Task

LOCK_FILE = "simbench.lock"
SCHEMA = "simbench.lock/1"


def render(tasks: Sequence[Task]) -> str:
    """The lock file of ``tasks`` as indented JSON with a newline at its end."""
    document = {"schema": SCHEMA, "simbench": __version__, "locked": locked(tasks)}
    return json.dumps(document, indent=2) + "\n"


def locked(tasks: Sequence[Task]) -> Mapping[str, str]:
    """The hash of each image, model and input of ``tasks`` and of what prices them."""
    return dict(sorted(fact for task in tasks for fact in _facts(task)))


def check(path: Path, tasks: Sequence[Task]) -> None:
    """Raise UsageError where ``tasks`` are not made of what the lock file says."""
    recorded = _read(path)
    for name, value in locked(tasks).items():
        if name not in recorded:
            raise UsageError(
                f"{path} does not have the {name}: write it with 'simbench run --lock'"
            )
        if recorded[name] != value:
            raise UsageError(
                f"the {name} is {value[:16]} and {path} locks {recorded[name][:16]}: go back to "
                "what was locked, or accept the change with 'simbench run --lock'"
            )


def _facts(task: Task) -> Iterator[tuple[str, str]]:
    platform, image = task.platform, f"{task.platform.core}/{task.scenario.variant}"
    yield f"firmware {image}", task.image.sha256
    if isinstance(task, ModelTask):
        yield f"model {task.benchmark.id} for {image}", task.model.sha256
    if task.measured is not None:
        yield f"input of {task.scenario.id}", hashlib.sha256(task.measured.wire).hexdigest()
    price = load_target(platform).identity
    yield f"platform {platform.id}", price["platform"]
    yield f"core {platform.core}", price["core"]
    yield f"residual of {platform.id}", price["residual"]
    yield "pricing code", price["code"]


def _read(path: Path) -> Mapping[str, str]:
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"cannot read {path} ({error.strerror}): write it with 'simbench run --lock'"
        ) from error
    except ValueError as error:
        raise UsageError(f"{path} is no lock file: write it with 'simbench run --lock'") from error
    found = document.get("locked") if isinstance(document, dict) else None
    if not isinstance(found, dict) or document.get("schema") != SCHEMA:
        raise UsageError(f"{path} is no {SCHEMA} file: write it with 'simbench run --lock'")
    return {name: str(value) for name, value in found.items()}
