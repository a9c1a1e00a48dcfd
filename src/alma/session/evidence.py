"""What stands behind an answer: the run's journal, and the exact prompt, put together again from its parts."""

from __future__ import annotations

import time

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from alma.agent.prompt import compose
from alma.agent.role import Role, parse_role
from alma.db.tables import role_versions
from alma.engine.journal import read_entries
from alma.engine.turns import read_turns
from alma.errors import NotFound
from alma.events import MessageStarted, Recorded, RouteChosen
from alma.models.chat import ChatMessage
from alma.session.threads import find_run


class SentPrompt(Struct, frozen=True):
    """`started`: the attempt it was sent for."""

    messages: list[ChatMessage]
    started: MessageStarted


def keep_role(connection: sa.Connection, role: Role) -> None:
    """Store a role's file under its version, once, before a run uses it."""
    known = connection.execute(sa.select(role_versions.c.version).where(role_versions.c.version == role.version))
    if known.first() is None:
        row = {"version": role.version, "role": role.name, "source": role.source, "created_at": time.time()}
        connection.execute(sa.insert(role_versions).values(row))


def read_journal(connection: sa.Connection, owner: str, run_id: str, after: int = 0) -> list[Recorded]:
    """Raises `NotFound` (unknown_run) also for another owner's run."""
    find_run(connection, owner, run_id)
    return read_entries(connection, {run_id: after})[run_id]


def sent_prompt(connection: sa.Connection, owner: str, run_id: str) -> SentPrompt:
    """The prompt of the run's last attempt. Raises `NotFound` when the run has not got that far."""
    place = find_run(connection, owner, run_id)
    route: RouteChosen | None = None
    started: MessageStarted | None = None
    for recorded in read_entries(connection, {run_id: 0})[run_id]:
        if isinstance(recorded.entry, RouteChosen):
            route = recorded.entry
        elif isinstance(recorded.entry, MessageStarted):
            started = recorded.entry
    if route is None or started is None:
        raise NotFound("no_prompt", "This run has sent no prompt yet.", hint="Ask again when it has begun to answer.")
    source = connection.execute(
        sa.select(role_versions.c.source).where(role_versions.c.version == started.prompt_version)
    ).scalar()
    if source is None:
        raise NotFound("no_prompt", f"Version {started.prompt_version} of role {started.role} is not kept.")
    role = parse_role(source, f"{started.role} {started.prompt_version}")
    turns = [
        turn if turn.run_id in started.answered else msgspec.structs.replace(turn, answer="")
        for turn in read_turns(connection, started.turns)
    ]
    return SentPrompt(compose(role.kinds[route.kind].prompt, turns, place.text), started)
