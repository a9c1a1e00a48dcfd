"""What stands behind an answer: the run's journal, and the exact prompt, put together again from its parts."""

from __future__ import annotations

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from alma.agent.prompt import Mode, as_sent, gather
from alma.agent.role import parse_role
from alma.agent.task import Summary
from alma.db.tables import role_versions, summaries
from alma.engine.briefing import brief
from alma.engine.fold import fold
from alma.engine.journal import read_entries
from alma.engine.turns import read_turns
from alma.errors import NotFound
from alma.events import (
    AttemptFailed,
    BoardWritten,
    MemoriesRecalled,
    MessageStarted,
    Recorded,
)
from alma.models.chat import ChatMessage
from alma.plan import MAIN
from alma.recollection import RecalledMemory
from alma.session.threads import find_run


class SentPrompt(Struct, frozen=True):
    """`started`: the attempt it was sent for."""

    messages: list[ChatMessage]
    started: MessageStarted


def read_journal(connection: sa.Connection, owner: str, run_id: str, after: int = 0) -> list[Recorded]:
    """Raises `NotFound` (unknown_run) also for another owner's run."""
    find_run(connection, owner, run_id)
    return read_entries(connection, {run_id: after})[run_id]


def sent_prompt(connection: sa.Connection, owner: str, run_id: str, message_id: str | None = None) -> SentPrompt:
    """The prompt of a message's last attempt, by default of the run's own newest message. Raises `NotFound` when the
    run has not got that far."""
    find_run(connection, owner, run_id)
    log = read_entries(connection, {run_id: 0})[run_id]
    found: Recorded | None = None
    for recorded in log:
        entry = recorded.entry
        if isinstance(entry, MessageStarted) and (
            entry.message_id == message_id or (message_id is None and entry.task_id == MAIN)
        ):
            found = recorded
    if found is None:
        raise NotFound("no_prompt", "There is no such prompt (yet).", hint="Ask again when it has begun to answer.")
    started = found.entry
    assert isinstance(started, MessageStarted)
    if not started.model:
        raise NotFound("no_prompt", "No model was asked: Alma wrote this itself, of what there was.")
    if not started.sections:
        raise NotFound("pruned", "The steps of this run were given up, and what it was told with them.")
    if started.sent:
        return SentPrompt([ChatMessage(one.role, one.content) for one in started.sent], started)  # pyright: ignore[reportArgumentType]
    source = connection.execute(
        sa.select(role_versions.c.source).where(role_versions.c.version == started.prompt_version)
    ).scalar()
    if source is None:
        raise NotFound("no_prompt", f"Version {started.prompt_version} of role {started.role} is not kept.")
    role = parse_role(source, f"{started.role} {started.prompt_version}")
    state = fold(run_id, (one for one in log if one.seq < found.seq))
    task = brief(state, state.tasks[started.task_id], read_turns(connection, started.turns), 0)
    told = _recalled(log, found)
    task = replace(task, board=_board(log, started), summary=_summary(connection, started), memories=told)
    mode: Mode = "synthesis" if task.plan is not None and not task.declined else "answer"
    if any(section.name == "notes" for section in started.sections):
        mode = "notes"
    return SentPrompt(as_sent(gather(task, role, mode), started.sections, started.turns, started.answered), started)


def _summary(connection: sa.Connection, started: MessageStarted) -> Summary | None:
    """The one that stood in the prompt."""
    of = next((section.ref for section in started.sections if section.name == "summary"), None)
    text = connection.execute(sa.select(summaries.c.text).where(summaries.c.run_id == of)).scalar() if of else None
    return Summary(of, text) if of is not None and text is not None else None


def _recalled(log: list[Recorded], started: Recorded) -> list[RecalledMemory]:
    """What the agent of a message had been reminded of when it began, by its assignment of then."""
    told: list[RecalledMemory] = []
    for recorded in log:
        entry = recorded.entry
        if recorded.seq > started.seq:
            break
        if entry.task_id != started.entry.task_id:
            continue
        if isinstance(entry, MemoriesRecalled) and not entry.call_id:
            told = entry.hits
        elif isinstance(entry, AttemptFailed) and (entry.to_role is not None or entry.to_model is not None):
            told = []
    return told


def _board(log: list[Recorded], started: MessageStarted) -> dict[str, BoardWritten]:
    """The versions that stood in the prompt: others may have been written before its start was."""
    shown = {section.ref for section in started.sections if section.name == "board"}
    board: dict[str, BoardWritten] = {}
    for recorded in log:
        entry = recorded.entry
        if isinstance(entry, BoardWritten):
            known = board.get(entry.key)
            if known is None or f"{entry.key}@{entry.version}" in shown:
                board[entry.key] = entry
    return board
