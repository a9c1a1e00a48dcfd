"""Memories to a file and from one, in parts that one request takes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from alma.cli.door import Door
    from alma.cli.memory_replies import Imported

_NDJSON = "application/x-ndjson"
_PART_BYTES = 1_000_000  # of an import in one request


async def export(door: Door, arguments: argparse.Namespace) -> None:
    from alma.cli.terminal import note

    lines = await door.read(
        f"/api/memories/export?state={arguments.state}&files={'true' if arguments.files else 'false'}"
    )
    if arguments.output is None:
        sys.stdout.buffer.write(lines)
        return
    arguments.output.write_bytes(lines)
    more = ", with what was replaced or forgotten (`--state alive` leaves that out)" if arguments.state == "any" else ""
    note(f"{len(lines.splitlines()):,} written{more}")


async def import_file(door: Door, arguments: argparse.Namespace) -> int:
    from alma.cli.memory_replies import Imported, LineProblem, decoded
    from alma.cli.terminal import note

    done = Imported(0, 0, 0, 0, [])
    with sys.stdin.buffer if str(arguments.file) == "-" else arguments.file.open("rb") as file:
        for first, part in _parts(file):
            if len(part) > _PART_BYTES:
                problem = LineProblem(first, f"longer than {_PART_BYTES:,} bytes")
                done = _sum(done, Imported(0, 0, 0, 1, [problem]), 1)
                continue
            reply = await door.call("POST", "/api/memories/import", part, _NDJSON)
            done = _sum(done, decoded(reply, Imported), first)
    for problem in done.problems:
        note(f"line {problem.line}: {problem.message}")
    replaced = f", {done.replaced:,} replaced what held before" if done.replaced else ""
    print(f"{done.added:,} added{replaced}, {done.merged:,} known already, {done.passed_over:,} passed over")
    return 1 if done.passed_over else 0


def _parts(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Whole lines, as many as one request takes, and the number of the first; a line that is too long comes alone."""
    part: list[bytes] = []
    first, size = 1, 0
    for number, line in enumerate(file, 1):
        if part and size + len(line) > _PART_BYTES:
            yield first, b"".join(part)
            part, size = [], 0
        if not part:
            first = number
        part.append(line)
        size += len(line)
    if part:
        yield first, b"".join(part)


def _sum(done: Imported, more: Imported, first: int) -> Imported:
    """`first`: the line in the file with which `more` began."""
    from alma.cli.memory_replies import Imported, LineProblem

    placed = [LineProblem(one.line + first - 1, one.message) for one in more.problems]
    return Imported(
        done.added + more.added,
        done.merged + more.merged,
        done.replaced + more.replaced,
        done.passed_over + more.passed_over,
        done.problems + placed,
    )
