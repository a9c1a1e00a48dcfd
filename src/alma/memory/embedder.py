"""Texts to vectors, in a process of its own: the event loop never waits for it and the server's memory stays small.

While one batch is being embedded, what arrives gathers into the next. The process is started at once, dies with its
parent (its stdin ends), and is started again when it is needed after a death. Vectors of recent texts are kept.
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
DIMENSIONS = 384
_KEPT = 4096  # vectors kept, 1.5 KB each
_BATCH = 128  # most texts in one frame
_TEXT_CHARS = 4000  # the model reads 256 tokens; more text than this cannot matter
_FIRST_PAUSE_S = 0.2  # before the process is started again; doubled, up to 30 s, while it does not become ready
_PATIENCE_S = 5.0  # a cold process is ready in about a second
Vector = NDArray[np.float32]


class Embedder:
    """`folder` holds the model's files. `run` must be running (in a task group) for `embed` to answer.

    The queue is bounded by its callers: each waits for its own texts.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: OrderedDict[str, Vector] = OrderedDict()
        self._waiting: dict[str, list[asyncio.Future[Vector]]] = {}
        self._wake = asyncio.Event()
        self._child: asyncio.subprocess.Process | None = None
        self.state = "starting"  # starting, ready, absent, down

    async def embed(self, texts: list[str]) -> Vector:
        """(len(texts), 384) float32, rows of length 1. Raises `EmbedderUnavailable` when the process cannot answer."""
        if self.state == "down":
            raise EmbedderUnavailable("The embedding process is down.", hint="Run `alma doctor`.")
        if self.state == "absent":
            raise _absent(self._folder)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return np.stack([await future for future in [self._one(text[:_TEXT_CHARS]) for text in texts]])
        except TimeoutError:
            raise EmbedderUnavailable(f"The embedding process did not answer within {_PATIENCE_S:g} s.") from None

    def prefetch(self, text: str) -> None:
        """Begin on a text that will be asked for in a moment."""
        text = text[:_TEXT_CHARS]
        if text not in self._kept and self.state != "absent":
            self._waiting.setdefault(text, [])
            self._wake.set()

    def _one(self, text: str) -> asyncio.Future[Vector]:
        future: asyncio.Future[Vector] = asyncio.get_running_loop().create_future()
        if (vector := self._kept.get(text)) is not None:
            self._kept.move_to_end(text)
            future.set_result(vector)
            return future
        self._waiting.setdefault(text, []).append(future)
        self._wake.set()
        return future

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
                while not self._waiting:
                    self._wake.clear()
                    await self._wake.wait()
                await self._exchange(child.stdin, child.stdout)
        finally:
            child.stdin.close()
            if child.returncode is None:
                child.kill()
                await asyncio.shield(child.wait())

    async def _exchange(self, sink: asyncio.StreamWriter, source: asyncio.StreamReader) -> None:
        texts = list(self._waiting)[:_BATCH]
        data = msgspec.msgpack.encode([text.encode("utf-8", "replace").decode() for text in texts])
        sink.write(struct.pack(">I", len(data)) + data)
        await sink.drain()
        vectors = np.frombuffer(await _receive(source), np.float32).reshape(len(texts), DIMENSIONS)
        for text, vector in zip(texts, vectors, strict=True):
            self._kept[text] = vector
            for future in self._waiting.pop(text, []):
                if not future.done():
                    future.set_result(vector)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def _fail(self, why: str) -> None:
        waiting, self._waiting = self._waiting, {}
        for futures in waiting.values():
            for future in futures:
                if not future.done():
                    future.set_exception(EmbedderUnavailable(why))
                    future.exception()  # seen: a caller that waits for several texts raises at the first


def _absent(folder: Path) -> EmbedderUnavailable:
    return EmbedderUnavailable(f"The embedding model is not in {folder}.", hint="Run `make setup`, or `alma doctor`.")


async def _receive(source: asyncio.StreamReader) -> bytes:
    (length,) = struct.unpack(">I", await source.readexactly(4))
    return await source.readexactly(length)
