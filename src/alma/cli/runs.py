"""`alma runs`: what runs there are and what they did, step by step; and giving up the steps of old ones."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import sys
import textwrap
import time
from collections.abc import Callable, Generator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from alma.cli.options import Subparsers, add_actions, add_command, read_settings, text

if TYPE_CHECKING:
    import sqlalchemy as sa

    from alma.db.database import Database
    from alma.events import Recorded
    from alma.settings import Settings

T = TypeVar("T")
_SECONDS = {"h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_MOST_LISTED = 1000


def add(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "runs",
        lambda arguments: arguments.act(arguments),
        help="list and show runs, and give up the steps of old ones",
        description="Reads the database itself. Threads with their answers: `alma threads`.",
        epilog=textwrap.dedent(
            """\
            examples:
              alma runs list
              alma runs show r_…
              alma runs prune --older-than 30d --dry-run
              alma runs prune --older-than 30d --vacuum"""
        ),
    )
    action = add_actions(parser)
    listing = action("list", list_runs, "The newest runs: when, how far, how many steps, what was asked.")
    listing.add_argument("--limit", type=_limit, default=20, metavar="N", help="how many (20)")
    show = action("show", show_run, "The steps of a run, as its journal has them.")
    show.add_argument("run_id", type=text, metavar="ID", help="the run, as `alma runs list` names it")
    show.add_argument("--json", action="store_true", help="whole entries, one JSON object per line")
    prune = action("prune", prune_runs, "Delete the steps of finished runs. Questions and answers stay.")
    prune.add_argument(
        "--older-than", type=_age, metavar="AGE", help="such as 30d, 12h or 8w (ALMA_KEEP_RUNS_DAYS, where that is set)"
    )
    prune.add_argument("--dry-run", action="store_true", help="say what would go, and change nothing")
    prune.add_argument(
        "--keep-answers",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether answers stay (yes); without them later turns show what they were told less exactly",
    )
    prune.add_argument("--vacuum", action="store_true", help="give the space back to the disk (SQLite)")


def _limit(word: str) -> int:
    if not word.isascii() or not word.isdigit() or not 1 <= int(word) <= _MOST_LISTED:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to {_MOST_LISTED}, got {word!r}")
    return int(word)


def _age(word: str) -> float:
    """In seconds."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)([hdw])", word)
    if found is None:
        raise argparse.ArgumentTypeError(f"expected hours, days or weeks such as 12h, 30d or 8w, got {word!r}")
    return float(found[1]) * _SECONDS[found[2]]


# ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────────


def list_runs(arguments: argparse.Namespace) -> int:
    import sqlalchemy as sa

    from alma.cli.terminal import note, print_table
    from alma.db.tables import runs

    def look(connection: sa.Connection) -> list[tuple[str, float, bool, int, str]]:
        query = sa.select(runs.c.id, runs.c.created_at, runs.c.finished, runs.c.head, runs.c.text)
        return [
            tuple(row) for row in connection.execute(query.order_by(runs.c.created_at.desc()).limit(arguments.limit))
        ]

    found = _read(read_settings(data_dir=arguments.data_dir), look)
    if not found:
        note('No run yet: `alma run "…"` starts one.')
        return 0
    print_table(
        ("run", "began", "", "steps", "task"),
        [
            (run_id, _when(at), "" if finished else "working", str(head), " ".join(task.split())[:80])
            for run_id, at, finished, head, task in found
        ],
    )
    return 0


def show_run(arguments: argparse.Namespace) -> int:
    import msgspec

    from alma.cli.terminal import safe
    from alma.engine.journal import read_entries
    from alma.errors import NotFound

    run_id: str = arguments.run_id
    log: list[Recorded] = []
    if "\0" not in run_id:
        log = _read(read_settings(data_dir=arguments.data_dir), lambda c: read_entries(c, {run_id: 0})[run_id])
    if not log:
        raise NotFound("unknown_run", f"There is no run {run_id!r}.", hint="`alma runs list` names the newest.")
    if arguments.json:
        for recorded in log:
            sys.stdout.write(msgspec.json.encode({"seq": recorded.seq, "entry": recorded.entry}).decode() + "\n")
        return 0
    began = log[0].entry.at
    for recorded in log:
        entry = recorded.entry
        after = f"{entry.at - began:8.3f} s"
        print(safe(f"{recorded.seq:>4}  {after}  {entry.task_id:<8}{_said(recorded)}"))
    return 0


def _said(recorded: Recorded) -> str:
    """A step in a line: its kind, and whatever it has of these."""
    entry = recorded.entry
    words = [str(entry.__struct_config__.tag).replace("_", " ")]
    for name in ("step", "role", "name", "status", "kind", "title"):
        if value := getattr(entry, name, None):
            words.append(f"{value}")
    if error := getattr(entry, "error", None):
        words.append(error.message)
    said = " ".join(str(getattr(entry, "text", "")).split())
    return " · ".join([*words, *([said if len(said) <= 60 else said[:59] + "…"] if said else [])])


# ── pruning ───────────────────────────────────────────────────────────────────────────────────────────────────────


def prune_runs(arguments: argparse.Namespace) -> int:
    from alma.cli.terminal import note
    from alma.session.retention import DAY, Pruned, prunable, prune_all

    settings = read_settings(data_dir=arguments.data_dir)
    age = settings.keep_runs_days * DAY if arguments.older_than is None else arguments.older_than
    if arguments.older_than is None and not age:
        raise _no_age()
    before = time.time() - age
    if arguments.dry_run:
        print(f"Would give up {_amount(_read(settings, lambda connection: prunable(connection, before)))}.")
        return 0

    async def act() -> Pruned:
        with _opened(settings) as database:
            return await prune_all(database, before, keep_answers=arguments.keep_answers)

    with _nobody_else(settings):
        done = asyncio.run(act())
        print(f"Gave up {_amount(done)}.")
        if arguments.vacuum:
            freed = _vacuum(settings)
            note("Only SQLite needs it." if freed is None else f"The file is {_kb(freed)} smaller.")
        elif done.runs:
            note("SQLite uses the room for new runs; `--vacuum` gives it back to the disk.")
    return 0


def _no_age() -> Exception:
    from alma.errors import Misuse

    return Misuse(
        "no_age",
        "It is not said how old a run must be.",
        expected="--older-than 30d, or ALMA_KEEP_RUNS_DAYS",
        hint="`--dry-run` shows first what would go.",
    )


@contextlib.contextmanager
def _nobody_else(settings: Settings) -> Generator[None]:
    """Raises `DataDirBusy` while a server uses the data folder."""
    from alma.errors import DataDirBusy
    from alma.serve import data_dir_lock

    try:
        with data_dir_lock(settings.data_dir):
            yield
    except DataDirBusy as busy:
        raise DataDirBusy(
            busy.message,
            expected="no server while runs are pruned",
            actual=busy.actual,
            hint="Stop it first, or set ALMA_KEEP_RUNS_DAYS: then it prunes by itself, when it starts and every day.",
        ) from None


@contextlib.contextmanager
def _opened(settings: Settings) -> Generator[Database]:
    from alma.db.database import Database

    database = Database(settings.database)
    try:
        database.open()
        yield database
    finally:
        database.close()


def _read(settings: Settings, look: Callable[[sa.Connection], T]) -> T:
    async def act() -> T:
        with _opened(settings) as database:
            return await database.read(look)

    return asyncio.run(act())


def _vacuum(settings: Settings) -> int | None:
    """Write the SQLite file anew; by how many bytes it shrank."""
    import sqlite3

    from sqlalchemy.engine import make_url

    url = make_url(settings.database)
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    file = Path(url.database)
    before = file.stat().st_size
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return before - file.stat().st_size


def _amount(done: object) -> str:
    from alma.session.retention import Pruned

    assert isinstance(done, Pruned)
    runs = f"{done.runs:,} run{'' if done.runs == 1 else 's'}"
    return f"the steps of {runs}: {done.entries:,} entries, {_kb(done.bytes)} of text"


def _kb(size: int) -> str:
    return f"{size / 1024:,.0f} KB" if size < 10 * 1024 * 1024 else f"{size / 1024 / 1024:,.0f} MB"


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")
