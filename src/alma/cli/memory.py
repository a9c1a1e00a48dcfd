"""`alma memory`: what agents remember: search, read, add, change, forget, move in and out, index anew."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from alma.cli.memory_filters import KINDS, SCOPES, add_filters, add_state, given_filters, path_of
from alma.cli.memory_forgetting import add_forgetting, forget, purge, restore
from alma.cli.memory_refining import add_refining
from alma.cli.memory_transfer import export, import_file
from alma.cli.options import Subparsers, add_actions, add_command, read_settings, text, utf8

if TYPE_CHECKING:
    from alma.cli.door import Door
    from alma.cli.memory_replies import Entry

    Action = Callable[[str, Callable[..., object], str], argparse.ArgumentParser]

_MOST_LISTED = 200  # what the server lists at once
_LOOK_S = 0.3  # between two looks at an index that is being built
_PATIENCE_S = 30.0  # without any progress


def add(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "memory",
        run,
        help="search, change and forget what agents remember",
        description="Works on the running server, or on the data folder when none runs. You see all memories of yours,"
        " whichever agent has them.",
        epilog=textwrap.dedent(
            """\
            examples:
              alma memory search where does anna live
              alma memory list --kind semantic --scope owner
              alma memory add "I prefer metric units" --kind procedural
              alma memory show m_…
              alma memory forget m_…                   it can be restored; `purge` is for good
              alma memory forget --all-matching --kind working
              alma memory export -o memories.jsonl
              alma memory refine --dry-run             what would be merged, promoted, archived
              alma memory status"""
        ),
    )
    action = add_actions(parser)
    _add_finding(action)
    one_json = "the reply of the API, as it is"
    adding = action("add", add_memory, "Keep something, as yours.")
    adding.add_argument("words", nargs="+", type=text, metavar="TEXT", help="what to keep; - for standard input")
    adding.add_argument("--kind", choices=KINDS, default="semantic", help="of which kind (semantic)")
    adding.add_argument("--scope", choices=SCOPES, default="owner", help="who may read it (owner)")
    adding.add_argument("--key", type=text, default="", help="what it is about, such as user.city: one holds at a time")
    adding.add_argument("--pin", action="store_true", help="keep it from being forgotten by agents")
    edit = action("edit", edit_memory, "Change a memory; what it was stays in its history.")
    _add_id(edit)
    edit.add_argument("--text", type=text, help="the new text")
    edit.add_argument("--kind", choices=KINDS)
    edit.add_argument("--scope", choices=SCOPES)
    edit.add_argument("--key", type=text, help="what it is about; '' for nothing")
    for name, act, help in (
        ("pin", pin, "Pin memories: no agent may forget them."),
        ("unpin", unpin, "Unpin memories."),
        ("restore", restore, "Bring back what was forgotten or replaced; it takes the place of what replaced it."),
    ):
        _add_ids(action(name, act, help))
    add_forgetting(action("forget", forget, "Forget memories: they are never recalled again, and can be restored."))
    purging = action("purge", purge, "Delete memories for good, with their history.")
    _add_ids(purging)
    purging.add_argument("--yes", action="store_true", help="do not ask")
    history = action("history", show_history, "Every change of a memory, and what it was before.")
    _add_id(history)
    history.add_argument("--json", action="store_true", help=one_json)
    exporting = action("export", export, "Write all memories as JSONL, one in each line.")
    exporting.add_argument("-o", "--output", type=Path, metavar="FILE", help="file to write, else standard output")
    add_state(exporting, "any")
    exporting.add_argument("--files", action="store_true", help="with the pieces of files, which come back with them")
    importing = action("import", import_file, "Read memories from JSONL; what is known already stays as it is.")
    importing.add_argument("file", type=Path, metavar="FILE", help="file to read; - for standard input")
    building = action("reindex", reindex, "Build the indexes anew from what is stored.")
    building.add_argument(
        "--wait", action=argparse.BooleanOptionalAction, default=True, help="until it is done (the default)"
    )
    status = action("status", show_status, "How many memories there are, and how the indexes stand.")
    status.add_argument("--json", action="store_true", help=one_json)
    add_refining(action)
    board = action("board", show_board, "The team's board, which outlives runs.")
    board.add_argument("--json", action="store_true", help="its lines as JSON")


def _add_finding(action: Action) -> None:
    listing = action("list", list_memories, "The newest memories.")
    listing.add_argument(
        "--with-files", action="store_true", help="also pieces of files, which are left out unless --files is given"
    )
    search = action("search", search_memories, "Memories about something, the best first, with the reasons.")
    search.add_argument("words", nargs="+", type=text, metavar="WORD")
    for parser, most in ((listing, 20), (search, 10)):
        add_filters(parser)
        add_state(parser)
        parser.add_argument("--limit", type=_limit, default=most, metavar="N", help=f"how many ({most})")
        parser.add_argument("--json", action="store_true", help="the reply of the API, as it is")
    show = action("show", show_memory, "A memory, where it comes from, what stands beside it, and who used it.")
    _add_id(show)
    show.add_argument("--json", action="store_true", help="the reply of the API, as it is")


def _add_id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", type=text, metavar="ID", help="as `alma memory list` names it")


def _add_ids(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", nargs="+", type=text, metavar="ID", help="as `alma memory list` names it")


def _limit(word: str) -> int:
    if not word.isascii() or not word.isdigit() or not 1 <= int(word) <= _MOST_LISTED:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to {_MOST_LISTED}, got {word!r}")
    return int(word)


def run(arguments: argparse.Namespace) -> int:
    async def act() -> int:
        from alma.cli.door import open_door

        async with open_door(read_settings(data_dir=arguments.data_dir)) as door:
            code: int | None = await arguments.act(door, arguments)
            return code or 0

    return asyncio.run(act())


# ── finding ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def list_memories(door: Door, arguments: argparse.Namespace) -> None:
    """The newest. A file leaves hundreds of pieces, among which nothing else would be seen."""
    from alma.cli.memory_lines import pieces, row
    from alma.cli.memory_replies import Listing, decoded
    from alma.cli.terminal import note, print_table

    query = _query(arguments)
    leaves_out = arguments.files is None and not arguments.with_files
    if leaves_out:
        query["files"] = "false"
    answer = await _asked(door, query)
    if arguments.json:
        _print_json(answer)
        return
    found = decoded(answer, Listing)
    if found.memories:
        heads = ("memory", "when", "kind", "scope", "agent", "", "text")
        print_table(heads, [row(one.memory) for one in found.memories])
    else:
        note(_nothing(arguments))
    if found.next is not None:
        note(f"{found.total:,} in all: `--limit N` shows more, up to {_MOST_LISTED}.")
    if leaves_out and (left := decoded(await _asked(door, query | {"files": "true", "limit": 1}), Listing).total):
        note(f"{pieces(left)} of files left out: `--with-files` shows them too, `--files` them alone.")


async def search_memories(door: Door, arguments: argparse.Namespace) -> None:
    from alma.cli.memory_lines import hit_lines
    from alma.cli.memory_replies import Listing, decoded
    from alma.cli.terminal import note, safe
    from alma.errors import Misuse

    if not "".join(arguments.words).strip():
        raise Misuse(
            "empty_query",
            "There is nothing to search for.",
            expected="a word",
            hint="`alma memory list` shows the newest memories.",
        )
    answer = await _asked(door, {"query": " ".join(arguments.words)} | _query(arguments))
    if arguments.json:
        _print_json(answer)
        return
    found = decoded(answer, Listing)
    if not found.memories:
        note("No memory is like that.")
        return
    for hit in found.memories:
        print(safe("\n".join(hit_lines(hit))) + "\n")
    how = "" if found.dense else ", by words alone: see `alma memory status`"
    best = "" if len(found.memories) == found.total else "the best "
    note(f"{best}{len(found.memories)} of {found.total} compared, in {found.ms:.1f} ms{how}")


async def _asked(door: Door, query: dict[str, object]) -> object:
    return await door.call("GET", f"/api/memories?{urlencode(query, doseq=True)}")


def _nothing(arguments: argparse.Namespace) -> str:
    if {*given_filters(arguments)} == {"kind"}:
        return "No memories of this kind."
    return "There is no such memory." if given_filters(arguments) else "No memories yet."


def _query(arguments: argparse.Namespace) -> dict[str, object]:
    """What it is narrowed to, under the API's names."""
    return given_filters(arguments) | {"state": arguments.state, "limit": arguments.limit}


async def show_memory(door: Door, arguments: argparse.Namespace) -> None:
    from alma.cli.memory_lines import detail_lines
    from alma.cli.memory_replies import Detail, decoded
    from alma.cli.terminal import safe

    answer = await door.call("GET", path_of(arguments.id))
    if arguments.json:
        _print_json(answer)
    else:
        print(safe("\n".join(detail_lines(decoded(answer, Detail)))))


async def show_history(door: Door, arguments: argparse.Namespace) -> None:
    from alma.cli.memory_lines import version_row
    from alma.cli.memory_replies import Detail, decoded
    from alma.cli.terminal import print_table

    detail = decoded(await door.call("GET", path_of(arguments.id)), Detail)
    if arguments.json:
        import msgspec

        _print_json(msgspec.to_builtins(detail.history))
    else:
        print_table(("version", "when", "what", "by", "before"), [version_row(one) for one in detail.history])


async def show_board(door: Door, arguments: argparse.Namespace) -> None:
    from alma.cli.memory_lines import short, when
    from alma.cli.memory_replies import Listing, decoded
    from alma.cli.terminal import note, print_table

    lines: list[Entry] = []
    before: str | None = ""
    while before is not None:
        asked = {"scope": "team", "kind": "working", "limit": _MOST_LISTED, **({"before": before} if before else {})}
        page = decoded(await door.call("GET", f"/api/memories?{urlencode(asked)}"), Listing)
        lines += [one.memory for one in page.memories if one.memory.key.startswith("team/")]
        before = page.next
    lines.sort(key=lambda one: one.key)
    if arguments.json:
        _print_json([{"key": one.key, "version": one.version, "agent": one.agent, "text": one.text} for one in lines])
    elif not lines:
        note("The team's board is empty. Agents write on it with keys that begin with team/.")
    else:
        heads = ("key", "version", "by", "since", "text")
        print_table(
            heads, [(one.key, str(one.version), one.agent, when(one.seen_at), short(one.text)) for one in lines]
        )


# ── changing ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def add_memory(door: Door, arguments: argparse.Namespace) -> None:
    from alma.cli.memory_replies import Added, decoded
    from alma.cli.terminal import note

    words: list[str] = arguments.words
    said = utf8(sys.stdin.buffer.read(), "standard input") if words == ["-"] else " ".join(words)
    body = {
        "text": said,
        "kind": arguments.kind,
        "scope": arguments.scope,
        "key": arguments.key,
        "pinned": arguments.pin,
    }
    added = decoded(await door.call("POST", "/api/memories", body), Added)
    print(added.memory.id)
    if added.merged:
        note(f"It was known already, and now counts {added.memory.count} times.")
    for memory_id in added.superseded:
        note(f"It takes the place of {memory_id}.")


async def edit_memory(door: Door, arguments: argparse.Namespace) -> None:
    from alma.errors import Misuse

    names = ("text", "kind", "scope", "key")
    change = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    if not change:
        raise Misuse("no_change", "It is not said what to change.", expected="--text, --kind, --scope or --key")
    await _change(door, arguments.id, change)


async def pin(door: Door, arguments: argparse.Namespace) -> None:
    for memory_id in arguments.ids:
        await _change(door, memory_id, {"pinned": True})


async def unpin(door: Door, arguments: argparse.Namespace) -> None:
    for memory_id in arguments.ids:
        await _change(door, memory_id, {"pinned": False})


async def _change(door: Door, memory_id: str, change: dict[str, object]) -> None:
    """Refused when somebody else changes it between the two requests."""
    from alma.cli.memory_replies import Detail, decoded

    seen = decoded(await door.call("GET", path_of(memory_id)), Detail).memory
    await door.call("PATCH", path_of(memory_id), {"version": seen.version, **change})


# ── the indexes ───────────────────────────────────────────────────────────────────────────────────────────────────


async def show_status(door: Door, arguments: argparse.Namespace) -> None:
    from alma.cli.memory_lines import state_lines
    from alma.cli.memory_replies import State, decoded
    from alma.cli.terminal import safe

    answer = await door.call("GET", "/api/memory")
    if arguments.json:
        _print_json(answer)
    else:
        print(safe("\n".join(state_lines(decoded(answer, State)))))


async def reindex(door: Door, arguments: argparse.Namespace) -> None:
    """Without a server the work ends with this command, so that it waits for it by itself."""
    from alma.cli.memory_replies import State, decoded
    from alma.cli.terminal import is_terminal, note
    from alma.errors import AlmaError

    state = decoded(await door.call("POST", "/api/memory/reindex", long=True), State)
    if not arguments.wait:
        note("It goes on in the server: `alma memory status` says how far it is.")
        return
    looks, shown = 0, -1
    while (state.lacking or state.problem) and looks * _LOOK_S <= _PATIENCE_S:
        if state.lacking != shown:
            if is_terminal(sys.stderr):
                note(f"{state.counts.alive - state.lacking:,} of {state.counts.alive:,} are in the index")
            looks, shown = 0, state.lacking
        await asyncio.sleep(_LOOK_S)
        looks += 1
        state = decoded(await door.call("GET", "/api/memory"), State)
    if state.lacking:
        raise AlmaError(
            f"The index stays without {_memories(state.lacking)}; search finds them by words.",
            actual=state.problem or None,
            hint="`alma doctor` says what the embedding model lacks.",
        )
    print(f"The indexes of words and of vectors have {_memories(state.counts.alive)}.")
    if state.problem:
        note(f"Search goes by words alone: {state.problem}")


def _memories(count: int) -> str:
    return f"{count:,} memor{'y' if count == 1 else 'ies'}"


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
