"""`OpenAIClient`: a chat model behind an OpenAI-compatible address, streamed over one shared aiohttp session.

Owns the connection, its deadlines and its closing. What the bytes mean is in `reply.py`, what goes out in `body.py`,
what a refusal means in `refusal.py`. Measured figures: docs/models.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import urllib.request
from collections.abc import AsyncGenerator
from math import inf
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
from msgspec import Struct

from alma.errors import EndpointError, EndpointGarbled, EndpointTimeout
from alma.models import trouble
from alma.models.body import encode, refused_field
from alma.models.chat import ChatRequest, Chunk, Counted
from alma.models.counting import Counter, Counters
from alma.models.refusal import NOT_JSON, clip, error_of_status, retry_after, said_in, shown
from alma.models.reply import Reply
from alma.models.tally import Tally, shortened
from alma.models.watch import Timeouts, Watch, silence

MAX_WHOLE = 32 * 1024 * 1024  # bytes of an answer that came as one JSON document
MAX_REFUSAL = 64 * 1024  # bytes of an error body that are read
USAGE_GRACE = 5.0  # seconds after the finish_reason in which usage and [DONE] may still come
MAX_STALE = 3  # dead kept-alive connections that one call may meet
OVERRUN = 16  # times `max_tokens`: an answer of more pieces is cut, because its endpoint ignores the limit
OVERRUN_LEAST = 16384  # pieces below which no answer is cut
BOM_AND_BLANKS = b"\xef\xbb\xbf \t\r\n"
DRAIN_GRACE = 0.2  # seconds after [DONE] for the connection to end the response, so that it can be used again


class Listed(Struct, frozen=True):
    """A model as its endpoint lists it; `context_window` in tokens where the endpoint tells it."""

    name: str
    context_window: int | None = None


def open_session() -> aiohttp.ClientSession:
    """The session that all clients of a process share: connections kept alive and not limited (pools do that)."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
    timeout = aiohttp.ClientTimeout(total=None, connect=None, sock_read=None)
    return aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())


class OpenAIClient:
    """A `ChatModel` at `base_url` (…/v1). `extra` goes into every body as it is. `tokenizer`: the endpoint has
    llama.cpp's /tokenize. `keep_alive`: its connections may be used again. `counters` may be shared with other clients.
    The session is the caller's and stays open. It does not limit calls at once."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        endpoint: str,
        base_url: str,
        api_key: str | None = None,
        timeouts: Timeouts = Timeouts(),  # noqa: B008  # frozen
        extra: dict[str, Any] | None = None,
        tokenizer: bool = False,
        keep_alive: bool = True,
        counters: Counters | None = None,
    ) -> None:
        self._session = session
        self._endpoint = endpoint
        self.base_url = base_url.rstrip("/")
        self._key = api_key
        self._timeouts = timeouts
        self._extra = extra or {}
        self._refused: dict[str, set[str]] = {}  # model → fields of the body that its endpoint refused
        self._tokenizer = tokenizer
        self._counters = counters or Counters()
        self._headers = {"Accept": "text/event-stream, application/json", "Content-Type": "application/json"}
        if not keep_alive:
            self._headers["Connection"] = "close"
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._proxy = proxy_of(self.base_url)
        self._limit = aiohttp.ClientTimeout(total=None, sock_connect=timeouts.connect)

    @property
    def endpoint(self) -> str:
        return self._endpoint

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk]:
        """Yield one chunk per network read, then the last one, which says what was used. Raises an `EndpointError` for
        all that goes wrong. An answer far beyond `max_tokens` is cut, with the finish_reason of one that kept to it:
        "length". Of an answer to a schema only the JSON object goes on."""
        response: aiohttp.ClientResponse | None = None
        counter = self.counter(request.model)
        limit = max(OVERRUN * request.sampling.max_tokens, OVERRUN_LEAST)
        reply, tally = Reply(self._endpoint, counter.live()), Tally(counter, request, limit)
        only = tally.only
        try:
            with Watch(self._endpoint, self._timeouts) as watch:
                response = await self._open(request, watch)
                read = response.content.readany
                now, stall = watch.now, self._timeouts.stall
                fragments = pieces = 0
                data = await read()
                while data.isspace():  # some keep a connection awake with blank lines
                    data = await read()
                whole = data.lstrip(BOM_AND_BLANKS)[:1] == b"{"
                while data and not whole:
                    chunk = reply.feed(data)
                    if chunk is not None:
                        watch.deadline = inf  # the reader's time is not the endpoint's
                        pieces += chunk.tokens
                        if pieces > limit:
                            chunk = shortened(chunk, limit - pieces + chunk.tokens)
                        tally.add(chunk)
                        if only is None:
                            yield chunk
                        elif part := only.feed(chunk):
                            yield part
                        watch.deadline = now() + stall
                    elif reply.fragments != fragments:
                        fragments = reply.fragments
                        watch.deadline = now() + stall
                    if reply.done or reply.ended:
                        break
                    if pieces + fragments > limit:
                        response.close()
                        yield self._used(reply, tally, reply.cut_short())
                        return
                    data = await read()
            *rest, last = tally.ended(await self._ending(response, reply, data if whole else b""))
            for chunk in rest:
                yield chunk
            if last.finish_reason == "content_filter" and tally.empty and not last.tool_calls:
                raise trouble.held_back(self._endpoint)
            yield self._used(reply, tally, last)
            await _settle(response)
        except (aiohttp.ClientError, OSError) as error:
            raise trouble.cut(self._endpoint, error) from error
        finally:
            if response is not None and not response.content.at_eof():
                response.close()

    # ── counting ──────────────────────────────────────────────────────────────────────────────────────────────────

    def counter(self, model: str) -> Counter:
        """What counts the tokens of a model of this endpoint."""
        return self._counters.of(self._endpoint, model, self._tokenize if self._tokenizer else None)

    def counted(self, text: str, model: str = "") -> int | None:
        """As `count_tokens`, where that takes no time; else None."""
        return self.counter(model).counted(text)

    async def count_tokens(self, text: str, model: str = "") -> int:
        """Tokens of `text` for a model of this endpoint: by a tokenizer, else estimated on the safe side. `named` gives
        a view of one model."""
        return await self.counter(model).count(text)

    @property
    def counting(self) -> Counted:
        return self.counter("").counting

    def named(self, model: str) -> NamedModel:
        """The same endpoint as one model of it, which counts as that one does."""
        return NamedModel(self, model)

    async def _tokenize(self, text: str) -> int:
        body = await self._get_json("/tokenize", {"content": text}, root=True)
        try:
            return len(body["tokens"])
        except (KeyError, TypeError):
            raise EndpointGarbled(f"{self._endpoint} has no /tokenize of llama.cpp.", endpoint=self._endpoint) from None

    def _used(self, reply: Reply, tally: Tally, last: Chunk) -> Chunk:
        """The last chunk with what was used, from which the counter of whoever answered learns."""
        usage = tally.settled(last, reply.reported)
        answered = tally.named(last.model)
        if tally.teach(self.counter(answered), usage, reply.reported, reply.events):
            self._counters.learned()
        return msgspec.structs.replace(last, usage=usage)

    async def list_models(self, timeout: float = 5.0) -> list[Listed]:
        """The models at the endpoint (GET /models), by name. Raises an `EndpointError`."""
        try:
            async with asyncio.timeout(timeout):
                body = await self._get_json("/models")
        except TimeoutError:
            raise EndpointTimeout(
                f"{self._endpoint} did not list its models within {timeout:g} s.",
                endpoint=self._endpoint,
                hint="Check that the server runs, and its address.",
            ) from None
        try:
            return sorted((_listed(entry) for entry in body["data"]), key=lambda listed: listed.name)
        except (KeyError, TypeError, AttributeError):
            raise EndpointGarbled(
                f"{self._endpoint} did not answer with a list of models: {clip(msgspec.json.encode(body))}",
                endpoint=self._endpoint,
                expected='{"data": [{"id": …}, …]} from GET /models',
                hint="Check its address (it mostly ends in /v1).",
            ) from None

    async def _open(self, request: ChatRequest, watch: Watch) -> aiohttp.ClientResponse:
        """The response of a request that was accepted; leaves out optional fields that the endpoint refuses by name."""
        refused = self._refused.setdefault(request.model, set())
        while True:
            response = await self._post(encode(request, refused, self._extra))
            watch.content = response.content
            if response.status < 300:
                return response
            try:
                body = await _bounded(response, MAX_REFUSAL)
            finally:
                response.close()
            said = said_in(body)
            field = refused_field(said, request, refused) if response.status in (400, 422) else None
            if field is None:
                raise self._refusal(response, said)
            refused.add(field)

    async def _post(self, body: bytes) -> aiohttp.ClientResponse:
        """One POST. A kept-alive connection that the endpoint closed meanwhile is replaced, a few times if need be."""
        for attempt in range(MAX_STALE + 1):
            try:
                async with asyncio.timeout(self._timeouts.first_token):
                    return await self._session.post(
                        self.base_url + "/chat/completions",
                        data=body,
                        headers=self._headers,
                        timeout=self._limit,
                        proxy=self._proxy,
                        allow_redirects=False,
                    )
            except aiohttp.ConnectionTimeoutError as error:
                raise trouble.unreachable(self._endpoint, self.base_url, error) from error
            except TimeoutError:
                raise silence(self._endpoint, "a first token", self._timeouts.first_token) from None
            except aiohttp.ClientResponseError as error:
                raise trouble.not_http(self._endpoint, error.message) from error
            except ValueError as error:
                raise trouble.unaskable(self._endpoint, self.base_url, error) from error
            except (aiohttp.ClientError, OSError) as error:
                fresh = isinstance(error, aiohttp.ClientConnectorError)  # it did not even connect
                if fresh or attempt == MAX_STALE:
                    raise trouble.unreachable(self._endpoint, self.base_url, error) from error
        raise AssertionError("the last attempt returns or raises")

    async def _get_json(self, path: str, body: dict[str, Any] | None = None, *, root: bool = False) -> Any:
        base = self.base_url.removesuffix("/v1") if root else self.base_url
        try:
            async with self._session.request(
                "GET" if body is None else "POST",
                base + path,
                data=None if body is None else msgspec.json.encode(body),
                headers=self._headers,
                timeout=self._limit,
                proxy=self._proxy,
                allow_redirects=False,
            ) as response:
                content = await _bounded(response, MAX_WHOLE)
                if response.status >= 300:
                    raise self._refusal(response, said_in(content))
        except ValueError as error:
            raise trouble.unaskable(self._endpoint, self.base_url, error) from error
        except (aiohttp.ClientError, OSError) as error:
            raise trouble.unreachable(self._endpoint, self.base_url, error) from error
        try:
            return msgspec.json.decode(content)
        except NOT_JSON as error:
            raise EndpointGarbled(
                f"{self._endpoint} answered {path} with something that is not JSON: {shown(content)}",
                endpoint=self._endpoint,
                expected="JSON",
                actual=str(error),
                hint="Check its address (it mostly ends in /v1).",
            ) from None

    async def _ending(self, response: aiohttp.ClientResponse, reply: Reply, head: bytes) -> list[Chunk]:
        """What follows the text: usage and [DONE] (waited for briefly), or the rest of a plain JSON answer `head`. The
        last chunk comes last."""
        chunks: list[Chunk | None] = []
        if head:
            async with asyncio.timeout(self._timeouts.stall):
                chunks.append(reply.whole((head + await _bounded(response, MAX_WHOLE)).lstrip(BOM_AND_BLANKS)))
        elif reply.ended:
            with contextlib.suppress(TimeoutError, aiohttp.ClientError, OSError):
                async with asyncio.timeout(USAGE_GRACE):
                    while not reply.done and (data := await response.content.readany()):
                        chunks.append(reply.feed(data))
        chunks.extend(reply.finish())
        return [chunk for chunk in chunks if chunk is not None]

    def _refusal(self, response: aiohttp.ClientResponse, said: str) -> EndpointError:
        if self._key:
            said = said.replace(self._key, "…")
        wait = retry_after(response.headers.get("Retry-After"))
        return error_of_status(self._endpoint, response.status, said, wait=wait)


class NamedModel:
    """A `ChatModel`: one model of an endpoint."""

    def __init__(self, client: OpenAIClient, model: str) -> None:
        self._client = client
        self._model = model
        self.stream = client.stream

    @property
    def endpoint(self) -> str:
        return self._client.endpoint

    def counted(self, text: str) -> int | None:
        """As `count_tokens`, where that takes no time; else None."""
        return self._client.counter(self._model).counted(text)

    async def count_tokens(self, text: str) -> int:
        """Tokens of `text` for this model."""
        return await self._client.counter(self._model).count(text)

    @property
    def counting(self) -> Counted:
        """How that is done."""
        return self._client.counter(self._model).counting


def _listed(entry: dict[str, Any]) -> Listed:
    """OpenRouter, vLLM, Groq and llama.cpp each call the window something else."""
    meta: dict[str, Any] = entry.get("meta") or {}
    named = ("context_length", "max_model_len", "context_window", "max_context_length")
    windows = (*(entry.get(name) for name in named), meta.get("n_ctx"), meta.get("n_ctx_train"))
    window = next((window for window in windows if isinstance(window, int) and window > 0), None)
    return Listed(str(entry["id"]).removeprefix("models/"), window)


def proxy_of(url: str) -> str | None:
    """The proxy that the environment names for `url`; never one for this machine itself."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host == "localhost" or host.startswith("127.") or host == "::1" or urllib.request.proxy_bypass(host):
        return None
    return urllib.request.getproxies().get(parts.scheme)


async def _bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while (part := await response.content.readany()) and size < limit:
        parts.append(part)
        size += len(part)
    return b"".join(parts)[:limit]


async def _settle(response: aiohttp.ClientResponse) -> None:
    """Read the end of the response, if it comes at once, so that its connection serves the next request."""
    if not response.content.at_eof():
        with contextlib.suppress(TimeoutError, aiohttp.ClientError, OSError):
            async with asyncio.timeout(DRAIN_GRACE):
                while await response.content.readany():
                    pass
