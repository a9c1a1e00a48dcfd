"""What the settings mean for each part: plain values, and parts that need nothing but them. Only `app.py` asks."""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections.abc import Callable, Sequence
from typing import Literal

from pydantic import SecretStr

from alma.agent.roles import Roles
from alma.config import environment
from alma.db.database import Database
from alma.engine.budget import Limits as BudgetLimits
from alma.engine.dispatch import Limits as DispatchLimits
from alma.engine.fairness import Weight
from alma.engine.ledger import Scope
from alma.engine.worker import Duty, Policy
from alma.errors import NotFound, SettingsInvalid
from alma.lookout import Choice as LookoutChoice
from alma.memory.embedder import Embedder
from alma.mind import Choice as MemoryChoice
from alma.models import endpoints
from alma.models.cache import ResponseCache
from alma.models.client import Timeouts
from alma.models.hub import PullProgress as Pulled
from alma.models.registry import Registry
from alma.observability.log_file import LogFile
from alma.observability.logs import LogChoice
from alma.observability.redaction import passwords_in, secrets_in
from alma.plan import MANAGER
from alma.recorder import Choice as RecorderChoice
from alma.schooling import Choice as SchoolingChoice
from alma.security.addresses import among, networks, reached_at
from alma.security.caller import Caller
from alma.security.keyring import Keyring
from alma.security.rates import Rates
from alma.security.rules import Rules, host_name, is_loopback
from alma.server.access import Access, Limits
from alma.server.admission import Admission, Patience
from alma.server.door_log import DoorLog
from alma.server.guard import Guard, Sizes
from alma.server.http_protocol import Doorway
from alma.server.sockets import Sockets
from alma.server.traffic import Traffic
from alma.settings import Settings
from alma.tools.files import ThreadFiles
from alma.tools.pages import PageReader
from alma.tools.python_runner import PythonRunner
from alma.tools.signature import Provided
from alma.tools.toolbox import SHIPPED, Toolbox

log = logging.getLogger(__name__)


def logs_of(settings: Settings, style: Literal["json", "console", "plain"]) -> LogChoice:
    """For whoever holds the data folder, and so may write its log."""
    file = (
        LogFile(settings.data_dir / "logs", settings.log_mib * 1024 * 1024, settings.log_days)
        if settings.log_file
        else None
    )
    return LogChoice(settings.log_level, style, secrets_of(settings), file)


def recorder_of(settings: Settings) -> RecorderChoice:
    dsn = settings.sentry_dsn
    given = {name: getattr(settings, name) for name in type(settings).model_fields}
    return RecorderChoice(
        secrets=secrets_of(settings),
        facts={name: str(value) for name, value in given.items() if value != Settings.model_fields[name].default},
        sentry_dsn=dsn.get_secret_value() if dsn is not None else None,
        trace_url=settings.trace_url,
        trace_words=settings.trace_prompts,
    )


def secrets_of(settings: Settings) -> frozenset[str]:
    """All that must never be shown: of the settings, the environment and the file of endpoints."""
    environ = environment()
    found = secrets_in(environ)
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            found.add(value.get_secret_value())
            found |= passwords_in(value.get_secret_value())
        elif isinstance(value, str):
            found |= passwords_in(value)
    if settings.alert_webhook is not None:
        found.add(settings.alert_webhook)  # whoever knows it may post to it
    with contextlib.suppress(SettingsInvalid, OSError):  # whoever needs the file says what is wrong with it
        found |= {key for one in endpoints.load(settings.models_file).endpoints if (key := one.key(environ))}
    return frozenset(found)


def cache_of(settings: Settings, database: Database, embedder: Embedder) -> ResponseCache:
    async def embed(text: str) -> Sequence[float]:
        return (await embedder.embed([text]))[0].tolist()

    return ResponseCache(
        database,
        exact=settings.cache,
        semantic=settings.cache_semantic,
        threshold=settings.cache_threshold,
        ttl_s=settings.cache_hours * 3600,
        max_bytes=settings.cache_mib * 1024 * 1024,
        embed=embed,
    )


def memory_of(settings: Settings) -> MemoryChoice:
    key = settings.embedding_api_key
    return MemoryChoice(
        folder=settings.data_dir / "memory",
        backend=settings.memory_backend,
        database_url=settings.database,
        backend_url=settings.memory_backend_url,
        embedding_url=settings.embedding_url,
        embedding_model=settings.embedding_model,
        embedding_key=key.get_secret_value() if key is not None else None,
        knowledge_dir=settings.knowledge_dir,
        max_document_bytes=settings.max_document_mib * 1024 * 1024,
    )


def schooling_of(settings: Settings) -> SchoolingChoice:
    return SchoolingChoice(settings.learning, settings.exploration, settings.lesson_tokens, settings.refine_idle_s)


def toolbox_of(settings: Settings, files: ThreadFiles) -> Toolbox:
    """The tools that ship and those of the user, all by the same door; what is off lacks what it needs."""
    provided: list[Provided] = [files]
    if settings.read_page_hosts:
        provided.append(PageReader(settings.read_page_hosts))
    if settings.python_tool:
        provided.append(PythonRunner())
    toolbox = Toolbox(provided=provided)
    for folder in (SHIPPED, settings.tools_dir):
        for problem in toolbox.load_folder(folder) if folder is not None else ():
            log.warning("%s", problem)
    return toolbox


def dispatch_limits_of(settings: Settings, roles: Roles) -> DispatchLimits:
    def of_role(name: str) -> int:
        try:
            return settings.max_parallel_tasks if name == MANAGER else roles.get(name).budgets.parallel
        except NotFound:
            return settings.max_parallel_tasks

    return DispatchLimits(
        of_role, settings.max_parallel_per_model, settings.max_parallel_per_owner, settings.max_parallel_tasks
    )


def budgets_of(settings: Settings) -> dict[Scope, BudgetLimits]:
    return {
        "run": BudgetLimits(settings.run_tokens, settings.run_seconds, settings.run_money),
        "thread": BudgetLimits(settings.thread_tokens, settings.thread_seconds, settings.thread_money),
        "owner": BudgetLimits(settings.owner_tokens, settings.owner_seconds, settings.owner_money),
        "day": BudgetLimits(settings.day_tokens, settings.day_seconds, settings.day_money),
    }


def policy_of(settings: Settings, roles: Roles, weight: Weight | None = None) -> Policy:
    def duty(name: str) -> Duty:
        try:
            role = roles.get(name)
        except NotFound:
            return Duty()
        stand_ins: list[tuple[str | None, str | None]] = [(None, model) for model in role.stand_in_models]
        stand_ins += [(other, None) for other in role.stand_ins]
        return Duty(role.version, role.budgets.tokens, role.budgets.seconds, stand_ins)

    return Policy(
        max_attempts=settings.max_attempts,
        duty=duty,
        knows=lambda name: name in roles.names(),
        max_reviews=settings.max_reviews,
        max_tasks=settings.max_plan_tasks,
        weight=weight,
    )


def guard_of(settings: Settings) -> Guard:
    policies = ("requests", "connects", "messages", "runs", "tokens", "bytes", "sign_ins")
    proxies = networks(settings.trusted_proxies)
    traffic, door_log = Traffic(), DoorLog()
    rates = {name: getattr(settings, f"limit_{name}") for name in policies}
    return Guard(
        Rates(rates, settings.limit_storage, refusals=traffic),
        Doorway(
            Admission(
                traffic,
                settings.max_connections,
                settings.max_connections_per_address,
                lambda address: among(address, proxies),
                lambda code, address: door_log.note(code, Caller("", address=address)),
            ),
            Patience(settings.request_header_s, settings.request_body_s, settings.idle_s, settings.slow_reader_s),
        ),
        Sockets(settings.heartbeat_seconds),
        traffic,
        Sizes(settings.max_body_bytes, settings.max_json_depth),
        settings.max_sockets_per_caller,
        door_log,
    )


def access_of(settings: Settings, database: Database, limits: Limits) -> Access:
    names = [host_name(name).lower() for name in settings.allowed_hosts]
    here = is_loopback(settings.host)
    rules = Rules(
        # A name that is not loopback's is one by which others come, through a proxy on this machine.
        guarded=settings.require_tokens or not here or not all(map(is_loopback, names)),
        hosts=frozenset((*names, _bracketed(settings.host).lower())) if names or here else None,
        origins=frozenset(settings.allowed_origins),
        proxies=networks(settings.trusted_proxies),
    )
    return Access(Keyring(database, settings.session_hours * 3600, limits), rules, secrets.token_hex(32), limits)


def registry_of(settings: Settings, on_change: Callable[[str], None], on_pull: Callable[[Pulled], None]) -> Registry:
    key = settings.openai_api_key
    return Registry(
        models_file_path=settings.models_file,
        data_dir=settings.data_dir,
        embedded=settings.embedded,
        gguf=settings.gguf,
        scripted=settings.scripted,
        default=settings.model,
        openai_api_key=key.get_secret_value() if key is not None else None,
        openai_base_url=settings.openai_base_url,
        ollama_host=settings.ollama_host,
        timeouts=Timeouts(settings.connect_timeout_s, settings.first_token_timeout_s, settings.stall_timeout_s),
        slots=settings.embedded_slots,
        threads=settings.embedded_threads,
        context_window=settings.embedded_context,
        hedge=settings.hedge,
        on_change=on_change,
        on_pull=on_pull,
        environ=environment(),
    )


def lookout_of(settings: Settings) -> LookoutChoice:
    return LookoutChoice(
        data_dir=settings.data_dir,
        min_disk_mib=settings.min_disk_mib,
        alerts_file=settings.alerts_file,
        webhook=settings.alert_webhook,
        mail_to=tuple(settings.alert_mail),
        mail_server=settings.smtp_url.get_secret_value() if settings.smtp_url is not None else None,
        mail_from=settings.smtp_from,
        report_hour=settings.report_hour,
        link=f"http://{_bracketed(reached_at(settings.host))}:{settings.port}/?page=health&part=alerts",
    )


def _bracketed(host: str) -> str:
    """As it stands in an address of the web."""
    return f"[{host}]" if ":" in host else host
