"""Asks the person at the terminal what a run waits for: an answer, leave for a tool call, a word on a plan.

A line is read without blocking the event loop, so that the run goes on being followed meanwhile, and so that a question
which somebody else answers can be withdrawn.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from alma import child as child_process
from alma.cli import run_lines
from alma.cli.run_view import Ask, TaskView
from alma.cli.terminal import is_terminal, note, safe
from alma.errors import Misuse
from alma.plan import Plan, PlanTask
from alma.server.commands import AnswerQuestion, DecidePlan, DecideTool, Steer, TaskDraft

Tell = Callable[[Steer], Awaitable[object]]
_GONE = {"question_gone", "plan_decided", "call_decided", "run_finished"}


async def read_line(prompt: str) -> str | None:
    """A line that is typed on standard input, a terminal; None at its end (Ctrl-D)."""
    sys.stderr.write(safe(prompt))
    sys.stderr.flush()
    loop, descriptor = asyncio.get_running_loop(), sys.stdin.fileno()
    typed: asyncio.Future[bytes] = loop.create_future()

    def ready() -> None:
        if not typed.done():
            typed.set_result(os.read(descriptor, 65_536))  # the terminal hands over whole lines

    loop.add_reader(descriptor, ready)
    try:
        line = await typed
    finally:
        loop.remove_reader(descriptor)
    return line.decode(errors="replace").rstrip("\r\n") if line else None


async def ask_user(run_id: str, ask: Ask, task: TaskView, tell: Tell, *, again: bool = False) -> bool:
    """Put `ask` to the user until their word is taken; whether they gave one. `again`: say once more what is asked."""
    if again:
        _print(run_lines.asked(ask, task))
    plan = ask.plan
    while True:
        if ask.kind == "question":
            command = await _answer(run_id, ask, task)
        elif ask.kind == "tool":
            command = await _leave(run_id, ask, task)
        else:
            assert plan is not None
            command, plan = await _word_on_plan(run_id, ask, plan)
        if command is None:
            return False
        try:
            await tell(command)
        except Misuse as error:
            _print(run_lines.problem(error))
            if error.code in _GONE:
                return True
            continue
        return True


async def _answer(run_id: str, ask: Ask, task: TaskView) -> Steer | None:
    while True:
        line = await read_line(f"{run_lines.named(task)}> ")
        if line is None:
            return None
        if line.strip():
            text = chosen(line.strip(), ask.options)
            return AnswerQuestion(id="answer", run_id=run_id, question_id=ask.key, text=text)


def chosen(line: str, options: tuple[str, ...]) -> str:
    """The option whose number was typed, else what was typed."""
    if line.isascii() and line.isdigit() and 1 <= int(line) <= len(options):
        return options[int(line) - 1]
    return line


async def _leave(run_id: str, ask: Ask, task: TaskView) -> Steer | None:
    letter = await _letter(f"{run_lines.named(task)}: allow this call? [y]es, [n]o: ", "yn")
    if letter is None:
        return None
    return DecideTool(id="decide", run_id=run_id, tool_call_id=ask.key, approved=letter == "y")


async def _word_on_plan(run_id: str, ask: Ask, plan: Plan) -> tuple[Steer | None, Plan]:
    assert ask.plan is not None
    while True:
        letter = await _letter("run this plan? [y]es, [n]o, [e]dit: ", "yne")
        if letter is None:
            return None, plan
        if letter != "e":
            tasks = plan.tasks if letter == "y" and plan.tasks != ask.plan.tasks else None
            drafts = [TaskDraft.of(task) for task in tasks] if tasks is not None else None
            said = DecidePlan(id="decide", run_id=run_id, task_id=ask.key, approved=letter == "y", tasks=drafts)
            return said, plan
        edited = await edit_plan(plan.tasks)
        if edited is not None:
            plan = msgspec.structs.replace(plan, tasks=edited)
            _print(run_lines.plan_lines(edited))


async def _letter(prompt: str, letters: str) -> str | None:
    """One of `letters`; None when there is nothing more to be read."""
    while True:
        line = await read_line(prompt)
        if line is None:
            return None
        letter = line.strip().lower()[:1]
        if letter and letter in letters:
            return letter


async def edit_plan(tasks: list[PlanTask]) -> list[PlanTask] | None:
    """The tasks as the user left them in their editor, a JSON file; None when they cannot be used."""
    path = _plan_file(tasks)
    try:
        status = await _edit(path)
        if not status:
            return read_tasks(path)
        note(f"The editor ended with status {status}; nothing was changed.")
    except (msgspec.DecodeError, OSError) as error:
        note(f"The plan cannot be read: {error}. It stays as it was.")
    finally:
        _remove(path)
    return None


def read_tasks(path: Path) -> list[PlanTask]:
    """Raises `OSError`, `msgspec.DecodeError`."""
    return msgspec.json.decode(path.read_bytes(), type=list[PlanTask])


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _plan_file(tasks: list[PlanTask]) -> Path:
    descriptor, name = tempfile.mkstemp(suffix=".json", prefix="alma-plan-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(tasks), indent=2) + b"\n")
    return Path(name)


async def _edit(path: Path) -> int:
    """Let the user's editor work on a file; its exit code."""
    words = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    editor = await child_process.start(*words, str(path))
    return await editor.wait()


def _print(lines: list[str]) -> None:
    for line in lines:
        print(safe(line), file=sys.stderr)


def can_ask() -> bool:
    """Whether somebody sits there who sees a question and can answer it."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)
