"""`alma cache`: what the response cache does and has saved, how to change it, how to empty it."""

from __future__ import annotations

import argparse
import asyncio
import textwrap
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from alma.cli.options import Subparsers, add_actions, add_command, read_settings

if TYPE_CHECKING:
    from alma.cli.door import Door

    Action = Callable[[Door, argparse.Namespace], Awaitable[object]]

_PATH = "/api/cache"


def add(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "cache",
        run,
        help="show, change and empty the cache of answers",
        description="An answer is given again when exactly the same is asked of the same model and, where you turn it"
        " on, when the same is asked in other words. `alma run --fresh` asks anew.",
        epilog=textwrap.dedent(
            """\
            examples:
              alma cache show
              alma cache set --semantic on --threshold 0.9
              alma cache set --exact off
              alma cache clear"""
        ),
    )
    action = add_actions(parser)
    action("show", show, "What it does, holds and has saved.")
    action("clear", clear, "Drop every kept answer; conversations are not touched.")
    change = action("set", change_cache, "Turn it on or off; the choice comes before the settings'.")
    change.add_argument("--exact", choices=("on", "off"), help="the same request gets the same answer")
    change.add_argument("--semantic", choices=("on", "off"), help="so does one that asks the same in other words")
    change.add_argument(
        "--threshold", type=_likeness, metavar="0..1", help="how alike two questions must be, as cosine similarity"
    )


def _likeness(given: str) -> float:
    try:
        likeness = float(given)
    except ValueError:
        likeness = -1.0
    if not 0 <= likeness <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got {given}")
    return likeness


def run(arguments: argparse.Namespace) -> int:
    async def act() -> None:
        from alma.cli.door import open_door

        async with open_door(read_settings(data_dir=arguments.data_dir)) as door:
            _print(await arguments.act(door, arguments))

    asyncio.run(act())
    return 0


async def show(door: Door, _arguments: argparse.Namespace) -> object:
    return await door.call("GET", _PATH)


async def clear(door: Door, _arguments: argparse.Namespace) -> object:
    return await door.call("DELETE", _PATH)


async def change_cache(door: Door, arguments: argparse.Namespace) -> object:
    switches = {"exact": arguments.exact, "semantic": arguments.semantic}
    chosen: dict[str, object] = {name: word == "on" for name, word in switches.items() if word is not None}
    if arguments.threshold is not None:
        chosen["threshold"] = arguments.threshold
    return await door.call("PUT", _PATH, chosen)


class _Cache(Struct, frozen=True, rename="camel"):
    """The reply of the API, as far as it is shown."""

    exact: bool
    semantic: bool
    threshold: float
    ttl_hours: float
    entries: int
    bytes: int
    max_bytes: int
    hits: int
    misses: int
    saved_tokens: int
    saved_ms: float
    saved_cost: float


def _print(reply: object) -> None:
    import msgspec

    cache = msgspec.convert(reply, _Cache)
    print(f"exact     {'on' if cache.exact else 'off'}")
    print(f"semantic  {'on' if cache.semantic else 'off'}, from a likeness of {cache.threshold:g}")
    print(
        f"holds     {cache.entries:,} answer{'' if cache.entries == 1 else 's'} of {cache.bytes / 2**20:.1f} MiB"
        f" (at most {cache.max_bytes / 2**20:g} MiB in all), each for {cache.ttl_hours:g} h"
    )
    cost = f", US$ {cache.saved_cost:.4f}" if cache.saved_cost else ""
    print(
        f"saved     {cache.hits:,} of {cache.hits + cache.misses:,} calls,"
        f" {cache.saved_tokens:,} tokens, {cache.saved_ms / 1000:,.1f} s{cost}"
    )
