"""`alma spend` and `alma budget`: what was used, of what may be, and how to change that."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

from alma.cli.options import Subparsers, add_command, add_data_dir, choices_of, read_settings, text

if TYPE_CHECKING:
    from alma.session.spend import Check

_SCOPES = {"run": "each run", "thread": "this thread", "owner": "in all", "day": "today"}
_DAYS_SHOWN = 14


def add(commands: Subparsers) -> None:
    spend = add_command(
        commands,
        "spend",
        show,
        help="what model calls have used: tokens, time and money",
        description="Sums of what the journals say, by day and by model, beside the budgets. Asks the running server,"
        " or reads the data folder when none runs. Prices come from models.toml (`price` of an endpoint).",
        epilog=textwrap.dedent(
            """\
            examples:
              alma spend
              alma spend --thread t_…
              alma spend --check                       compare the sums with every journal"""
        ),
    )
    spend.add_argument("--thread", type=text, default="", metavar="ID", help="what this conversation has used, too")
    spend.add_argument("--json", action="store_true", help="the answer of GET /api/spend, as it is")
    spend.add_argument("--check", action="store_true", help="read every journal, and say where the sums differ")
    add_data_dir(spend)
    budget = add_command(
        commands,
        "budget",
        set_budget,
        help="what may be used, in tokens, seconds and US dollars",
        description="A budget that is set here is kept, and comes before the settings'. `alma spend` shows them all.",
    )
    actions = choices_of(budget, "action")
    about = "Limit each run, a thread, the owner in all, or a day (UTC). It holds at once."
    setting = actions.add_parser(
        "set",
        help=about,
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=textwrap.dedent(
            """\
            examples:
              alma budget set day --money 2            two US dollars a day
              alma budget set run --tokens 50000
              alma budget set thread --thread t_… --tokens 0     no limit
              alma budget set day --money default      as ALMA_DAY_MONEY says"""
        ),
    )
    setting.add_argument("scope", choices=tuple(_SCOPES), help="whose")
    setting.add_argument("--thread", type=text, metavar="ID", help="the conversation, for `thread`")
    of_all = "or 0 for no limit, or `default` for the setting"
    setting.add_argument("--tokens", type=_tokens, metavar="N", help=f"tokens read and written, {of_all}")
    setting.add_argument("--seconds", type=_number, metavar="S", help="seconds of model calls (of a run: by the clock)")
    setting.add_argument("--money", type=_number, metavar="USD", help="US dollars")
    add_data_dir(setting)
    setting.set_defaults(run=set_budget)


def tokens(word: str) -> int:
    """For `type=`: a number of tokens."""
    if not word.isascii() or not word.isdigit() or int(word) > 10**12:
        raise argparse.ArgumentTypeError(f"expected a whole number of tokens, 0 or more, got {word!r}")
    return int(word)


def number(word: str) -> float:
    """For `type=`: seconds or US dollars."""
    try:
        value = float(word)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1e9:
        raise argparse.ArgumentTypeError(f"expected a number, 0 or more, got {word!r}")
    return value


def _tokens(word: str) -> int | str:
    return word if word == "default" else tokens(word)


def _number(word: str) -> float | str:
    return word if word == "default" else number(word)


# ── showing ───────────────────────────────────────────────────────────────────────────────────────────────────────


def show(arguments: argparse.Namespace) -> int:
    if arguments.check:
        return _check(arguments)
    path = "/api/spend" + (f"?{urlencode({'thread': arguments.thread})}" if arguments.thread else "")
    said = _call(arguments, "GET", path)
    if arguments.json:
        sys.stdout.write(json.dumps(said) + "\n")
    else:
        _print(said)
    return 0


def set_budget(arguments: argparse.Namespace) -> int:
    from alma.errors import Misuse

    given = {name: getattr(arguments, name) for name in ("tokens", "seconds", "money")}
    change = {name: None if value == "default" else value for name, value in given.items() if value is not None}
    if not change:
        raise Misuse("no_budget", "It is not said how much.", expected="--tokens, --seconds or --money")
    body: dict[str, Any] = {"scope": arguments.scope, **change}
    if arguments.thread:
        body["threadId"] = arguments.thread
    _print_scopes(_call(arguments, "PUT", "/api/budgets", body))
    return 0


def _call(arguments: argparse.Namespace, method: str, path: str, body: object = None) -> dict[str, Any]:
    async def act() -> object:
        from alma.cli.door import open_door

        async with open_door(read_settings(data_dir=arguments.data_dir)) as door:
            return await door.call(method, path, body)

    return cast("dict[str, Any]", asyncio.run(act()))


def _print(said: dict[str, Any]) -> None:
    from alma.cli.terminal import note, print_table

    _print_scopes(said)
    days: list[dict[str, Any]] = said["days"]
    if not days:
        note("No model call yet.")
        return
    print()
    print_table(
        ("day", "calls", "tokens in", "out", "of cache", "saved", "time", "money"),
        [
            (
                one["day"],
                f"{one['calls']:,}",
                f"{one['inputTokens']:,}",
                f"{one['outputTokens']:,}",
                f"{one['cachedTokens']:,}",
                f"{one['savedTokens']:,}",
                _seconds(one["seconds"]),
                _money(one["money"]),
            )
            for one in days[:_DAYS_SHOWN]
        ],
    )
    if len(days) > _DAYS_SHOWN:
        note(f"{len(days) - _DAYS_SHOWN} earlier days are in `--json`.")
    print()
    print_table(
        ("calls", "tokens in", "out", "money", "model"),
        [
            (
                f"{one['calls']:,}",
                f"{one['inputTokens']:,}",
                f"{one['outputTokens']:,}",
                _money(one["money"]),
                str(one["model"]) or "unknown",
            )
            for one in said["models"]
        ],
    )


def _print_scopes(said: dict[str, Any]) -> None:
    from alma.cli.terminal import print_table

    rows: list[tuple[str, ...]] = [
        (
            _SCOPES.get(one["scope"], str(one["scope"])),
            _of(one, "tokens", _count),
            _of(one, "seconds", _seconds),
            _of(one, "money", _money),
        )
        for one in said["scopes"]
    ]
    print_table(("budget", "tokens", "time", "money"), rows)


def _of(scope: dict[str, Any], what: str, word: Callable[[float], str]) -> str:
    used, limit = scope[what]["used"], scope[what]["limit"]
    if scope["scope"] == "run":
        return f"at most {word(limit)}" if limit else "no limit"
    return f"{word(used)} of {word(limit)}" if limit else word(used)


def _count(value: float) -> str:
    return f"{int(value):,}"


def _seconds(value: float) -> str:
    if value < 60:
        return f"{value:.1f} s"
    return f"{value / 60:.1f} min" if value < 3600 else f"{value / 3600:.1f} h"


def _money(value: float) -> str:
    return f"${value:.4f}" if 0 < value < 1 else f"${value:,.2f}"


# ── checking ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _check(arguments: argparse.Namespace) -> int:
    from alma.cli.terminal import note
    from alma.db.database import Database
    from alma.session.spend import check

    settings = read_settings(data_dir=arguments.data_dir)

    async def act() -> Check:
        database = Database(settings.database)
        try:
            database.open()
            return await database.read(check)
        finally:
            database.close()

    found = asyncio.run(act())
    for line in found.wrong:
        print(line)
    total = found.total
    print(
        f"{found.runs:,} runs, {total.calls:,} calls, {total.tokens:,} tokens, {_money(total.cost)}: "
        + (f"{len(found.wrong)} differ from their journals." if found.wrong else "the sums are those of the journals.")
    )
    if found.pruned or found.deleted:
        note(f"Not compared: {found.pruned} whose steps were given up, {found.deleted} of deleted threads.")
    return 1 if found.wrong else 0
