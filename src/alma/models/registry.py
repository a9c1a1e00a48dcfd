"""Which models there are, which one is the default, and who answers for an id.

Owns the embedded model, the connected endpoints and the shared HTTP session; `run()` keeps them going. All that the
page shows comes from memory: a dead endpoint never blocks it. What a user chooses is written to `models.toml`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import aiohttp
import msgspec

from alma.errors import Conflict, EndpointError, InvalidRequest, ModelUnavailable, NotFound
from alma.models import endpoints as models_file
from alma.models.chat import ChatModel
from alma.models.client import Listed, OpenAIClient, Timeouts, open_session
from alma.models.discovery import Found, discover, ollama_url
from alma.models.endpoints import Endpoint, name_fits, url_fits
from alma.models.fetch import chat_model_path
from alma.models.gguf import check_gguf, model_name
from alma.models.hub import PullProgress, Pulls
from alma.models.local import TINY_FILE, LocalModel, LocalStatus
from alma.models.probe import ProbeReport, keep, kept, probe
from alma.models.remote import LIST_TIMEOUT, EndpointInfo, EndpointState, ModelInfo, Remote, looks_tiny, refresh_all
from alma.models.scripted import ScriptedModel

log = logging.getLogger(__name__)

Told = TypeVar("Told")

REFRESH = 60.0  # seconds between two looks at what the endpoints list
SCRIPTED_WINDOW = 8192  # tokens


class Registry:
    """`models_file_path` need not exist. `gguf` and `default` come before what the file says. Called on the loop:
    `on_change` with a short reason when the list, the default or a state changed, `on_pull` with a download's state."""

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
        kept = models_file.load(models_file_path)
        self._default = default or kept.default
        self._remotes = {
            endpoint.name: self._remote(endpoint)
            for endpoint in (*_implied(openai_api_key, openai_base_url, ollama_host), *kept.endpoints)
        }
        self.pulls = Pulls(data_dir / "models", on_progress=_safe(on_pull), on_done=lambda _path: on_change("models"))
        self.scripted = ScriptedModel() if scripted else None
        self.local: LocalModel | None = None
        if embedded:
            self.local = LocalModel(
                self.session,
                gguf or (Path(kept.gguf) if kept.gguf else chat_model_path(data_dir)),
                log_dir=data_dir / "logs",
                ctx=context_window,
                slots=slots,
                threads=threads or None,
                on_change=lambda: on_change("embedded"),
            )

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
                group.create_task(self._keep_fresh())
                group.create_task(self.pulls.run())
        finally:
            await self.close()

    async def close(self) -> None:
        """For who never called `run`."""
        if self._http is not None:
            await self._http.close()

    # ── asking ────────────────────────────────────────────────────────────────────────────────────────────────────

    def resolve(self, model_id: str | None = None) -> tuple[ChatModel, ModelInfo]:
        """Who answers for `model_id` (None: the default). Raises NotFound("unknown_model"), or ModelUnavailable when
        nobody can answer before somebody acts. Does not ask the endpoint: a call will show how it is."""
        chosen = model_id or self.default
        if chosen is None:
            if self.local is not None and self.local.path is not None:
                raise _not_there(self.local.path, built_in=chat_model_path(self._data_dir))
            raise ModelUnavailable("No model is chosen.", hint="Connect an endpoint, or turn the embedded model on.")
        endpoint, _, name = chosen.partition("/")
        if self.local is not None and endpoint == "embedded":
            if name == self.local.name:
                if (missing := self.local.unavailable()) is not None:
                    raise missing
                return self.local, self._gguf_info(self.local, self.local.path)
            if any(info.id == chosen for info in self._embedded()):
                hint = "Choose it as the default model, and Alma loads it."
                raise ModelUnavailable(f"The embedded model {name} is not loaded.", actual=self.local.name, hint=hint)
        elif self.scripted is not None and endpoint == "scripted" and name:
            return self.scripted, _scripted(name)
        elif (remote := self._remotes.get(endpoint)) is not None and name:
            info = remote.model(name)
            if info is not None:
                return remote.client, info
        known = ", ".join(info.id for info in self.models()[:5]) or "none"
        raise NotFound(
            "unknown_model",
            f"There is no model {chosen}.",
            expected=f"one of {known} …",
            actual=chosen,
            hint="`alma models list` shows all; connect an endpoint to have more.",
        )

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
        """All models known now: embedded, scripted, then by endpoint."""
        scripted = [_scripted("scripted")] if self.scripted is not None else []
        return [*self._embedded(), *scripted, *(info for remote in self._remotes.values() for info in remote.models())]

    def endpoints(self) -> list[EndpointInfo]:
        """All endpoints, the built-in ones first."""
        built_in: list[EndpointInfo] = []
        if self.local is not None:
            at, gate = self.local.status, self.local.gate
            state: EndpointState = "ready" if at.state == "ready" else "down"
            if at.state in ("starting", "restarting"):
                state = "starting"
            url = self.local.client.base_url if self.local.client is not None else ""
            waiting = (gate.active, gate.queued)
            built_in.append(EndpointInfo("embedded", url, False, "embedded", state, at.detail, *waiting, "built in"))
        if self.scripted is not None:
            built_in.append(
                EndpointInfo("scripted", "", False, "scripted", "ready", "", self.scripted.active, 0, "built in")
            )
        return [*built_in, *(remote.info for remote in self._remotes.values())]

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

    # ── choosing ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def set_default(self, model_id: str) -> None:
        """Choose the default and keep the choice. An embedded model that is not loaded is loaded."""
        remote = self._remotes.get(model_id.partition("/")[0])
        if remote is not None and remote.state != "ready":
            await remote.refresh()
        if self.local is not None:
            for path in self._ggufs():
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
    ) -> None:
        """Connect an endpoint, or replace the one of that name, once it has listed its models. An address without a
        path is tried with /v1 as well. Raises InvalidRequest, or the EndpointError that the attempt ended with."""
        name, base_url = name.strip().lower(), base_url.strip().rstrip("/")
        if not name_fits(name):
            expected = "1 to 40 lower-case letters, digits, '.', '_', '-', and not embedded or scripted"
            raise InvalidRequest("invalid_field", "An endpoint cannot have this name.", expected=expected, actual=name)
        if not url_fits(base_url):
            expected = "an address such as http://127.0.0.1:11434/v1"
            raise InvalidRequest("invalid_field", "This is no address.", expected=expected, actual=base_url)
        api_key = (api_key or "").strip() or None
        if api_key_env and not self._environ.get(api_key_env, "").strip():
            expected = f"{api_key_env} in the environment of Alma"
            raise InvalidRequest("invalid_field", "The variable with the key is not set.", expected=expected)
        endpoint = Endpoint(
            name=name,
            base_url=base_url,
            api_key=None if api_key_env else api_key,
            api_key_env=api_key_env,
            models=tuple(models),
        )
        endpoint, listed = await self._reach(endpoint)
        await self._write(lambda: models_file.put_endpoint(self._path, endpoint))
        remote = self._remotes[name] = self._remote(endpoint)
        remote.take(listed)
        self._on_change("endpoints")

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
        orphan = self._default is not None and self._default.startswith(f"{name}/")
        await self._write(lambda: models_file.drop_endpoint(self._path, name, orphan=orphan))
        self._remotes.pop(name, None)  # another removal may have come first
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

    async def _reach(self, endpoint: Endpoint) -> tuple[Endpoint, list[Listed]]:
        """The endpoint with the address that works, and its models."""
        bare = endpoint.base_url.count("/") == 2
        tries = [endpoint] if not bare else [_at(endpoint, endpoint.base_url + "/v1"), endpoint]
        first: EndpointError | None = None
        for candidate in tries:
            client = OpenAIClient(
                self.session(),
                endpoint=candidate.name,
                base_url=candidate.base_url,
                api_key=candidate.key(self._environ),
                timeouts=self._timeouts,
            )
            try:
                return candidate, await client.list_models(LIST_TIMEOUT)
            except EndpointError as error:
                if error.status in (404, 405) and candidate.models and not bare:
                    return candidate, []
                first = first or error
        assert first is not None
        raise first

    async def _keep_fresh(self) -> None:
        while True:
            try:
                if await refresh_all(list(self._remotes.values())):
                    self._on_change("models")
            except Exception:  # the boundary of what runs in the background
                log.exception("refreshing the endpoints failed on a bug")
            await asyncio.sleep(REFRESH)

    def _remote(self, endpoint: Endpoint) -> Remote:
        return Remote(endpoint, self.session, self._timeouts, self._environ)

    def _ggufs(self) -> list[Path]:
        """The embedded model's file, then the others in the data directory; of a split model its first part."""
        own = self.local.path if self.local is not None else None
        found = sorted((self._data_dir / "models").glob("*.gguf"))
        others = [path for path in found if path != own and _offered(path.name)]
        return [*([own] if own is not None else []), *others]

    def _embedded(self) -> list[ModelInfo]:
        if self.local is None:
            return []
        infos = [self._gguf_info(self.local, path) for path in self._ggufs()]
        return list({info.id: info for info in reversed(infos)}.values())[::-1]  # of one name, the first

    def _gguf_info(self, local: LocalModel, path: Path | None) -> ModelInfo:
        name = model_name(path) if path is not None else "none"
        size = path.stat().st_size if path is not None and path.is_file() else 0
        return ModelInfo(
            id=f"embedded/{name}",
            endpoint="embedded",
            name=name,
            context_window=local.context_window,
            tiny=looks_tiny(name) or size < TINY_FILE,
            kind="embedded",
            loaded=path == local.path and size > 0,
        )


def _safe(listener: Callable[[Told], object]) -> Callable[[Told], None]:
    """`listener`, whose bugs are logged: they must not end what it listens to."""

    def tell(told: Told) -> None:
        try:
            listener(told)
        except Exception:
            log.exception("a listener of the models failed on a bug")

    return tell


def _not_there(path: Path, *, built_in: Path) -> ModelUnavailable:
    if path == built_in:
        return ModelUnavailable(f"The built-in model is not in {path.parent}.", hint="`make setup` fetches it.")
    return ModelUnavailable(f"The model file {path} is not there.", hint="Choose another one, or connect an endpoint.")


def _offered(name: str) -> bool:
    """Whether a file can be shown and chosen by its name: not a further part of a split model, and no broken UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return "-of-" not in name or "-00001-of-" in name


def _scripted(name: str) -> ModelInfo:
    return ModelInfo(f"scripted/{name}", "scripted", name, SCRIPTED_WINDOW, False, "scripted")


def _at(endpoint: Endpoint, base_url: str) -> Endpoint:
    return msgspec.structs.replace(endpoint, base_url=base_url)


def _implied(openai_key: str | None, openai_url: str | None, ollama_host: str | None) -> list[Endpoint]:
    """Endpoints that the environment names; one of the same name in the file comes before them."""
    found: list[Endpoint] = []
    if openai_key or openai_url:
        url, source = openai_url or "https://api.openai.com/v1", "OPENAI_API_KEY" if openai_key else "OPENAI_BASE_URL"
        found.append(Endpoint(name="openai", base_url=url, api_key=openai_key, source=source))
    if ollama_host:
        found.append(Endpoint(name="ollama", base_url=ollama_url(ollama_host), source="OLLAMA_HOST"))
    return found
