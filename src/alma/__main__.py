"""The command line: `alma` and `python -m alma`. A command imports what it needs when it runs, so help is instant."""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import Sequence

from alma import __version__
from alma.cli import doctor, models, run, serve, settings, threads
from alma.errors import AlmaError


def main(words: Sequence[str] | None = None) -> int:
    arguments = build_parser().parse_args(words)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except (AlmaError, ExceptionGroup) as error:
        return _tell(error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Who read our output has gone (`alma threads list | head`); Python would complain once more while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _tell(error: AlmaError | ExceptionGroup[Exception]) -> int:
    """Print what a user can understand; anything else is a bug and keeps its traceback. Task groups wrap both."""
    from alma.cli.terminal import print_error

    if isinstance(error, ExceptionGroup):
        refused, bugs = error.split(AlmaError)
        if refused is None or bugs is not None:
            raise error
        error = _first(refused)
    print_error(error)
    return 1


def _first(group: ExceptionGroup[AlmaError]) -> AlmaError:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, ExceptionGroup) else inner


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="alma",
        description="Alma: a Manager and its AI agents, which you run, watch and learn from.",
        epilog=textwrap.dedent(
            """\
            examples:
              alma serve                               the page, on http://127.0.0.1:8000
              alma run "Write a haiku about rain"      one task, with or without a server
              alma models found                        what else on this machine could answer
              alma doctor                              what is missing or wrong, and how to mend it

            `alma COMMAND --help` explains a command. Settings are ALMA_* variables: see `alma settings`."""
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"alma {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (serve, run, threads, models, doctor, settings):
        command.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
