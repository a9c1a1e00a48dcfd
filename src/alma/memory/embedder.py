"""Texts to vectors, in a process of its own: the event loop never waits for it and the server's memory stays small.

While one batch is being embedded, what arrives gathers into the next. What is urgent (a query) goes in one large batch;
the rest (what is being stored) goes beside it in small ones, which the process embeds in a thread that stands back: a
query does not wait for them. The process is started at once, dies with its parent (its stdin ends), and is started
again when it is needed after a death. Vectors of recent texts are kept.
"""

from __future__ import annotations

import asyncio
import logging
import struct
import sys
from collections import OrderedDict
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from alma import child as child_process
from alma.asked import Asked
from alma.child import Child
from alma.errors import EmbedderUnavailable

log = logging.getLogger(__name__)
MODEL = "minilm-l6-v2-int8"
DIMENSIONS = 384
VECTOR_BYTES = 2048  # of a vector kept, with its text
_KEPT = 4096  # vectors kept
_BATCH = 128  # most urgent texts in one frame
_SMALL_BATCH = 16  # most of the others,
_SMALL_CHARS = 4000  # and most characters of them: about 200 ms of one core
_TEXT_CHARS = 4000  # the model reads 256 tokens; more text than this cannot matter
_FIRST_PAUSE_S = 0.2  # before the process is started again; doubled, up to 30 s, while it does not become ready
_PATIENCE_S = 5.0  # a cold process is ready in about a second
_LONG_PATIENCE_S = 60.0  # of what is not urgent
Vector = NDArray[np.float32]


class _Lane:
    """Texts that wait, and who waits for them. `wake` is set when one is added."""

    def __init__(self, *, urgent: bool) -> None:
        self.urgent = urgent
        self.waiting: dict[str, list[asyncio.Future[Vector]]] = {}
        self.wake = asyncio.Event()

    def batch(self) -> list[str]:
        """What goes next; of what is not urgent, that for which nobody waits any more goes out."""
        if self.urgent:
            return list(self.waiting)[:_BATCH]
        texts: list[str] = []
        chars = 0
        for text in list(self.waiting):
            if all(future.done() for future in self.waiting[text]):
                del self.waiting[text]
                continue
            chars += len(text)
            if texts and (len(texts) == _SMALL_BATCH or chars > _SMALL_CHARS):
                break
            texts.append(text)
        return texts


class _Batch:
    """Texts that the process is embedding."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts
        self.answered = asyncio.Event()


class Embedder:
    """`folder` holds the model's files. `run` must be running (in a task group) for `embed` to answer.

    The queues are bounded by their callers: each waits for its own texts.
    """

    model = MODEL
    dimensions = DIMENSIONS

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: OrderedDict[str, Vector] = OrderedDict()
        self.most = _KEPT
        self.asked = Asked()
        self._urgent = _Lane(urgent=True)
        self._others = _Lane(urgent=False)
        self._under_way: dict[int, _Batch] = {}
        self._number = 0  # of the last batch
        self._child: Child | None = None
        self.state = "starting"  # starting, ready, absent, down

    @property
    def kept(self) -> int:
        """Vectors of recent texts."""
        return len(self._kept)

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        return self._child.pid if self._child is not None and self._child.returncode is None else None

    async def embed(self, texts: list[str], *, urgent: bool = True) -> Vector:
        """(len(texts), 384) float32, rows of length 1. Raises `EmbedderUnavailable` when the process cannot answer."""
        if self.state == "down":
            raise EmbedderUnavailable("The embedding process is down.", hint="Run `alma doctor`.")
        if self.state == "absent":
            raise _absent(self._folder)
        if not texts:
            return np.zeros((0, DIMENSIONS), np.float32)
        patience = _PATIENCE_S if urgent else _LONG_PATIENCE_S
        vectors = [self._one(text[:_TEXT_CHARS], urgent) for text in texts]
        try:
            async with asyncio.timeout(patience):
                return np.stack([await vector for vector in vectors])
        except TimeoutError:
            raise EmbedderUnavailable(f"The embedding process did not answer within {patience:g} s.") from None
        finally:
            for vector in vectors:  # of those that nobody waits for any more
                vector.cancel()

    def prefetch(self, text: str) -> None:
        """Begin on a text that will be asked for in a moment."""
        text = text[:_TEXT_CHARS]
        if text not in self._kept and self.state != "absent":
            self._ask(text, urgent=True)

    def _one(self, text: str, urgent: bool) -> asyncio.Future[Vector]:
        future: asyncio.Future[Vector] = asyncio.get_running_loop().create_future()
        if (vector := self._kept.get(text)) is not None:
            self._kept.move_to_end(text)
            self.asked.hits += 1
            future.set_result(vector)
            return future
        self.asked.missed(text)
        self._ask(text, urgent).append(future)
        return future

    def _ask(self, text: str, urgent: bool) -> list[asyncio.Future[Vector]]:
        """Who waits for this text. One that was not urgent becomes so when somebody is in a hurry for it."""
        hurried, others = self._urgent.waiting, self._others.waiting
        if urgent and text in others:
            hurried[text] = others.pop(text)
        lane = self._urgent if urgent or text in hurried else self._others
        lane.wake.set()
        return lane.waiting.setdefault(text, [])

    async def run(self) -> None:
        """Keep the process alive and feed it, until cancelled."""
        delay = _FIRST_PAUSE_S
        while True:
            try:
                await self._serve()
            except Exception as error:  # noqa: BLE001  # the process's boundary
                if self.state == "ready":
                    delay = _FIRST_PAUSE_S
                self.state = "down" if self._present() else "absent"
                log.warning("the embedder stopped: %s", error)
                self._fail(f"The embedding process stopped: {error}")
            await asyncio.sleep(delay)
            delay = min(delay * 2, 30.0)

    def _present(self) -> bool:
        return (self._folder / "model.onnx").exists() and (self._folder / "tokenizer.json").exists()

    async def _serve(self) -> None:
        if not self._present():
            raise _absent(self._folder)
        child = self._child = await child_process.start(
            sys.executable,
            "-m",
            "alma.memory.embed_child",
            str(self._folder),
            stdin=child_process.PIPE,
            stdout=child_process.PIPE,
            said=lambda line: log.warning("the embedder says: %s", line),
        )
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            await _receive(child.stdout)
            self.state = "ready"
            self._under_way.clear()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._take(child.stdout))
                for lane in (self._urgent, self._others):
                    group.create_task(self._feed(lane, child))
        except* (OSError, EOFError) as errors:
            raise ConnectionError(str(errors.exceptions[0])) from errors
        finally:
            child.stdin.close()
            if child.returncode is None:
                child.kill()
                await asyncio.shield(child.wait())

    async def _feed(self, lane: _Lane, child: Child) -> None:
        """Give the process one batch after the other."""
        while True:
            while not (texts := lane.batch()):
                lane.wake.clear()
                await lane.wake.wait()
            self._number += 1
            batch = self._under_way[self._number] = _Batch(texts)
            clean = [text.encode("utf-8", "replace").decode() for text in texts]
            data = msgspec.msgpack.encode((self._number, lane.urgent, clean))
            await child.feed(struct.pack(">I", len(data)) + data)
            await batch.answered.wait()

    async def _take(self, source: asyncio.StreamReader) -> None:
        """Hand out what the process answers."""
        while True:
            number, data = await _receive(source)
            batch = self._under_way.pop(number)
            vectors = np.frombuffer(data, np.float32).reshape(len(batch.texts), DIMENSIONS)
            for text, vector in zip(batch.texts, vectors, strict=True):
                self._kept[text] = vector
                for future in (*self._urgent.waiting.pop(text, ()), *self._others.waiting.pop(text, ())):
                    if not future.done():
                        future.set_result(vector)
            while len(self._kept) > self.most:
                self.asked.let_go(self._kept.popitem(last=False)[0])
            batch.answered.set()

    def _fail(self, why: str) -> None:
        waiting = [*self._urgent.waiting.values(), *self._others.waiting.values()]
        self._urgent.waiting, self._others.waiting = {}, {}
        for futures in waiting:
            for future in futures:
                if not future.done():
                    future.set_exception(EmbedderUnavailable(why))
                    future.exception()  # seen: a caller that waits for several texts raises at the first


def _absent(folder: Path) -> EmbedderUnavailable:
    return EmbedderUnavailable(f"The embedding model is not in {folder}.", hint="Run `make setup`, or `alma doctor`.")


async def _receive(source: asyncio.StreamReader) -> tuple[int, bytes]:
    """A batch's number, and its rows."""
    number, length = struct.unpack(">II", await source.readexactly(8))
    return number, await source.readexactly(length)
