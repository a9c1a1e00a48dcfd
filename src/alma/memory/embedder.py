"""Texts to vectors, in a process of its own: the event loop never waits for it and the server's memory stays small.

While one batch is being embedded, what arrives gathers into the next. What is urgent (a query) goes first, in one large
batch; the rest (what is being stored) goes behind it in small ones, so that a query never waits for more than one of
those. The process is started at once, dies with its parent (its stdin ends), and is started again when it is needed
after a death. Vectors of recent texts are kept.
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

from alma.errors import EmbedderUnavailable

log = logging.getLogger(__name__)
MODEL = "minilm-l6-v2-int8"
DIMENSIONS = 384
_KEPT = 4096  # vectors kept, 1.5 KB each
_BATCH = 128  # most urgent texts in one frame
_SMALL_BATCH = 16  # most of the others,
_SMALL_CHARS = 4000  # and most characters of them: about 100 ms
_TEXT_CHARS = 4000  # the model reads 256 tokens; more text than this cannot matter
_FIRST_PAUSE_S = 0.2  # before the process is started again; doubled, up to 30 s, while it does not become ready
_PATIENCE_S = 5.0  # a cold process is ready in about a second
_LONG_PATIENCE_S = 60.0  # of what is not urgent
Vector = NDArray[np.float32]


class Embedder:
    """`folder` holds the model's files. `run` must be running (in a task group) for `embed` to answer.

    The queues are bounded by their callers: each waits for its own texts.
    """

    model = MODEL
    dimensions = DIMENSIONS

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: OrderedDict[str, Vector] = OrderedDict()
        self._urgent: dict[str, list[asyncio.Future[Vector]]] = {}
        self._others: dict[str, list[asyncio.Future[Vector]]] = {}
        self._wake = asyncio.Event()
        self._child: asyncio.subprocess.Process | None = None
        self.state = "starting"  # starting, ready, absent, down

    async def embed(self, texts: list[str], *, urgent: bool = True) -> Vector:
        """(len(texts), 384) float32, rows of length 1. Raises `EmbedderUnavailable` when the process cannot answer."""
        if self.state == "down":
            raise EmbedderUnavailable("The embedding process is down.", hint="Run `alma doctor`.")
        if self.state == "absent":
            raise _absent(self._folder)
        if not texts:
            return np.zeros((0, DIMENSIONS), np.float32)
        patience = _PATIENCE_S if urgent else _LONG_PATIENCE_S
        try:
            async with asyncio.timeout(patience):
                return np.stack([await one for one in [self._one(text[:_TEXT_CHARS], urgent) for text in texts]])
        except TimeoutError:
            raise EmbedderUnavailable(f"The embedding process did not answer within {patience:g} s.") from None

    def prefetch(self, text: str) -> None:
        """Begin on a text that will be asked for in a moment."""
        text = text[:_TEXT_CHARS]
        if text not in self._kept and self.state != "absent":
            self._ask(text, urgent=True)

    def _one(self, text: str, urgent: bool) -> asyncio.Future[Vector]:
        future: asyncio.Future[Vector] = asyncio.get_running_loop().create_future()
        if (vector := self._kept.get(text)) is not None:
            self._kept.move_to_end(text)
            future.set_result(vector)
            return future
        self._ask(text, urgent).append(future)
        return future

    def _ask(self, text: str, urgent: bool) -> list[asyncio.Future[Vector]]:
        """Who waits for this text. One that was not urgent becomes so when somebody is in a hurry for it."""
        self._wake.set()
        if urgent and (waiting := self._others.pop(text, None)) is not None:
            self._urgent[text] = waiting
        if urgent or text in self._urgent:
            return self._urgent.setdefault(text, [])
        return self._others.setdefault(text, [])

    def _batch(self) -> list[str]:
        """What goes next; what nobody waits for any more goes out."""
        if self._urgent:
            return list(self._urgent)[:_BATCH]
        texts: list[str] = []
        chars = 0
        for text in list(self._others):
            if all(future.done() for future in self._others[text]):
                del self._others[text]
                continue
            chars += len(text)
            if texts and (len(texts) == _SMALL_BATCH or chars > _SMALL_CHARS):
                break
            texts.append(text)
        return texts

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
        child = self._child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "alma.memory.embed_child",
            str(self._folder),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            await _receive(child.stdout)
            self.state = "ready"
            while True:
                while not (texts := self._batch()):
                    self._wake.clear()
                    await self._wake.wait()
                await self._exchange(texts, child.stdin, child.stdout)
        finally:
            child.stdin.close()
            if child.returncode is None:
                child.kill()
                await asyncio.shield(child.wait())

    async def _exchange(self, texts: list[str], sink: asyncio.StreamWriter, source: asyncio.StreamReader) -> None:
        data = msgspec.msgpack.encode([text.encode("utf-8", "replace").decode() for text in texts])
        sink.write(struct.pack(">I", len(data)) + data)
        await sink.drain()
        vectors = np.frombuffer(await _receive(source), np.float32).reshape(len(texts), DIMENSIONS)
        for text, vector in zip(texts, vectors, strict=True):
            self._kept[text] = vector
            for future in (*self._urgent.pop(text, ()), *self._others.pop(text, ())):
                if not future.done():
                    future.set_result(vector)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def _fail(self, why: str) -> None:
        waiting = [*self._urgent.values(), *self._others.values()]
        self._urgent, self._others = {}, {}
        for futures in waiting:
            for future in futures:
                if not future.done():
                    future.set_exception(EmbedderUnavailable(why))
                    future.exception()  # seen: a caller that waits for several texts raises at the first


def _absent(folder: Path) -> EmbedderUnavailable:
    return EmbedderUnavailable(f"The embedding model is not in {folder}.", hint="Run `make setup`, or `alma doctor`.")


async def _receive(source: asyncio.StreamReader) -> bytes:
    (length,) = struct.unpack(">I", await source.readexactly(4))
    return await source.readexactly(length)
