"""The response cache: what was answered before is given again, and what is asked twice at once is asked once.

Same owner, model, messages, sampling, tools and schema: the same answer (exact), also while it is still being written
(shared). Where an owner has turned it on, a question that means the same, with the same prompt around it, counts too
(semantic). When two questions differ is in `semantic.py`; where answers are kept is the shelf's.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import aclosing
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from alma.db.database import Database
from alma.errors import ModelUnavailable, RunFailure
from alma.model_call import CacheHit, Usage
from alma.models.answers import Alike, Answer, Choice, Row, Saved, amount, choose, depends_on_any, vector_of
from alma.models.chat import Caller, ChatModel, ChatRequest, Chunk
from alma.models.flight import Flight
from alma.models.nearby import MOST_OF_ONE, Context, Nearby
from alma.models.replay import replay
from alma.models.semantic import difference
from alma.models.shelf import MEMORY_BYTES, Shelf

log = logging.getLogger(__name__)
Embed = Callable[[str], Awaitable[Sequence[float]]]
_LARGEST = 1 << 20  # bytes of one answer
_EMBED_PATIENCE_S = 0.25  # a ready embedder takes some ms; one that is not ready is not waited for
_LONGEST_QUESTION = 600  # characters that may be put in other words; the embedding hears only some 200 words
_CANDIDATES = 8  # questions whose differences are looked for
_OLDER = 64  # questions of before that are embedded at a time
_encode = msgspec.json.Encoder().encode


class Serving(Struct, frozen=True):
    """What the cache does for an owner. `threshold`: cosine similarity from which two questions may mean the same."""

    exact: bool
    semantic: bool
    threshold: float


class CacheState(Struct, frozen=True):
    """How an owner's cache is. `total`, `since_start`: what it has saved."""

    serving: Serving
    ttl_s: float
    entries: int
    bytes: int
    max_bytes: int
    total: Saved
    since_start: Saved


class ResponseCache:
    """`exact`, `semantic`, `threshold`: of owners who chose nothing. `max_bytes`: of all answers together. `embed`: a
    text's vector, of length 1; it may raise a `RunFailure`. `open` it, then keep `run` running:
    else everything is asked anew."""

    def __init__(
        self,
        database: Database,
        *,
        exact: bool = True,
        semantic: bool = False,
        threshold: float = 0.85,
        ttl_s: float = 7 * 86_400.0,
        max_bytes: int = 64 << 20,
        memory_bytes: int = MEMORY_BYTES,
        embed: Embed | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._default = Serving(exact, semantic, threshold)
        self._ttl_s = ttl_s
        self._embed = embed
        self._clock = clock
        self._shelf = Shelf(database, ttl_s=ttl_s, max_bytes=max_bytes, memory_bytes=memory_bytes, clock=clock)
        self._nearby = Nearby()
        self._flights: dict[bytes, Flight] = {}
        self._choices: dict[str, Choice] = {}
        self._totals: dict[str, Saved] = {}
        self._since_start: dict[str, Saved] = {}
        self.asked = Saved()  # of all owners since the start: how often it could answer, and how often not
        self._group: asyncio.TaskGroup | None = None

    @property
    def shelf(self) -> Shelf:
        """Where answers are kept."""
        return self._shelf

    async def open(self) -> None:
        """Learn what was kept before, and what owners chose."""
        for owner, (choice, saved) in (await self._shelf.open()).items():
            self._choices[owner] = choice
            self._totals[owner] = saved

    async def run(self) -> None:
        """Keep what is answered, until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                await self._shelf.run()
            finally:
                self._group = None

    async def flush(self) -> None:
        """Write at once what else is written in a moment."""
        await self._shelf.flush()

    # ── what an owner sees and chooses ────────────────────────────────────────────────────────────────────────────

    def serving(self, owner: str) -> Serving:
        choice, default = self._choices.get(owner), self._default
        if choice is None:
            return default
        return Serving(
            default.exact if choice.exact is None else choice.exact,
            default.semantic if choice.semantic is None else choice.semantic,
            default.threshold if choice.threshold is None else choice.threshold,
        )

    async def choose(self, owner: str, choice: Choice) -> None:
        """What `choice` leaves out stays as it is."""
        before, had_semantic = self._choices.get(owner, Choice()), self.serving(owner).semantic
        given = {name: value for name in Choice.__struct_fields__ if (value := getattr(choice, name)) is not None}
        chosen = replace(before, **given)
        await self._database.write(lambda connection: choose(connection, owner, chosen))
        self._choices[owner] = chosen
        if self.serving(owner).semantic and not had_semantic and self._group is not None:
            self._group.create_task(self._embed_older(owner))

    async def state(self, owner: str) -> CacheState:
        await self._shelf.flush()
        entries, size = await self._database.read(lambda connection: amount(connection, owner))
        total, since = self._totals.get(owner, Saved()), self._since_start.get(owner, Saved())
        return CacheState(self.serving(owner), self._ttl_s, entries, size, self._shelf.max_bytes, total, since)

    async def clear(self, owner: str) -> None:
        """Drop all answers of an owner; what is being answered now is not kept either."""
        self._disown(lambda flight: flight.owner == owner)
        await self._shelf.drop_of_owner(owner)

    async def invalidate(self, *changed: str) -> None:
        """Never again give an answer that goes back to one of `changed`: `role:name` (all its versions), `memory:id`,
        `file:thread/name`, or `file:thread` for all files of a thread."""
        self._disown(lambda flight: depends_on_any(flight.depends, changed))
        await self._shelf.drop_dependent(changed)

    async def forget_runs(self, run_ids: Collection[str]) -> None:
        """Drop the answers that these runs had made."""
        self._disown(lambda flight: flight.run_id in run_ids)
        await self._shelf.drop_of_runs(run_ids)

    def _disown(self, which: Callable[[Flight], bool]) -> None:
        """Who reads these flights reads on; nobody else joins, and what comes is not kept."""
        for flight in [flight for flight in self._flights.values() if which(flight)]:
            flight.keep = False
            flight.close()
        self._nearby.clear()

    # ── giving answers ────────────────────────────────────────────────────────────────────────────────────────────

    def passes(self, caller: Caller) -> bool:
        """Whether a call has nothing to do with the cache."""
        serving = self.serving(caller.owner)
        return not caller.cacheable or self._group is None or not (serving.exact or serving.semantic)

    async def stream(self, model: ChatModel, model_id: str, request: ChatRequest) -> AsyncGenerator[Chunk]:
        """The answer of before where there is one, else that of `model`, which is read once however many ask."""
        caller = request.caller
        key = exact_key(model_id, request)
        answer = self._shelf.get(key) if self.serving(caller.owner).exact else None
        if answer is not None:
            source = replay(answer, self._hit(answer, "exact"))
        elif (flight := self._flights.get(key) or self._launch(key, model, model_id, request)) is not None:
            source = flight.read()
        else:
            source = model.stream(request)
        async with aclosing(source) as chunks:
            async for chunk in chunks:
                if chunk.cache is not None:
                    self._count_hit(caller.owner, chunk.cache)
                yield chunk

    def _launch(self, key: bytes, model: ChatModel, model_id: str, request: ChatRequest) -> Flight | None:
        """Begin a call that others may join; None when the cache has stopped."""
        caller, group = request.caller, self._group
        if group is None:
            return None

        def gone() -> None:
            if self._flights.get(key) is flight:
                del self._flights[key]

        flight = Flight(caller.owner, caller.run_id, caller.depends, gone)
        self._flights[key] = flight
        flight.task = group.create_task(self._fly(flight, key, likes_of(model_id, request), model, request))
        return flight

    async def _fly(
        self, flight: Flight, key: bytes, likes: bytes | None, model: ChatModel, request: ChatRequest
    ) -> None:
        """From the database, else from a question like it, else from the model; what goes wrong goes to who reads."""
        began = time.perf_counter()
        try:
            serving = self.serving(flight.owner)
            if serving.exact and (answer := await self._shelf.load(key, flight.owner)) is not None:
                flight.serve(answer, self._hit(answer, "exact"))
                return
            vector = await self._vector(request.caller.question) if serving.semantic and likes is not None else None
            if likes is not None and vector is not None:
                found = await self._alike(request.caller, likes, vector, serving.threshold)
                if found is not None:
                    flight.serve(*found)
                    return
            began = time.perf_counter()
            self._count(flight.owner, Saved(misses=1))
            async with aclosing(model.stream(request)) as chunks:
                async for chunk in chunks:
                    flight.add(chunk)
            flight.end(_since(began))
            self._keep(flight, key, likes, vector, request)
        except Exception as error:
            if flight.ended:
                log.exception("keeping an answer failed on a bug")
            flight.end(_since(began), error)
        finally:
            flight.end(_since(began), ModelUnavailable("The call was given up: Alma is stopping."))

    def _keep(
        self, flight: Flight, key: bytes, likes: bytes | None, vector: bytes | None, request: ChatRequest
    ) -> None:
        """A whole answer can be given again, one that was cut or stopped cannot."""
        last, text = flight.last, flight.text.since(0) if flight.keep else ""
        if last is None or last.finish_reason not in ("stop", "tool_calls") or not (text.strip() or last.tool_calls):
            return
        if request.json_schema is not None and not last.tool_calls and not _is_json(text):
            return
        caller = request.caller
        answer = Answer(
            text=text,
            finish_reason=last.finish_reason,
            run_id=flight.run_id,
            at=self._clock(),
            reasoning=flight.reasoning.since(0),
            pieces=flight.tokens,
            tool_calls=last.tool_calls,
            usage=last.usage,
            model=last.model,
            endpoint=last.endpoint,
            ms=round(flight.ms, 2),
            cost=last.cost,
            question=caller.question,
            depends=caller.depends,
        )
        if last.tool_calls:  # its arguments are words of this very question
            likes = vector = None
        row = Row(key, caller.owner, answer, likes, vector)
        if row.size <= _LARGEST:
            self._shelf.put(row)
            if likes is not None and vector is not None:
                self._nearby.add(likes, Alike(key, vector))

    # ── what means the same ───────────────────────────────────────────────────────────────────────────────────────

    async def _vector(self, question: str) -> bytes | None:
        if self._embed is None:
            return None
        try:
            async with asyncio.timeout(_EMBED_PATIENCE_S):
                return vector_of(await self._embed(question))
        except (RunFailure, TimeoutError):
            return None

    async def _alike(
        self, caller: Caller, likes: bytes, vector: bytes, threshold: float
    ) -> tuple[Answer, CacheHit] | None:
        context = self._nearby.get(likes)
        if context is None:
            context = Context(await self._shelf.alike(likes, caller.owner, MOST_OF_ONE))
            self._nearby.put(likes, context)
        near = (one for one in context.nearest(vector, threshold) if self._shelf.has(one[0]))
        for key, score in itertools.islice(near, _CANDIDATES):
            answer = await self._shelf.load(key, caller.owner)
            if answer is not None and difference(caller.question, answer.question) is None:
                return answer, replace(self._hit(answer, "semantic"), question=answer.question, score=score)
        return None

    async def _embed_older(self, owner: str) -> None:
        """Questions that were asked before the owner turned this on; it ends early when nobody can embed them."""
        try:
            while older := await self._shelf.lacking(owner, _OLDER):
                for key, question in older:
                    vector = await self._vector(question)
                    if vector is None:
                        return
                    await self._shelf.add_vector(key, vector)
        except RunFailure:  # the database cannot: then only what is asked from now on
            return
        finally:
            self._nearby.clear()

    # ── counting ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _hit(self, answer: Answer, source: Literal["exact", "semantic"]) -> CacheHit:
        usage = answer.usage or Usage()
        return CacheHit(
            source=source,
            run_id=answer.run_id,
            age_s=round(max(self._clock() - answer.at, 0.0), 3),
            saved_input_tokens=usage.input_tokens,
            saved_output_tokens=usage.output_tokens,
            saved_ms=answer.ms,
            saved_cost=answer.cost,
        )

    def _count_hit(self, owner: str, hit: CacheHit) -> None:
        tokens = hit.saved_input_tokens + hit.saved_output_tokens
        self._count(owner, Saved(1, 0, tokens, hit.saved_ms, hit.saved_cost))

    def _count(self, owner: str, saved: Saved) -> None:
        self.asked += saved
        for counts in (self._totals, self._since_start):
            counts[owner] = counts.get(owner, Saved()) + saved
        self._shelf.count(owner, saved)


def _drawing(request: ChatRequest) -> Any:
    """How tokens are drawn; as it was before there were seeds, where there is none."""
    return request.sampling if request.seed is None else (request.sampling, request.seed)


def exact_key(model_id: str, request: ChatRequest) -> bytes:
    """The same for two requests to which the same answer may be given."""
    asked = (request.messages, _drawing(request), request.tools, request.json_schema)
    return hashlib.sha256(_encode((request.caller.owner, model_id, request.model, asked))).digest()


def likes_of(model_id: str, request: ChatRequest) -> bytes | None:
    """The same for two requests that differ only in how their question is put; None: it has none,
    or one too long to compare."""
    caller = request.caller
    if not 0 < len(caller.question) <= _LONGEST_QUESTION or not caller.context:
        return None
    around = (caller.role, caller.context, _drawing(request), request.tools, request.json_schema)
    return hashlib.sha256(_encode((caller.owner, model_id, request.model, around))).digest()


def _since(began: float) -> float:
    return 1000 * (time.perf_counter() - began)


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return True
