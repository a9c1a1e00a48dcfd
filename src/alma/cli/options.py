"""What the commands share: how one is added to the parser, and how the settings are read for it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alma.settings import Settings

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # pyright: ignore[reportPrivateUsage]  # argparse gives it no public name
else:
    Subparsers = object


def add_command(
    commands: Subparsers,
    name: str,
    run: Callable[[argparse.Namespace], int],
    *,
    help: str,
    description: str,
    epilog: str = "",
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=help,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter if epilog else argparse.HelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def add_actions(
    parser: argparse.ArgumentParser, *, data_dir: bool = True
) -> Callable[[str, Callable[..., object], str], argparse.ArgumentParser]:
    """Let a command have actions; without one it shows which there are, and fails. Gives the function that adds one:
    its name, what is done (kept as `act`), its help."""
    run = parser.get_default("run")
    actions = choices_of(parser, "action")

    def action(name: str, act: Callable[..., object], help: str) -> argparse.ArgumentParser:
        sub = actions.add_parser(name, help=help, description=help)
        if data_dir:
            add_data_dir(sub)
        sub.set_defaults(run=run, act=act)
        return sub

    return action


def choices_of(parser: argparse.ArgumentParser, what: str) -> Subparsers:
    """What may follow, each with a `run` of its own. Nothing does: that is wrong, and help says what could have."""

    def run(_arguments: argparse.Namespace) -> int:
        parser.print_help(sys.stderr)
        return 2

    parser.set_defaults(run=run)
    return parser.add_subparsers(title=f"{what}s", metavar=what.upper())


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data-dir", metavar="DIR", help="folder with Alma's data (ALMA_DATA_DIR, else .alma)")


def text(word: str) -> str:
    """For `type=` of what is sent on: bytes that are no UTF-8, which Python hands over as surrogates, are replaced."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return utf8(os.fsencode(word), "an argument")
    return word


def utf8(raw: bytes, whence: str) -> str:
    """`raw` as text. Says so when it is not UTF-8 and characters had to be replaced."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        from alma.cli.terminal import note

        note(f"What came from {whence} is not all UTF-8; the bytes that are not became \N{REPLACEMENT CHARACTER}.")
        return raw.decode(errors="replace")


def read_settings(**options: object) -> Settings:
    """The settings, under those options of the command line that are settings too; None stands for not given."""
    from alma.config import load_settings
    from alma.models import endpoints

    return load_settings(options, check_models=endpoints.check)


def token_of(settings: Settings) -> str:
    """The access token that the command line was given (ALMA_TOKEN); empty: none, it shows the key of this machine."""
    return settings.token.get_secret_value() if settings.token is not None else ""
