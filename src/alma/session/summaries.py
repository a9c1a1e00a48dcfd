"""Rolling summaries: when a conversation begins to fill a window, its old turns are summed up while nobody waits.

Looks at a thread when one of its runs has ended, so that the summary is there before the first prompt that needs it. A
strong model writes it, from the summary before and the turns since; for a weak one sentences are chosen. A summary is
kept under the newest turn that it speaks of, and never changed: a prompt of before can always be shown as it was.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing

import sqlalchemy as sa
from msgspec import Struct

from alma.agent.context import build
from alma.agent.planner import strength
from alma.agent.prompt import Material, Part
from alma.agent.run import Models
from alma.agent.summary import MOST_CHARS, ask, extract
from alma.agent.task import Summary, Turn
from alma.db.database import Database, insert_for
from alma.db.tables import runs, summaries
from alma.engine.state import RunState
from alma.engine.turns import Conversations
from alma.errors import AlmaError
from alma.model_call import Sampling
from alma.models.chat import Caller, ChatModel, ChatRequest
from alma.models.remote import ModelInfo
from alma.models.tokens import estimate

log = logging.getLogger(__name__)
BEGIN_AT = 0.4  # of the window: a conversation that fills more is summed up
KEEP = 0.2  # of the window: the newest turns, which stay as they are
_MOST_WAITING = 256  # threads; beyond, the longest waiting is looked at when its next run ends
_SAMPLING = Sampling(temperature=0.2, top_p=0.9, max_tokens=500)


class _Written(Struct, frozen=True):
    text: str
    how: str
    model: str = ""
    tokens: int = 0


class Summaries:
    """Looks at threads whose runs have ended, one at a time."""

    def __init__(self, database: Database, conversations: Conversations, models: Models) -> None:
        self._database = database
        self._conversations = conversations
        self._models = models
        self._waiting: dict[str, tuple[str, str, str | None]] = {}  # by thread: its newest run, its owner, the model
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def ended(self, state: RunState) -> None:
        """A run has ended; its thread is looked at as soon as there is time. A first turn has nothing before it that
        could be summed up."""
        started, finished = state.started, state.finished
        if started is None or started.parent_run_id is None or finished is None or finished.status != "completed":
            return
        self._waiting.pop(started.thread_id, None)
        while len(self._waiting) >= _MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[started.thread_id] = (state.run_id, started.owner, started.model)
        self._idle.clear()
        self._wake.set()

    async def run(self) -> None:
        """Look at what has ended, one thread at a time, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                thread_id = next(iter(self._waiting))
                run_id, owner, model = self._waiting.pop(thread_id)
                try:
                    await self.look(thread_id, run_id, owner, model)
                except AlmaError as error:  # the turns stay as they are, and the next end of a run looks again
                    log.warning("thread %s could not be summed up: %s", thread_id, error.message)
                except Exception:  # a courtesy, whose bugs must not end what else runs
                    log.exception("summing up thread %s failed on a bug", thread_id)
            self._idle.set()

    async def settled(self) -> None:
        """Once all that had ended was looked at."""
        await self._idle.wait()

    async def look(self, thread_id: str, run_id: str, owner: str, model_id: str | None) -> Summary | None:
        """Sum the conversation up to `run_id` up, if it fills enough of the model's window. Gives the new summary."""
        model, info = self._models.resolve(model_id)
        said = await self._conversations.history(run_id)
        turns = _since(said.summary, list(said.turns))
        tokens = [estimate(turn.text) + estimate(turn.answer) for turn in turns]
        if sum(tokens) <= BEGIN_AT * info.context_window:
            return None
        keep, at = KEEP * info.context_window, len(turns)
        while at > 0 and (keep := keep - tokens[at - 1]) > 0:
            at -= 1
        old = turns[: min(at, len(turns) - 1)]
        if not old:
            return None
        written = await self._write(said.summary, old, owner, model, info)
        summary = Summary(old[-1].run_id, written.text)
        await self._database.write(lambda connection: _keep(connection, thread_id, summary, written))
        self._conversations.summarised(summary)
        return summary

    async def _write(
        self, before: Summary | None, turns: list[Turn], owner: str, model: ChatModel, info: ModelInfo
    ) -> _Written:
        if strength(info, self._models.report(info.id)).level == "strong":
            try:
                return await _by_model(before, turns, owner, model, info)
            except AlmaError as error:
                log.info("%s did not sum the conversation up (%s): sentences are chosen", info.id, error.message)
        return _Written(await asyncio.to_thread(extract, before, turns), "extracted")


async def _by_model(
    before: Summary | None, turns: list[Turn], owner: str, model: ChatModel, info: ModelInfo
) -> _Written:
    """Piece by piece where the turns are more than a window holds: each piece with the summary of those before it."""
    tokens, rest = 0, turns
    while rest:
        some, rest = _some(rest, info.context_window // 2)
        messages = ask(before, some)
        parts = [  # `ask` has marked what is data
            Part("summary", one.content, "system" if one.role == "system" else "user", trusted=True) for one in messages
        ]
        window, most = info.context_window, _SAMPLING.max_tokens
        prompt = await build(model, Material([], [], parts), window=window, max_tokens=most)
        caller = Caller(owner=owner, run_id=f"summary.{some[-1].run_id}", priority=-9)
        request = ChatRequest(info.name, prompt.messages, _SAMPLING, caller=caller)
        text: list[str] = []
        async with aclosing(model.stream(request)) as chunks:
            async for chunk in chunks:
                text.append(chunk.text)
                if chunk.usage is not None:
                    tokens += chunk.usage.input_tokens + chunk.usage.output_tokens
        before = Summary(some[-1].run_id, "".join(text).strip()[: 4 * MOST_CHARS])
    assert before is not None
    return _Written(before.text, "model", info.id, tokens)


def _since(summary: Summary | None, turns: list[Turn]) -> list[Turn]:
    at = next((at for at, turn in enumerate(turns) if summary and turn.run_id == summary.run_id), None)
    return turns if at is None else turns[at + 1 :]


def _some(turns: list[Turn], room: int) -> tuple[list[Turn], list[Turn]]:
    """As many of the first ones as go into `room` tokens, one at least and that cut if it must be; and the others."""
    taken = 0
    for at, turn in enumerate(turns):
        taken += estimate(turn.text) + estimate(turn.answer)
        if taken > room:
            if at:
                return turns[:at], turns[at:]
            half = room  # characters: a third of what the estimate would allow, for each of the two
            return [Turn(turn.run_id, turn.text[:half], turn.answer[:half])], turns[1:]
    return turns, []


def _keep(connection: sa.Connection, thread_id: str, summary: Summary, written: _Written) -> None:
    """Unless the thread was deleted meanwhile: then nothing of it is to be left."""
    if connection.execute(sa.select(runs.c.id).where(runs.c.id == summary.run_id)).first() is None:
        return
    row = {
        "run_id": summary.run_id,
        "thread_id": thread_id,
        "text": summary.text,
        "how": written.how,
        "model": written.model,
        "tokens": written.tokens,
        "created_at": time.time(),
    }
    connection.execute(insert_for(connection)(summaries).values(row).on_conflict_do_nothing())
