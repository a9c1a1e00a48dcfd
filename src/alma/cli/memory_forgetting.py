"""`alma memory forget`, `restore` and `purge`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from alma.cli.memory_filters import add_filters, given_filters, path_of
from alma.cli.options import text

if TYPE_CHECKING:
    from alma.cli.door import Door

_AT_ONCE = 500  # that one request takes
_PAGE = 200  # that one request lists


def add_forgetting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", nargs="*", type=text, metavar="ID", help="as `alma memory list` names it")
    parser.add_argument("--all-matching", action="store_true", help="all that the options below let through")
    parser.add_argument("--yes", action="store_true", help="with --all-matching: do not ask")
    add_filters(parser)


async def forget(door: Door, arguments: argparse.Namespace) -> int:
    from alma.errors import Misuse

    filters = given_filters(arguments)
    ids: list[str] = arguments.ids
    if arguments.all_matching:
        if ids or not filters:
            problem = "--all-matching takes no ids." if ids else "--all-matching needs at least one filter."
            raise Misuse("bad_choice", problem, expected="such as --kind working or --no-files")
        return await _forget_matching(door, filters, arguments.yes)
    if filters or not ids:
        expected = "ids, or --all-matching with filters"
        raise Misuse("bad_choice", "It is not said which memories to forget.", expected=expected)
    await change_many(door, "forget", ids)
    return 0


async def _forget_matching(door: Door, filters: dict[str, object], certain: bool) -> int:
    from alma.cli.terminal import confirmed, note

    ids = await _matching(door, filters)
    if not ids:
        note("There is no such memory.")
        return 0
    what = f"{len(ids):,} {'memory' if len(ids) == 1 else 'memories'}"
    if not certain and not confirmed(f"Forget {what}?"):
        note(f"{what} would be forgotten. Without a terminal to ask on, `--yes` is needed.")
        return 1
    await change_many(door, "forget", ids)
    print(f"{what} forgotten; `alma memory restore ID…` brings them back.")
    return 0


async def _matching(door: Door, filters: dict[str, object]) -> list[str]:
    from alma.cli.memory_replies import Listing, decoded

    ids: list[str] = []
    before: str | None = ""
    while before is not None:
        asked = {**filters, "limit": _PAGE, **({"before": before} if before else {})}
        page = decoded(await door.call("GET", f"/api/memories?{urlencode(asked, doseq=True)}"), Listing)
        ids += [one.memory.id for one in page.memories]
        before = page.next
    return ids


async def restore(door: Door, arguments: argparse.Namespace) -> None:
    await change_many(door, "restore", arguments.ids)


async def change_many(door: Door, what: str, ids: list[str]) -> None:
    """`forget` or `restore`. Raises `NotFound` for those that are not known, once the others are done."""
    from alma.cli.memory_replies import Many, decoded
    from alma.errors import NotFound

    unknown: list[str] = []
    for at in range(0, len(ids), _AT_ONCE):
        reply = await door.call("POST", f"/api/memories/{what}", {"ids": ids[at : at + _AT_ONCE]})
        unknown += decoded(reply, Many).unknown
    if unknown:
        message = "There is no such memory." if len(unknown) == 1 else f"{len(unknown):,} of them are no memories."
        named = ", ".join(unknown[:5]) + (" …" if len(unknown) > 5 else "")
        raise NotFound("unknown_memory", message, expected="ids from `alma memory list`", actual=named)


async def purge(door: Door, arguments: argparse.Namespace) -> int:
    from alma.cli.memory_lines import short
    from alma.cli.memory_replies import Detail, decoded
    from alma.cli.terminal import confirmed, note

    for memory_id in arguments.ids:
        memory = decoded(await door.call("GET", path_of(memory_id)), Detail).memory
        if not arguments.yes and not confirmed(f"Delete “{short(memory.text, 60)}” for good?"):
            note(f"{memory_id} is not deleted. Without a terminal to ask on, `--yes` is needed.")
            return 1
        await door.call("DELETE", f"{path_of(memory_id)}?purge=true")
    return 0
