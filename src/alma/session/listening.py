"""Agents overheard: what they are saying becomes working memories while they say it, for those who work beside them.

Nothing happens on the path of a token. Four times a second (once, when many are speaking) the open messages are looked
at, and what is new of them is cut into sentences, joined to short passages, embedded and kept, all messages' in one
batch. A look takes in so much and no more: the rest of a text stays where it is until the next one, also when its
message has ended by then; what is left when the run has ended is not needed. The stream never waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable

import sqlalchemy as sa
from msgspec import Struct, field

from alma.agent.role import MemoryPolicy
from alma.db.database import Database
from alma.db.tables import runs, threads
from alma.engine.open_text import OpenMessage, OpenText
from alma.errors import AlmaError
from alma.memory.memories import Memories
from alma.memory.records import NewMemory, Scope, Source
from alma.memory.sentences import Cut, Cutter

log = logging.getLogger(__name__)
ALMA = "alma"  # who writes these memories
EVERY_S = 0.25  # between two looks
BUSY_S = 1.0  # the same while more messages than
_MANY = 16  # are open
MOST_WAITING = 64  # texts that a look takes in, and so that wait for the embedder
_PASSAGE = 200  # characters, from which a passage takes no further sentence
_MOST_ENDED = 1024  # messages that begin and end between two looks; of more, the run's end takes in the text
_LEAST_NEW = 64  # characters for which a text is looked at again
_PAUSE_S = 5.0  # after the database could not be written


class _Stream(Struct):
    """A message that is listened to. `scope` None: its role does not leave what it says. `kept`: there are memories of
    it; `ended`: it is not open any more; `whole`: it was cut to its end."""

    run_id: str
    message: OpenMessage
    scope: Scope | None
    cutter: Cutter = field(default_factory=Cutter)
    seen: int = 0
    count: int = 0
    waiting: deque[Cut] = field(default_factory=deque[Cut])
    kept: bool = False
    ended: bool = False
    whole: bool = False


class _Passage(Struct, frozen=True):
    stream: _Stream
    cut: Cut
    number: int


def scope_of(policy: MemoryPolicy) -> Scope | None:
    """Where the role leaves what it says and finds: with the team if it may."""
    return "team" if "team" in policy.write else policy.write[0] if policy.write else None


class Listening:
    """`policy` gives that of a role."""

    def __init__(
        self, database: Database, open_text: OpenText, memories: Memories, policy: Callable[[str], MemoryPolicy]
    ) -> None:
        self._database = database
        self._open_text = open_text
        self._ended = open_text.ended = deque[tuple[str, OpenMessage]](maxlen=_MOST_ENDED)
        self._memories = memories
        self._policy = policy
        self._streams: dict[str, _Stream] = {}  # by message
        self._done: dict[str, _Stream] = {}  # taken in to the end, of runs that go on
        self._whose: dict[str, tuple[str, str]] = {}  # of a run: its owner and thread
        self._rehearsed: set[str] = set()  # of them, those that nobody asked: nothing that they say is kept
        self._stale: list[str] = []  # messages of which an earlier attempt has left something
        self._writing = asyncio.Lock()

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S if len(self._streams) <= _MANY else BUSY_S)
            try:
                await self.look()
            except AlmaError as error:  # what was not kept is still waiting
                log.warning("what is being said cannot be kept: %s", error.message)
                await asyncio.sleep(_PAUSE_S)
            except Exception:  # a courtesy, whose bugs must not end what else runs
                log.exception("listening failed on a bug")
                await asyncio.sleep(_PAUSE_S)

    async def look(self) -> None:
        """Keep what is new, up to a bound."""
        self._notice()
        await self._identify()
        if self._stale:
            await self._memories.unhear(messages=self._stale, by=ALMA)
            self._stale = []
        passages = self._take(MOST_WAITING)
        try:
            await self._keep(passages)
        except BaseException:
            for passage in reversed(passages):
                passage.stream.waiting.appendleft(passage.cut)
                passage.stream.count -= 1
            raise

    def over(self, run_id: str) -> None:
        """The run has ended: what it said is kept otherwise."""
        for known in (self._streams, self._done):
            for message_id in [one for one, stream in known.items() if stream.run_id == run_id]:
                del known[message_id]
        self._whose.pop(run_id, None)
        self._rehearsed.discard(run_id)

    async def written(self) -> None:
        """Returns when nothing is being written of a run that was `over` before."""
        async with self._writing:
            pass

    def _notice(self) -> None:
        """Which messages were begun, begun anew, or have ended."""
        while self._ended:
            self._meet(*self._ended.popleft())
        current: set[str] = set()
        for run_id, message in self._open_text.all():
            current.add(message.started.message_id)
            self._meet(run_id, message)
        for message_id, stream in self._streams.items():
            stream.ended = message_id not in current

    def _meet(self, run_id: str, message: OpenMessage) -> None:
        started = message.started
        known = self._streams.get(started.message_id) or self._done.get(started.message_id)
        if known is not None and known.message is message:
            return
        self._done.pop(started.message_id, None)
        if known is not None and known.kept:
            self._stale.append(started.message_id)
        policy = self._policy(started.role)
        listens = "speech" in policy.keep and started.step.startswith("answer") and run_id not in self._rehearsed
        self._streams[started.message_id] = _Stream(run_id, message, scope_of(policy) if listens else None)

    async def _identify(self) -> None:
        """Find whose the new runs are; of one that is over or was deleted nothing is kept here."""
        unknown = {stream.run_id for stream in self._streams.values()} - self._whose.keys()
        if not unknown:
            return
        query = sa.select(runs.c.id, runs.c.owner, runs.c.thread_id, threads.c.hidden)
        query = query.outerjoin(threads, threads.c.id == runs.c.thread_id).where(
            runs.c.id.in_(unknown), ~runs.c.finished
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        unknown &= {stream.run_id for stream in self._streams.values()}  # others were over meanwhile
        self._whose |= {run_id: (owner, thread_id) for run_id, owner, thread_id, _ in rows if run_id in unknown}
        self._rehearsed |= {run_id for run_id, _, _, hidden in rows if hidden and run_id in unknown}
        for stream in self._streams.values():
            if stream.run_id in self._rehearsed:
                stream.scope = None
        for run_id in unknown - self._whose.keys():
            self.over(run_id)

    def _take(self, most: int) -> list[_Passage]:
        """The next passages, a share of each message; who got none this time comes first the next."""
        taken: list[_Passage] = []
        share = max(most // max(len(self._streams), 1), 2)
        for message_id, stream in [*self._streams.items()]:
            if len(taken) >= most:
                break
            if stream.whole and not stream.waiting:
                self._done[message_id] = self._streams.pop(message_id)
                continue
            self._streams[message_id] = self._streams.pop(message_id)
            _cut(stream)
            for _ in range(min(share, most - len(taken), len(stream.waiting))):
                taken.append(_Passage(stream, stream.waiting.popleft(), stream.count))
                stream.count += 1
        return taken

    async def _keep(self, passages: list[_Passage]) -> None:
        living = [one for one in passages if self._is_known(one.stream)]
        if not living:
            return
        new = [self._memory(one) for one in living]
        vectors = await self._memories.vectors_of([memory.text for memory in new])
        async with self._writing:
            of_all = zip(living, new, vectors, strict=True)
            heard = [(memory, vector) for one, memory, vector in of_all if self._is_known(one.stream)]
            if not heard:
                return
            await self._memories.overhear(heard, by=ALMA)
            for one in living:
                one.stream.kept = True

    def _is_known(self, stream: _Stream) -> bool:
        message_id = stream.message.started.message_id
        return stream in (self._streams.get(message_id), self._done.get(message_id))

    def _memory(self, passage: _Passage) -> NewMemory:
        stream = passage.stream
        started, (start, end) = stream.message.started, passage.cut
        owner, thread_id = self._whose[stream.run_id]
        assert stream.scope is not None
        return NewMemory(
            owner,
            stream.message.text[start:end],
            "working",
            stream.scope,
            started.role,
            source=Source(thread_id, stream.run_id, started.task_id, started.message_id, start=start, end=end),
            line=started.message_id,
            position=passage.number,
            speaker=started.role,
        )


def _cut(stream: _Stream) -> None:
    """Cut what is new, if that before was taken."""
    message = stream.message
    enough = message.n - stream.seen >= _LEAST_NEW or stream.ended
    if stream.waiting or stream.whole or not enough:
        return
    stream.whole = stream.ended
    if stream.scope is None:
        return
    text, stream.seen = message.text, message.n
    cuts = stream.cutter.finish(text) if stream.ended else stream.cutter.feed(text)
    stream.waiting.extend(_passages(text, cuts))


def _passages(text: str, cuts: Iterable[Cut]) -> list[Cut]:
    """The sentences that say something, short ones of them together."""
    joined: list[Cut] = []
    for start, end in cuts:
        if not any(map(str.isalnum, text[start:end])):
            continue
        if joined and joined[-1][1] - joined[-1][0] < _PASSAGE:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
