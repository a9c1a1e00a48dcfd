"""One connected endpoint while Alma runs: its client, its gate, what it lists, how it is."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from typing import Literal

import aiohttp
from msgspec import Struct

from alma.errors import EndpointError
from alma.models.client import Listed, OpenAIClient, Timeouts
from alma.models.endpoints import Endpoint, Price
from alma.models.gate import Gate

log = logging.getLogger(__name__)

Kind = Literal["embedded", "remote", "scripted"]
EndpointState = Literal["ready", "starting", "down", "unknown"]

LIST_TIMEOUT = 5.0  # seconds for an endpoint to list its models
UNKNOWN_WINDOW = 8192  # tokens, where neither the file nor the endpoint says
OLLAMA_WINDOW = 4096  # Ollama cuts prompts silently at its own default, whatever the model could hold
TINY = 2e9  # parameters; below it a model writes, but knows and plans little


class ModelInfo(Struct, frozen=True):
    """A model that can be asked for by `id` (`endpoint/name`). `tiny`: it writes, but knows and plans little.
    `loaded`: it answers without somebody choosing it first. `price` is in dollars for a million tokens."""

    id: str
    endpoint: str
    name: str
    context_window: int
    tiny: bool
    kind: Kind
    loaded: bool = True
    price: Price = Price()


class EndpointInfo(Struct, frozen=True):
    """An endpoint for the page. `queued`: calls that wait for a place; `source`: file, environment, or built in."""

    name: str
    base_url: str
    has_key: bool
    kind: Kind
    state: EndpointState
    detail: str = ""
    active: int = 0
    queued: int = 0
    source: str = "file"


class Remote:
    """`session` gives the shared session; `timeouts` are the house's, the endpoint's own come first."""

    def __init__(
        self,
        endpoint: Endpoint,
        session: Callable[[], aiohttp.ClientSession],
        timeouts: Timeouts,
        environ: Mapping[str, str],
    ) -> None:
        self.endpoint = endpoint
        self._session = session
        self._timeouts = Timeouts(
            connect=timeouts.connect,
            first_token=endpoint.first_token_timeout or timeouts.first_token,
            stall=endpoint.stall_timeout or timeouts.stall,
        )
        self._key = endpoint.key(environ)
        self.gate = Gate(endpoint.concurrency)
        self.state: EndpointState = "unknown"
        self.detail = "" if self._key or not endpoint.api_key_env else f"{endpoint.api_key_env} is not set."
        self._listed: dict[str, Listed] = {name: Listed(name) for name in endpoint.models}
        self._client: OpenAIClient | None = None

    @property
    def client(self) -> OpenAIClient:
        """Made at the first use, because a session needs a running loop."""
        if self._client is None:
            self._client = OpenAIClient(
                self._session(),
                endpoint=self.endpoint.name,
                base_url=self.endpoint.base_url,
                api_key=self._key,
                timeouts=self._timeouts,
                gate=self.gate,
                tokenizer=self.endpoint.tokenizer,
            )
        return self._client

    @property
    def info(self) -> EndpointInfo:
        of = self.endpoint
        waiting = (self.gate.active, self.gate.queued)
        return EndpointInfo(
            of.name, of.base_url, bool(self._key), "remote", self.state, self.detail, *waiting, of.source
        )

    def models(self) -> list[ModelInfo]:
        """The models that are known now, without asking."""
        return [self._info(listed) for listed in self._listed.values()]

    def model(self, name: str) -> ModelInfo | None:
        """One model; None when the endpoint is known not to have it. Before it was ever listed, any name may exist."""
        if name in self._listed:
            return self._info(self._listed[name])
        return None if self._listed else self._info(Listed(name))

    async def refresh(self) -> bool:
        """Ask the endpoint what it has, for a few seconds at most. Returns whether anything changed. Never raises: how
        the endpoint is is in `state`."""
        before = (self.state, self.detail, self._listed)
        try:
            self.take(await self.client.list_models(LIST_TIMEOUT))
        except EndpointError as error:
            if self.endpoint.models and error.status in (404, 405):  # it cannot list; the file says what it has
                self.state, self.detail = "ready", ""
            else:
                self.state, self.detail = "down", error.message
        except Exception as error:  # the endpoint's boundary: its trouble must not reach the others
            log.error("asking the endpoint %s failed on a bug", self.endpoint.name, exc_info=error)
            self.state, self.detail = "down", f"{self.endpoint.name} could not be asked: {type(error).__name__}."
        return before != (self.state, self.detail, self._listed)

    def take(self, listed: list[Listed]) -> None:
        """The endpoint is up and has these models; the file's own list, where there is one, limits what is offered."""
        self.state, self.detail = "ready", ""
        windows = {entry.name: entry for entry in listed}
        names = self.endpoint.models or [entry.name for entry in listed]
        self._listed = {name: windows.get(name, Listed(name)) for name in names}

    def _info(self, listed: Listed) -> ModelInfo:
        of = self.endpoint
        ollama = ":11434" in of.base_url
        window = of.context_window or (OLLAMA_WINDOW if ollama else listed.context_window or UNKNOWN_WINDOW)
        return ModelInfo(
            id=f"{of.name}/{listed.name}",
            endpoint=of.name,
            name=listed.name,
            context_window=window,
            tiny=looks_tiny(listed.name),
            kind="remote",
            price=of.price,
        )


async def refresh_all(remotes: list[Remote]) -> bool:
    """All endpoints at once; whether anything changed."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(remote.refresh()) for remote in remotes]
    return any(task.result() for task in tasks)


def looks_tiny(name: str) -> bool:
    """Whether a model's name says that it has fewer than two billion parameters: `qwen2.5:0.5b`, `smollm2-135m`."""
    sizes = re.findall(r"(?<![\w.])(\d+(?:\.\d+)?)([bm])(?![a-z0-9])", name.lower())
    return bool(sizes) and max(float(size) * (1e9 if unit == "b" else 1e6) for size, unit in sizes) < TINY
