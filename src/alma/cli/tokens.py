"""`alma tokens`: who may enter besides the person at this machine. It works on the database, server or not."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import textwrap
from typing import TYPE_CHECKING, TypeVar

from alma.cli.options import Subparsers, add_actions, add_command, read_settings, text

if TYPE_CHECKING:
    from collections.abc import Callable

    import sqlalchemy as sa

    from alma.security.tokens import Token

T = TypeVar("T")
_DAYS = 90.0


def add(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "tokens",
        lambda arguments: arguments.act(arguments),
        help="access tokens: who may enter, whose things they see, and until when",
        description="Access tokens let others than the person at this machine use Alma; docs/access.md says how it is"
        " opened to them. A running server takes a change up within a second.",
        epilog=textwrap.dedent(
            """\
            examples:
              alma tokens add laptop --mine            for yourself, from another machine: as here
              alma tokens add ada --days 30            for somebody else, who sees only what is theirs
              alma tokens revoke ada"""
        ),
    )
    action = add_actions(parser)
    adding = action("add", _add, "Make an access token and print it, once.")
    adding.add_argument("name", type=text, metavar="NAME", help="what to call it in lists and logs, as no other")
    whose = adding.add_mutually_exclusive_group()
    whose.add_argument("--owner", type=text, metavar="WHO", help="whose things its bearer sees (a person called NAME)")
    whose.add_argument(
        "--mine",
        action="store_true",
        help="its bearer sees and may do what you do at this machine, as an administrator; see --no-admin",
    )
    ends = adding.add_mutually_exclusive_group()
    ends.add_argument("--days", type=_days, default=_DAYS, metavar="N", help=f"it expires after N days ({_DAYS:g})")
    ends.add_argument("--forever", action="store_true", help="it does not expire")
    adding.add_argument(
        "--admin",
        action=argparse.BooleanOptionalAction,
        help="whether its bearer may change what all share: models, endpoints, … (with --mine yes, else no)",
    )
    listing = action("list", _list, "List the access tokens; their secrets are not kept.")
    listing.add_argument("--json", action="store_true", help="print them as JSON")
    ending = action(
        "revoke", _revoke, "End an access token at once, also for what is connected with it. Work under way goes on."
    )
    ending.add_argument("token", type=text, metavar="ID", help="its id, or its name")


def _days(word: str) -> float:
    try:
        days = float(word)
    except ValueError:
        days = 0.0
    if not 0 < days <= 3650:
        raise argparse.ArgumentTypeError(f"expected a number of days over 0, at most 3650, got {word!r}")
    return days


def _add(arguments: argparse.Namespace) -> int:
    import time

    from alma.cli.terminal import note, safe
    from alma.security.caller import LOCAL
    from alma.security.tokens import Order, insert_token, mint, owner_called

    owner = LOCAL if arguments.mine else owner_called(arguments.owner or arguments.name)
    admin = arguments.mine if arguments.admin is None else arguments.admin
    days = None if arguments.forever else arguments.days
    token, secret = mint(Order(arguments.name, owner, admin, days), time.time())
    _in_database(arguments, lambda connection: insert_token(connection, token))
    sys.stdout.write(secret + "\n")
    sys.stdout.flush()
    until = "does not expire" if token.expires_at is None else f"ends on {_day(token.expires_at)}"
    admins = ", and what is for administrators" if token.admin else ""
    whose = "what is yours here" if token.owner == LOCAL else f"what is of {token.owner!r}"
    note(safe(f"The token {token.name!r}, shown this once: it opens {whose}{admins}, and {until}."))
    return 0


def _list(arguments: argparse.Namespace) -> int:
    import time

    from alma.cli.terminal import note, print_table
    from alma.security.tokens import load_tokens

    tokens = _in_database(arguments, load_tokens)
    if arguments.json:
        sys.stdout.write(json.dumps([_facts(token) for token in tokens]) + "\n")
    elif not tokens:
        note("There are no access tokens. `alma tokens add NAME` makes one.")
    else:
        now = time.time()
        rows = [
            (
                token.id,
                token.owner,
                "admin" if token.admin else "",
                _state(token, now),
                _day(token.used_at) if token.used_at else "never",
                token.name,
            )
            for token in tokens
        ]
        print_table(("id", "owner", "", "state", "last used", "name"), rows)
    return 0


def _revoke(arguments: argparse.Namespace) -> int:
    import time

    from alma.cli.terminal import note, safe
    from alma.security.tokens import end_token

    at = time.time()
    token = _in_database(arguments, lambda connection: end_token(connection, arguments.token, at))
    note(safe(f"The token {token.name!r} ({token.id}) opens nothing any more."))
    return 0


def _in_database(arguments: argparse.Namespace, work: Callable[[sa.Connection], T]) -> T:
    """The lock of the data folder is not needed: a running server shares its database."""
    settings = read_settings(data_dir=arguments.data_dir)

    async def act() -> T:
        from alma.db.database import Database

        database = Database(settings.database)
        await asyncio.to_thread(database.open)
        try:
            return await database.write(work)
        finally:
            await asyncio.to_thread(database.close)

    return asyncio.run(act())


def _facts(token: Token) -> dict[str, object]:
    shown = ("id", "name", "owner", "admin", "created_at", "expires_at", "revoked_at", "used_at")
    return {name: getattr(token, name) for name in shown}


def _state(token: Token, now: float) -> str:
    if token.revoked_at is not None:
        return f"revoked {_day(token.revoked_at)}"
    if token.expires_at is None:
        return "forever"
    return f"{'until' if now < token.expires_at else 'expired'} {_day(token.expires_at)}"


def _day(at: float) -> str:
    import time

    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
