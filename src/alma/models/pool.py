"""`Pool`: one chat model behind which several endpoints stand. Chooses, waits, tries again elsewhere, counts the cost.

What it passes on it does not touch: of all the chunks of an answer it looks at the first and the last. Once a chunk has
gone up, an error goes up too: the engine then begins a new attempt, for which the pool chooses another member.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, OrderedDict
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

import msgspec

from alma.errors import EndpointError
from alma.model_call import Tried
from alma.models.chat import ChatRequest, Chunk, Counted
from alma.models.choice import Member, Shares, near, ranked
from alma.models.gate import Ticket
from alma.models.hedge import Asked, ask, race
from alma.models.standing import nobody
from alma.models.traffic import speaks_of_request

TRIES = 2  # calls for each member that one request may take …
LEAST_TRIES = 3  # … and where there are few
PATIENCE = 10.0  # seconds that a request waits for a member to open again
SOON = 30.0  # seconds after which a request does not try the same member again
FIRST_PAUSE = 0.05  # seconds before the same member is asked again; doubled each time, times 0.5 to 1.5
STRUCK = 2.5  # times its score at which a member comes that failed this request or task
TRIAL = 2.0  # seconds of silence after which the trial of a breaker is asked of a second member as well
LOOK = 1.0  # seconds in line after which a request looks whether others have become better
MISSING = 60.0  # seconds for which a member that does not know the model is not asked for it
REMEMBERED = 1024  # tasks of which it is known who failed last


class Pool:
    """A `ChatModel` over `members`, called `name`. `hedge`: ask a second member when the first one is slower than it
    usually is. `jitter` draws from 0.5 to 1.5."""

    def __init__(
        self,
        name: str,
        members: Sequence[Member],
        *,
        hedge: bool = False,
        jitter: Callable[[], float] = lambda: random.uniform(0.5, 1.5),
    ) -> None:
        self.members = tuple(members)
        self._name = name
        self._tries = max(LEAST_TRIES, TRIES * len(members))
        self._hedge = hedge
        self._jitter = jitter
        self._clock = self.members[0].traffic.clock
        self._shares = Shares()
        self._failed: OrderedDict[tuple[str, str], str] = OrderedDict()  # (run, task) → the member that failed last
        self._missing: dict[str, float] = {}  # member → until when it is taken not to have the model

    @property
    def endpoint(self) -> str:
        return self._name

    async def count_tokens(self, text: str) -> int:
        """By the first member that can: all of them have the same model."""
        return await self.members[0].client.count_tokens(text)

    def counted(self, text: str) -> int | None:
        return self.members[0].client.counted(text)

    @property
    def counting(self) -> Counted:
        return self.members[0].client.counting

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk]:
        """As the protocol says. The last chunk says who answered, who was tried before, and what it cost."""
        tried: list[Tried] = []
        asked = await self._begun(request, tried)
        call, name = asked.call, asked.member.name
        try:
            async with aclosing(asked.chunks) as chunks:
                chunk = asked.first
                if chunk.finish_reason is None:
                    yield chunk
                    async for chunk in chunks:
                        if chunk.finish_reason is not None:
                            break
                        yield chunk
                call.answered(chunk.usage.output_tokens if chunk.usage is not None else 0)
                yield _signed(chunk, asked.member, request.model, tried)
                async for _ in chunks:  # its end, so that the connection can be used again
                    pass
        except EndpointError as error:
            call.failed(error)
            self._note_failure(request, name)
            error.others = self._others(name)
            raise
        finally:
            call.dropped()

    # ── until somebody speaks ─────────────────────────────────────────────────────────────────────────────────────

    async def _begun(self, request: ChatRequest, tried: list[Tried]) -> Asked:
        """A member that has begun to answer. Raises what the last one said when nobody does."""
        began = self._clock()
        counts: Counter[str] = Counter()
        while True:
            member = await self._place(request, counts)
            counts[member.name] += 1
            asked = ask(member, request)
            try:
                return await self._first(asked, request, tried, counts)
            except EndpointError as error:
                self._note_failure(request, error.endpoint)
                if error.status == 404 and len(self.members) > 1:
                    self._missing[error.endpoint] = self._clock() + MISSING
                pause = self._pause(error, request, counts, self._clock() - began)
                if pause is None:
                    if speaks_of_request(error) or len(self.members) == 1:
                        raise
                    raise nobody(self._name, self._waits(), counts, error) from error
            if pause:
                await asyncio.sleep(pause)

    async def _first(self, asked: Asked, request: ChatRequest, tried: list[Tried], counts: Counter[str]) -> Asked:
        """The first chunk, or another member's when that comes sooner. Whoever is the trial of a breaker need not wait
        long for it."""
        usual = asked.member.traffic.health.usual_s(self._clock()) if self._hedge else None
        if asked.call.trial:
            usual = TRIAL
        if usual is None or len(self.members) == 1:
            await asked.begin(tried)
            return asked

        def second() -> Asked | None:
            free = [member for _, member in self._order(request, counts) if member.name not in counts]
            other = next((member for member in free if member.traffic.gate.try_enter()), None)
            if other is None:
                return None
            counts[other.name] += 1
            self._shares.took(other.name)
            return ask(other, request)

        return await race(asked, usual, second, tried)

    def _pause(self, error: EndpointError, request: ChatRequest, counts: Counter[str], elapsed: float) -> float | None:
        """Seconds until the next try; None: there is none."""
        if speaks_of_request(error) or counts.total() >= self._tries:
            return None
        now = self._clock()
        if (order := self._order(request, counts)) and order[0][1].name not in counts:
            return 0.0
        again = [member for member in self.members if self._opens_in(member, now) <= PATIENCE]
        if not error.retryable or not again or elapsed > SOON:
            return None
        return FIRST_PAUSE * 2 ** (max(counts.values()) - 1) * self._jitter()

    # ── a place ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _place(self, request: ChatRequest, counts: Counter[str]) -> Member:
        """The member that has a place for the call, which is taken. Raises when none will have one soon."""
        caller = request.caller
        ticket: Ticket | None = None
        deadline: float | None = None
        try:
            while True:
                order = self._order(request, counts)
                if order:
                    deadline = None
                    lines = near(order)
                    if ticket is None:
                        trials = [member for _, member in order if member.traffic.state == "half_open"]
                        free = next((member for member in (*trials, *lines) if member.traffic.gate.try_enter()), None)
                        if free is not None:
                            self._shares.took(free.name)
                            return free
                else:
                    now = self._clock()
                    deadline = deadline or now + PATIENCE
                    lines = [member for member in self.members if now + self._opens_in(member, now) <= deadline]
                    if not lines or now >= deadline:
                        raise nobody(self._name, self._waits(), counts, None)
                ticket = ticket or Ticket(caller.run_id, caller.priority)
                ticket.stand([member.traffic.gate for member in lines])
                gate = await ticket.wait(LOOK)
                if gate is not None:
                    member = next(member for member in self.members if member.traffic.gate is gate)
                    self._shares.took(member.name)
                    return member
        except BaseException:
            if ticket is not None:
                ticket.leave()
            raise

    def _order(self, request: ChatRequest, counts: Counter[str]) -> list[tuple[float, Member]]:
        """Those that take calls now, best first; who failed this request or task comes after others as good."""
        now = self._clock()
        taking = [member for member in self.members if self._takes(member, now)]
        unasked = [member for member in taking if member.name not in counts]
        if unasked and len(unasked) >= self._tries - counts.total():  # so that none is left out in the end
            taking = unasked
        if len(taking) < 2:
            return [(1.0, member) for member in taking]
        caller = request.caller
        last = self._failed.get((caller.run_id, caller.task_id)) if caller.task_id else None
        order = ranked(taking, now, self._shares)
        if counts or last is not None:
            failed = {last, *counts}
            struck = [(score * STRUCK if member.name in failed else score, member) for score, member in order]
            order = sorted(struck, key=lambda pair: pair[0])
        return order

    def _takes(self, member: Member, now: float) -> bool:
        return member.traffic.admits(now) and self._missing.get(member.name, 0.0) <= now

    def _opens_in(self, member: Member, now: float) -> float:
        """Seconds until it may take calls again."""
        if member.traffic.closed:
            return float("inf")
        return max(member.traffic.breaker.retry_at, self._missing.get(member.name, 0.0), now) - now

    def _waits(self) -> list[tuple[Member, float]]:
        now = self._clock()
        return [(member, self._opens_in(member, now)) for member in self.members]

    # ── failures ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _note_failure(self, request: ChatRequest, name: str) -> None:
        if request.caller.task_id:
            key = (request.caller.run_id, request.caller.task_id)
            self._failed[key] = name
            self._failed.move_to_end(key)
            if len(self._failed) > REMEMBERED:
                self._failed.popitem(last=False)

    def _others(self, name: str) -> int:
        """How many members could go on at once where `name` failed."""
        now = self._clock()
        return sum(member.name != name and self._takes(member, now) for member in self.members)


def _signed(last: Chunk, member: Member, model: str, tried: list[Tried]) -> Chunk:
    """The last chunk with the member's name, what it cost there, and the model by the name that was asked for."""
    named = model if last.model == member.model else last.model
    cost = member.price.of(last.usage)
    return msgspec.structs.replace(last, endpoint=member.name, tried=tuple(tried), cost=cost, model=named)
