"""A database from before spend was kept: what its journals say is summed up when it is migrated, and can be checked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from alma.__main__ import main
from alma.db import migrate
from alma.db.database import Database
from alma.db.tables import spend
from alma.engine.budget import DAY_S
from alma.engine.journal import insert_run
from alma.events import MessageFinished, MessageStarted, RouteChosen, RunStarted
from alma.model_call import Sampling, Timing, Usage
from alma.session.spend import check

USED = Usage(100, 400, 10)


def make_run(connection: sa.Connection, run_id: str, day: int, usage: Usage) -> None:
    at = day * DAY_S + 5.0
    route = RouteChosen(
        at=at,
        kind="chat",
        source="user",
        scores={},
        neighbours=[],
        role="manager",
        prompt_version="v",
        sampling=Sampling(),
    )
    begun = MessageStarted(
        at=at,
        message_id=f"{run_id}.main",
        attempt=1,
        role="manager",
        model="here/m",
        endpoint="here",
        prompt_version="v",
        sections=[],
    )
    said = MessageFinished(
        at=at,
        message_id=f"{run_id}.main",
        attempt=1,
        text="word " * 400,  # long enough to be stored compressed
        finish_reason="stop",
        usage=usage,
        timing=Timing(1, 250),
        cost=0.25,
    )
    insert_run(connection, run_id, RunStarted(at=at, thread_id="t", owner="ada", text="Hi"), [route, begun, said])


async def test_a_database_of_before_is_summed_up(empty_url: str) -> None:
    database = Database(empty_url)
    database.open()
    for run in (("r1", 20_000, USED), ("r2", 20_001, USED), ("r3", 20_001, Usage())):  # of the last nothing was told
        await database.write(lambda connection, run=run: make_run(connection, *run))

    def as_before(connection: sa.Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(migrate._FOLDER))
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")

    await database.write(as_before)
    database.close()
    again = Database(empty_url)
    again.open()
    rows = await again.read(lambda connection: connection.execute(sa.select(spend).order_by(spend.c.run_id)).all())
    assert [(row.run_id, row.owner, row.day, row.model) for row in rows] == [
        ("r1", "ada", 20_000, "here/m"),
        ("r2", "ada", 20_001, "here/m"),
    ]
    assert [(row.input_tokens, row.output_tokens, row.cached_tokens, row.ms, row.cost, row.calls) for row in rows] == [
        (100, 400, 10, 250.0, 0.25, 1)
    ] * 2
    assert (await again.read(check)).wrong == []
    again.close()


async def test_a_sum_that_is_not_the_journals_is_found(empty_url: str) -> None:
    database = Database(empty_url)
    database.open()
    await database.write(lambda connection: make_run(connection, "r1", 20_000, USED))
    checked = await database.read(check)
    assert checked.wrong == [
        "run r1: the table has 0 tokens in 0 calls, $0.000000, the journal 500 tokens in 1 calls, $0.250000"
    ]
    database.close()


def test_the_command_line_says_so(tmp_path: object) -> None:
    database = Database(f"sqlite:///{tmp_path}/alma.db")
    database.open()
    with database._engine.begin() as connection:
        make_run(connection, "r1", 20_000, USED)
    database.close()
    assert main(["spend", "--check", "--data-dir", str(tmp_path)]) == 1
