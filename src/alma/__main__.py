"""The command line: `alma` and `python -m alma`. A command imports what it needs when it runs, so help is instant."""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import Sequence
from typing import cast

from alma import __version__
from alma.cli import (
    agents,
    alerts,
    cache,
    doctor,
    experiment,
    files,
    knowledge,
    lab,
    memory,
    models,
    report,
    run,
    runs,
    serve,
    settings,
    spend,
    steer,
    threads,
    tokens,
)
from alma.cli.options import choices_of
from alma.errors import AlmaError


def main(words: Sequence[str] | None = None) -> int:
    # Read when numpy is imported. What Alma has it compute (a map of memories) is small, and threads would compete with
    # the models' and end only when the process does.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.umask(0o077)  # what Alma writes has people's chats in it: other accounts of this machine are to read none of it
    arguments = build_parser().parse_args(words)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except (AlmaError, OSError, ExceptionGroup) as error:
        return _tell(error)
    except KeyboardInterrupt:
        return 130


def _tell(error: Exception) -> int:
    """Print what a user can understand; anything else is a bug and keeps its traceback. Task groups wrap both."""
    from alma.cli.terminal import print_error

    causes = _causes(error)
    if not all(map(_is_understood, causes)):
        raise error
    told = causes[0]
    if isinstance(told, OSError) and told.filename is None:
        # Standard output, as a rule: its reader left, its disk is full. Python would complain once more while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(told, BrokenPipeError):
            return 141
    print_error(_of_the_system(told) if isinstance(told, OSError) else cast("AlmaError", told))
    return 1


def _causes(error: Exception) -> list[Exception]:
    if not isinstance(error, ExceptionGroup):
        return [error]
    group = cast("ExceptionGroup[Exception]", error)
    return [cause for inner in group.exceptions for cause in _causes(inner)]


def _is_understood(error: Exception) -> bool:
    """Refusals, and what the system refused: that has a number, unlike the OSErrors that Python's libraries make up."""
    return isinstance(error, AlmaError) or (isinstance(error, OSError) and error.errno is not None)


def _of_the_system(error: OSError) -> AlmaError:
    if error.filename is None:
        return AlmaError(f"The system refused to read or write: {error.strerror or error}.")
    return AlmaError(f"{error.filename} cannot be used: {error.strerror}.", hint="Name another path, or mend this one.")


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
    parser.add_argument("-V", "--version", action="version", version=f"alma {__version__}")
    commands = choices_of(parser, "command")
    for command in (
        serve,
        run,
        steer,
        threads,
        runs,
        files,
        memory,
        knowledge,
        agents,
        models,
        cache,
        spend,
        alerts,
        report,
        experiment,
        lab,
        tokens,
        doctor,
        settings,
    ):
        command.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
