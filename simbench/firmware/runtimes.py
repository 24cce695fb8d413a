"""Runtimes that a user's own checkout brings: TensorFlow's interpreter and kernels, by name."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from simbench.catalog.chosen import called
from simbench.catalog.scenario import OWN_RUNTIME, is_toolchain
from simbench.errors import InfrastructureError, UsageError
from simbench.files import paths

TFLM = "tflm"
"""The kind of runtime that a checkout of tflite-micro is."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_SOURCES = (".c", ".cc", ".h", ".inc")
_RESOLVER = "tensorflow/lite/micro/micro_mutable_op_resolver.h"
_DOWNLOADS = "tensorflow/lite/micro/tools/make/downloads"
_WANTED = ("flatbuffers/include", "gemmlowp", "ruy")


@dataclass(frozen=True, slots=True)
class Tree:
    """A checkout: where it is, and what it is: its commit, and a hash of what differs from it."""

    path: Path
    commit: str

    @property
    def is_there(self) -> bool:
        """Whether the folder is (still) what was named."""
        return self.path.is_dir() and commit_of(self.path) == self.commit


@dataclass(frozen=True, slots=True)
class ForeignRuntime:
    """A runtime by name: a checkout of tflite-micro and, for the kernel set "cmsis-nn", one of
    CMSIS-NN."""

    name: str
    tflm: Tree
    cmsis_nn: Tree | None

    @property
    def kernels(self) -> tuple[str, ...]:
        """The kernel sets that it can be built with."""
        return ("reference",) if self.cmsis_nn is None else ("cmsis-nn", "reference")

    @property
    def facts(self) -> Mapping[str, str]:
        """What a result says of it: commits, not places."""
        facts = {"kind": TFLM, "commit": self.tflm.commit}
        return facts if self.cmsis_nn is None else {**facts, "cmsis_nn": self.cmsis_nn.commit}


def register(spec: str, cmsis_nn: Path | None, name: str | None = None) -> ForeignRuntime:
    """Remember the checkout that ``spec``, "tflm:PATH", names, in the build folder.

    Without a ``name`` it is called by its commit, "tflm-90b983c2". Raises UsageError where there
    is no such checkout, or it lacks what it is built with.
    """
    kind, _, path = spec.partition(":")
    if kind != TFLM or not path:
        raise UsageError(f"--runtime {spec} cannot be read: give {TFLM}:PATH, a checkout")
    tflm = _tree(Path(path), _RESOLVER, "tflite-micro")
    _check_downloads(tflm.path)
    nn = None if cmsis_nn is None else _tree(cmsis_nn, "Include/arm_nnfunctions.h", "CMSIS-NN")
    called_so = name or f"{TFLM}-{tflm.commit[:8]}"
    is_taken = called_so == OWN_RUNTIME or is_toolchain(called_so)
    if _NAME.fullmatch(called_so) is None or is_taken:
        raise UsageError(f"a runtime cannot be called {called_so}: use letters, digits, . _ and -")
    runtime = ForeignRuntime(called_so, tflm, nn)
    _write(runtime)
    return runtime


def runtimes() -> Mapping[str, ForeignRuntime]:
    """Those that were registered, by name."""
    found = (_read(path) for path in sorted(_folder().glob("*.json")))
    return {runtime.name: runtime for runtime in found}


def runtime_names() -> tuple[str, ...]:
    """What a runtime can be called: simbench's own first."""
    return (OWN_RUNTIME, *runtimes())


def foreign_runtime(name: str) -> ForeignRuntime | None:
    """The runtime called ``name``, or None for simbench's own.

    Raises UsageError where none is called so, and where its checkout is not what it was.
    """
    if called("runtime", name, runtime_names()) == OWN_RUNTIME:
        return None
    runtime = runtimes()[name]
    for tree in filter(None, (runtime.tflm, runtime.cmsis_nn)):
        if not tree.is_there:
            raise UsageError(
                f"the runtime {name} is of {tree.path} at {tree.commit[:16]}, and that is not what "
                f"is there now: register it again with 'simbench build --runtime {TFLM}:PATH'"
            )
    return runtime


def commit_of(path: Path) -> str:
    """What is checked out at ``path``: the commit, with a hash of what differs from it; of a folder
    that is no checkout, a hash of its sources."""
    commit = _git(path, "rev-parse", "HEAD")
    if commit is None or _git(path, "rev-parse", "--show-prefix") != "":
        return f"files-{_hash(path, _sources(path))[:16]}"
    changes = _changes(path)
    return commit if not changes else f"{commit}+{hashlib.sha256(changes.encode()).hexdigest()[:8]}"


def _tree(path: Path, proof: str, what: str) -> Tree:
    path = path.expanduser().resolve()
    if not (path / proof).is_file():
        raise UsageError(f"{path} is no checkout of {what}: it has no {proof}")
    return Tree(path, commit_of(path))


def _check_downloads(path: Path) -> None:
    missing = [name for name in _WANTED if not (path / _DOWNLOADS / name).is_dir()]
    if missing:
        raise UsageError(
            f"{path} lacks {', '.join(missing)} in {_DOWNLOADS}: run 'make -f "
            "tensorflow/lite/micro/tools/make/Makefile third_party_downloads' there"
        )


def _git(path: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(path), *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _changes(path: Path) -> str:
    """What a checkout has that its commit has not: other lines, and sources that git does not know,
    which are compiled too."""
    unknown = (_git(path, "ls-files", "--others", "--exclude-standard", "-z") or "").split("\0")
    sources = [path / name for name in unknown if name.endswith(_SOURCES)]
    changes = _git(path, "diff", "HEAD") or ""
    return changes + _hash(path, sources) if sources else changes


def _hash(path: Path, files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(path)}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _sources(path: Path) -> Iterator[Path]:
    return (file for file in sorted(path.rglob("*")) if file.suffix in _SOURCES and file.is_file())


def _folder() -> Path:
    return paths.build_dir() / "runtimes"


def _write(runtime: ForeignRuntime) -> None:
    target = _folder() / f"{runtime.name}.json"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(asdict(runtime), indent=2, default=str) + "\n", "utf-8")
    except OSError as error:
        raise InfrastructureError(f"cannot write {target} ({error.strerror})") from error


def _read(path: Path) -> ForeignRuntime:
    try:
        found = json.loads(path.read_text("utf-8"))
        trees = [_known_tree(found[key]) for key in ("tflm", "cmsis_nn")]
        assert trees[0] is not None
    except (OSError, ValueError, KeyError, TypeError, AssertionError) as error:
        raise UsageError(f"{path} is damaged: remove it, and register the runtime again") from error
    return ForeignRuntime(str(found["name"]), trees[0], trees[1])


def _known_tree(found: Mapping[str, str] | None) -> Tree | None:
    return None if found is None else Tree(Path(found["path"]), found["commit"])
