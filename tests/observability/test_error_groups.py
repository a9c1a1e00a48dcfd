"""The same errors are one group, whichever line they come from; nothing of a storm or of a database away is trouble."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from alma.db.database import Database
from alma.db.watch_tables import error_groups
from alma.errors import InvalidRequest, StorageFailure
from alma.observability.channels import LogChannel, Telling
from alma.observability.context import bind
from alma.observability.error_book import ErrorBook
from alma.observability.error_groups import MOST_GROUPS, Group, News, Seen
from alma.observability.fingerprint import Fingerprint, fingerprint_of, of_error
from alma.observability.redaction import Redactor

log = logging.getLogger("alma.test")


@pytest.fixture
async def database(database_url: str) -> AsyncGenerator[Database]:
    database = Database(database_url)
    await asyncio.to_thread(database.open)
    yield database
    await asyncio.to_thread(database.close)


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncGenerator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'alma.db'}")
    await asyncio.to_thread(database.open)
    yield database
    await asyncio.to_thread(database.close)


def ours(code: str) -> Callable[[], object]:
    """A function of a module of Alma's with this source, called `work`."""
    names: dict[str, Any] = {"__name__": "alma.made_up"}
    exec(compile(code, "made_up.py", "exec"), names)
    return names["work"]


def mark(work: Callable[[], object]) -> Fingerprint:
    try:
        work()
    except Exception as error:
        return of_error(error)
    raise AssertionError("it did not fail")


WORK = "def inner(x):\n    raise ValueError(f'no {x}')\ndef work():\n    inner(1)\n"


def test_lines_and_values_do_not_matter_but_type_and_way_do() -> None:
    first = mark(ours(WORK))
    assert first.place == "alma.made_up.inner"
    assert mark(ours("\n\n\n# moved\n" + WORK.replace("inner(1)", "y = 2; inner(y)"))) == first
    assert mark(ours(WORK.replace("ValueError", "KeyError"))).id != first.id
    assert mark(ours(WORK.replace("inner", "other"))).id != first.id


def test_how_deep_a_recursion_went_does_not_matter() -> None:
    code = "def down(n):\n    if n == 0: raise ValueError\n    down(n - 1)\ndef work():\n    down({})\n"
    assert mark(ours(code.format(3))) == mark(ours(code.format(30)))


def test_the_first_error_of_a_group_counts_and_what_it_was_raised_from() -> None:
    grouped = "def work():\n    try: raise OSError\n    except OSError as e: raise ExceptionGroup('many', [e])\n"
    assert mark(ours(grouped)).id != mark(ours(grouped.replace("OSError", "TypeError"))).id
    caused = "def work():\n    try: raise OSError\n    except OSError as e: raise ValueError from e\n"
    assert mark(ours(caused)).id != mark(ours(caused.replace("OSError", "TypeError"))).id


def test_a_record_without_an_error_is_known_by_its_words_before_they_are_filled_in() -> None:
    def of(words: str, *given: object) -> str:
        return fingerprint_of(logging.LogRecord("alma.x", 40, "", 1, words, given, None)).id

    assert of("run %s could not be ended", "r1") == of("run %s could not be ended", "r2")
    assert of("run 17 of deadbeef01 failed") == of("run 18 of deadbeef02 failed")
    assert of("run %s could not be ended") != of("run %s failed")


def fail(words: str = "it failed") -> None:
    try:
        raise ValueError("the password hunter2hunter2 is wrong")
    except ValueError:
        log.exception("%s", words)


def book_of(database: Database) -> ErrorBook:
    return ErrorBook(database, Redactor(["hunter2hunter2"]), {"log_level": "info", "sentry_dsn": "**"})


async def test_the_same_error_is_one_group_with_count_times_and_an_example(database: Database) -> None:
    book = book_of(database)
    before = time.time()
    async with book.open():
        bind(run_id="r1", owner="ada")
        for _ in range(3):
            fail()
        log.error("something else")
        log.warning("no error")
    (other, group) = sorted(await book.groups(None, 10), key=lambda one: one.count)
    assert (group.count, group.state, group.title[:11]) == (3, "open", "ValueError:")
    assert before <= group.first_at <= group.last_at
    example = group.example
    assert example["ids"] == {"run_id": "r1", "owner": "ada"}
    assert "in fail" in example["traceback"]
    assert example["frames"][-1]["function"] == "fail"
    assert example["versions"]["alma"]
    assert example["os_thread"] == "MainThread", "not to be taken for a thread of Alma's"
    assert example["at"].endswith(" UTC"), "a time to be read"
    assert example["settings"] == {"log_level": "info", "sentry_dsn": "[redacted]"}
    assert "hunter2hunter2" not in str(group)
    assert (other.count, other.place) == (1, "alma.test")
    assert book.total == 4


async def test_an_alert_in_the_log_is_no_error(database: Database) -> None:
    book = book_of(database)
    async with book.open():
        LogChannel().say(Telling("firing", "al_1", "crowded", "critical", "Many came", "", "connections", 9, 5, 1))
        assert book.total == 0
        log.error("this is one")
    assert [group.title for group in await book.groups(None, 10)] == ["this is one"]


async def test_counts_add_up_over_restarts_and_the_example_is_the_newest(database: Database) -> None:
    for words in ("first", "second"):
        book = book_of(database)
        async with book.open():
            fail(words)
    (group,) = await book.groups(None, 10)
    assert (group.count, group.example["message"]) == (2, "second")


async def test_a_resolved_error_opens_again_a_muted_one_stays_so_and_listeners_hear(database: Database) -> None:
    book = book_of(database)
    heard: list[News] = []

    def broken(_seen: Seen, _news: News) -> None:
        raise RuntimeError("a listener's bug")

    book.listen(lambda _seen, news: heard.append(news))
    async with book.open():
        fail()
        await book.settle()
        (group,) = await book.groups("open", 10)
        for state in ("resolved", "muted", "open"):
            changed = await book.change(group.fingerprint, state)
            assert changed is not None
            assert changed.state == state
            assert [one.fingerprint for one in await book.groups(state, 10)] == [group.fingerprint]
            fail()
            await book.settle()
            assert (await book.groups(None, 10))[0].state == ("open" if state == "resolved" else state)
        assert heard == ["new", "reopened", "muted", "again"]
        assert await book.change("unknown", "muted") is None
        book.listen(broken)
        fail()
        await book.settle()
        assert heard[-1] == "again"  # and the listener's own bug is an error like any other
        await book.settle()
        assert heard[-1] == "new"


async def test_what_is_written_is_told_within_a_second_or_so_of_any_thread(sqlite: Database) -> None:
    book = book_of(sqlite)
    told = asyncio.Event()
    book.listen(lambda _seen, _news: told.set())
    async with book.open(), asyncio.TaskGroup() as group:
        task = group.create_task(book.run())
        await asyncio.to_thread(fail)
        await told.wait()
        task.cancel()


async def test_a_storm_is_counted_whole_and_kept_once(sqlite: Database) -> None:
    book = book_of(sqlite)
    async with book.open():
        for _ in range(2_000):
            fail()
    (group,) = await book.groups(None, 10)
    assert group.count == book.total == 2_000


async def test_many_different_errors_at_once_are_bounded(sqlite: Database) -> None:
    book = book_of(sqlite)
    async with book.open():
        for number in range(500):
            logging.getLogger(f"alma.n{number}").error("x")
    assert len(await book.groups(None, 1_000)) == 200
    assert book.total == 500


class Away(Database):
    """A database that cannot be written for a while."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.away = 0

    async def write(self, work: Callable[[sa.Connection], Any]) -> Any:
        if self.away:
            self.away -= 1
            raise StorageFailure("no", actual="the disk is full")
        return await super().write(work)


async def test_errors_wait_while_the_database_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alma.observability.error_book._EVERY_S", 0.001)
    database = Away(f"sqlite:///{tmp_path / 'alma.db'}")
    await asyncio.to_thread(database.open)
    book = book_of(database)
    told = asyncio.Event()
    book.listen(lambda _seen, _news: told.set())
    async with book.open(), asyncio.TaskGroup() as group:
        database.away = 3
        fail()
        with pytest.raises(StorageFailure):
            await book.settle()
        fail()  # while the first one waits
        task = group.create_task(book.run())
        await told.wait()
        task.cancel()
    assert [one.count for one in await book.groups(None, 10)] == [2]
    await asyncio.to_thread(database.close)


async def test_what_is_being_written_when_all_ends_counts_once(sqlite: Database) -> None:
    book = book_of(sqlite)
    async with book.open():
        log.error("it failed")
        writing = asyncio.create_task(book.settle())
        await asyncio.sleep(0)
        writing.cancel()
        await asyncio.wait({writing})
    await sqlite.write(lambda _connection: None)  # after what is under way
    assert [group.count for group in await book.groups(None, 10)] == [1]


async def test_an_error_that_ends_everything_is_the_last_that_is_written(sqlite: Database) -> None:
    book = book_of(sqlite)

    async def ends() -> None:
        async with book.open(), asyncio.TaskGroup():
            raise KeyError("a part is broken")

    with pytest.raises(ExceptionGroup):
        await ends()
    (group,) = await book.groups(None, 10)
    assert group.title == "KeyError: 'a part is broken'"
    assert book not in logging.getLogger().handlers


async def test_what_was_refused_is_no_error_of_everything(sqlite: Database) -> None:
    book = book_of(sqlite)

    async def refuses() -> None:
        async with book.open(), asyncio.TaskGroup():
            raise InvalidRequest("no_day", "That is no day.")

    with pytest.raises(ExceptionGroup):
        await refuses()
    assert await book.groups(None, 10) == []


async def test_what_asyncio_finds_failed_and_nobody_asked_for_is_an_error_too(sqlite: Database) -> None:
    book = book_of(sqlite)

    async def forgotten() -> None:
        raise LookupError("nobody asked")

    async with book.open():
        task = asyncio.get_running_loop().create_task(forgotten())
        await asyncio.wait([task])
        del task
    assert [one.title for one in await book.groups(None, 10)] == ["LookupError: nobody asked"]


async def test_old_groups_are_forgotten_and_so_are_the_oldest_of_too_many(sqlite: Database) -> None:
    now = time.time()
    old = {"title": "t", "place": "p", "count": 1, "first_at": 1.0, "state": "open", "example": "{}"}
    rows = [{**old, "fingerprint": f"f{age:04}", "last_at": now - 60 * age} for age in range(1, MOST_GROUPS + 200)]
    rows.append({**old, "fingerprint": "ancient", "last_at": now - 91 * 86_400})
    await sqlite.write(lambda connection: connection.execute(sa.insert(error_groups), rows))
    book = book_of(sqlite)
    async with book.open():
        fail()
    kept: list[Group] = await book.groups(None, 5_000)
    assert len(kept) == MOST_GROUPS
    assert kept[0].title.startswith("ValueError")
    assert kept[-1].fingerprint == f"f{MOST_GROUPS - 1:04}"
