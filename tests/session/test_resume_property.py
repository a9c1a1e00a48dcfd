"""The resume protocol under any interleaving: deltas, entries, lost and late bus messages, cuts, slow clients, cursors.

The real subscription, feed, bus and open text are driven step by step; `catch_up` is suspended at each of its awaits
and anything may happen in between. Whatever happens, the client's text never has a gap or a duplicate, and in the end
equals the journal's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from alma.engine.bus import Item, LocalBus
from alma.engine.open_text import OpenText
from alma.events import (
    AttemptFailed,
    Delta,
    ErrorFacts,
    JournalEntry,
    MessageFinished,
    MessageStarted,
    Recorded,
    RunFinished,
    RunStarted,
)
from alma.model_call import Timing, Usage
from alma.session.feed import Feeds
from alma.session.subscription import Have, RunHave, Subscription

RUNS = ("r1", "r2")
TEXT = st.text(st.sampled_from('ab \n"\\é😀字'), min_size=1, max_size=6)


class Pause:
    def __await__(self) -> Generator[None, None, None]:
        yield


class Outbox:
    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.frames: deque[str] = deque()

    @property
    def full(self) -> bool:
        return len(self.frames) >= self.limit

    def push(self, frame: str, *, force: bool = False) -> bool:
        if len(self.frames) >= self.limit and not force:
            return False
        self.frames.append(frame)
        return True

    def wake(self) -> None:
        pass


class Reader:
    """What a browser keeps: per run the last seq, per message its attempt, text, and n as the server gave it."""

    def __init__(self) -> None:
        self.seq: dict[str, int] = {}
        self.messages: dict[str, dict[str, Any]] = {}

    def receive(self, frame: str) -> None:
        event = msgspec.json.decode(frame)
        run = event.get("runId", "")
        if "seq" in event:
            assert event["seq"] == self.seq.get(run, 0) + 1, "an entry is missing or came twice"
            self.seq[run] = event["seq"]
        message = self.messages.get(run)
        match event["type"]:
            case "TEXT_MESSAGE_START":
                assert message is None or event["attempt"] > message["attempt"]
                self.messages[run] = {"attempt": event["attempt"], "text": "", "thought": "", "n": 0, "rn": 0}
            case "TEXT_MESSAGE_CONTENT" | "REASONING_MESSAGE_CONTENT":
                text, n = ("text", "n") if event["type"].startswith("TEXT") else ("thought", "rn")
                assert message is not None
                assert event["attempt"] == message["attempt"]
                message[text] += event["delta"]
                assert event["n"] == len(message[text]), "a gap or a duplicate in the text"
                message[n] = event["n"]
            case "TEXT_MESSAGE_END":
                assert message is not None
                assert event["n"] == len(message["text"])
                assert event.get("reasoningN", 0) == len(message["thought"])

    def cursors(self) -> dict[str, RunHave]:
        cursors = {run: RunHave(seq, {}) for run, seq in self.seq.items()}
        for run, message in self.messages.items():
            cursors[run].messages[f"{run}.main"] = Have(message["attempt"], message["n"], message["rn"])
        return cursors


class Resume(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.bus = LocalBus()
        self.clock = 1.0
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.feeds = Feeds(self.bus, self)
        self.open_text = OpenText()
        self.logs: dict[str, list[Recorded]] = {}
        self.late: deque[Item] = deque()  # committed, not yet published: the bus keeps the order
        self.attempts: dict[str, int] = {}
        self.writing: dict[str, tuple[list[str], list[str]]] = {}
        self.reader = Reader()
        self.outbox = Outbox(4)
        self.lossy = False
        self.catching: Coroutine[Any, Any, None] | None = None
        # Another tab keeps the feed alive, so that what it holds back outlives a cut of the client.
        self.feeds.add(Subscription("t", Outbox(0), self.read, self.open_text))
        self.subscribe()

    # ── the clock that feeds are paced by ─────────────────────────────────────────────────────────────────────────

    def now(self) -> float:
        return self.clock

    def call_at(self, when: float, callback: Callable[[], None]) -> object:
        self.timers.append((when, callback))
        return None

    @rule(seconds=st.sampled_from([0.001, 0.004, 0.02]))
    def time_passes(self, seconds: float) -> None:
        self.clock += seconds
        due, self.timers = self.timers, []
        for when, callback in due:
            if when <= self.clock:
                callback()
            else:
                self.timers.append((when, callback))

    # ── the server's side ─────────────────────────────────────────────────────────────────────────────────────────

    @initialize(lossy=st.booleans())
    def choose_bus(self, lossy: bool) -> None:
        """On a bus that loses nothing the client must get everything without connecting again."""
        self.lossy = lossy

    def append(self, run: str, entry: JournalEntry, lost: bool = False) -> None:
        log = self.logs.setdefault(run, [])
        log.append(Recorded(run, len(log) + 1, entry))
        if not (lost and self.lossy):
            self.late.append(log[-1])

    def flush(self) -> None:
        while self.late:
            self.bus.publish("t", self.late.popleft())

    @rule(run=st.sampled_from(RUNS), lost=st.booleans())
    def start_run(self, run: str, lost: bool) -> None:
        if run not in self.logs:
            self.append(run, RunStarted(at=1, thread_id="t", owner="o", text="q"), lost)

    @rule(run=st.sampled_from(RUNS), lost=st.booleans())
    def start_attempt(self, run: str, lost: bool) -> None:
        if run not in self.logs:
            self.start_run(run, lost)
        if run in self.writing or self.ended(run):
            return
        attempt = self.attempts[run] = self.attempts.get(run, 0) + 1
        started = MessageStarted(
            at=1, message_id=f"{run}.main", attempt=attempt, role="m", model="x", endpoint="e", prompt_version="v",
            sections=[],
        )  # fmt: skip
        self.append(run, started, lost)
        self.flush()
        self.open_text.begin(run, started, 1)
        self.writing[run] = ([], [])

    @rule(run=st.sampled_from(RUNS), deltas=st.lists(st.tuples(TEXT, st.booleans(), st.booleans()), min_size=1))
    def stream(self, run: str, deltas: list[tuple[str, bool, bool]]) -> None:
        for text, thought, lost in deltas:
            self.stream_one(run, text, thought, lost)

    def stream_one(self, run: str, text: str, thought: bool, lost: bool) -> None:
        if run not in self.writing:
            return
        pieces = self.writing[run][thought]
        pieces.append(text)
        channel = "reasoning" if thought else "text"
        n = sum(map(len, pieces))
        delta = Delta("t", run, f"{run}.main", self.attempts[run], n, text, 1, channel)
        (message,) = self.open_text.of(run)
        message.extend(delta)
        if not (lost and self.lossy):
            self.flush()
            self.bus.publish("t", delta)

    @rule(run=st.sampled_from(RUNS), lost=st.booleans())
    def fail_attempt(self, run: str, lost: bool) -> None:
        if self.writing.pop(run, None) is not None:
            failed = AttemptFailed(
                at=1, message_id=f"{run}.main", attempt=self.attempts[run], error=ErrorFacts("x", "y"), retry_in_ms=1
            )
            self.append(run, failed, lost)
            self.open_text.end(run, f"{run}.main")

    @rule(run=st.sampled_from(RUNS), lost=st.booleans(), linger=st.booleans())
    def finish(self, run: str, lost: bool, linger: bool) -> None:
        pieces = self.writing.pop(run, None)
        if pieces is None:
            return
        finished = MessageFinished(
            at=1, message_id=f"{run}.main", attempt=self.attempts[run], text="".join(pieces[0]),
            reasoning="".join(pieces[1]), finish_reason="stop", usage=Usage(), timing=Timing(),
        )  # fmt: skip
        self.append(run, finished, lost)
        self.append(run, RunFinished(at=1, status="completed"))
        if not linger:
            self.flush()
            self.open_text.end(run, f"{run}.main")

    @rule(run=st.sampled_from(RUNS))
    def crash(self, run: str) -> None:
        """The attempt is lost without a word in the journal."""
        if self.writing.pop(run, None) is not None:
            self.open_text.end(run, f"{run}.main")

    @rule()
    def publish_late(self) -> None:
        self.flush()

    def ended(self, run: str) -> bool:
        return isinstance(self.logs[run][-1].entry, RunFinished)

    # ── the client's side ─────────────────────────────────────────────────────────────────────────────────────────

    def subscribe(self) -> None:
        self.outbox = Outbox(self.outbox.limit)
        self.subscription = Subscription("t", self.outbox, self.read, self.open_text, cursors=self.reader.cursors())
        self.feeds.add(self.subscription)

    async def read(self, thread_id: str, after: dict[str, int], skip: frozenset[str]) -> list[list[Recorded]]:
        await Pause()
        found = [[one for one in log if one.seq > after.get(run, 0)] for run, log in self.logs.items()]
        await Pause()
        return found

    async def send(self, frame: str) -> None:
        await Pause()
        self.reader.receive(frame)

    @rule(limit=st.integers(0, 6))
    def cut_and_reconnect(self, limit: int) -> None:
        """What is in the outbox is lost; the client comes back with what it has."""
        self.feeds.remove(self.subscription)
        if self.catching is not None:
            self.catching.close()
            self.catching = None
        self.outbox.limit = limit
        self.subscribe()

    @rule()
    @precondition(lambda self: self.outbox.frames and self.catching is None)
    def receive_one(self) -> None:
        self.reader.receive(self.outbox.frames.popleft())

    @rule(steps=st.integers(1, 12))
    def pump(self, steps: int) -> None:
        """As the connection's sender: empty the outbox first, then catch up, with pauses anywhere."""
        for _ in range(steps):
            if self.catching is None:
                if self.outbox.frames:
                    self.reader.receive(self.outbox.frames.popleft())
                    continue
                if not self.subscription.behind:
                    return
                self.catching = self.subscription.catch_up(self.send)
            try:
                self.catching.send(None)
            except StopIteration:
                self.catching = None

    @rule()
    def settle(self) -> None:
        """The client keeps up for a while."""
        while self.catching is not None or self.outbox.frames or self.subscription.behind:
            self.pump(50)

    @rule()
    def rejoin(self) -> None:
        """Cut, and up to date again before the next thing happens."""
        self.cut_and_reconnect(5)
        self.settle()

    def teardown(self) -> None:
        """Let everything settle: the client has exactly what the journal and the open text have."""
        self.flush()
        self.time_passes(1.0)
        if self.lossy:
            self.cut_and_reconnect(5)
        self.settle()
        for run, log in self.logs.items():
            assert self.reader.seq[run] == len(log)
            last = next((one.entry for one in reversed(log) if isinstance(one.entry, MessageFinished)), None)
            if last is not None:
                assert self.reader.messages[run]["text"] == last.text
                assert self.reader.messages[run]["thought"] == last.reasoning
            elif run in self.writing:
                assert self.reader.messages[run]["text"] == "".join(self.writing[run][0])
                assert self.reader.messages[run]["thought"] == "".join(self.writing[run][1])


TestResume = Resume.TestCase
TestResume.settings = settings(max_examples=400, stateful_step_count=50, deadline=None)
