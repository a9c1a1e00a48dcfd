"""One connected endpoint while Alma runs: its client, its traffic, what it lists, how it is."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Literal

import aiohttp
from msgspec import Struct
from msgspec.structs import replace

from alma.errors import EndpointError, EndpointUnauthorized
from alma.models.breaker import BreakerState
from alma.models.chat import Counted
from alma.models.choice import Member
from alma.models.client import Listed, OpenAIClient, Timeouts
from alma.models.counting import Counters
from alma.models.endpoints import Endpoint, Price
from alma.models.health import Figures
from alma.models.traffic import Traffic

log = logging.getLogger(__name__)

Kind = Literal["embedded", "remote", "scripted", "pool"]
EndpointState = Literal["ready", "starting", "down", "unknown"]

POOL = "pool"  # the endpoint that all endpoints of one model are together
LIST_TIMEOUT = 5.0  # seconds for an endpoint to list its models
LISTED_EVERY = 60.0  # seconds between two looks at what an endpoint lists …
DOUBTED_EVERY = 10.0  # … and while nobody makes the call that would show whether it is well again
UNKNOWN_WINDOW = 8192  # tokens, where neither the file nor the endpoint says
OLLAMA_WINDOW = 4096  # Ollama cuts prompts silently at its own default, whatever the model could hold
TINY = 2e9  # parameters; below it a model writes, but knows and plans little


class ModelInfo(Struct, frozen=True):
    """A model that can be asked for by `id` (`endpoint/name`). `tiny`: it writes, but knows and plans little.
    `loaded`: it answers without somebody choosing it first. `price` is in dollars for a million tokens. `members`: of a
    pool, the endpoints in it; it has their smallest window and their highest price. `counting`: of its tokens."""

    id: str
    endpoint: str
    name: str
    context_window: int
    tiny: bool
    kind: Kind
    loaded: bool = True
    price: Price = Price()
    members: tuple[str, ...] = ()
    counting: Counted = Counted("exact")


class EndpointInfo(Struct, frozen=True):
    """An endpoint for the page. `queued`: calls that wait for a place; `source`: file, environment, or built in.
    `limit`: calls at once that it gets now; `retry_at`: Unix seconds at which an open breaker lets one through;
    `trying`: that one is under way; `trouble`: what opened it. `mend`: what to do about that, or about its being down.
    `listed_at`: Unix seconds at which it last listed its models."""

    name: str
    base_url: str
    has_key: bool
    kind: Kind
    state: EndpointState
    detail: str = ""
    active: int = 0
    queued: int = 0
    source: str = "file"
    limit: int = 0
    breaker: BreakerState = "closed"
    retry_at: float = 0.0
    weight: float = 1.0
    price: Price = Price()
    figures: Figures = Figures()
    trying: bool = False
    trouble: str = ""
    mend: str = ""
    listed_at: float = 0.0


class Remote:
    """`session` gives the shared session; `timeouts` are the house's, the endpoint's own come first."""

    def __init__(
        self,
        endpoint: Endpoint,
        session: Callable[[], aiohttp.ClientSession],
        timeouts: Timeouts,
        environ: Mapping[str, str],
        counters: Counters | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._session = session
        self._counters = counters or Counters()
        self._timeouts = Timeouts(
            connect=timeouts.connect,
            first_token=endpoint.first_token_timeout or timeouts.first_token,
            stall=endpoint.stall_timeout or timeouts.stall,
        )
        self._key = endpoint.key(environ)
        self.traffic = Traffic(endpoint.concurrency)
        self.state: EndpointState = "unknown"
        self.detail = "" if self._key or not endpoint.api_key_env else f"{endpoint.api_key_env} is not set."
        self._unwell: EndpointError | None = None  # why it is down
        self._listed_at = 0.0
        self._listed: dict[str, Listed] = {}  # by the names under which they are offered
        self._infos: dict[str, ModelInfo] = {}
        self._offer([Listed(endpoint.served(name)) for name in endpoint.models])
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
                tokenizer=self.endpoint.tokenizer,
                counters=self._counters,
            )
        return self._client

    @property
    def info(self) -> EndpointInfo:
        of, traffic = self.endpoint, self.traffic
        trouble = traffic.trouble
        return EndpointInfo(
            of.name,
            of.base_url,
            bool(self._key),
            "remote",
            self.state,
            self.detail,
            traffic.gate.active,
            traffic.gate.queued,
            of.source,
            traffic.gate.limit,
            traffic.state,
            traffic.retry_at,
            of.weight,
            of.price,
            traffic.health.figures(traffic.clock()),
            traffic.breaker.trying,
            trouble.message if trouble is not None else "",
            self._mend(trouble if traffic.state == "open" else self._unwell or trouble),
            self._listed_at,
        )

    def _mend(self, error: EndpointError | None) -> str:
        if isinstance(error, EndpointUnauthorized):
            return mend_key(self.endpoint)
        return (error.hint or "") if error is not None else ""

    def member(self, name: str) -> Member:
        """What a pool needs to ask it for the model that is offered as `name`."""
        listed = self._listed.get(name)
        served = listed.name if listed is not None else self.endpoint.served(name)
        return Member(self.client.named(served), self.traffic, served, self.endpoint.weight, self.endpoint.price)

    def models(self) -> list[ModelInfo]:
        """The models that are known now, without asking."""
        infos = [self._info(name, listed) for name, listed in self._listed.items()]
        return [replace(info, counting=self.counting(info.name)) for info in infos]

    def counting(self, name: str) -> Counted:
        """How the tokens of a model are counted now."""
        listed = self._listed.get(name, Listed(name))
        return self._counters.told(self.endpoint.name, listed.name, exact=self.endpoint.tokenizer)

    @property
    def lists(self) -> bool:
        """Whether it is known which models it has."""
        return bool(self._listed)

    def model(self, name: str) -> ModelInfo | None:
        """One model, without how its tokens are counted; None when the endpoint is known not to have it. Before it was
        ever listed, any name may exist."""
        known = self._infos.get(name)  # asked for at every call
        if known is None and (name in self._listed or not self._listed):
            known = self._info(name, self._listed.get(name, Listed(name)))
            if name in self._listed:
                self._infos[name] = known
        return known

    async def refresh(self) -> bool:
        """Ask the endpoint what it has, for a few seconds at most. Returns whether anything changed. Never raises: how
        the endpoint is is in `state`."""
        before = (self.state, self.detail, self._listed)
        try:
            self.take(await self.client.list_models(LIST_TIMEOUT))
        except EndpointError as error:
            if self.endpoint.models and error.status in (404, 405):  # it cannot list; the file says what it has
                self._is_ready()
            else:
                self._is_down(error)
        except Exception as error:  # the endpoint's boundary: its trouble must not reach the others
            log.error("asking the endpoint %s failed on a bug", self.endpoint.name, exc_info=error)
            self._unwell = None
            self.state, self.detail = "down", f"{self.endpoint.name} could not be asked: {type(error).__name__}."
        return before != (self.state, self.detail, self._listed)

    def tested(self, error: EndpointError | None) -> None:
        """What a test of it has shown."""
        if error is None:
            self._is_ready()
            self.traffic.mended()
        else:
            self._is_down(error)

    def take(self, listed: list[Listed]) -> None:
        """The endpoint is up and has these models; the file's own list, where there is one, limits what is offered."""
        self._is_ready()
        windows = {entry.name: entry for entry in listed}
        names = [self.endpoint.served(name) for name in self.endpoint.models] or [entry.name for entry in listed]
        self._offer([windows.get(name, Listed(name)) for name in names])

    def _is_ready(self) -> None:
        self.state, self.detail, self._unwell, self._listed_at = "ready", "", None, time.time()

    def _is_down(self, error: EndpointError) -> None:
        self.state, self.detail, self._unwell = "down", error.message, error

    def _offer(self, models: list[Listed]) -> None:
        self._listed = {self.endpoint.offered(listed.name): listed for listed in models}
        self._infos = {}

    def _info(self, name: str, listed: Listed) -> ModelInfo:
        of = self.endpoint
        ollama = ":11434" in of.base_url
        window = of.context_window or (OLLAMA_WINDOW if ollama else listed.context_window or UNKNOWN_WINDOW)
        return ModelInfo(
            id=f"{of.name}/{name}",
            endpoint=of.name,
            name=name,
            context_window=window,
            tiny=looks_tiny(name),
            kind="remote",
            price=of.price,
        )


async def refresh_all(remotes: list[Remote]) -> bool:
    """All endpoints at once; whether anything changed."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(remote.refresh()) for remote in remotes]
    return any(task.result() for task in tasks)


async def keep_fresh(
    remotes: Callable[[], Iterable[Remote]], refresh: Callable[[list[Remote]], Awaitable[None]]
) -> None:
    """Until cancelled. An endpoint whose breaker waits for a call that nobody makes is asked more often: what is said
    of it meanwhile rests on its list alone. One that is to be left alone is not."""
    ago = LISTED_EVERY
    while True:
        all_due = ago >= LISTED_EVERY
        await refresh([one for one in remotes() if all_due or one.traffic.state == "half_open"])
        ago = DOUBTED_EVERY if all_due else ago + DOUBTED_EVERY
        await asyncio.sleep(DOUBTED_EVERY)


def mend_key(endpoint: Endpoint) -> str:
    """What to do about a key that is refused."""
    variable = endpoint.api_key_env or ("OPENAI_API_KEY" if endpoint.source.startswith("OPENAI") else "")
    if variable:
        return f"Set {variable} to a key that it takes, and start Alma again."
    if endpoint.source != "file":
        return f"{endpoint.source} names it without a key: connect it under a name of its own, with a key."
    return "Connect it anew with a key that it takes, or mend `api_key` in models.toml and start Alma again."


def pooled(name: str, remotes: list[Remote]) -> ModelInfo:
    """A model of several endpoints: what holds for all of them."""
    infos = [info for remote in remotes if (info := remote.model(name)) is not None]
    dearest = Price(max(info.price.input for info in infos), max(info.price.output for info in infos))
    return ModelInfo(
        id=f"{POOL}/{name}",
        endpoint=POOL,
        name=name,
        context_window=min(info.context_window for info in infos),
        tiny=looks_tiny(name),
        kind="pool",
        price=dearest,
        members=tuple(info.endpoint for info in infos),
        counting=remotes[0].counting(name),
    )


def reachable(info: ModelInfo, remotes: Mapping[str, Remote]) -> bool:
    """Whether one of a model's endpoints takes calls now; those that are built in always do."""
    found = [remotes[name] for name in info.members or (info.endpoint,) if name in remotes]
    return not found or any(one.state != "down" and one.traffic.state != "open" for one in found)


def looks_tiny(name: str) -> bool:
    """Whether a model's name says that it has fewer than two billion parameters: `qwen2.5:0.5b`, `smollm2-135m`."""
    sizes = re.findall(r"(?<![\w.])(\d+(?:\.\d+)?)([bm])(?![a-z0-9])", name.lower())
    return bool(sizes) and max(float(size) * (1e9 if unit == "b" else 1e6) for size, unit in sizes) < TINY
