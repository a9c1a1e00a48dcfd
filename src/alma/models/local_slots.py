"""The slots of one running llama.cpp server: who waits, who reads, what is kept in files, what is read in advance.

Does what `prefixes.py` decides. Lives as long as the server's process; its successor begins with empty slots and files.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import shutil
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from math import inf
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from msgspec.structs import replace

from alma.errors import EndpointError, EndpointUnreachable
from alma.model_call import Sampling
from alma.models.chat import Caller, ChatMessage, ChatRequest, Chunk
from alma.models.client import OpenAIClient
from alma.models.prefixes import WORTH, Call, Prefixes, Prompt, Step, beginning, length, shared
from alma.models.refusal import NOT_JSON

log = logging.getLogger(__name__)
_MOST_WISHES = 8  # prompts that wait to be read in advance
_MISSES = 2  # times in a row that a slot did not have what it should, until it is not counted on
_FILE_PATIENCE = 60.0  # seconds for a slot to be saved or filled; it takes milliseconds once the server comes to it


def prompt_of(request: ChatRequest) -> Prompt:
    """The texts by which prompts are compared: the tools, which templates put first, then the messages."""
    tools = msgspec.json.encode(request.tools).decode() if request.tools else ""
    return (tools, *(_text(message) for message in request.messages))


def begin(request: ChatRequest, chars: int) -> ChatRequest:
    """A request that reads the first `chars` characters of a prompt, as `prompt_of` counts them, and writes nothing."""
    messages: list[ChatMessage] = []
    chars -= len(prompt_of(request)[0])
    for message in request.messages:
        text = _text(message)
        if chars < len(text):
            head = len(message.role) + 1
            if chars > head and not message.tool_calls:
                messages.append(replace(message, content=message.content[: chars - head]))
            break
        messages.append(message)
        chars -= len(text)
    if not messages or messages[-1].role in ("system", "assistant"):
        messages.append(ChatMessage("user", ""))  # many templates want one
    return replace(request, messages=messages, sampling=Sampling(0.0, 1.0, 0), json_schema=None)


def _text(message: ChatMessage) -> str:
    calls = msgspec.json.encode(message.tool_calls).decode() if message.tool_calls else ""
    return f"{message.role}\n{message.content}{calls}"


class SlotFiles:
    """Slots kept in files of `folder`, by the server at `base_url` (…/v1) that knows `key`. `patience`: seconds until a
    server that does not answer is taken to have failed."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        key: str,
        folder: Path,
        patience: float = _FILE_PATIENCE,
    ) -> None:
        self._session = session
        self._limit = aiohttp.ClientTimeout(total=patience)
        self._url = base_url.removesuffix("/v1")
        self._headers = {"Authorization": f"Bearer {key}", "Connection": "close"}
        self._folder = folder

    async def save(self, slot: int, name: str) -> int:
        """Keep a slot; its size in bytes, 0 when that failed."""
        return await self._act(slot, "save", name, "n_written")

    async def restore(self, slot: int, name: str) -> bool:
        """Fill a slot; whether that worked."""
        return await self._act(slot, "restore", name, "n_restored") > 0

    async def remove(self, names: Sequence[str]) -> None:
        def unlink() -> None:
            for name in names:
                (self._folder / name).unlink(missing_ok=True)

        await asyncio.to_thread(unlink)

    async def _act(self, slot: int, action: str, name: str, figure: str) -> int:
        url = f"{self._url}/slots/{slot}?action={action}"
        try:
            body = {"filename": name}
            async with self._session.post(url, json=body, headers=self._headers, timeout=self._limit) as response:
                said = msgspec.json.decode(await response.read(), type=dict[str, Any])
        except (aiohttp.ClientError, OSError, *NOT_JSON) as error:
            said = {"error": str(error) or type(error).__name__}
        if not isinstance(count := said.get(figure), int):
            log.warning("the embedded model could not %s a slot: %s", action, said.get("error"))
            return 0
        return count


def prepare_folder(folder: Path) -> None:
    """Make it, empty and for nobody else's eyes: the files hold what was said."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)


class Slots:
    """`clients`: one for each slot, bound to it. `weigh`: what a call's turns are worth. `clock`: in seconds."""

    def __init__(
        self,
        clients: Sequence[OpenAIClient],
        files: SlotFiles,
        clock: Callable[[], float] = time.monotonic,
        weigh: Callable[[Caller], float] = lambda _caller: 1.0,
    ) -> None:
        self._weigh = weigh
        self.prefixes = Prefixes(len(clients))
        self._clients = clients
        self._files = files
        self._clock = clock
        self._ids = itertools.count(1)
        self._called: dict[int, asyncio.Future[Step]] = {}  # who stands in line
        self._timer: asyncio.TimerHandle | None = None
        self._wishes: list[ChatRequest] = []  # to be read in advance
        self._stir = asyncio.Event()  # something changed for what is read in advance
        self._warming: asyncio.Task[None] | None = None
        self._misses = 0
        self._closed = False

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk]:
        """As `ChatModel.stream`, in the slot that has least to read."""
        call = self._call(request)
        step = await self._enter(call)
        slot, began, first = step.slot, self._clock(), 0.0
        said: list[str] = []
        try:
            have = await self._prepare(step, request)
            began = self._clock()
            async with aclosing(self._clients[slot].stream(request)) as chunks:
                async for chunk in chunks:
                    if not first:
                        first = self._clock()
                        self.prefixes.began(slot)
                    said.append(chunk.text)
                    if chunk.finish_reason is not None:
                        self._learn(step, chunk, have, first - began, self._clock() - first)
                    yield chunk
        finally:
            if first:
                self.prefixes.holds(slot, (*call.prompt, f"assistant\n{''.join(said)}"))
            self._leave(slot)

    @property
    def load(self) -> tuple[int, int]:
        """Calls that wait for a slot, and calls that have one."""
        return self.prefixes.queued, self.prefixes.active

    async def forget(self) -> None:
        """A conversation was deleted: none of its words may stay in a file, or be read in advance."""
        self._wishes.clear()
        await self._files.remove(self.prefixes.forget())

    def close(self) -> None:
        """The server is gone: who still waits is told so, and asks its successor."""
        self._closed = True
        for future in self._called.values():
            if not future.done():
                future.set_exception(_gone())
        self._called.clear()
        if self._timer is not None:
            self._timer.cancel()

    # ── the line ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _call(self, request: ChatRequest) -> Call:
        prompt = prompt_of(request)
        caller = request.caller
        stable = length(prompt) - len(prompt[-1])
        most, weight = request.sampling.max_tokens, self._weigh(caller)
        return Call(next(self._ids), prompt, stable, most, caller.run_id, caller.priority, weight)

    async def _enter(self, call: Call) -> Step:
        """Stand in line until it is clear where the call goes. Raises EndpointUnreachable when the server went."""
        if self._closed:
            raise _gone()
        future = self._called[call.id] = asyncio.get_running_loop().create_future()
        self.prefixes.ask(call)
        asyncio.get_running_loop().call_soon(self._advance)  # together with whoever else asks at this moment
        try:
            return await future
        except asyncio.CancelledError:
            if self._called.pop(call.id, None) is None and not future.cancelled() and future.exception() is None:
                self._leave(future.result().slot)  # called and cancelled at the same moment
            else:
                self.prefixes.withdraw(call)
                self._advance()
            raise

    def _advance(self) -> None:
        """Let in whoever can begin now."""
        if self._closed:
            return
        prefixes, now = self.prefixes, self._clock()
        while (step := prefixes.next(now)) is not None:
            future = self._called.pop(step.call.id)
            if future.done():  # cancelled at this moment
                prefixes.leave(step.slot, now)
            else:
                future.set_result(step)
        if prefixes.hindered and self._warming is not None:
            self._warming.cancel()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if prefixes.look_again < inf:
            self._timer = asyncio.get_running_loop().call_later(max(prefixes.look_again - now, 0.0), self._advance)
        self._stir.set()

    def _leave(self, slot: int) -> None:
        self.prefixes.leave(slot, self._clock())
        self._advance()

    # ── a step ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _prepare(self, step: Step, request: ChatRequest) -> int:
        """Fill the slot as far as that comes before the call itself. Returns how many characters of the prompt it then
        has."""
        prefixes, slot, prompt = self.prefixes, step.slot, step.call.prompt
        if step.save:
            await self._keep(slot, step.save)
        if step.restore:
            if await self._files.restore(slot, step.restore):
                prefixes.restored(slot, step.restore, self._clock())
            else:
                prefixes.lost(slot, step.restore)
        # What the prompt does not begin with is dropped when it is read; if that is cut off, this is still there.
        prefixes.holds(slot, beginning(prompt, shared(prefixes.seen(slot), prompt)))
        if step.read:
            await self._read(step, begin(request, step.read))
        return length(prefixes.seen(slot))

    async def _read(self, step: Step, request: ChatRequest) -> None:
        """Read the beginning by itself, and keep it. If the model will not do so, the call itself reads everything."""
        slot, prefix = step.slot, beginning(step.call.prompt, step.read)
        have, began = length(self.prefixes.seen(slot)), self._clock()
        try:
            async with aclosing(self._clients[slot].stream(request)) as chunks:
                async for chunk in chunks:
                    if chunk.finish_reason is not None:
                        self._learn(step, chunk, have, self._clock() - began, 0.0, length(prefix))
        except EndpointUnreachable:
            raise
        except EndpointError as error:
            log.info("the embedded model does not read a beginning by itself: %s", error)
            self.prefixes.able = False
        else:
            self.prefixes.holds(slot, prefix)
            if step.keep:
                await self._keep(slot, step.keep)
        self.prefixes.read(slot, self._clock())
        self._advance()

    async def _keep(self, slot: int, name: str) -> None:
        prompt = self.prefixes.seen(slot)
        if size := await self._files.save(slot, name):
            meant = self.prefixes.seen(slot) == prompt  # else some of it was to be forgotten meanwhile
            gone = self.prefixes.keep(name, prompt, size, self._clock()) if meant else [name]
            if gone:
                await self._files.remove(gone)

    def _learn(
        self, step: Step, last: Chunk, have: int, reading: float, writing: float, chars: int | None = None
    ) -> None:
        """From the last chunk of an answer: how quickly the model reads and writes, and whether the slot had what it
        should. `chars`: of the prompt, when it was not the call's whole one."""
        if (usage := last.usage) is None or usage.estimated or usage.doubted:
            return
        rates = self.prefixes.rates
        expected = have / rates.chars
        whole = length(step.call.prompt) if chars is None else chars
        rates.learn(whole, usage.input_tokens, usage.cached_tokens, reading)
        rates.wrote(usage.output_tokens, writing)
        if (step.restore or step.read) and expected >= WORTH:
            self._misses = self._misses + 1 if usage.cached_tokens < expected / 4 else 0
            if self._misses >= _MISSES:
                log.info("the embedded model does not give back what its slots have read; prefixes are not counted on")
                self.prefixes.able = False

    # ── in advance ────────────────────────────────────────────────────────────────────────────────────────────────

    def warm(self, requests: Sequence[ChatRequest]) -> None:
        """Read these prompts when nobody is at work, one after the other, up to their last word. They take the place of
        those that still wait for it; what a slot or a file has already is not read again."""
        self._wishes = list(requests[:_MOST_WISHES])
        self._stir.set()

    @property
    def warmed(self) -> bool:
        """Whether all that was wished for is read, or was dropped."""
        return not self._wishes and self._warming is None

    async def keep_warm(self) -> None:
        """Read in advance what is wished for, until cancelled. Whoever asks meanwhile comes first."""
        while True:
            self._stir.clear()
            while self._wishes and self.prefixes.knows(prompt_of(self._wishes[0])):
                self._wishes.pop(0)
            call = self._call(self._wishes[0]) if self._wishes else None
            step = self.prefixes.warm(replace(call, answer=0), self._clock()) if call is not None else None
            if step is None:
                await self._stir.wait()
                continue
            request = self._wishes.pop(0)
            async with asyncio.TaskGroup() as group:
                self._warming = group.create_task(self._warm(step, request))
            self._warming = None

    async def _warm(self, step: Step, request: ChatRequest) -> None:
        try:
            await self._prepare(step, request)
        except EndpointError as error:
            log.info("nothing could be read in advance: %s", error)
        finally:
            self._leave(step.slot)


def _gone() -> EndpointUnreachable:
    return EndpointUnreachable(
        "The embedded model's process ended.", endpoint="embedded", hint="Alma restarts it; try again in a moment."
    )
