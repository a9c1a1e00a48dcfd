"""`alma knowledge`: the files that all agents can look things up in: list, add, show, remove."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from alma.cli.options import Subparsers, add_actions, add_command, read_settings, text

if TYPE_CHECKING:
    from alma.cli.door import Door
    from alma.cli.memory_replies import Document

_BINARY = "application/octet-stream"
_ENDED = ("ready", "failed")
_LOOK_S = 0.3  # between two looks at files that are being read


def add(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "knowledge",
        run,
        help="list, add and remove files that agents can look things up in",
        description="Files are cut into pieces, each of which is a memory that answers can cite. `alma memory search"
        " WORD` finds them too. ALMA_KNOWLEDGE_DIR names a folder that is watched.",
        epilog=textwrap.dedent(
            """\
            examples:
              alma knowledge add handbook.pdf notes.md
              alma knowledge list
              alma knowledge show handbook.pdf
              alma knowledge remove notes.md"""
        ),
    )
    action = add_actions(parser)
    listing = action("list", list_documents, "The files, and how far each has been read.")
    listing.add_argument("--json", action="store_true", help="the reply of the API, as it is")
    adding = action("add", add_documents, "Put files in, each in place of one of its name.")
    adding.add_argument("files", nargs="+", type=Path, metavar="FILE")
    adding.add_argument(
        "--wait",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="show how far they are until they have been read (the default)",
    )
    show = action("show", show_document, "A file's pieces, each with its place.")
    show.add_argument("document", type=text, metavar="FILE", help="its name, or its id")
    show.add_argument("--text", action="store_true", help="the text as it was read, instead")
    show.add_argument("--json", action="store_true", help="the reply of the API, as it is")
    remove = action("remove", remove_documents, "Remove files with all that was read from them.")
    remove.add_argument("documents", nargs="+", type=text, metavar="FILE", help="its name, or its id")
    status = action("status", show_status, "How many files there are, which can be read, and which folder is watched.")
    status.add_argument("--json", action="store_true", help="the reply of the API, as it is")


def run(arguments: argparse.Namespace) -> int:
    async def act() -> int:
        from alma.cli.door import open_door

        async with open_door(read_settings(data_dir=arguments.data_dir)) as door:
            code: int | None = await arguments.act(door, arguments)
            return code or 0

    return asyncio.run(act())


async def list_documents(door: Door, arguments: argparse.Namespace) -> None:
    from alma.cli.memory_lines import when
    from alma.cli.memory_replies import Knowledge, decoded
    from alma.cli.terminal import note, print_table

    answer = await door.call("GET", "/api/knowledge")
    if arguments.json:
        _print_json(answer)
        return
    found = decoded(answer, Knowledge).documents
    if not found:
        note("No file yet: `alma knowledge add FILE` puts one in.")
        return
    print_table(
        ("document", "changed", "bytes", "pieces", "state", "file"),
        [
            (one.id, when(one.updated_at), f"{one.bytes:,}", f"{one.chunks:,}", _state(one), _name(one))
            for one in sorted(found, key=_name)
        ],
    )
    for one in found:
        if one.error is not None:
            note(f"{one.name}: {one.error.message}" + (f" {one.error.hint}" if one.error.hint else ""))


async def add_documents(door: Door, arguments: argparse.Namespace) -> int:
    """What is wrong with one file is said, and the others go in."""
    from alma.cli.memory_lines import when
    from alma.cli.memory_replies import Document, Knowledge, decoded
    from alma.cli.terminal import note, print_error
    from alma.errors import AlmaError, Misuse

    before = {
        one.name: one
        for one in decoded(await door.call("GET", "/api/knowledge"), Knowledge).documents
        if one.origin == "page"
    }
    put: dict[str, str] = {}  # names by id
    failed = False
    for path in arguments.files:
        try:
            if path.name in put.values():
                raise Misuse("bad_file_name", f"Two of the files are named {path.name!r}.", expected="different names")
            content = path.read_bytes()
            if not content:
                raise Misuse("empty_file", "It is empty: there is nothing to read in it.", expected="a file with text")
            address = f"/api/knowledge/files/{quote(path.name, safe='')}"
            document = decoded(await door.call("PUT", address, content, _BINARY), Document)
        except OSError as error:
            print_error(AlmaError(f"{path} cannot be read: {error.strerror or error}."))
            failed = True
        except Misuse as refused:
            print_error(AlmaError(f"{path}: {refused.message}", actual=refused.actual, hint=refused.hint))
            failed = True
        else:
            put[document.id] = document.name
            one = before.get(document.name)
            if one is not None and (document.state != "ready" or document.updated_at != one.updated_at):
                note(f"{document.name} replaced the one of {when(one.updated_at)}")
    if arguments.wait:
        failed = not await _until_read(door, put) or failed
    elif put:
        for document_id, name in put.items():
            print(f"{document_id}  {name}")
        note("They are read in the server: `alma knowledge list` says how far it is.")
    return 1 if failed else 0


async def _until_read(door: Door, put: dict[str, str]) -> bool:
    """Show how far these are, to who looks on, until all have been read or have failed; whether all could be read."""
    from alma.cli.memory_lines import pieces
    from alma.cli.memory_replies import Knowledge, decoded
    from alma.cli.terminal import is_terminal, note, print_error
    from alma.errors import AlmaError

    open_ones, shown, well = dict(put), dict[str, str](), True
    while open_ones:
        documents = {one.id: one for one in decoded(await door.call("GET", "/api/knowledge"), Knowledge).documents}
        for document_id, name in list(open_ones.items()):
            document = documents.get(document_id)
            if document is None or document.state in _ENDED:
                del open_ones[document_id]
            if document is None:
                well = False
                note(f"{name}: it was removed while it was read")
            elif document.error is not None:
                well = False
                said = document.error
                print_error(AlmaError(f"{name}: {said.message}", actual=said.actual, hint=said.hint))
            elif document.state == "ready":
                print(f"{document.id}  {name}  {pieces(document.chunks)}")
            elif is_terminal(sys.stderr) and shown.get(document_id) != _state(document):
                shown[document_id] = _state(document)
                note(f"{name}: {_state(document)}")
        if open_ones:
            await asyncio.sleep(_LOOK_S)
    return well


async def show_document(door: Door, arguments: argparse.Namespace) -> None:
    from alma.cli.memory_lines import short, when
    from alma.cli.memory_replies import DocumentDetail, decoded
    from alma.cli.terminal import print_table, safe

    answer = await door.call("GET", _path(await _id_of(door, arguments.document)))
    if arguments.json:
        _print_json(answer)
        return
    detail = decoded(answer, DocumentDetail)
    one = detail.document
    if arguments.text:
        sys.stdout.write(safe(detail.text) + "\n")
        return
    print(safe(f"{one.id}  {_name(one)}  {one.format}, {one.bytes:,} bytes, {_state(one)}, {when(one.updated_at)}"))
    if one.error is not None:
        print(safe(one.error.message))
    if detail.chunks:
        print()
        rows = [(piece.id, piece.place, str(piece.uses or ""), short(piece.text)) for piece in detail.chunks]
        print_table(("piece", "place", "used", "text"), rows)


async def remove_documents(door: Door, arguments: argparse.Namespace) -> None:
    for named in arguments.documents:
        await door.call("DELETE", _path(await _id_of(door, named)), long=True)


async def show_status(door: Door, arguments: argparse.Namespace) -> None:
    from collections import Counter

    from alma.cli.memory_lines import pieces
    from alma.cli.memory_replies import Knowledge, decoded
    from alma.cli.terminal import safe

    answer = await door.call("GET", "/api/knowledge")
    if arguments.json:
        _print_json(answer)
        return
    found = decoded(answer, Knowledge)
    by_state = Counter(one.state for one in found.documents)
    counted = ", ".join(f"{count:,} {state}" for state, count in sorted(by_state.items()))
    read = pieces(sum(one.chunks for one in found.documents))
    print(f"files    {len(found.documents):,}{f' ({counted})' if counted else ''}, {read}")
    print(f"reads    {', '.join(found.formats)}; at most {found.max_bytes / 2**20:,.0f} MiB each")
    print(safe(f"watches  {found.folder or 'no folder (ALMA_KNOWLEDGE_DIR)'}"))


async def _id_of(door: Door, named: str) -> str:
    """Of a document that is named by its id or, where only one has it, by its name or its path in the watched folder.
    Raises `NotFound`."""
    from alma.cli.memory_replies import Knowledge, decoded
    from alma.errors import NotFound

    documents = decoded(await door.call("GET", "/api/knowledge"), Knowledge).documents
    for names in (_ids, _names, _last_names):
        found = [one for one in documents if named in names(one)]
        if len(found) == 1:
            return found[0].id
        if found:
            message = f"{len(found)} files are named {named!r}: {', '.join(_whence(one) for one in found)}."
            actual = ", ".join(one.id for one in found)
            raise NotFound("unknown_document", message, expected="the id of one of them", actual=actual)
    raise NotFound(
        "unknown_document", f"There is no file {named!r}.", expected="a name or an id from `alma knowledge list`"
    )


def _ids(one: Document) -> tuple[str, ...]:
    return (one.id,)


def _names(one: Document) -> tuple[str, ...]:
    """Its own, and its path in the watched folder."""
    return (one.name,) if one.origin == "page" else (one.name, one.origin)


def _last_names(one: Document) -> tuple[str, ...]:
    return (Path(one.name).name,)


def _whence(one: Document) -> str:
    return (
        f"one was put in as {one.name}" if one.origin == "page" else f"one lies in the watched folder as {one.origin}"
    )


def _name(one: Document) -> str:
    return one.name if one.origin == "page" else f"{one.origin} (watched)"


def _state(one: Document) -> str:
    from alma.cli.memory_lines import pieces

    if one.state == "reading" and one.chunks:
        return f"reading, {one.done:,} of {pieces(one.chunks)}"
    return one.state


def _path(document_id: str) -> str:
    return f"/api/knowledge/{quote(document_id, safe='')}"


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
