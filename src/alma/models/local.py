"""The embedded model: one llama.cpp server in a child process, kept alive, behind the same protocol as any endpoint.

`run()` is the child's owner: it starts it, waits for it, restarts it with growing pauses, and takes it down when it is
cancelled. Callers of `stream` wait (bounded) while it is starting. The child is `local_child.py`; which of its slots a
call gets is `local_slots.py`'s and `prefixes.py`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import psutil

from alma import child as child_process
from alma.child import Child
from alma.errors import EndpointCut, EndpointError, EndpointTimeout, EndpointUnreachable, ModelUnavailable
from alma.models.chat import Caller, ChatRequest, Chunk, Counted
from alma.models.client import OpenAIClient, Timeouts
from alma.models.counting import Counters
from alma.models.gguf import check_gguf, model_name
from alma.models.local_slots import SlotFiles, Slots, prepare_folder
from alma.models.local_state import LocalStatus, State
from alma.models.prefixes import MOST_BYTES, Prefixes
from alma.models.refusal import NOT_JSON, clip
from alma.models.tokens import estimate

log = logging.getLogger(__name__)

DEFAULT_CTX = 4096  # tokens of each slot's window; a longer one is read for minutes on two cores
DEFAULT_SLOTS = 4
LOAD_TIMEOUT = 300.0  # seconds for a model to load
READY_TIMEOUT = 60.0  # seconds a call waits for the child
MAX_FAILURES = 4  # starts in a row that never became ready
STEADY = 30.0  # seconds after which a death counts as the first again
TINY_FILE = 1.2e9  # bytes of a GGUF below which its model is called tiny
# Tiny models fall into loops; larger ones need no penalty, which costs them words that have to be said twice.
STEADYING = {"repeat_penalty": 1.1, "repeat_last_n": 256}
_GOES_WELL = re.compile(r"[\d.]+ [DIW] ")


class LocalModel:
    """A `ChatModel` that serves the GGUF file `path` (None: none yet). What slots have read is kept in a folder of
    `folder`, for as long as the child lives. `on_change` is called, on the loop, whenever the state changed. Calls
    beyond `slots` wait, and runs take turns."""

    def __init__(
        self,
        session: aiohttp.ClientSession | Callable[[], aiohttp.ClientSession],
        path: Path | None,
        *,
        folder: Path,
        ctx: int = DEFAULT_CTX,
        slots: int = DEFAULT_SLOTS,
        threads: int | None = None,
        timeouts: Timeouts = Timeouts(connect=5, first_token=300, stall=120),  # noqa: B008  # frozen
        on_change: Callable[[], object] = lambda: None,
        ready_timeout: float = READY_TIMEOUT,
        first_pause: float = 0.5,
    ) -> None:
        self._http = session if callable(session) else lambda: session  # it may be made later than this
        self._path = path
        self._prefix_dir = folder / "prefixes"
        self._ctx = self.context_window = ctx
        self.slots = slots
        self._slots: Slots | None = None  # of the child that runs now
        self.weigh: Callable[[Caller], float] = lambda _caller: 1.0
        self.prefix_bytes = MOST_BYTES  # of files in which beginnings are kept
        self._early = 0  # calls that wait for it
        self.threads = threads or psutil.cpu_count(logical=False) or os.cpu_count() or 1
        self._timeouts = timeouts
        self._on_change = on_change
        self._ready_timeout = ready_timeout
        self._first_pause = first_pause
        self._key = secrets.token_urlsafe(24)
        self._counters = Counters()
        self._client: OpenAIClient | None = None
        self._process: Child | None = None
        self._state: State = "starting" if path is not None and path.is_file() else "absent"
        self._detail = ""
        self._moved = asyncio.Event()  # set and replaced at every change of state
        self._swapped = asyncio.Event()  # another file was chosen

    @property
    def endpoint(self) -> str:
        return "embedded"

    @property
    def name(self) -> str:
        """The model's name, from its file's."""
        return model_name(self._path) if self._path else "none"

    @property
    def path(self) -> Path | None:
        return self._path

    @property
    def client(self) -> OpenAIClient | None:
        """The client of the child that runs now; None while there is none."""
        return self._client

    @property
    def status(self) -> LocalStatus:
        pid = self._process.pid if self._process else None
        queued, active = self._slots.load if self._slots is not None else (0, 0)
        return LocalStatus(self._state, str(self._path or ""), self._detail, pid, self._early + queued, active)

    def use(self, path: Path) -> None:
        """Serve another file from now on, cutting answers in flight. Raises InvalidRequest unless it is a GGUF."""
        check_gguf(path)
        self._path = path
        self._swapped.set()
        _kill(self._process)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk]:
        """As the protocol says. While the child is starting the call waits for it, at most `ready_timeout`."""
        try:
            slots = await self._ready_slots()
            try:
                async with contextlib.aclosing(slots.stream(request)) as chunks:
                    async for chunk in chunks:
                        yield chunk
            except EndpointUnreachable:  # it died a moment ago, and nothing was said yet: ask its successor
                self._bury(slots)
                async with contextlib.aclosing((await self._ready_slots()).stream(request)) as chunks:
                    async for chunk in chunks:
                        yield chunk
        except EndpointCut as error:
            raise EndpointCut(
                "The embedded model stopped in the middle of an answer.",
                endpoint=self.endpoint,
                actual=error.message,
                hint="Alma restarts it; the next attempt waits for it.",
            ) from error

    def warm(self, requests: Sequence[ChatRequest]) -> None:
        """Read the prompts of these requests in advance, as soon as nobody is at work, instead of those that still wait
        for it. A call that comes meanwhile is not held up. Does nothing while there is no child."""
        if self._slots is not None:
            self._slots.warm(requests)

    async def forget(self) -> None:
        """A conversation was deleted: keep no file with words of conversations."""
        if self._slots is not None:
            await self._slots.forget()

    @property
    def prefixes(self) -> Prefixes | None:
        """What the child that runs now has read."""
        return self._slots.prefixes if self._slots is not None else None

    @property
    def warmed(self) -> bool:
        """Whether nothing waits to be read in advance, and nothing is."""
        return self._slots is None or self._slots.warmed

    async def _ready_slots(self) -> Slots:
        self._early += 1
        try:
            await self.wait_ready()
        finally:
            self._early -= 1
        assert self._slots is not None  # set and unset together with the client
        return self._slots

    async def count_tokens(self, text: str) -> int:
        """By the model's own tokenizer while it runs, else the estimate."""
        return await self._client.count_tokens(text, self.name) if self._client is not None else estimate(text)

    def counted(self, text: str) -> int | None:
        return self._client.counted(text, self.name) if self._client is not None else None

    @property
    def counting(self) -> Counted:
        return Counted("exact")

    async def run(self) -> None:
        """Own the child until cancelled. Never raises: its troubles are in `status`."""
        try:
            while True:
                try:
                    await self._keep()
                except Exception as error:  # the model's boundary: its trouble must not reach the others
                    log.error("keeping the embedded model failed on a bug", exc_info=error)
                    self._become("failed", f"The embedded model could not be kept running: {error!r}.")
                    await self._pause(None)
        finally:
            self._become("off")

    async def _keep(self) -> None:
        failures = 0
        while True:
            self._swapped.clear()
            if self._path is None or not self._path.is_file():
                self._absent()
                await self._pause(2.0 if self._path else None)
                continue
            self._become("restarting" if failures else "starting")
            began = time.monotonic()
            try:
                served, reason = await self._serve(self._path)
            except OSError as error:  # no process, no folder
                served, reason = False, f"The model's process could not be started: {error}."
            except Exception as error:  # one start's boundary; the next may go better
                log.error("serving the embedded model failed on a bug", exc_info=error)
                served, reason = False, f"The model's process could not be used: {error!r}."
            if self._swapped.is_set():
                failures = 0
                continue
            failures = 1 if served and time.monotonic() - began > STEADY else failures + 1
            if failures >= MAX_FAILURES and not served:
                self._become("failed", reason)
                await self._pause(None)
                failures = 0
                continue
            self._become("restarting", reason)
            await self._pause(min(10.0, self._first_pause * 2 ** (failures - 1)))

    async def _serve(self, path: Path) -> tuple[bool, str]:
        """One child, from its start to its end. Returns whether it was ready, and why it ended."""
        await asyncio.to_thread(prepare_folder, self._prefix_dir)
        try:
            process = self._process = await self._spawn(path)
            report = await self._report(process)
            if "port" in report:
                port = int(report["port"])
                client = self._client_at(port, path)
                await self._measure(client)
                self._client, self._slots = client, self._slots_at(port, path)
                self._become("ready")
                async with asyncio.TaskGroup() as group:
                    warming = group.create_task(self._slots.keep_warm())
                    await process.wait()
                    warming.cancel()
                return True, f"The model's process ended ({_how(process.returncode)})."
            return False, str(report.get("error", "The model's process ended; the log may say why."))
        finally:
            if self._slots is not None:
                self._slots.close()
            self._client = self._slots = None
            await self._take_down()

    async def _spawn(self, path: Path) -> Child:
        return await child_process.start(
            *(sys.executable, "-m", "alma.models.local_child", "--gguf", str(path)),
            *("--ctx", str(self._ctx), "--slots", str(self.slots), "--threads", str(self.threads)),
            *("--prefix-dir", str(self._prefix_dir)),
            stdin=child_process.PIPE,
            stdout=child_process.PIPE,
            env={**os.environ, "ALMA_LOCAL_KEY": self._key},
            said=_tell,
        )

    async def _report(self, process: Child) -> dict[str, Any]:
        """The child's one line."""
        assert process.stdout is not None
        try:
            async with asyncio.timeout(LOAD_TIMEOUT):
                line = await process.stdout.readline()
        except TimeoutError:
            return {"error": f"The model did not load within {LOAD_TIMEOUT:g} s."}
        except ValueError:  # more than the reader's limit, and no end of the line
            return {"error": "The model's process wrote too long a line while it loaded the model."}
        if not line:
            await process.wait()
            return {"error": f"The model's process ended while it loaded the model ({_how(process.returncode)})."}
        try:
            return msgspec.json.decode(line, type=dict[str, Any])
        except NOT_JSON:
            return {"error": f"The model's process did not report how it is, but wrote: {clip(line)}"}

    async def _take_down(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        _kill(process)
        try:
            # The kill takes effect at once; the wait only reaps, so a cancelled owner may still do it.
            await asyncio.shield(process.wait())
        finally:
            if process.stdin is not None:
                process.stdin.close()
            await _remove(self._prefix_dir)

    async def _measure(self, client: OpenAIClient) -> None:
        """The window that the server really gives: a model trained on less gets less than was asked for."""
        with contextlib.suppress(EndpointError):
            listed = await client.list_models()
            window = listed[0].context_window if listed else None
            self.context_window = min(self._ctx, window or self._ctx)

    def _bury(self, slots: Slots) -> None:
        """The child behind `slots` listens no more: whatever is left of it goes, so that `run` restarts it."""
        if self._slots is slots:
            slots.close()
            self._client = self._slots = None
            _kill(self._process)

    def _client_at(self, port: int, path: Path, slot: int | None = None) -> OpenAIClient:
        """`slot`: the one that its calls go to."""
        # Progress, because the server sees only when it sends something that nobody listens any more.
        bound = {"id_slot": slot, "return_progress": True} if slot is not None else {}
        steadying = STEADYING if path.stat().st_size < TINY_FILE else {}
        return OpenAIClient(
            self._http(),
            endpoint=self.endpoint,
            base_url=f"http://127.0.0.1:{port}/v1",
            api_key=self._key,
            timeouts=self._timeouts,
            tokenizer=True,
            counters=self._counters,
            keep_alive=False,  # its server drops kept connections without a word
            extra={"cache_prompt": True, **steadying, **bound},
        )

    def _slots_at(self, port: int, path: Path) -> Slots:
        clients = [self._client_at(port, path, slot) for slot in range(self.slots)]
        files = SlotFiles(self._http(), clients[0].base_url, self._key, self._prefix_dir)
        slots = Slots(clients, files, weigh=lambda caller: self.weigh(caller))
        slots.prefixes.most_bytes = self.prefix_bytes
        return slots

    async def wait_ready(self, timeout: float | None = None) -> OpenAIClient:
        """The client of the child, once it can answer. Raises EndpointUnreachable when it cannot, EndpointTimeout when
        not yet after `timeout` seconds (None: as long as a call waits)."""
        limit = self._ready_timeout if timeout is None else timeout
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                while self._client is None and self._state in ("starting", "restarting", "ready"):
                    await self._moved.wait()
        if self._client is not None:
            return self._client
        if (missing := self.unavailable()) is not None:
            raise EndpointUnreachable(
                missing.message,
                endpoint=self.endpoint,
                expected=missing.expected,
                actual=missing.actual,
                hint=missing.hint,
            )
        raise EndpointTimeout(
            f"The embedded model was not ready within {limit:g} s.",
            endpoint=self.endpoint,
            actual=self._detail or self._state,
            hint="Try again in a moment.",
        )

    def unavailable(self) -> ModelUnavailable | None:
        """Why no call can succeed until somebody acts; None while the model is there or on its way."""
        return self.status.unavailable()

    def _absent(self) -> None:
        where = f"There is no file {self._path}." if self._path else "No GGUF file was chosen."
        if (self._state, self._detail) != ("absent", where):
            self._become("absent", where)

    def _become(self, state: State, detail: str = "") -> None:
        self._state, self._detail = state, detail
        self._moved.set()
        self._moved = asyncio.Event()
        self._on_change()

    async def _pause(self, seconds: float | None) -> None:
        """Until another file is chosen, at most so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._swapped.wait()


async def _remove(folder: Path) -> None:
    """To its end, even when cancelled meanwhile."""
    removal = asyncio.get_running_loop().run_in_executor(None, partial(shutil.rmtree, folder, ignore_errors=True))
    try:
        await asyncio.shield(removal)
    except asyncio.CancelledError:
        await removal
        raise


def _kill(process: Child | None) -> None:
    """End it, unless it ended, also a moment ago."""
    if process is not None and process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()


def _tell(line: str) -> None:
    """What llama.cpp says: much of what goes well, at debug, and what does not, as anything else that is printed."""
    log.log(logging.DEBUG if _GOES_WELL.match(line) else logging.WARNING, "the embedded model says: %s", line)


def _how(returncode: int | None) -> str:
    if returncode is not None and returncode < 0:
        return f"signal {-returncode}"
    return f"exit code {returncode}"
