"""`alma memory refine`, `passes` and `undo`."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote

from alma.cli.options import text

if TYPE_CHECKING:
    from collections.abc import Callable

    from alma.cli.door import Door
    from alma.cli.memory_replies import RefiningAct, RefiningPass

    Action = Callable[[str, Callable[..., object], str], argparse.ArgumentParser]

_PATH = "/api/memory/refinement"


def add_refining(action: Action) -> None:
    one_json = "the reply of the API, as it is"
    refining = action("refine", refine, "Merge, promote, demote and archive memories, as is done when nobody works.")
    refining.add_argument("--dry-run", action="store_true", help="only say what would be done")
    refining.add_argument("--json", action="store_true", help=one_json)
    listing = action("passes", show_passes, "What refinement has done, the newest first; with PASS each act and why.")
    listing.add_argument("id", nargs="?", type=text, default="", metavar="PASS", help="one of them, with its acts")
    listing.add_argument("--json", action="store_true", help=one_json)
    undoing = action("undo", undo, "Take back a pass of refinement, or one of its acts.")
    undoing.add_argument("id", type=text, metavar="PASS", help="as `alma memory passes` names it")
    undoing.add_argument("number", nargs="?", type=int, metavar="ACT", help="the number of one act; else all of them")


async def refine(door: Door, arguments: argparse.Namespace) -> None:
    from alma.cli.memory_replies import Refinement, decoded
    from alma.cli.terminal import note

    answer = await door.call("POST", _PATH, {"dryRun": arguments.dry_run}, long=True)
    if arguments.json:
        _print_json(answer)
        return
    done = decoded(answer, Refinement)
    _print_acts(done.acts)
    if not done.acts:
        note("There is nothing to refine.")
    elif done.dry_run:
        note("Nothing was done: without --dry-run it is.")
    else:
        note(f"`alma memory undo {done.pass_id}` takes it back.")
    if done.more:
        note("There is more: do it again.")
    if done.contradictions:
        note(f"{done.contradictions} contradictions wait for you on the page of memories.")


async def show_passes(door: Door, arguments: argparse.Namespace) -> None:
    from alma.cli.memory_lines import when
    from alma.cli.memory_replies import RefiningPass, RefiningPasses, decoded
    from alma.cli.terminal import note, print_table

    path = f"{_PATH}/passes"
    answer = await door.call("GET", f"{path}/{quote(arguments.id, safe='')}" if arguments.id else path)
    if arguments.json:
        _print_json(answer)
        return
    if arguments.id:
        _print_acts(decoded(answer, RefiningPass).acts)
        return
    found = decoded(answer, RefiningPasses).passes
    if not found:
        note("Nothing was refined yet.")
        return
    print_table(
        ("pass", "when", "by", "what", ""),
        [(one.id, when(one.at), one.by, _counted(one), "undone" if one.undone_at is not None else "") for one in found],
    )


async def undo(door: Door, arguments: argparse.Namespace) -> None:
    from alma.cli.memory_replies import RefiningPass, decoded
    from alma.cli.terminal import note

    path = f"{_PATH}/passes/{quote(arguments.id, safe='')}"
    path += "/undo" if arguments.number is None else f"/acts/{arguments.number}/undo"
    done = decoded(await door.call("POST", path, {}), RefiningPass)
    undone = [act for act in done.acts if act.undone_at is not None and arguments.number in (None, act.n)]
    print(f"{len(undone)} act{'' if len(undone) == 1 else 's'} taken back.")
    for memory_id in dict.fromkeys(memory_id for act in undone for memory_id in act.left):
        note(f"{memory_id} was changed since, and stays as it is.")


def _print_acts(acts: list[RefiningAct]) -> None:
    from alma.cli.terminal import print_table

    if acts:
        heads = ("act", "what", "memory", "text", "why", "")
        print_table(heads, [row for act in acts for row in _rows(act)])


def _rows(act: RefiningAct) -> list[tuple[str, ...]]:
    from alma.cli.memory_lines import short

    state = "undone" if act.undone_at is not None else ""
    first, *others = act.memories
    rows = [(str(act.n or ""), act.what, first.id, short(first.text, 50), act.why, state)]
    rows += [("", "", other.id, short(other.text, 50), "", "") for other in others]
    return rows + [("", "", "new", short(added, 50), "", "") for added in act.adds]


def _counted(one: RefiningPass) -> str:
    return ", ".join(f"{number} {what}" for what, number in sorted(one.counts.items()))


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
