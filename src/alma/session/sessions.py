"""Sessions: what a user can do, whichever door they come through.

Starts, retries and stops runs, keeps corrections, opens subscriptions. Owns idempotency and ownership; the engine runs
what is started here. Everything acknowledged is durable before the acknowledgement.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import msgspec
import sqlalchemy as sa

from alma.agent.route import Verdict
from alma.agent.router import Router
from alma.agent.run import Models
from alma.db.database import Database
from alma.engine.budget import is_spent
from alma.engine.journal import Journal
from alma.engine.purse import budget_spent
from alma.engine.runner import Engine
from alma.errors import AlmaError, Conflict, InvalidRequest, ServerStopping
from alma.events import Fork, Kind, Recorded, RouteCorrected
from alma.memory.examples import SavedExample, delete_example, load_examples, save_example
from alma.plan import MAIN
from alma.session import encode
from alma.session import threads as thread_queries
from alma.session.evidence import SentPrompt, read_journal, sent_prompt
from alma.session.feed import Feeds
from alma.session.feedback import Feedback
from alma.session.ids import new_id
from alma.session.metric_news import MetricNews
from alma.session.notices import Notices
from alma.session.starting import Ask, Made, insert
from alma.session.steering import Steering
from alma.session.subscription import Outbox, RunHave, Subscription, cursor_ahead
from alma.session.warming import Typed, Warmer
from alma.session.wire import Ack, CommandError, ThreadSummary

log = logging.getLogger(__name__)


class Limits(msgspec.Struct, frozen=True):
    max_prompt_chars: int = 200_000
    max_unfinished_runs: int = 1024
    remember: bool = True  # what is said in runs may become memories


# Told of the acknowledgement, and whether the thread is new, before any event of the run is published.
Begun = Callable[[Ack, bool], None]


def _ack(made: Made, command_id: str) -> Ack:
    return Ack(id=command_id, thread_id=made.thread_id, run_id=made.run_id, duplicate=not made.first)


# Told of runs that are deleted with their thread, before and after: what goes back to them goes too.
Forget = Callable[[str, list[str]], Awaitable[object]]


class Sessions:
    def __init__(
        self,
        database: Database,
        journal: Journal,
        engine: Engine,
        router: Router,
        models: Models,
        feeds: Feeds,
        notices: Notices,
        limits: Limits,
        steering: Steering,
        forget: Forget | None = None,
        warmer: Warmer | None = None,
    ) -> None:
        self.database = database
        self.engine = engine
        self.limits = limits
        self.notices = notices
        self.steering = steering
        self._journal = journal
        self._router = router
        self._models = models
        self._forget = forget
        self.feedback = Feedback(database, journal)
        self.metrics: MetricNews | None = None  # None: nothing is measured
        self._warmer = warmer
        self._feeds = feeds
        self._starting = 0  # runs being written
        self.stopping = False  # nothing new is begun

    # ── runs ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def start(self, owner: str, ask: Ask, command_id: str = "", begun: Begun | None = None) -> Ack:
        """Begin a run, durably. The same key again gives the first one's run."""
        self._check(ask)
        await self._admit(owner, ask)
        if ask.kind is None:
            self._router.prefetch(ask.text)
        self._starting += 1
        future = self.database.begin_write(
            lambda connection: insert(
                connection, owner, ask, self.engine.ledger.limits(owner, "run"), remember=self.limits.remember
            )
        )

        def go(done: asyncio.Future[Made]) -> None:
            """Once it is written it must run, whether or not its caller still waits."""
            self._starting -= 1
            if not done.cancelled() and done.exception() is None:
                self._go(done.result(), command_id, begun)

        future.add_done_callback(go)
        return _ack(await asyncio.shield(future), command_id)

    def _go(self, made: Made, command_id: str, begun: Begun | None) -> None:
        if begun is not None:
            begun(_ack(made, command_id), made.new_thread)
        if made.fence is not None:
            first = [Recorded(made.run_id, seq, entry) for seq, entry in enumerate(made.first, 1)]
            for recorded in first:
                self._journal.publish(made.thread_id, recorded)
            self.engine.begin(first, made.fence)
            if made.heard is not None:
                self._journal.publish(made.thread_id, made.heard)
                self.feedback.spoken(made.heard.run_id)
        elif made.unfinished:
            self.engine.take_up(made.run_id)

    async def _admit(self, owner: str, ask: Ask) -> None:
        """Is there a model and room for the run? What was acknowledged before is never refused."""
        try:
            if self.stopping:
                raise ServerStopping("Alma is stopping and begins nothing new.", hint="Send it again in a moment.")
            _, info = self._models.resolve(ask.model)
            if ask.fork is not None:
                self.steering.check_fork(ask.fork)
                if ask.fork.model is not None:
                    self._models.resolve(ask.fork.model)
            running = self.engine.running + self._starting
            if running >= self.limits.max_unfinished_runs:
                raise Conflict(
                    "too_many_runs",
                    "The server works on as many runs as it may.",
                    expected=f"fewer than {self.limits.max_unfinished_runs} unfinished runs",
                    actual=f"{running}",
                    hint="Wait for some to finish, or raise ALMA_MAX_UNFINISHED_RUNS.",
                )
            await self._check_budgets(owner, ask.thread_id or "", free=not info.price.input and not info.price.output)
        except AlmaError:
            if not await self.database.read(lambda connection: thread_queries.key_known(connection, owner, ask.key)):
                raise

    async def _check_budgets(self, owner: str, thread_id: str, *, free: bool) -> None:
        """Raises `BudgetSpent` where nothing is left for a run; where only money is, one with a `free` model begins."""
        ledger = self.engine.ledger
        if not ledger.is_ready(owner, thread_id):
            await ledger.ready(owner, thread_id)
        for room in ledger.rooms(owner, thread_id):
            if is_spent(room) and not (free and room.what == "money"):
                raise budget_spent(room)

    async def retry(
        self,
        owner: str,
        run_id: str,
        ask: Ask,
        command_id: str = "",
        begun: Begun | None = None,
    ) -> Ack:
        """Answer the turn of `run_id` again as a sibling; an empty `ask.text` keeps the turn's own."""
        turn = await self.database.read(lambda connection: thread_queries.find_run(connection, owner, run_id))
        again = Ask(
            key=ask.key,
            text=ask.text or turn.text,
            thread_id=turn.thread_id,
            parent_run_id=turn.parent_run_id,
            root=turn.parent_run_id is None,
            model=ask.model,
            kind=ask.kind,
            of_run_id=run_id,
        )
        return await self.start(owner, again, command_id, begun)

    async def fork(self, owner: str, key: str, fork: Fork, command_id: str = "", begun: Begun | None = None) -> Ack:
        """Run again from one task on, as a sibling."""
        turn = await self.database.read(lambda connection: thread_queries.find_run(connection, owner, fork.run_id))
        of_main = fork.task_id == MAIN  # its goal is the request, its model the run's
        again = Ask(
            key=key,
            text=fork.goal if of_main and fork.goal is not None else turn.text,
            thread_id=turn.thread_id,
            parent_run_id=turn.parent_run_id,
            root=turn.parent_run_id is None,
            model=fork.model if of_main else None,
            of_run_id=fork.run_id,
            fork=fork,
        )
        return await self.start(owner, again, command_id, begun)

    async def correct(self, owner: str, run_id: str, kind: Kind) -> None:
        """Keep the task of a run as an example of `kind`."""
        turn = await self.database.read(lambda connection: thread_queries.find_run(connection, owner, run_id))
        vector = await self._router.vector(turn.text)
        at = time.time()
        await self.database.write(lambda c: save_example(c, owner, new_id("x"), turn.text, kind, vector, at))
        self._router.learn(owner, turn.text, kind, vector)
        await self.feedback.write(turn.thread_id, run_id, RouteCorrected(at=at, kind=kind))

    async def preview(self, owner: str, text: str) -> Verdict:
        """How a task would be treated, while it is being typed."""
        return await self._router.preview(text, owner)

    async def warm(self, owner: str, typed: Typed) -> None:
        """Let the model read in advance what a task that is being typed would follow. Never raises."""
        if self._warmer is not None:
            await self._warmer.typed(owner, typed)

    def _check(self, ask: Ask) -> None:
        self._check_prompt(ask.text)
        if ask.fork is not None and ask.fork.goal is not None:
            self._check_prompt(ask.fork.goal)

    def _check_prompt(self, text: str) -> None:
        if not text.strip():
            raise InvalidRequest("empty_prompt", "The task is empty.", expected="some text", actual="none")
        if len(text) > self.limits.max_prompt_chars:
            raise InvalidRequest(
                "prompt_too_long",
                "The task is too long.",
                expected=f"at most {self.limits.max_prompt_chars:,} characters",
                actual=f"{len(text):,} characters",
                hint="Shorten it, or raise ALMA_MAX_PROMPT_CHARS.",
            )

    # ── threads ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def list_threads(self, owner: str, *, search: str, limit: int, before: float | None) -> list[ThreadSummary]:
        return await self.database.read(
            lambda c: thread_queries.list_threads(c, owner, search=search, limit=limit, before=before),
            slow=bool(search),
        )

    async def get_thread(self, owner: str, thread_id: str) -> ThreadSummary:
        return await self.database.read(lambda connection: thread_queries.get_thread(connection, owner, thread_id))

    async def create_thread(self, owner: str, title: str) -> ThreadSummary:
        thread_id, at = new_id("t"), time.time()

        def create(connection: sa.Connection) -> ThreadSummary:
            thread_queries.create_thread(connection, owner, thread_id, title, at)
            return thread_queries.get_thread(connection, owner, thread_id)

        summary = await self.database.write(create)
        self.notices.broadcast(summary, owner)
        return summary

    async def rename_thread(self, owner: str, thread_id: str, title: str) -> ThreadSummary:
        summary = await self.database.write(
            lambda connection: thread_queries.rename_thread(connection, owner, thread_id, title)
        )
        self.notices.broadcast(summary, owner)
        return summary

    async def delete_thread(self, owner: str, thread_id: str) -> None:
        """Delete the thread, end its runs, and tell who follows it."""

        def look(connection: sa.Connection) -> list[str]:
            thread_queries.get_thread(connection, owner, thread_id)
            return thread_queries.run_ids(connection, thread_id)

        if self._forget is not None:  # first, so that no crash leaves their words without the thread
            await self._forget(owner, await self.database.read(look))
        summary, run_ids = await self.database.write(
            lambda connection: thread_queries.delete_thread(connection, owner, thread_id)
        )
        for run_id in run_ids:
            self.engine.abandon(run_id)
        if self._forget is not None:
            await self._forget(owner, run_ids)
        self.engine.conversations.forget(run_ids)
        gone = thread_queries.unknown_thread(thread_id)
        refusal = CommandError(code=gone.code, message=gone.message, hint=gone.hint)
        self._feeds.end(thread_id, encode.custom(refusal, thread_id=thread_id))
        self.notices.broadcast(msgspec.structs.replace(summary, deleted=True, working=False), owner)

    async def announce(self, owner: str, thread_id: str) -> None:
        """Tell whoever watches the list how a thread stands now."""
        if self.notices.watched:
            summary = await self.database.read(lambda c: thread_queries.find_thread(c, owner, thread_id, listed=True))
            if summary is not None:
                self.notices.broadcast(summary, owner)

    # ── what stands behind an answer ──────────────────────────────────────────────────────────────────────────────

    async def entries(self, owner: str, run_id: str, after: int) -> list[Recorded]:
        return await self.database.read(lambda connection: read_journal(connection, owner, run_id, after))

    async def prompt(self, owner: str, run_id: str, message_id: str | None = None) -> SentPrompt:
        return await self.database.read(lambda connection: sent_prompt(connection, owner, run_id, message_id))

    async def examples(self, owner: str) -> list[SavedExample]:
        return await self.database.read(lambda connection: load_examples(connection, owner))

    async def forget_example(self, owner: str, example_id: str) -> bool:
        """Returns whether there was such an example."""
        text = await self.database.write(lambda connection: delete_example(connection, owner, example_id))
        if text is not None:
            self._router.forget(owner, text)
        return text is not None

    # ── following ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def subscribe(
        self, owner: str, thread_id: str, outbox: Outbox, cursors: dict[str, RunHave], last: int
    ) -> Subscription:
        """Follow a thread from `cursors`; of the runs that are not in them, the newest `last` and all unfinished ones
        are sent. Raises `NotFound` and `Conflict` (cursor_ahead)."""

        def look(connection: sa.Connection) -> dict[str, tuple[int, bool]]:
            thread_queries.get_thread(connection, owner, thread_id)
            return thread_queries.heads(connection, thread_id)

        heads = await self.database.read(look)
        for run_id, have in cursors.items():
            head = heads[run_id][0] if run_id in heads else 0
            if have.seq > head:
                raise cursor_ahead(run_id, f"0 ≤ seq ≤ {head}", f"seq = {have.seq}")
        newest = set(list(heads)[max(len(heads) - last, 0) :])
        skip = frozenset(
            run_id
            for run_id, (_, finished) in heads.items()
            if finished and run_id not in newest and run_id not in cursors
        )
        cursors = {run_id: have for run_id, have in cursors.items() if run_id in heads}
        subscription = Subscription(
            thread_id, outbox, self._read_logs, self.engine.open_text, cursors=cursors, skip=skip
        )
        self._feeds.add(subscription)
        outbox.wake()
        return subscription

    def follow_new(self, thread_id: str, outbox: Outbox) -> Subscription:
        """Follow a thread that was made a moment ago and of which nothing is published yet."""
        subscription = Subscription(thread_id, outbox, self._read_logs, self.engine.open_text, live=True)
        self._feeds.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        self._feeds.remove(subscription)

    async def _read_logs(self, thread_id: str, after: dict[str, int], skip: frozenset[str]) -> list[list[Recorded]]:
        return await self.database.read(lambda connection: thread_queries.read_logs(connection, thread_id, after, skip))
