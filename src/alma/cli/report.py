"""`alma report`: the report of a day, in Markdown."""

from __future__ import annotations

import argparse
import asyncio
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from typing import Any

from alma.cli.options import Subparsers, add_command, add_data_dir, read_settings


def add(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "report",
        run,
        help="what a day came to, in Markdown",
        description="Prints the report of a day (UTC): runs, times, tokens, cost, errors, alerts and resources, beside"
        " those of the day before. A server makes it by itself for the day before (ALMA_REPORT_HOUR).",
        epilog=textwrap.dedent(
            """\
            examples:
              alma report                              of yesterday
              alma report 2026-11-26 --make            make it now, whether or not there is one
              alma report today --make
              alma report --list"""
        ),
    )
    parser.add_argument("day", type=_day, nargs="?", default="yesterday", help="as 2026-11-26, or today, or yesterday")
    parser.add_argument("--make", action="store_true", help="make it now, in place of one that there is")
    parser.add_argument("--list", action="store_true", help="name the days that have one")
    add_data_dir(parser)


def run(arguments: argparse.Namespace) -> int:
    said: Any = asyncio.run(_ask(arguments))
    if arguments.list:
        for report in said["reports"]:
            print(report["day"])
    else:
        sys.stdout.write(said["text"])
    return 0


async def _ask(arguments: argparse.Namespace) -> object:
    from urllib.parse import quote

    from alma.cli.door import open_door

    async with open_door(read_settings(data_dir=arguments.data_dir)) as door:
        if arguments.list:
            return await door.call("GET", "/api/reports")
        method = "PUT" if arguments.make else "GET"
        return await door.call(method, f"/api/reports/{quote(arguments.day, safe='')}", long=True)


def _day(word: str) -> str:
    back = {"today": 0, "yesterday": 1}.get(word)
    try:
        day = datetime.strptime(word, "%Y-%m-%d") if back is None else datetime.now(UTC) - timedelta(days=back)
    except ValueError:
        expected = "expected today, yesterday or a day such as 2026-11-26"
        raise argparse.ArgumentTypeError(f"{expected}, got {word!r}") from None
    return f"{day:%Y-%m-%d}"
