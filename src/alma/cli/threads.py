"""`alma threads`: the conversations: list, show, search, rename, delete, export."""

from __future__ import annotations

import argparse
import asyncio
import sys
import textwrap
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from alma.cli.options import Subparsers, add_actions, add_command, read_settings, text

if TYPE_CHECKING:
    from alma.cli.door import Door
    from alma.cli.transcript import Turn
    from alma.session.wire import ThreadSummary

    Action = Callable[[Door, argparse.Namespace], Awaitable[None]]


_MOST_LISTED = 200  # what the server lists at once


def add(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "threads",
        run,
        help="list, show, search, rename, delete and export conversations",
        description="Works on the running server, or on the data folder when none runs.",
        epilog=textwrap.dedent(
            """\
            examples:
              alma threads list
              alma threads search rain
              alma threads show t_… --plans
              alma threads export t_… > talk.md"""
        ),
    )
    add = add_actions(parser)

    def action(name: str, act: Action, help: str, *, thread: bool = True) -> argparse.ArgumentParser:
        sub = add(name, act, help)
        if thread:
            sub.add_argument("thread", type=text, metavar="ID", help="the thread, as `alma threads list` names it")
        return sub

    listing = action("list", list_threads, "The newest threads.", thread=False)
    listing.add_argument("--limit", type=_limit, default=20, metavar="N", help="how many (20)")
    listing.set_defaults(words=None)
    search = action("search", list_threads, "Threads with these words in their title or texts.", thread=False)
    search.add_argument("words", nargs="+", type=text, metavar="WORD")
    search.add_argument("--limit", type=_limit, default=20, metavar="N", help="how many (20)")
    show = action("show", show_thread, "A conversation, as its newest branch.")
    show.add_argument("--all", action="store_true", help="every turn of every branch")
    show.add_argument("--plans", action="store_true", help="the plans too, and how their tasks went")
    rename = action("rename", rename_thread, "Give a thread another title.")
    rename.add_argument("title", type=_title)
    delete = action("delete", delete_thread, "Delete a thread and all its turns.")
    delete.add_argument("--yes", action="store_true", help="do not ask")
    export = action("export", export_thread, "Write a conversation to standard output or a file.")
    export.add_argument("--events", action="store_true", help="every event, one JSON object per line, not Markdown")
    export.add_argument("-o", "--output", type=Path, metavar="FILE", help="file to write")


def run(arguments: argparse.Namespace) -> int:
    async def act() -> None:
        from alma.cli.door import open_door

        async with open_door(read_settings(data_dir=arguments.data_dir)) as door:
            await arguments.act(door, arguments)

    asyncio.run(act())
    return 0


def _limit(word: str) -> int:
    if not word.isascii() or not word.isdigit() or not 1 <= int(word) <= _MOST_LISTED:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to {_MOST_LISTED}, got {word!r}")
    return int(word)


def _title(word: str) -> str:
    if not word.strip():
        raise argparse.ArgumentTypeError("expected a title that is not empty")
    return text(word)


async def list_threads(door: Door, arguments: argparse.Namespace) -> None:
    import msgspec

    from alma.cli.terminal import note, print_table
    from alma.session.wire import ThreadSummary

    query = {"limit": arguments.limit, **({"search": " ".join(arguments.words)} if arguments.words else {})}
    answer = msgspec.convert(await door.call("GET", f"/api/threads?{urlencode(query)}"), dict[str, object])
    threads = msgspec.convert(answer["threads"], list[ThreadSummary])
    if not threads:
        note("No thread has these words." if arguments.words else 'No thread yet: `alma run "…"` starts one.')
        return
    print_table(
        ("thread", "changed", "turns", "title"),
        [(thread.id, _when(thread.updated_at), _turns(thread), thread.title) for thread in threads],
    )
    if answer.get("more"):
        more = min(arguments.limit * 5, _MOST_LISTED)
        note(f"There are more: `--limit {more}` shows them." if more > arguments.limit else "There are more.")


async def show_thread(door: Door, arguments: argparse.Namespace) -> None:
    from alma.cli.run_lines import task_rows
    from alma.cli.terminal import note, safe, styled
    from alma.cli.transcript import newest_branch

    turns = await _turns_of(door, arguments.thread)
    shown = turns if arguments.all else newest_branch(turns)
    for turn in shown:
        print(styled(f"{_when(turn.started / 1000)}  {turn.run_id}", "dim", sys.stdout))
        print(styled(safe(turn.task), "bold", sys.stdout) + "\n")
        if arguments.plans and turn.view.tasks:
            print(safe("\n".join(task_rows(turn.view))) + "\n")
        print(safe(turn.answer))
        if turn.status != "completed":
            print(styled(safe(turn.error or turn.status), "red" if turn.error else "yellow", sys.stdout))
        print()
    if len(shown) < len(turns):
        hidden = len(turns) - len(shown)
        note(f"{hidden} turn{'' if hidden == 1 else 's'} on other branches: `--all` shows them.")


async def rename_thread(door: Door, arguments: argparse.Namespace) -> None:
    await door.call("PATCH", _path(arguments.thread), {"title": arguments.title})


async def delete_thread(door: Door, arguments: argparse.Namespace) -> None:
    from alma.cli.terminal import confirmed, note

    summary = await _summary(door, arguments.thread)
    if not arguments.yes and not confirmed(f"Delete “{summary.title}” (turns: {summary.runs})?"):
        note("Nothing deleted. Without a terminal to ask on, `--yes` is needed.")
        return
    await door.call("DELETE", _path(arguments.thread))


async def export_thread(door: Door, arguments: argparse.Namespace) -> None:
    from alma.cli.transcript import as_markdown, newest_branch

    if arguments.events:
        text = "".join([f"{frame}\n" async for frame in door.history(arguments.thread)])
    else:
        summary = await _summary(door, arguments.thread)
        text = as_markdown(summary.title, newest_branch(await _turns_of(door, arguments.thread)))
    if arguments.output:
        arguments.output.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


async def _turns_of(door: Door, thread_id: str) -> list[Turn]:
    from alma.cli.following import parse_event
    from alma.cli.transcript import fold_turns

    frames: AsyncGenerator[str] = door.history(thread_id)
    return fold_turns([event async for frame in frames if (event := parse_event(frame)) is not None])


async def _summary(door: Door, thread_id: str) -> ThreadSummary:
    import msgspec

    from alma.session.wire import ThreadSummary

    return msgspec.convert(await door.call("GET", _path(thread_id)), ThreadSummary)


def _path(thread_id: str) -> str:
    return f"/api/threads/{quote(thread_id, safe='')}"


def _turns(thread: ThreadSummary) -> str:
    return f"{thread.runs}{' …' if thread.working else ''}"


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")
