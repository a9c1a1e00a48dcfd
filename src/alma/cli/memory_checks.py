"""What `alma doctor` looks at where memory is concerned: whether the indexes have what the database has."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from alma.cli.checks import Finding, look_only
from alma.cli.memory_replies import State, decoded
from alma.cli.options import token_of
from alma.cli.server_file import answers, running_server
from alma.errors import AlmaError
from alma.settings import Settings

if TYPE_CHECKING:
    import sqlalchemy as sa

_MEND = "alma memory reindex"


def check_memory(settings: Settings) -> Finding:
    """By the running server, which knows its indexes; else by what lies in the database."""
    server = running_server(settings.data_dir)
    if server is not None:
        try:
            if (state := asyncio.run(_ask(settings, server.url))) is not None:
                return of_state(state)
        except AlmaError as error:
            return Finding("memory", "warn", f"the server does not tell: {error.message}", "see its log")
    return _of_database(settings)


async def _ask(settings: Settings, url: str) -> State | None:
    """None: it does not answer, or is an older one."""
    from alma.cli.door import Door
    from alma.cli.server_transport import to_server

    if not await answers(url):
        return None
    async with to_server(settings.data_dir, 5, token=token_of(settings)) as transport:
        return decoded(await Door(transport).call("GET", "/api/memory"), State)


def of_state(state: State) -> Finding:
    alive = state.counts.alive
    if state.problem:
        return Finding(
            "memory", "warn", f"{alive:,} alive, found by words alone: {state.problem}", "alma doctor --deep"
        )
    if state.lacking:
        return Finding("memory", "warn", f"{state.lacking:,} of {alive:,} are not in the index of vectors yet", _MEND)
    on = "" if state.on else "; agents remember nothing: ALMA_MEMORY is off"
    models = ", ".join(f"{one.backend} with {one.model}" for one in state.indexes if one.role != "leaving")
    return Finding("memory", "ok", f"{alive:,} alive, all of them in the index ({models}){on}")


def _of_database(settings: Settings) -> Finding:
    from sqlalchemy.exc import SQLAlchemyError

    engine = look_only(settings.database)
    off = "" if settings.memory else "; agents remember nothing: ALMA_MEMORY is off"
    if engine is None:
        return Finding("memory", "ok", f"none yet{off}")
    try:
        with engine.connect() as connection:
            alive, wordless, unseen = _count(connection)
    except SQLAlchemyError:  # an older database, which has no memories; what else is wrong with it, its own line says
        return Finding("memory", "ok", f"none yet{off}")
    finally:
        engine.dispose()
    if wordless:
        return Finding("memory", "warn", f"{wordless:,} memories are missing in the index of words", _MEND)
    if unseen:
        detail = f"{unseen:,} of {alive:,} have no vector yet, and are found by words"
        return Finding("memory", "warn", detail, f"`alma serve` makes them, or {_MEND}")
    return Finding("memory", "ok", f"{alive:,} alive, all of them with words and vectors{off}")


def _count(connection: sa.Connection) -> tuple[int, int, int]:
    """Memories that are alive; memories without words; memories alive without a vector of any model."""
    import sqlalchemy as sa

    from alma.db.tables import memories, memory_vectors

    rows = memories.c
    alive = rows.forgotten_at.is_(None) & rows.valid_to.is_(None) & rows.archived_at.is_(None)
    num = sa.column("rowid" if connection.dialect.name == "sqlite" else "num", sa.BigInteger)
    worded = sa.select(num).select_from(sa.table("memory_words"))
    found = [
        connection.execute(sa.select(sa.func.count()).select_from(memories).where(clause)).scalar_one()
        for clause in (alive, rows.num.not_in(worded), alive & rows.num.not_in(sa.select(memory_vectors.c.num)))
    ]
    return found[0], found[1], found[2]
