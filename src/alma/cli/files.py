"""`alma files`: the text files of a conversation; and how `alma run --file` puts them there."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import textwrap
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from alma.cli.options import Subparsers, add_actions, add_command, read_settings, text

if TYPE_CHECKING:
    from alma.cli.door import Door
    from alma.cli.following import Following
    from alma.server.commands import StartRun

    Action = Callable[[Door, argparse.Namespace], Awaitable[None]]


def add(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "files",
        run,
        help="list and remove the files of a conversation",
        description="The text files that the agents of a conversation can search. `alma run --file` adds them.",
        epilog=textwrap.dedent(
            """\
            examples:
              alma run --file notes.md "Sum up my notes"
              alma files list t_…
              alma files remove t_… notes.md"""
        ),
    )
    add = add_actions(parser)

    def action(name: str, act: Action, help: str) -> argparse.ArgumentParser:
        sub = add(name, act, help)
        sub.add_argument("thread", type=text, metavar="THREAD", help="the thread, as `alma threads list` names it")
        return sub

    action("list", list_files, "The files of a conversation.")
    remove = action("remove", remove_files, "Remove files from a conversation.")
    remove.add_argument("names", nargs="+", type=text, metavar="NAME")


def run(arguments: argparse.Namespace) -> int:
    async def act() -> None:
        from alma.cli.door import open_door

        async with open_door(read_settings(data_dir=arguments.data_dir)) as door:
            await arguments.act(door, arguments)

    asyncio.run(act())
    return 0


async def list_files(door: Door, arguments: argparse.Namespace) -> None:
    from datetime import datetime

    import msgspec

    from alma.cli.terminal import note, print_table
    from alma.tools.files import FileInfo

    answer = msgspec.convert(await door.call("GET", _path(arguments.thread)), dict[str, object])
    files = msgspec.convert(answer["files"], list[FileInfo])
    if not files:
        note('No file yet: `alma run --thread … --file PATH "…"` adds one.')
        return
    print_table(
        ("file", "bytes", "changed"),
        [
            (one.name, f"{one.bytes:,}", datetime.fromtimestamp(one.modified).strftime("%Y-%m-%d %H:%M"))
            for one in files
        ],
    )


async def remove_files(door: Door, arguments: argparse.Namespace) -> None:
    for name in arguments.names:
        await door.call("DELETE", _path(arguments.thread, name))


def read_files(paths: Iterable[Path]) -> dict[str, bytes]:
    """Their contents, by name. Raises `OSError`, and `Misuse` for two of one name."""
    from alma.errors import Misuse

    found: dict[str, bytes] = {}
    for path in paths:
        if path.name in found:
            raise Misuse("bad_file_name", f"Two of the files are named {path.name!r}.", expected="different names")
        found[path.name] = path.read_bytes()
    return found


@contextlib.asynccontextmanager
async def with_files(
    door: Door, command: StartRun, files: dict[str, bytes], following: Following
) -> AsyncGenerator[StartRun]:
    """`command` in a thread that has these files; a thread that was made for them goes again when no run began."""
    import msgspec

    from alma.errors import AlmaError
    from alma.session.wire import ThreadSummary

    if not files:
        yield command
        return
    thread_id = command.thread_id
    if thread_id is None:
        made = msgspec.convert(await door.call("POST", "/api/threads", {"title": ""}), ThreadSummary)
        thread_id = made.id
    try:
        for name, content in files.items():
            await door.call("PUT", _path(thread_id, name), content)
        yield msgspec.structs.replace(command, thread_id=thread_id)
    finally:
        if command.thread_id is None and not following.run_id:
            with contextlib.suppress(AlmaError):
                await door.call("DELETE", f"/api/threads/{quote(thread_id, safe='')}")


def _path(thread_id: str, name: str | None = None) -> str:
    path = f"/api/threads/{quote(thread_id, safe='')}/files"
    return path if name is None else f"{path}/{quote(name, safe='')}"
