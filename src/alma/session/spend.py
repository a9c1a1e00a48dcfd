"""What an owner has used and may use: the report, the budgets they set, and whether the sums are those of the journals.

Sums come from the table of spend, limits from the ledger. Queries are plain functions on a connection.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isclose

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from alma.db.database import Database, insert_for
from alma.db.tables import budgets as budget_rows
from alma.db.tables import runs, spend
from alma.engine.budget import Limits, day_of, spent_by
from alma.engine.journal import read_entries
from alma.engine.ledger import SCOPES, Ledger, Own, Scope
from alma.engine.spending import COUNTED, as_spent, of_owner, of_thread, summed, total_columns
from alma.engine.state import NOTHING, Spent
from alma.errors import InvalidRequest
from alma.events import MessageStarted, Recorded, RouteChosen
from alma.session.threads import get_thread

_MOST_DAYS = 92  # that a report goes back
_AT_ONCE = 200  # runs whose journals are read together


class ScopeSpend(Struct, frozen=True):
    """`limits`: 0 is none. Of `run` nothing is used: its limits are those of each run."""

    scope: Scope
    used: Spent
    limits: Limits


class Report(Struct, frozen=True):
    """`days`: days since 1970-01-01 with what was used, newest first; `models`: the most used first."""

    warn_at: float
    scopes: list[ScopeSpend]
    days: list[tuple[int, Spent]]
    models: list[tuple[str, Spent]]


async def report(database: Database, ledger: Ledger, owner: str, thread_id: str = "") -> Report:
    """What there is to say of an owner, and of one of their threads. Raises `NotFound` (unknown_thread)."""
    today = day_of(ledger.clock())

    def query(connection: sa.Connection) -> tuple[Spent, list[tuple[int, Spent]], list[tuple[str, Spent]]]:
        in_thread = NOTHING
        if thread_id:
            get_thread(connection, owner, thread_id)
            in_thread = summed(connection, of_thread(owner, thread_id))
        by_day = sa.select(*total_columns(), spend.c.day).where(of_owner(owner)).group_by(spend.c.day)
        days = connection.execute(by_day.order_by(spend.c.day.desc()))
        by_model = sa.select(*total_columns(), spend.c.model).where(of_owner(owner)).group_by(spend.c.model)
        models = [(row.model, as_spent(tuple(row))) for row in connection.execute(by_model)]
        models.sort(key=lambda one: (-one[1].cost, -one[1].tokens, one[0]))
        return in_thread, [(row.day, as_spent(tuple(row))) for row in days], models

    in_thread, days, models = await database.read(query)
    used: dict[Scope, Spent] = {
        "thread": in_thread,
        "owner": sum((spent for _, spent in days), NOTHING),
        "day": dict(days).get(today, NOTHING),
    }
    scopes = [
        ScopeSpend(scope, used.get(scope, NOTHING), ledger.limits(owner, scope, thread_id))
        for scope in SCOPES
        if scope != "thread" or thread_id
    ]
    recent = [(day, spent) for day, spent in days if day > today - _MOST_DAYS]
    return Report(ledger.warn_at, scopes, recent, models)


async def set_budget(
    database: Database, ledger: Ledger, owner: str, scope: Scope, thread_id: str, **change: float | None
) -> None:
    """Keep a budget: `tokens`, `seconds`, `money`, each a number (0: no limit) or None (as the settings say); what is
    not given stays. It holds at once, for runs under way too. Raises `NotFound`, `InvalidRequest`."""
    if (scope == "thread") != bool(thread_id):
        raise InvalidRequest(
            "invalid_field",
            "A thread's budget needs its thread, and no other budget has one.",
            expected="threadId with the scope `thread`, and only with it",
            actual=f"scope {scope}, threadId {thread_id or 'not given'}",
        )

    def write(connection: sa.Connection) -> Own:
        if thread_id:
            get_thread(connection, owner, thread_id)
        of_this = sa.and_(
            budget_rows.c.owner == owner, budget_rows.c.scope == scope, budget_rows.c.thread_id == thread_id
        )
        row = connection.execute(sa.select(budget_rows).where(of_this)).one_or_none()
        before = Own(row.tokens, row.seconds, row.money) if row is not None else Own()
        own = replace(before, **change)
        values = {"tokens": own.tokens, "seconds": own.seconds, "money": own.money}
        statement = insert_for(connection)(budget_rows).values(owner=owner, scope=scope, thread_id=thread_id, **values)
        connection.execute(statement.on_conflict_do_update(index_elements=["owner", "scope", "thread_id"], set_=values))
        return own

    ledger.set(owner, scope, thread_id, await database.write(write))


# ── are the sums right? ───────────────────────────────────────────────────────────────────────────────────────────


class Check(Struct, frozen=True):
    """`wrong`: what differs, a line for each run. `pruned`: runs whose steps were given up, so that nobody can tell;
    `deleted`: runs of deleted threads, of which only the sums are left."""

    runs: int
    total: Spent
    wrong: list[str]
    pruned: int = 0
    deleted: int = 0


def spent_in(log: Iterable[Recorded]) -> dict[tuple[int, str], Spent]:
    """What a run's journal says was used, by day and model."""
    found: dict[tuple[int, str], Spent] = {}
    models: dict[str, str] = {}
    for recorded in log:
        entry = recorded.entry
        if isinstance(entry, MessageStarted):
            models[entry.message_id] = entry.model
        spent = spent_by(entry)
        if spent is not None:
            model = spent[0] or models.get(getattr(entry, "message_id", ""), "")  # older messages do not name it
            key = (day_of(entry.at), model)
            found[key] = found.get(key, NOTHING) + spent[1]
    return found


def check(connection: sa.Connection) -> Check:
    """Compare the table of spend with all journals."""
    table: dict[str, dict[tuple[int, str], Spent]] = {}
    for row in connection.execute(
        sa.select(*(spend.c[name] for name in COUNTED), spend.c.run_id, spend.c.day, spend.c.model)
    ):
        table.setdefault(row.run_id, {})[row.day, row.model] = as_spent(tuple(row))
    total = sum((spent for rows in table.values() for spent in rows.values()), NOTHING)
    known = [(row.id, row.finished) for row in connection.execute(sa.select(runs.c.id, runs.c.finished))]
    wrong: list[str] = []
    pruned = 0
    for start in range(0, len(known), _AT_ONCE):
        chunk = dict(known[start : start + _AT_ONCE])
        for run_id, log in read_entries(connection, dict.fromkeys(chunk, 0)).items():
            rows, journal = table.pop(run_id, {}), spent_in(log)
            if _same(rows, journal):
                continue
            if chunk[run_id] and not any(isinstance(one.entry, RouteChosen) for one in log):
                pruned += 1
                continue
            said, says = sum(rows.values(), NOTHING), sum(journal.values(), NOTHING)
            wrong.append(f"run {run_id}: the table has {_told(said)}, the journal {_told(says)}")
    return Check(len(known), total, wrong, pruned, len(table))


def _same(one: dict[tuple[int, str], Spent], other: dict[tuple[int, str], Spent]) -> bool:
    """Sums of floats depend on their order in the last digit."""
    return one.keys() == other.keys() and all(
        all(isclose(getattr(one[key], name), getattr(other[key], name), abs_tol=1e-9) for name in COUNTED)
        for key in one
    )


def _told(spent: Spent) -> str:
    return f"{spent.tokens:,} tokens in {spent.calls} calls, ${spent.cost:.6f}"
