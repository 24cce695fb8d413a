"""The ``simbench`` command: verbs, exit codes, and the one sentence that says why.

Exit codes: 0 good; 1 wrong output or regression; 2 usage, configuration or bad input file;
3 infrastructure (emulator or toolchain missing, crashed, hung); 4 nothing was run or compared;
130 interrupted.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Sequence

import click

from simbench import __version__
from simbench.cli.ending import QUIET, file_trouble, interruption, told_by_signals, unforeseen
from simbench.cli.letters import make_printable
from simbench.cli.names import meant
from simbench.errors import EXIT_USAGE, SimbenchError

VERBS = {
    "run": "Run benchmarks on emulated boards.",
    "profile": "Show where the cycles of one inference go.",
    "sweep": "Ask what if: prices of thousands of points from a few simulations.",
    "report": "Show a stored result again: as a table, a page, or in another format.",
    "compare": "Compare two stored results; fail where one got worse.",
    "baseline": "Keep a result in a repository, to compare with.",
    "serve": "Be a board behind a serial port, for any client of the protocol.",
    "validate": "Compare the model with published measurements on real boards.",
    "crosscheck": "Run the same firmware on two emulators and compare every instruction.",
    "init": "Write a suite file and a workflow for this repository's models.",
    "list": "List platforms, benchmarks, kernels and backends.",
    "platform": "Begin a board of your own from another's file.",
    "doctor": "Say what is found on this machine, and what to do about what is missing.",
    "cache": "Show or clear the store of counts.",
    "export-platform": "Write a board for Renode or QEMU, to run by hand.",
    "build": "Build the firmware images and the counting plugin.",
}

_FEW_COLLECTIONS = 100_000  # new objects between two: most of a verb's live as long as it does


_QUIET = ("-q", "--quiet")


class LazyVerbs(click.Group):
    """A group whose verbs are imported when they are called, so that start-up stays short."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As a group does; ``help VERB`` is its help, and to be quiet is asked for anywhere."""
        if args[:1] == ["help"]:
            args = [*args[1:], "--help"]
        is_quiet = any(word in _QUIET for word in args)
        args = [word for word in args if word not in _QUIET]
        return super().parse_args(ctx, [*_QUIET[:is_quiet], *args])

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The verbs, in the order of a user's first day."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The verb's command, from ``simbench/cli/<verb>.py``, or None where there is none."""
        if name not in VERBS:
            near = [verb for verb in VERBS if verb.startswith(name[:1])]
            hint = f" (did you mean {' or '.join(near)}?)" if near else ""
            ctx.fail(f"no such verb: {name}{hint}")
        module = importlib.import_module(f"simbench.cli.{name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The verbs and their one-line help, without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=LazyVerbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="simbench")
@click.option(*_QUIET, is_flag=True, help="Leave out progress and notes: results and errors alone.")
@click.pass_context
def cli(ctx: click.Context, quiet: bool) -> None:
    """Benchmark TinyML on microcontrollers that are not there.

    simbench emulates a Cortex-M board, runs real TensorFlow Lite Micro firmware on it, counts what
    the core executed, and prices the counts in cycles, time and energy.

    \b
    Examples:
      simbench run --platform stm32f4
      simbench run --platform stm32f4 --benchmark kws --json kws.json
      simbench run --platform stm32f4 --model my_model.tflite
      simbench doctor
      simbench help run
    """
    if quiet and QUIET not in os.environ:
        os.environ[QUIET] = "1"
        ctx.call_on_close(lambda: os.environ.pop(QUIET, None))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code; no mistake shows a traceback."""
    # NumPy adds up little at a time here: threads of its own would wait longer than they work
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(_FEW_COLLECTIONS)
    make_printable()
    with told_by_signals():
        sys.exit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    try:
        return cli.main(arguments, prog_name="simbench", standalone_mode=False) or 0
    except click.exceptions.Abort as error:
        sentence, code = interruption(error)
    except KeyboardInterrupt as error:
        sentence, code = interruption(error)
    except SimbenchError as error:
        sentence, code = str(error), error.exit_code
    except click.ClickException as error:
        if isinstance(error, click.UsageError) and (hint := meant(error)) is not None:
            error = click.UsageError(f"{error.message}: {hint}", error.ctx)
        error.show()
        return EXIT_USAGE
    except BrokenPipeError:
        # the reader of our output has gone: nobody is left to tell
        sys.stderr.close()
        return 0
    except OSError as error:
        sentence, code = file_trouble(error)
    except Exception as error:
        sentence, code = unforeseen(error)
    _log(sentence)
    return code


def _log(sentence: str) -> None:
    print(f"simbench: {sentence}", file=sys.stderr)


if __name__ == "__main__":
    main()
