"""`alma settings`: what is set, where each value comes from, and the pages made from the schema."""

from __future__ import annotations

import argparse
import textwrap
from typing import TYPE_CHECKING

from alma.cli.options import Subparsers, add_command, read_settings

if TYPE_CHECKING:
    from alma.config import Described

_PAGE_HEAD = """\
# Settings

<!-- Made by `make docs` from src/alma/settings.py; a test fails when the two differ. -->

A setting is an environment variable, or a line in a file `.env` in the folder Alma is started in. The environment goes
before `.env`, and an option of the command line before both; an empty value counts as not given. `alma settings` prints
what is in force.

When something is wrong, Alma does not start and names every problem at once: the variable, what was expected and what
came. A variable that starts with `ALMA_` and is none of these is a problem too, since it is most often a slip of the
pen. Model endpoints are not variables: they are listed in a file of their own, see [setup](setup.md).
"""

_ENV_HEAD = """\
# Made by `make docs` from src/alma/settings.py. Copy it to .env and uncomment what you want to change.
# Nothing here is needed: every setting has a default.
"""


def add(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "settings",
        run,
        help="print the settings in force",
        description="Prints every setting with its value. Secrets are not shown.",
        epilog=textwrap.dedent(
            """\
            examples:
              alma settings                 what is in force
              alma settings --env > .env    a file to start from, everything commented out"""
        ),
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--env", action="store_true", help="print a documented .env with every default")
    which.add_argument("--markdown", action="store_true", help="print the page docs/settings.md")


def run(arguments: argparse.Namespace) -> int:
    from alma.cli.terminal import print_table
    from alma.config import described, written

    settings = list(described().values())
    if arguments.env:
        print(env_file(settings), end="")
    elif arguments.markdown:
        print(page(settings), end="")
    else:
        values = read_settings()
        rows = [(item.variable, written(getattr(values, item.name)), item.default) for item in settings]
        print_table(("variable", "value", "default"), rows)
    return 0


def page(settings: list[Described]) -> str:
    parts = [_PAGE_HEAD]
    for item in settings:
        default = f"`{item.default}`" if item.default else "not given"
        lines = [item.description, "", f"Expected: {item.expected}. Default: {default}."]
        parts.append(
            "\n".join([f"## `{item.variable}`", "", *lines, *(["", item.reason] if item.reason else [])]) + "\n"
        )
    return "\n".join(parts)


def env_file(settings: list[Described]) -> str:
    parts = [_ENV_HEAD]
    for item in settings:
        comment = textwrap.fill(
            f"{item.description} Expected: {item.expected}.", 118, initial_indent="# ", subsequent_indent="# "
        )
        parts.append(f"{comment}\n# {item.variable}={item.default}\n")
    return "\n".join(parts)
