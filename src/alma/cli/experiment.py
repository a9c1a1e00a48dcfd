"""`alma experiment`: compare ways to do tasks: new, run, list, report, compare."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

import msgspec
from msgspec import Struct

from alma.cli.options import Subparsers, add_actions, add_command, read_settings, text
from alma.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from alma.cli.door import Door

    Action = Callable[[Door, argparse.Namespace], Awaitable[int]]

_PATH = "/api/experiments"
_LOOK_S = 0.3
_FORMATS: dict[str, Literal["toml", "json"]] = {".toml": "toml", ".json": "json"}  # all else is YAML


def add(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "experiment",
        run,
        help="compare prompts, models, settings on the same tasks, with evidence",
        description="An experiment is a file: variants, a data set, evaluators. It runs beside all else, goes on after"
        " a crash, and ends with a verdict in words. docs/experiments.md explains every field.",
        epilog=textwrap.dedent(
            """\
            examples:
              alma experiment new experiment.yaml      an example to change, with a data set beside it
              alma experiment run experiment.yaml      shows what it costs, asks, runs, and says what came of it
              alma experiment report e_… > report.md
              alma experiment compare e_… e_…"""
        ),
    )
    action = add_actions(parser)
    writing = action("new", new, "Write an example to change, with a data set beside it.")
    writing.add_argument("file", nargs="?", type=Path, default=Path("experiment.yaml"))
    running = action("run", start, "Run an experiment, or go on with one; ends with its verdict.")
    running.add_argument("what", metavar="FILE|ID", type=text, help="a file, or the id of one that was paused")
    running.add_argument("--data", type=Path, help="the data set, in place of the one that the file names")
    running.add_argument(
        "--thread", action="append", type=text, default=[], help="tasks of a thread instead; repeatable"
    )
    running.add_argument("--money", type=float, help="the most that it may cost, in US dollars")
    running.add_argument("-y", "--yes", action="store_true", help="do not ask")
    running.add_argument("--detach", action="store_true", help="begin it on the running server and do not wait")
    action("list", show, "All experiments, the newest first.").add_argument("--json", action="store_true")
    reporting = action("report", report, "What came of an experiment, on standard output.")
    reporting.add_argument("id", type=text)
    reporting.add_argument("--format", choices=("md", "csv", "svg", "json"), default="md")
    comparing = action("compare", compare, "Two experiments, on the tasks that are in both.")
    comparing.add_argument("a", type=text)
    comparing.add_argument("b", type=text)
    comparing.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    if arguments.act is new:
        return new(arguments)

    async def act() -> int:
        from alma.cli.door import open_door

        async with open_door(read_settings(data_dir=arguments.data_dir)) as door:
            return await arguments.act(door, arguments)

    return asyncio.run(act())


class _Experiment(Struct, frozen=True, rename="camel"):
    """The reply of the API, as far as it is shown."""

    id: str
    name: str
    state: str
    error: str
    rows: int
    variants: list[str]
    states: dict[str, int]
    cost: float = 0.0


class _Check(Struct, frozen=True, rename="camel"):
    problems: list[dict[str, object]]
    notes: list[str]
    cells: int
    runs: int
    tokens: int
    money: float


class _Results(Struct, frozen=True, rename="camel"):
    verdict: list[str]
    winner: str


class _Words(Struct, frozen=True):
    words: str


# ── new ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def new(arguments: argparse.Namespace) -> int:
    from alma.experiments.example import DATA, SPEC

    path: Path = arguments.file
    data = path.with_name("tasks.jsonl")
    for one in (path, data):
        if one.exists():
            raise InvalidRequest(
                "file_exists", f"{one} is there already, and is left as it is.", hint="Name another file."
            )
    path.write_text(SPEC)
    data.write_text(DATA)
    print(f"{path} and {data} are written. Change them, then: alma experiment run {path}")
    return 0


# ── run ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def start(door: Door, arguments: argparse.Namespace) -> int:
    from alma.cli.terminal import confirmed, note

    path = Path(arguments.what)
    if not path.suffix and not await asyncio.to_thread(path.exists):
        made = await _get(door, arguments.what)
    else:
        body = await asyncio.to_thread(_body, path, arguments)
        found = msgspec.convert(await door.call("POST", f"{_PATH}/check", body), _Check)
        _refuse(found)
        for line in found.notes:
            note(line)
        note(f"{found.runs} runs, about {found.tokens:,} tokens, ${found.money:.4f} at most.")
        if not arguments.yes and not confirmed("Run it?"):
            note("Nothing was begun. `--yes` begins it without asking.")
            return 1
        made = msgspec.convert(await door.call("POST", _PATH, body), _Experiment)
    body = {"money": arguments.money} if arguments.money is not None else {"money": None}
    made = msgspec.convert(await door.call("POST", f"{_PATH}/{quote(made.id, safe='')}/start", body), _Experiment)
    note(f"{made.id}: {made.name}")
    if arguments.detach:
        print(made.id)
        return 0
    ended = await _watch(door, made)
    results = msgspec.convert(await door.call("GET", f"{_PATH}/{ended.id}/results"), _Results)
    _print(results.verdict)
    if results.winner:
        print(f"Best: {results.winner}")
    if ended.state == "paused":
        note(f"It was paused. {ended.error}".strip())
        note(f"→ `alma experiment run {ended.id}` goes on with it.")
    return 0 if ended.state == "done" else 1


def _body(path: Path, arguments: argparse.Namespace) -> dict[str, object]:
    """What is sent: files that the experiment names are put into it, as they stand beside it."""
    from alma.experiments.spec import read_spec, spec_json

    spec = read_spec(path.read_text(), _FORMATS.get(path.suffix.lower(), "yaml"))
    inlined = [
        variant.model_copy(update={"file": (path.parent / variant.file).read_text()})
        if variant.file is not None and "\n" not in variant.file
        else variant
        for variant in spec.variants
    ]
    said = msgspec.json.decode(spec_json(spec.model_copy(update={"variants": inlined})))
    if arguments.thread:
        return {"spec": said, "threads": arguments.thread}
    data: Path | None = arguments.data or (path.parent / spec.data if spec.data else None)
    if data is None:
        raise NotFound("no_data_set", f"{path} names no data set.", hint="Add `data: tasks.jsonl`, or use --data.")
    return {"spec": said, "data": data.read_text()}


async def _watch(door: Door, made: _Experiment) -> _Experiment:
    from alma.cli.terminal import note

    shown = ""
    while True:
        now = await _get(door, made.id)
        line = _progress(now)
        if line != shown:
            note(line)
            shown = line
        if now.state != "running":
            return now
        await asyncio.sleep(_LOOK_S)


def _progress(one: _Experiment) -> str:
    total = sum(one.states.values())
    ended = one.states.get("scored", 0) + one.states.get("failed", 0)
    parts = [f"{ended} of {total} done"]
    parts += [f"{one.states[name]} {name}" for name in ("running", "answered", "failed") if one.states.get(name)]
    return f"{one.state}: {', '.join(parts)}, ${one.cost:.4f}"


def _refuse(found: _Check) -> None:
    if found.problems:
        lines = [f"{one['where']}: {one['message']}".removeprefix(": ") for one in found.problems]
        raise InvalidRequest(
            "experiment_invalid", "The experiment cannot be run as it is written.", actual="\n".join(lines)
        )


async def _get(door: Door, experiment_id: str) -> _Experiment:
    return msgspec.convert(await door.call("GET", f"{_PATH}/{quote(experiment_id, safe='')}"), _Experiment)


# ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────────


class _List(Struct, frozen=True):
    experiments: list[_Experiment]


async def show(door: Door, arguments: argparse.Namespace) -> int:
    from alma.cli.terminal import note, print_table

    said = await door.call("GET", _PATH)
    found = msgspec.convert(said, _List).experiments
    if arguments.json:
        print(json.dumps(said))
    elif not found:
        note("There is no experiment yet. `alma experiment new` writes an example.")
    else:
        rows = [(one.id, one.state, _done(one), ", ".join(one.variants), one.name) for one in found]
        print_table(("id", "state", "runs", "variants", "name"), rows)
    return 0


def _done(one: _Experiment) -> str:
    return f"{one.states.get('scored', 0) + one.states.get('failed', 0)}/{sum(one.states.values())}"


async def report(door: Door, arguments: argparse.Namespace) -> int:
    path = f"{_PATH}/{quote(arguments.id, safe='')}"
    if arguments.format == "json":
        print(json.dumps(await door.call("GET", f"{path}/results")))
        return 0
    sys.stdout.write((await door.read(f"{path}/report.{arguments.format}")).decode())
    return 0


async def compare(door: Door, arguments: argparse.Namespace) -> int:
    from alma.cli.terminal import note

    said = await door.call("POST", f"{_PATH}/compare", {"a": arguments.a, "b": arguments.b})
    if arguments.json:
        print(json.dumps(said))
        return 0
    found = msgspec.convert(said, dict[str, list[_Words]])["comparisons"]
    if not found:
        note("The two have no evaluator in common that scores answers by themselves.")
    _print([one.words for one in found])
    return 0


def _print(lines: list[str]) -> None:
    from alma.cli.terminal import safe

    for line in lines:
        print(safe(line))
