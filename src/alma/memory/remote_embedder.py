"""Texts to vectors by an endpoint that speaks OpenAI's `/embeddings`.

What it answers is checked before it is believed: as many rows as texts, each where its `index` says, all of one length
that never changes, no row that has no direction. The key is in no error and no log.
"""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from msgspec import Struct

from alma.errors import EmbedderUnavailable, SettingsInvalid
from alma.memory.embedder import Embedder
from alma.memory.embedding import Embedding, Vector

if TYPE_CHECKING:
    import aiohttp

_BATCH = 64  # texts of one request,
_BATCH_CHARS = 100_000  # and characters
_KEPT = 1024  # vectors of recent queries
_MOST_BYTES = 64 * 1024 * 1024  # of an answer
_MOST_DIMENSIONS = 16_384
_FIRST_PAUSE_S, _LAST_PAUSE_S = 0.5, 20.0
_URGENT = (2, 8.0)  # attempts, and seconds for each
_PATIENT = (6, 60.0)


class _Row(Struct):
    embedding: list[float]
    index: int = -1


class _Answer(Struct):
    data: list[_Row]


class _Refused(Exception):
    """It may be otherwise the next time; `after`: seconds that it asked for."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.message = message
        self.after = after


class RemoteEmbedder:
    """`url`: up to and with /v1. `run` must be running for its connections to be closed in the end. Requests that are
    not urgent go one at a time; each caller waits for its own."""

    def __init__(self, url: str, name: str, key: str = "", *, jitter: Callable[[], float] = random.random) -> None:
        self._url = url.rstrip("/") + "/embeddings"
        self._name = name
        self._key = key
        self._jitter = jitter
        self._kept: OrderedDict[str, Vector] = OrderedDict()
        self._patient = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None
        self.dimensions = 0

    @property
    def model(self) -> str:
        return f"endpoint:{self._name}"

    async def run(self) -> None:
        """Until cancelled."""
        try:
            await asyncio.Event().wait()
        finally:
            session, self._session = self._session, None
            if session is not None:
                await asyncio.shield(session.close())

    async def embed(self, texts: list[str], *, urgent: bool = True) -> Vector:
        """(len(texts), dimensions) float32, rows of length 1. Raises `EmbedderUnavailable`."""
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        missing = list(dict.fromkeys(text for text in texts if text not in self._kept))
        found: dict[str, Vector] = {text: self._kept[text] for text in texts if text in self._kept}
        for batch in _batches(missing):
            if urgent:
                rows = await self._persist(batch, *_URGENT)
            else:
                async with self._patient:
                    rows = await self._persist(batch, *_PATIENT)
            found |= zip(batch, rows, strict=True)
        if urgent:
            for text in texts:
                self._kept[text] = found[text]
                self._kept.move_to_end(text)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return np.stack([found[text] for text in texts])

    async def _persist(self, texts: list[str], attempts: int, patience: float) -> Vector:
        pause = _FIRST_PAUSE_S
        for attempt in range(1, attempts + 1):
            try:
                return self._checked(await self._asked(texts, patience), len(texts))
            except _Refused as error:
                if attempt == attempts:
                    raise self._unavailable(error.message, hint="It is asked again later.") from None
                await asyncio.sleep(max(min(error.after, _LAST_PAUSE_S), pause * (0.5 + self._jitter())))
                pause = min(2 * pause, _LAST_PAUSE_S)
        raise AssertionError("there is an attempt at least")

    async def _asked(self, texts: list[str], patience: float) -> bytes:
        """The body of a good answer."""
        import aiohttp  # late: only who has an endpoint needs it here

        if self._session is None:
            self._session = aiohttp.ClientSession()
        body = {"model": self._name, "input": [_sendable(text) for text in texts], "encoding_format": "float"}
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self._key}"} if self._key else {})
        try:
            async with self._session.post(
                self._url,
                data=msgspec.json.encode(body),
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=patience),
                allow_redirects=False,  # the key is for this address only
            ) as response:
                raw = await _read(response)
                if response.status == 200:
                    return raw
                self._raise(response, raw)
        except TimeoutError:
            raise _Refused(f"It did not answer within {patience:g} s.") from None
        except aiohttp.ClientError as error:
            raise _Refused(f"It cannot be reached ({type(error).__name__}).") from None
        raise AssertionError("a bad status raises")

    def _raise(self, response: aiohttp.ClientResponse, raw: bytes) -> None:
        said = self._said(raw)
        if response.status == 429 or response.status >= 500:
            after = response.headers.get("Retry-After", "")
            raise _Refused(f"It answered {response.status}{said}.", float(after) if after.isdecimal() else 0.0)
        hints = {
            401: "Check ALMA_EMBEDDING_API_KEY.",
            403: "Check ALMA_EMBEDDING_API_KEY.",
            404: "Check ALMA_EMBEDDING_URL, which ends with /v1 as a rule, and ALMA_EMBEDDING_MODEL.",
        }
        raise self._unavailable(f"It answered {response.status}{said}.", hint=hints.get(response.status))

    def _said(self, raw: bytes) -> str:
        """What the endpoint has to say of an error, without the key."""
        text = " ".join(raw[:2000].decode("utf-8", "replace").split())
        text = text.replace(self._key, "…") if self._key else text
        return f": {text[:200]}" if text else ""

    def _checked(self, raw: bytes, count: int) -> Vector:
        try:
            rows = msgspec.json.decode(raw, type=_Answer).data
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._bad("vectors as OpenAI's API sends them", f"something else ({error})") from None
        if len(rows) != count:
            raise self._bad(f"{count} vectors", str(len(rows)))
        if any(row.index >= 0 for row in rows):
            if sorted(row.index for row in rows) != list(range(count)):
                raise self._bad(f"each index from 0 to {count - 1} once", "others")
            rows = sorted(rows, key=lambda row: row.index)
        lengths = {len(row.embedding) for row in rows}
        dimensions = self.dimensions or len(rows[0].embedding)
        if lengths != {dimensions} or not 0 < dimensions <= _MOST_DIMENSIONS:
            expected = f"{dimensions} dimensions" if self.dimensions else "vectors of one length"
            raise self._bad(expected, ", ".join(map(str, sorted(lengths)[:5])))
        vectors = np.array([row.embedding for row in rows], np.float64)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(norms).all() or (norms < 1e-12).any():
            raise self._bad("vectors with a direction", "one that is zero or not finite")
        self.dimensions = dimensions
        return (vectors / norms).astype(np.float32)

    def _bad(self, expected: str, actual: str) -> EmbedderUnavailable:
        return EmbedderUnavailable(
            f"The embedding endpoint's answer for {self._name} cannot be used.",
            expected=expected,
            actual=actual,
            hint="Check which model ALMA_EMBEDDING_MODEL names; a new one needs a new name, or `alma memory reindex`.",
        )

    def _unavailable(self, message: str, hint: str | None = None) -> EmbedderUnavailable:
        return EmbedderUnavailable(f"The embedding endpoint for {self._name} failed. {message}", hint=hint)


def choose_embedding(url: str | None, name: str | None, key: str | None, built_in: Embedder) -> Embedding:
    """The endpoint where there is one, else the model that Alma brings. Raises `SettingsInvalid`."""
    if url is None:
        return built_in
    if not name:
        raise SettingsInvalid(["ALMA_EMBEDDING_MODEL: expected the name of a model at ALMA_EMBEDDING_URL, got none"])
    return RemoteEmbedder(url, name, key or "")


def _batches(texts: list[str]) -> list[list[str]]:
    batches: list[list[str]] = []
    chars = 0
    for text in texts:
        if not batches or len(batches[-1]) == _BATCH or chars + len(text) > _BATCH_CHARS:
            batches.append([])
            chars = 0
        batches[-1].append(text)
        chars += len(text)
    return batches


def _sendable(text: str) -> str:
    """UTF-8 can hold it, and there is something in it."""
    return text.encode("utf-8", "replace").decode() if text.strip() else "."


async def _read(response: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > _MOST_BYTES:
            raise _Refused(f"Its answer is larger than {_MOST_BYTES:,} bytes.")
        parts.append(part)
    return b"".join(parts)
