"""Which memories are meant: the options for it, and what the API is asked for."""

from __future__ import annotations

import argparse
from urllib.parse import quote

from alma.cli.options import text

KINDS = ("working", "episodic", "semantic", "procedural")
SCOPES = ("private", "team", "owner")
STATES = ("alive", "superseded", "archived", "forgotten", "any")
NAMES = ("kind", "scope", "agent", "thread", "key", "pinned", "files")  # of what narrows a list


def add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kind", choices=KINDS, action="append", help="only of this kind; may be given again")
    parser.add_argument("--scope", choices=SCOPES, action="append", help="only of this scope; may be given again")
    parser.add_argument("--agent", type=text, action="append", help="only of this role; `user`: what you said or added")
    parser.add_argument("--thread", type=text, default="", metavar="ID", help="only from this conversation")
    parser.add_argument("--key", type=text, default="", help="only about this, such as user.city")
    parser.add_argument("--pinned", action="store_true", default=None, help="only those that are pinned")
    parser.add_argument(
        "--files", action=argparse.BooleanOptionalAction, default=None, help="only pieces of files, or none of them"
    )


def add_state(parser: argparse.ArgumentParser, default: str = "alive") -> None:
    parser.add_argument("--state", choices=STATES, default=default, help=f"which ({default})")


def given_filters(arguments: argparse.Namespace) -> dict[str, object]:
    """Under the API's names."""
    given: dict[str, object] = {name: getattr(arguments, name) for name in NAMES}
    for name in ("pinned", "files"):
        given[name] = None if given[name] is None else "true" if given[name] else "false"
    return {name: value for name, value in given.items() if value}


def path_of(memory_id: str) -> str:
    return f"/api/memories/{quote(memory_id, safe='')}"
