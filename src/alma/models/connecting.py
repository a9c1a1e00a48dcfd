"""Connecting an endpoint: whether what a user gave can be one, whether it answers; and those of the environment."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import aclosing
from urllib.parse import urlsplit

import aiohttp
import msgspec
from msgspec import Struct

from alma.errors import EndpointError, InvalidRequest
from alma.model_call import Sampling
from alma.models.chat import ChatMessage, ChatModel, ChatRequest
from alma.models.client import Listed, OpenAIClient, Timeouts
from alma.models.discovery import ollama_url
from alma.models.endpoints import LEAST_WEIGHT, Endpoint, name_fits, url_fits
from alma.models.remote import LIST_TIMEOUT

TRIAL = ChatRequest(
    model="", messages=[ChatMessage("user", "Say hello in one word.")], sampling=Sampling(max_tokens=32)
)
TRIAL_TIMEOUTS = Timeouts(connect=5.0, first_token=30.0, stall=15.0)
MAX_SAID = 200  # characters of the answer that are shown


class Trial(Struct, frozen=True):
    """What came of testing an endpoint: its models, then one small call to `model`. `error`: why it is not `ok`."""

    models: list[str] = []
    model: str = ""
    first_token_ms: float = 0.0
    tokens_per_s: float = 0.0
    said: str = ""
    error: EndpointError | None = None

    @property
    def ok(self) -> bool:
        return self.error is None


def checked(given: Endpoint, environ: Mapping[str, str]) -> Endpoint:
    """What a user gave, in order. Raises InvalidRequest."""
    name, base_url = given.name.strip().lower(), given.base_url.strip().rstrip("/")
    if not name_fits(name):
        expected = "1 to 40 lower-case letters, digits, '.', '_', '-', and not embedded, scripted or pool"
        raise InvalidRequest("invalid_field", "An endpoint cannot have this name.", expected=expected, actual=name)
    if not url_fits(base_url):
        expected = "an address such as http://127.0.0.1:11434/v1"
        raise InvalidRequest("invalid_field", "This is no address.", expected=expected, actual=base_url)
    if given.api_key_env and not environ.get(given.api_key_env, "").strip():
        expected = f"{given.api_key_env} in the environment of Alma"
        raise InvalidRequest("invalid_field", "The variable with the key is not set.", expected=expected)
    if given.concurrency < 1 or given.weight < LEAST_WEIGHT or (given.context_window or 256) < 256:
        expected = f"concurrency of at least 1, weight of at least {LEAST_WEIGHT:g}, a window of at least 256 tokens"
        raise InvalidRequest("invalid_field", "A number is too small.", expected=expected)
    names = list(given.aliases.values())
    if len(set(names)) < len(names) or not all(name.strip() for name in (*given.aliases, *names)):
        expected = "its names of models, each with another name to offer it under"
        raise InvalidRequest("invalid_field", "These aliases do not fit.", expected=expected)
    key = None if given.api_key_env else (given.api_key or "").strip() or None
    return msgspec.structs.replace(given, name=name, base_url=base_url, api_key=key)


def unnamed(base_url: str, api_key: str | None, api_key_env: str | None, environ: Mapping[str, str]) -> Endpoint:
    """An endpoint that has no name yet: it is called by its host. Raises InvalidRequest."""
    given = checked(Endpoint(name="new", base_url=base_url, api_key=api_key, api_key_env=api_key_env), environ)
    return msgspec.structs.replace(given, name=urlsplit(given.base_url).netloc)


async def reach(
    endpoint: Endpoint, session: aiohttp.ClientSession, timeouts: Timeouts, environ: Mapping[str, str]
) -> tuple[Endpoint, list[Listed]]:
    """The endpoint with the address that works, and its models. An address without a path is tried with /v1 first.
    Raises the EndpointError that the first attempt ended with."""
    bare = endpoint.base_url.count("/") == 2
    tries = [_at(endpoint, endpoint.base_url + "/v1"), endpoint] if bare else [endpoint]
    first: EndpointError | None = None
    for candidate in tries:
        client = OpenAIClient(
            session,
            endpoint=candidate.name,
            base_url=candidate.base_url,
            api_key=candidate.key(environ),
            timeouts=timeouts,
        )
        try:
            return candidate, await client.list_models(LIST_TIMEOUT)
        except EndpointError as error:
            if error.status in (404, 405) and candidate.models and not bare:
                return candidate, []
            first = first or error
    assert first is not None
    raise first


async def trial(endpoint: Endpoint, model: str, session: aiohttp.ClientSession, environ: Mapping[str, str]) -> Trial:
    """Ask an endpoint what it has, then `model` (empty: the first one) for a word. Never raises an EndpointError."""
    names: list[str] = []
    try:
        endpoint, listed = await reach(endpoint, session, TRIAL_TIMEOUTS, environ)
        names = [entry.name for entry in listed] or list(endpoint.models)
        chosen = endpoint.served(model) if model else next(iter(endpoint.models or names), "")
        client = OpenAIClient(
            session,
            endpoint=endpoint.name,
            base_url=endpoint.base_url,
            api_key=endpoint.key(environ),
            timeouts=TRIAL_TIMEOUTS,
        )
        return await _spoken(client, chosen, names)
    except EndpointError as error:
        return Trial(models=names, model=model, error=error)


async def _spoken(client: ChatModel, model: str, names: list[str]) -> Trial:
    if not model:
        return Trial()
    began, first = time.perf_counter(), 0.0
    said: list[str] = []
    tokens = 0
    async with aclosing(client.stream(msgspec.structs.replace(TRIAL, model=model))) as chunks:
        async for chunk in chunks:
            first = first or time.perf_counter()
            said.append(chunk.text or chunk.reasoning)
            tokens += chunk.tokens
    ended = time.perf_counter()
    return Trial(
        models=names,
        model=model,
        first_token_ms=round((first - began) * 1000, 1),
        tokens_per_s=round((tokens - 1) / (ended - first), 1) if tokens > 1 and ended > first else 0.0,
        said="".join(said).strip()[:MAX_SAID],
    )


def implied(openai_key: str | None, openai_url: str | None, ollama_host: str | None) -> list[Endpoint]:
    """Endpoints that the environment names; one of the same name in the file comes before them."""
    found: list[Endpoint] = []
    if openai_key or openai_url:
        url, source = openai_url or "https://api.openai.com/v1", "OPENAI_API_KEY" if openai_key else "OPENAI_BASE_URL"
        found.append(Endpoint(name="openai", base_url=url, api_key=openai_key, source=source))
    if ollama_host:
        found.append(Endpoint(name="ollama", base_url=ollama_url(ollama_host), source="OLLAMA_HOST"))
    return found


def _at(endpoint: Endpoint, base_url: str) -> Endpoint:
    return msgspec.structs.replace(endpoint, base_url=base_url)
