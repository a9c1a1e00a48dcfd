"""Which models there are, which one is the default, and who answers for an id.

Owns the embedded model, the connected endpoints and the shared HTTP session; `run()` keeps them going. All that the
page shows comes from memory: a dead endpoint never blocks it. What a user chooses is written to `models.toml`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import aiohttp

from alma.errors import Conflict, ModelUnavailable, NotFound
from alma.models import built_in
from alma.models import endpoints as models_file
from alma.models.chat import ChatModel
from alma.models.client import Timeouts, open_session
from alma.models.connecting import Trial, checked, implied, reach, trial, unnamed
from alma.models.counting import Counters
from alma.models.discovery import Found, discover
from alma.models.endpoints import DEFAULT_CONCURRENCY, Endpoint, Price
from alma.models.fetch import chat_model_path
from alma.models.gguf import check_gguf, model_name
from alma.models.hub import PullProgress, Pulls
from alma.models.local import LocalModel, LocalStatus
from alma.models.measured import Measured
from alma.models.pool import Pool
from alma.models.probe import ProbeReport, keep, kept, probe
from alma.models.remote import POOL, EndpointInfo, ModelInfo, Remote, keep_fresh, pooled, reachable, refresh_all
from alma.models.scripted import ScriptedModel

log = logging.getLogger(__name__)

Told = TypeVar("Told")


class Registry:
    """`models_file_path` need not exist. `gguf` and `default` come before what the file says. `hedge`: pools ask a
    second endpoint when the first one is slow to begin. Called on the loop: `on_change` with a short reason when the
    list, the default or a state changed, `on_pull` with a download's state."""

    def __init__(
        self,
        *,
        models_file_path: Path,
        data_dir: Path,
        embedded: bool = True,
        gguf: Path | None = None,
        scripted: bool = False,
        default: str | None = None,
        openai_api_key: str | None = None,
        openai_base_url: str | None = None,
        ollama_host: str | None = None,
        timeouts: Timeouts = Timeouts(),  # noqa: B008  # frozen
        slots: int = 2,
        threads: int = 0,
        context_window: int = 8192,
        hedge: bool = False,
        on_change: Callable[[str], object] = lambda reason: None,  # noqa: ARG005
        on_pull: Callable[[PullProgress], object] = lambda progress: None,  # noqa: ARG005
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._path = models_file_path
        self._data_dir = data_dir
        self._timeouts = timeouts
        self._environ = environ
        self._on_change = on_change = _safe(on_change)
        self._ollama_host = ollama_host
        self._http: aiohttp.ClientSession | None = None
        self._writing = asyncio.Lock()
        self._reports: dict[str, ProbeReport | None] = {}
        self._hedge = hedge
        self.counters = Counters(data_dir)
        self._pools: dict[str, tuple[list[Remote], list[str], Pool]] = {}  # model id → whose, their names of it
        kept = models_file.load(models_file_path)
        self._default = default or kept.default
        self._remotes = {
            endpoint.name: self._remote(endpoint)
            for endpoint in (*implied(openai_api_key, openai_base_url, ollama_host), *kept.endpoints)
        }
        self.pulls = Pulls(data_dir / "models", on_progress=_safe(on_pull), on_done=lambda _path: on_change("models"))
        self.scripted = ScriptedModel() if scripted else None
        self._scripted = Measured(self.scripted) if self.scripted is not None else None
        self.local: LocalModel | None = None
        self._local: Measured | None = None
        if embedded:
            self.local = LocalModel(
                self.session,
                gguf or (Path(kept.gguf) if kept.gguf else chat_model_path(data_dir)),
                folder=data_dir,
                ctx=context_window,
                slots=slots,
                threads=threads or None,
                on_change=lambda: on_change("embedded"),
            )
            self._local = Measured(self.local)

    def session(self) -> aiohttp.ClientSession:
        """The HTTP session that all endpoints share; made at the first call, closed by `run` or `close`."""
        if self._http is None or self._http.closed:
            self._http = open_session()
        return self._http

    async def run(self) -> None:
        """Keep the embedded model alive and the lists fresh until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                if self.local is not None:
                    group.create_task(self.local.run())
                group.create_task(keep_fresh(self._remotes.values, self._refresh))
                group.create_task(self.pulls.run())
                group.create_task(self.counters.run())
        finally:
            await self.close()

    async def close(self) -> None:
        """For who never called `run`."""
        if self._http is not None:
            await self._http.close()

    # ── asking ────────────────────────────────────────────────────────────────────────────────────────────────────

    def resolve(self, model_id: str | None = None) -> tuple[ChatModel, ModelInfo]:
        """Who answers for `model_id` (None: the default): `endpoint/name`, or `pool/name` for all endpoints that have
        it. Raises NotFound("unknown_model"), or ModelUnavailable when nobody can answer before somebody acts. Does not
        ask the endpoint: a call will show how it is."""
        chosen = model_id or self.default
        if chosen is None:
            if self.local is not None and self.local.path is not None:
                raise built_in.not_there(self.local.path, built_in=chat_model_path(self._data_dir))
            raise ModelUnavailable("No model is chosen.", hint="Connect an endpoint, or turn the embedded model on.")
        endpoint, _, name = chosen.partition("/")
        if self.local is not None and self._local is not None and endpoint == "embedded":
            if name == self.local.name:
                if (missing := self.local.unavailable()) is not None:
                    raise missing
                return self._local, built_in.gguf_info(self.local, self.local.path)
            if any(info.id == chosen for info in self._embedded()):
                hint = "Choose it as the default model, and Alma loads it."
                raise ModelUnavailable(f"The embedded model {name} is not loaded.", actual=self.local.name, hint=hint)
        elif self._scripted is not None and endpoint == "scripted" and name:
            return self._scripted, built_in.scripted_info(name)
        elif endpoint == POOL and name and (remotes := self._having(name)):
            return self._pool(chosen, name, remotes), pooled(name, remotes)
        elif (remote := self._remotes.get(endpoint)) is not None and name:
            info = remote.model(name)
            if info is not None:
                return self._pool(chosen, name, [remote]), info
        known = ", ".join(info.id for info in self.models()[:5]) or "none"
        raise NotFound(
            "unknown_model",
            f"There is no model {chosen}.",
            expected=f"one of {known} …",
            actual=chosen,
            hint="`alma models list` shows all; connect an endpoint to have more.",
        )

    def well(self, info: ModelInfo) -> bool:
        """Whether a call for this model would find an endpoint that takes it, as far as is known."""
        return reachable(info, self._remotes)

    @property
    def default(self) -> str | None:
        """The model that answers when a task names none: the one chosen, else the embedded one, else any."""
        if self._default is not None:
            return self._default
        return next((info.id for info in self.models() if info.loaded), None)

    @property
    def tiny_only(self) -> bool:
        """Whether all that could answer is tiny: the page then shows how to connect a stronger model."""
        able = [info for info in self.models() if info.kind != "scripted" and info.loaded]
        return bool(able) and all(info.tiny for info in able)

    def models(self) -> list[ModelInfo]:
        """All models known now: embedded, scripted, then by endpoint, then those that two endpoints or more have."""
        scripted = [built_in.scripted_info("scripted")] if self.scripted is not None else []
        remote = [info for remote in self._remotes.values() for info in remote.models()]
        times = Counter(info.name for info in remote)
        pools = [pooled(name, self._having(name)) for name, count in times.items() if count > 1]
        return [*self._embedded(), *scripted, *remote, *pools]

    def endpoints(self) -> list[EndpointInfo]:
        """All endpoints, the built-in ones first."""
        infos: list[EndpointInfo] = []
        if self.local is not None and self._local is not None:
            infos.append(built_in.embedded_endpoint(self.local, self._local))
        if self.scripted is not None and self._scripted is not None:
            infos.append(built_in.scripted_endpoint(self.scripted, self._scripted))
        return [*infos, *(remote.info for remote in self._remotes.values())]

    def embedded_state(self) -> LocalStatus:
        """How the embedded model is; `off` when it was not asked for."""
        return self.local.status if self.local is not None else LocalStatus("off")

    async def discover(self) -> list[Found]:
        """Model servers on this machine that are not connected yet. Takes a second at most."""
        known = {remote.endpoint.base_url for remote in self._remotes.values()}
        found = await discover(self.session(), ollama_host=self._ollama_host)
        return [server for server in found if server.base_url not in known]

    async def probe(self, model_id: str | None = None) -> ProbeReport:
        """Measure what a model can do, and keep the report. Takes up to some minutes."""
        model, info = self.resolve(model_id)
        report = await probe(model, info)
        await asyncio.to_thread(keep, report, self._data_dir)
        self._reports[report.model] = report
        return report

    def report(self, model_id: str) -> ProbeReport | None:
        """The last report of a model, if it was ever measured. Read from disk once."""
        if model_id not in self._reports:
            self._reports[model_id] = kept(model_id, self._data_dir)
        return self._reports[model_id]

    async def refresh(self) -> None:
        """Ask all endpoints now how they are, for a few seconds at most."""
        await self._refresh(list(self._remotes.values()))

    # ── choosing ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def set_default(self, model_id: str) -> None:
        """Choose the default and keep the choice. An embedded model that is not loaded is loaded."""
        remote = self._remotes.get(model_id.partition("/")[0])
        if remote is not None and remote.state != "ready":
            await remote.refresh()
        if self.local is not None:
            for path in built_in.gguf_files(self.local, self._data_dir / "models"):
                if f"embedded/{model_name(path)}" == model_id and path != self.local.path:
                    await self._use(path, default=model_id)
                    return
        with contextlib.suppress(ModelUnavailable):  # it may be starting, or wait for its file
            self.resolve(model_id)
        await self._write(lambda: models_file.put_choice(self._path, default=model_id))
        self._default = model_id
        self._on_change("default")

    async def use_gguf(self, path: Path) -> None:
        """Let the embedded server load another file and keep the choice. If the default was an embedded model, the new
        one takes its place. Raises InvalidRequest unless it is a GGUF."""
        was_default = self._default is not None and self._default.startswith("embedded/")
        await self._use(path, default=f"embedded/{model_name(path)}" if was_default else None)

    async def add_endpoint(
        self,
        name: str,
        base_url: str,
        *,
        api_key: str | None = None,
        api_key_env: str | None = None,
        models: Sequence[str] = (),
        weight: float = 1.0,
        concurrency: int = DEFAULT_CONCURRENCY,
        context_window: int | None = None,
        price: Price = Price(),  # noqa: B008  # frozen
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        """Connect an endpoint, or replace the one of that name, once it has listed its models. An address without a
        path is tried with /v1 as well. Raises InvalidRequest, or the EndpointError that the attempt ended with."""
        given = Endpoint(
            name=name,
            base_url=base_url,
            api_key=api_key,
            api_key_env=api_key_env,
            models=tuple(models),
            context_window=context_window,
            concurrency=concurrency,
            price=price,
            weight=weight,
            aliases=dict(aliases or {}),
        )
        endpoint = checked(given, self._environ)
        endpoint, listed = await reach(endpoint, self.session(), self._timeouts, self._environ)
        await self._write(lambda: models_file.put_endpoint(self._path, endpoint))
        before = self._remotes.get(endpoint.name)
        remote = self._remotes[endpoint.name] = self._remote(endpoint)
        remote.take(listed)
        if before is not None:
            before.traffic.close()
        self._on_change("endpoints")

    async def test_endpoint(
        self,
        name: str | None = None,
        *,
        base_url: str = "",
        api_key: str | None = None,
        api_key_env: str | None = None,
        model: str = "",
    ) -> Trial:
        """Ask an endpoint, a connected one or one that might be, for its models and one of them for a word."""
        if name is not None:
            if name not in self._remotes:
                raise NotFound("unknown_endpoint", f"There is no endpoint {name}.", actual=name)
            endpoint = self._remotes[name].endpoint
        else:
            endpoint = unnamed(base_url, api_key, api_key_env, self._environ)
        tried = await trial(endpoint, model, self.session(), self._environ)
        if name is not None and (remote := self._remotes.get(name)) is not None:
            remote.tested(tried.error)
            self._on_change("endpoints")
        return tried

    async def remove_endpoint(self, name: str) -> None:
        """Disconnect an endpoint; answers in flight go on. If the default was its, the default is nobody's again."""
        remote = self._remotes.get(name)
        if remote is None:
            raise NotFound("unknown_endpoint", f"There is no endpoint {name}.", actual=name)
        if remote.endpoint.source != "file":
            raise Conflict(
                "endpoint_of_environment",
                f"The endpoint {name} comes from the environment.",
                hint=f"Unset {remote.endpoint.source} and start Alma again.",
            )
        orphan = self._default is not None and self._needs(self._default, name)
        await self._write(lambda: models_file.drop_endpoint(self._path, name, orphan=orphan))
        if self._remotes.pop(name, None) is not None:  # another removal may have come first
            remote.traffic.close()
        if orphan:
            self._default = None
        self._on_change("endpoints")

    # ── inside ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _use(self, path: Path, *, default: str | None) -> None:
        if self.local is None:
            raise Conflict(
                "embedded_off", "The embedded model is turned off.", hint="Start Alma with ALMA_EMBEDDED=true."
            )
        await asyncio.to_thread(check_gguf, path)
        await self._write(lambda: models_file.put_choice(self._path, default=default, gguf=str(path.absolute())))
        self.local.use(path)
        if default is not None:
            self._default = default
        self._on_change("embedded")

    async def _write(self, write: Callable[[], object]) -> None:
        """One change of the file at a time, off the loop."""
        async with self._writing:
            try:
                await asyncio.to_thread(write)
            except OSError as error:
                raise Conflict(
                    "models_file_unwritable",
                    f"{self._path} cannot be written: {error.strerror}.",
                    hint="Check the rights and the space of its folder.",
                ) from error

    async def _refresh(self, remotes: list[Remote]) -> None:
        try:
            if await refresh_all(remotes):
                self._on_change("models")
        except Exception:  # the boundary of what runs in the background
            log.exception("refreshing the endpoints failed on a bug")

    def _remote(self, endpoint: Endpoint) -> Remote:
        return Remote(endpoint, self.session, self._timeouts, self._environ, self.counters)

    def _having(self, name: str) -> list[Remote]:
        """The endpoints that have a model; before any of them has listed its own, those that may have it."""
        known = [remote for remote in self._remotes.values() if remote.lists and remote.model(name) is not None]
        return known or [remote for remote in self._remotes.values() if not remote.lists]

    def _pool(self, model_id: str, name: str, remotes: list[Remote]) -> Pool:
        """The same pool as long as it has the same members, because it remembers who failed."""
        members = [remote.member(name) for remote in remotes]
        served = [member.model for member in members]
        if (kept := self._pools.get(model_id)) is not None and kept[:2] == (remotes, served):
            return kept[2]
        pool = Pool(model_id if len(members) > 1 else remotes[0].endpoint.name, members, hedge=self._hedge)
        self._pools[model_id] = (remotes, served, pool)
        return pool

    def _needs(self, model_id: str, endpoint: str) -> bool:
        """Whether a model is gone when that endpoint is."""
        where, _, name = model_id.partition("/")
        return where == endpoint or (
            where == POOL and [remote.endpoint.name for remote in self._having(name)] == [endpoint]
        )

    def _embedded(self) -> list[ModelInfo]:
        return built_in.gguf_models(self.local, self._data_dir / "models")


def _safe(listener: Callable[[Told], object]) -> Callable[[Told], None]:
    """`listener`, whose bugs are logged: they must not end what it listens to."""

    def tell(told: Told) -> None:
        try:
            listener(told)
        except Exception:
            log.exception("a listener of the models failed on a bug")

    return tell
