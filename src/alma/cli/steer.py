"""`alma answer|approve|stop|pause|resume`: a word to a run that is under way or waits for the user."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from msgspec import Struct

from alma.cli.options import Subparsers, add_command, add_data_dir, read_settings, text

if TYPE_CHECKING:
    from alma.cli.door import Door
    from alma.cli.following import Following
    from alma.cli.run_view import Ask, RunView
    from alma.plan import PlanTask
    from alma.server.commands import Steer

    Act = Callable[[Door, argparse.Namespace], Awaitable[int]]


_STOPPING_S = 10.0  # until a stop that was acknowledged is taken for done


def add(commands: Subparsers) -> None:
    answer = _command(
        commands,
        "answer",
        answer_question,
        help="answer what an agent asks",
        description="Answers a question that a run waits with, and shows how the run goes on.",
        examples="""\
              alma answer r_… "In Leipzig"
              alma answer r_… main.ask "In Leipzig"     one question of several""",
    )
    answer.add_argument("question", nargs="?", type=text, metavar="QUESTION", help="which one, if several wait")
    answer.add_argument("text", type=text, metavar="TEXT", help="the answer, or the number of an option")
    _add_following(answer)
    approve = _command(
        commands,
        "approve",
        decide,
        help="approve a plan or a tool call, or turn it down",
        description="Says yes or no to a plan or a tool call that waits for it, and shows how the run goes on.",
        examples="""\
              alma approve r_…
              alma approve r_… --decline                the agent goes on without it
              alma approve r_… --tasks plan.json        with these tasks in place of the plan's""",
    )
    approve.add_argument("what", nargs="?", type=text, metavar="WHAT", help="which one, if several wait")
    approve.add_argument("--decline", action="store_true", help="turn it down")
    approve.add_argument("--tasks", type=Path, metavar="FILE", help="JSON file with tasks to run instead")
    _add_following(approve)
    stop = _command(
        commands,
        "stop",
        stop_run,
        help="stop a run or one of its tasks",
        description="Stops a run, or one task with all below it; the run then goes on without them.",
        examples="""\
              alma stop r_…
              alma stop r_… --task 2""",
    )
    stop.add_argument("--task", type=text, metavar="ID", help="the task's number, as the plan has it")
    _command(
        commands,
        "pause",
        pause_run,
        help="pause a run",
        description="Begins nothing new in a run; what is being written is finished.",
        examples="              alma pause r_…",
    )
    resume = _command(
        commands,
        "resume",
        resume_run,
        help="let a paused run go on",
        description="Lets a paused run go on, and shows how it does.",
        examples="              alma resume r_…",
    )
    _add_following(resume)


def _command(
    commands: Subparsers, name: str, act: Act, *, help: str, description: str, examples: str
) -> argparse.ArgumentParser:
    epilog = f"examples:\n{textwrap.indent(textwrap.dedent(examples), '  ')}"
    parser = add_command(commands, name, run, help=help, description=description, epilog=epilog)
    parser.add_argument(
        "run_id", type=text, metavar="RUN", help="the run, as `alma run` or `alma threads show` names it"
    )
    parser.set_defaults(act=act)
    add_data_dir(parser)
    return parser


def _add_following(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--detach", action="store_true", help="do not wait for what follows")
    parser.add_argument("--json", action="store_true", help="print the run's events, one per line")


def run(arguments: argparse.Namespace) -> int:
    async def act() -> int:
        from alma.cli.door import open_door

        async with open_door(read_settings(data_dir=arguments.data_dir)) as door:
            return await arguments.act(door, arguments)

    return asyncio.run(act())


async def answer_question(door: Door, arguments: argparse.Namespace) -> int:
    from alma.cli.asking import chosen
    from alma.server.commands import AnswerQuestion

    following = await _find(door, arguments.run_id)
    ask = _pick(await _view(door, following), ("question",), arguments.question)
    word = chosen(arguments.text.strip(), ask.options)
    command = AnswerQuestion(id="answer", run_id=following.run_id, question_id=ask.key, text=word)
    return await _tell(door, following, command, arguments)


async def decide(door: Door, arguments: argparse.Namespace) -> int:
    from alma.server.commands import DecidePlan, DecideTool, TaskDraft

    following, approved = await _find(door, arguments.run_id), not arguments.decline
    ask = _pick(await _view(door, following), ("plan", "tool"), arguments.what)
    command: Steer
    if ask.kind == "tool":
        command = DecideTool(id="decide", run_id=following.run_id, tool_call_id=ask.key, approved=approved)
    else:
        tasks = _read_tasks(arguments.tasks) if arguments.tasks is not None else None
        drafts = [TaskDraft.of(task) for task in tasks] if tasks is not None else None
        command = DecidePlan(id="decide", run_id=following.run_id, task_id=ask.key, approved=approved, tasks=drafts)
    return await _tell(door, following, command, arguments)


async def stop_run(door: Door, arguments: argparse.Namespace) -> int:
    """Returns once it has stopped: without a server it would else be left half stopped until there is one."""
    from alma.cli.following import Following
    from alma.server.commands import StopRun

    entries = await _entries(door, arguments.run_id)
    await door.tell(StopRun(id="stop", run_id=arguments.run_id, task_id=arguments.task))
    if arguments.task is None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOPPING_S):
                async for _ in door.follow(Following(arguments.run_id, entries[0].thread_id)):
                    pass
    return 0


async def pause_run(door: Door, arguments: argparse.Namespace) -> int:
    from alma.server.commands import PauseRun

    await door.tell(PauseRun(id="pause", run_id=arguments.run_id))
    return 0


async def resume_run(door: Door, arguments: argparse.Namespace) -> int:
    from alma.server.commands import ResumeRun

    following = await _find(door, arguments.run_id)
    return await _tell(door, following, ResumeRun(id="resume", run_id=following.run_id), arguments)


# ── inside ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _tell(door: Door, following: Following, command: Steer, arguments: argparse.Namespace) -> int:
    """Say it, then show the run from its beginning to its end."""
    from alma.cli.watch import Watch

    await door.tell(command)
    return 0 if arguments.detach else await Watch(door, following, as_json=arguments.json).run()


async def _find(door: Door, run_id: str) -> Following:
    """The run, which must not have ended. Raises `Misuse`."""
    from alma.cli.following import Following
    from alma.errors import Misuse

    entries = await _entries(door, run_id)
    if any(entry.type == "run_finished" for entry in entries):
        thread_id = entries[0].thread_id
        raise Misuse("run_finished", f"Run {run_id} has ended.", hint=f"`alma threads show {thread_id}` shows it.")
    return Following(run_id, entries[0].thread_id)


async def _entries(door: Door, run_id: str) -> list[_Entry]:
    """Its journal; the first entry names its thread. Raises `Misuse`."""
    import msgspec

    answer = await door.call("GET", f"/api/runs/{quote(run_id, safe='')}/entries")
    return [one.entry for one in msgspec.convert(answer, _Entries).entries]


async def _view(door: Door, following: Following) -> RunView:
    """The run as it stands now."""
    from alma.cli.following import Following
    from alma.cli.run_view import RunView

    view, looking = RunView(), Following(following.run_id, following.thread_id)
    async with contextlib.aclosing(door.follow(looking)) as events:
        async for _, event in events:
            if event.run_id:
                view.take(event)
            if looking.live:
                break
    return view


def _pick(view: RunView, kinds: tuple[Literal["question", "plan", "tool"], ...], key: str | None) -> Ask:
    """What is meant: by its key, or the only one there is. Raises `Misuse`."""
    from alma.errors import Misuse

    waiting = [ask for ask in view.asks.values() if ask.kind in kinds]
    found = [ask for ask in waiting if key in (None, ask.key)]
    if len(found) == 1:
        return found[0]
    what = " or ".join({"question": "question", "plan": "plan", "tool": "tool call"}[kind] for kind in kinds)
    keys = ", ".join(ask.key for ask in waiting) or "nothing"
    if not found:
        code = "question_gone" if "question" in kinds else "plan_decided"
        raise Misuse(code, f"No such {what} waits in this run.", actual=f"{keys} waits")
    raise Misuse("invalid_field", f"More than one {what} waits in this run.", expected=f"one of {keys}")


def _read_tasks(path: Path) -> list[PlanTask]:
    import msgspec

    from alma.cli.asking import read_tasks
    from alma.errors import Misuse

    try:
        return read_tasks(path)
    except msgspec.DecodeError as error:
        raise Misuse("invalid_plan", f"{path} is no list of tasks.", actual=str(error)) from None


class _Entry(Struct):
    """An entry of the journal, as far as it is looked at."""

    type: str
    thread_id: str = ""


class _Recorded(Struct):
    entry: _Entry


class _Entries(Struct):
    entries: list[_Recorded]
