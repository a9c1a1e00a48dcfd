"""`OpenAIClient`: a chat model behind an OpenAI-compatible address, streamed over one shared aiohttp session.

Owns the connection, its deadlines and its closing. What the bytes mean is in `reply.py`, what goes out in `body.py`,
what a refusal means in `refusal.py`. Measured figures: docs/models.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import urllib.request
from collections.abc import AsyncGenerator, Callable
from math import inf
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
from msgspec import Struct

from alma.errors import EndpointCut, EndpointError, EndpointGarbled, EndpointTimeout, EndpointUnreachable
from alma.models.body import encode, refused_field
from alma.models.chat import ChatRequest, Chunk
from alma.models.refusal import NOT_JSON, clip, error_of_status, retry_after, said_in, shown
from alma.models.reply import Reply
from alma.models.tokens import CountCache, estimate

MAX_WHOLE = 32 * 1024 * 1024  # bytes of an answer that came as one JSON document
MAX_REFUSAL = 64 * 1024  # bytes of an error body that are read
USAGE_GRACE = 5.0  # seconds after the finish_reason in which usage and [DONE] may still come
MAX_STALE = 3  # dead kept-alive connections that one call may meet
OVERRUN = 16  # times `max_tokens`: an answer of more pieces is cut, because its endpoint ignores the limit
OVERRUN_LEAST = 16384  # pieces below which no answer is cut
DRAIN_GRACE = 0.2  # seconds after [DONE] for the connection to end the response, so that it can be used again


class Timeouts(Struct, frozen=True):
    """Seconds. `connect`: for the connection; `first_token`: from the request to the first piece of the answer;
    `stall`: between two pieces."""

    connect: float = 10.0
    first_token: float = 120.0
    stall: float = 60.0


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
    llama.cpp's /tokenize. `keep_alive`: its connections may be used again. The session is the caller's and stays open.
    It does not limit calls at once."""

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
    ) -> None:
        self._session = session
        self._endpoint = endpoint
        self.base_url = base_url.rstrip("/")
        self._key = api_key
        self._timeouts = timeouts
        self._extra = extra or {}
        self._refused: dict[str, set[str]] = {}  # model → fields of the body that its endpoint refused
        self._tokenizer = tokenizer
        self._counts = CountCache()
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
        """Yield one chunk per network read, then the last one. Raises an `EndpointError` for all that goes wrong. An
        answer far beyond `max_tokens` is cut, with the finish_reason of one that kept to it: "length"."""
        response: aiohttp.ClientResponse | None = None
        try:
            with _Watch(self._endpoint, self._timeouts) as watch:
                response = await self._open(request, watch)
                read, reply = response.content.readany, Reply(self._endpoint)
                now, stall = watch.now, self._timeouts.stall
                limit = max(OVERRUN * request.sampling.max_tokens, OVERRUN_LEAST)
                fragments = pieces = 0
                data = await read()
                whole = data.lstrip()[:1] == b"{"
                while data and not whole:
                    chunk = reply.feed(data)
                    if chunk is not None:
                        watch.deadline = inf  # the reader's time is not the endpoint's
                        yield chunk
                        pieces += chunk.tokens
                        watch.deadline = now() + stall
                    elif reply.fragments != fragments:
                        fragments = reply.fragments
                        watch.deadline = now() + stall
                    if reply.done or reply.ended:
                        break
                    if pieces + reply.fragments > limit:
                        response.close()
                        yield reply.cut_short()
                        return
                    data = await read()
            for chunk in await self._ending(response, reply, data if whole else b""):
                yield chunk
            await _settle(response)
        except (aiohttp.ClientError, OSError) as error:
            raise self._cut(error) from error
        finally:
            if response is not None and not response.content.at_eof():
                response.close()

    async def count_tokens(self, text: str) -> int:
        """Tokens of `text` by llama.cpp's /tokenize where the endpoint has one, else the estimate of `tokens.py`."""
        if not self._tokenizer:
            return estimate(text)
        if (known := self._counts.get(text)) is not None:
            return known
        try:
            body = await self._get_json("/tokenize", {"content": text}, root=True)
            count = len(body["tokens"])
        except (EndpointError, KeyError, TypeError):
            return estimate(text)
        self._counts.put(text, count)
        return count

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

    async def _open(self, request: ChatRequest, watch: _Watch) -> aiohttp.ClientResponse:
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
            field = refused_field(said, refused) if response.status in (400, 422) else None
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
                raise self._unreachable(error) from error
            except TimeoutError:
                raise _silence(self._endpoint, "a first token", self._timeouts.first_token) from None
            except aiohttp.ClientResponseError as error:
                raise EndpointGarbled(
                    f"{self._endpoint} answered with something that is not HTTP: {clip(error.message)}",
                    endpoint=self._endpoint,
                    hint="Check its address: the scheme (http or https) and the port.",
                ) from error
            except ValueError as error:
                raise self._unaskable(error) from error
            except (aiohttp.ClientError, OSError) as error:
                fresh = isinstance(error, aiohttp.ClientConnectorError)  # it did not even connect
                if fresh or attempt == MAX_STALE:
                    raise self._unreachable(error) from error
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
            raise self._unaskable(error) from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable(error) from error
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
        """What follows the text: usage and [DONE] (waited for briefly), or the rest of a plain JSON answer `head`."""
        chunks: list[Chunk | None] = []
        if head:
            async with asyncio.timeout(self._timeouts.stall):
                chunks.append(reply.whole(head + await _bounded(response, MAX_WHOLE)))
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

    def _cut(self, error: Exception) -> EndpointCut:
        return EndpointCut(
            f"{self._endpoint} broke off its answer: {_reason(error)}.",
            endpoint=self._endpoint,
            hint="The connection failed in the middle of an answer; try again.",
        )

    def _unreachable(self, error: Exception) -> EndpointUnreachable:
        return EndpointUnreachable(
            f"{self._endpoint} cannot be reached at {self.base_url}: {_reason(error)}.",
            endpoint=self._endpoint,
            expected=f"an OpenAI-compatible server at {self.base_url}",
            actual=_reason(error),
            hint="Check that the server runs, and its address.",
        )

    def _unaskable(self, error: ValueError) -> EndpointUnreachable:
        """For an address, a key or a proxy of which no request can be made."""
        return EndpointUnreachable(
            f"{self._endpoint} cannot be asked: its address {self.base_url} or its key is malformed: {_reason(error)}.",
            endpoint=self._endpoint,
            expected="an address such as https://host.example/v1, and a key without line breaks",
            actual=_reason(error),
            hint="Correct the address and the key of this endpoint.",
        )


def _listed(entry: dict[str, Any]) -> Listed:
    """OpenRouter, vLLM, Groq and llama.cpp each call the window something else."""
    meta: dict[str, Any] = entry.get("meta") or {}
    named = ("context_length", "max_model_len", "context_window", "max_context_length")
    windows = (*(entry.get(name) for name in named), meta.get("n_ctx"), meta.get("n_ctx_train"))
    window = next((window for window in windows if isinstance(window, int) and window > 0), None)
    return Listed(str(entry["id"]).removeprefix("models/"), window)


class _Watch:
    """One timer for a whole stream. Whoever reads moves `deadline` (an assignment, not a timer per token); when it has
    passed, the waiting read of `content` gets an EndpointTimeout."""

    __slots__ = ("_endpoint", "_handle", "_loop", "_started", "_timeouts", "content", "deadline", "now")

    def __init__(self, endpoint: str, timeouts: Timeouts) -> None:
        self._endpoint = endpoint
        self._timeouts = timeouts
        self._loop = asyncio.get_running_loop()
        self.now: Callable[[], float] = self._loop.time
        self.content: aiohttp.StreamReader | None = None
        self._started = self.deadline = self.now() + timeouts.first_token
        self._handle = self._loop.call_at(self.deadline, self._look)

    def __enter__(self) -> _Watch:
        return self

    def __exit__(self, *exc: object) -> None:
        self._handle.cancel()

    def _look(self) -> None:
        now = self.now()
        if now < self.deadline:
            self._handle = self._loop.call_at(min(self.deadline, now + self._timeouts.stall), self._look)
        elif self.content is None:  # `_post` has a deadline of its own
            self._handle = self._loop.call_at(now + 1.0, self._look)
        else:
            first = self.deadline == self._started
            waited = self._timeouts.first_token if first else self._timeouts.stall
            self.content.set_exception(_silence(self._endpoint, "a first token" if first else "a next token", waited))


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


def _silence(endpoint: str, what: str, seconds: float) -> EndpointTimeout:
    return EndpointTimeout(
        f"{endpoint} sent nothing for {seconds:g} s while Alma waited for {what}.",
        endpoint=endpoint,
        expected=f"{what} within {seconds:g} s",
        actual="silence",
        hint="The model may be loading or overloaded; try again, or raise the endpoint's timeouts in models.toml.",
    )


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return f"its TLS certificate is not trusted ({clip(str(error))})"
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return "the connection timed out"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.removesuffix(".")
    return clip(str(error)).removesuffix(".") or type(error).__name__
