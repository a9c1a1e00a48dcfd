"""Health, alerts and reports put together: what is looked at, who is told, when a report is made."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import aiohttp
from msgspec import Struct

from alma.db.database import Database
from alma.engine.dispatch import LocalDispatcher
from alma.errors import AlmaError
from alma.memory.dense import Dense
from alma.memory.embedder import Embedder
from alma.models.registry import Registry
from alma.observability import health_checks as look_at
from alma.observability.alert_rules import ChannelName, link_of
from alma.observability.alerts import Alerts
from alma.observability.channels import Away, LogChannel, Telling, Webhook
from alma.observability.health import Check, Health
from alma.observability.health_checks import EmbeddedModel, IndexFacts, LoopLag
from alma.observability.reports import Reports
from alma.observability.sketch import Sketch
from alma.session.notices import Notices
from alma.session.wire import AlertsNow, FiringAlert, Notice

log = logging.getLogger(__name__)
LAST_WRITE_S = 1.0  # that a stopping Alma gives to keeping how the alerts stand


class Choice(Struct, frozen=True):
    """What the settings say. `mail_server` may have a password in it. `link`: the page's address."""

    data_dir: Path
    min_disk_mib: int
    alerts_file: Path
    webhook: str | None
    mail_to: tuple[str, ...]
    mail_server: str | None
    mail_from: str
    report_hour: int
    link: str


class Lookout:
    """`log_problem`, `limit_problem`, `trace_problem`: what is wrong with the log's file, with the storage of rates and
    with sending traces; empty: nothing."""

    def __init__(
        self,
        database: Database,
        notices: Notices,
        choice: Choice,
        embedder: Embedder,
        registry: Registry,
        dense: Dense,
        dispatcher: LocalDispatcher,
        *,
        log_problem: Callable[[], str] = str,
        limit_problem: Callable[[], str] = str,
        trace_problem: Callable[[], str] = str,
    ) -> None:
        self.stopping = False
        self.choice = choice
        self._notices = notices
        self._lag = LoopLag()
        self.health = Health(
            [
                Check("database", look_at.database(database), every=5, vital=True),
                Check("disk", look_at.disk(choice.data_dir, choice.min_disk_mib)),
                Check("event loop", look_at.event_loop(self._lag), every=5, vital=True),
                Check("dispatcher", look_at.dispatcher(lambda: dispatcher.waiting), every=5, vital=True),
                Check("embedder", look_at.embedder(lambda: embedder.state), every=5),
                Check("embedded model", look_at.embedded_model(lambda: _embedded(registry)), every=5),
                Check("endpoints", look_at.endpoints(registry.endpoints), every=5, timeout=8, fresh=registry.refresh),
                Check("index", look_at.index(lambda: _index(dense)), every=15),
                Check("log file", look_at.problem(log_problem, "Can the data folder's logs be written?")),
                Check("limit storage", look_at.problem(limit_problem, "Is it running? See ALMA_LIMIT_STORAGE.")),
                Check("alert channels", look_at.problem(lambda: self.alerts.problem, "Try it: `alma alerts test`.")),
                Check("traces", look_at.problem(trace_problem, "Is the collector running? See ALMA_TRACE_URL.")),
            ]
        )
        self.alerts = Alerts(
            database,
            choice.alerts_file,
            [PageChannel(notices), LogChannel()],
            _away(choice, registry.session),
            self.health.values,
            self._alerts_changed,
            link=choice.link,
        )
        self.reports = Reports(database, choice.report_hour)

    def sampled(self, values: Mapping[str, float], sketches: Mapping[str, Sketch]) -> None:
        """A second's figures, from whoever takes them, and what they are made of."""
        self.alerts.take(values, sketches)

    async def open(self) -> None:
        await self.alerts.open()
        self._alerts_changed()

    async def run(self, *, alerts: bool) -> None:
        """Until cancelled. `alerts`: this is a server, not a command that works for a moment."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._lag.run())
            group.create_task(self.health.run())
            if alerts:
                group.create_task(self.alerts.run())
                group.create_task(self.reports.run())

    async def close(self) -> None:
        """Keep how the alerts stand, so that nobody is told twice."""
        with contextlib.suppress(AlmaError, TimeoutError):
            async with asyncio.timeout(LAST_WRITE_S):
                await self.alerts.flush()

    def _alerts_changed(self) -> None:
        firing = [
            FiringAlert(
                id=alert.id,
                rule=alert.rule,
                severity=alert.severity,
                summary=alert.summary,
                value=alert.value,
                fired_at=alert.fired_at,
                hint=rule.hint,
                silenced_until=silence.until if silence is not None else 0.0,
                link=link_of(rule.metric),
            )
            for alert, rule, silence in self.alerts.firing()
            if rule is not None and "page" in rule.channels
        ]
        self._notices.let_stand(AlertsNow(firing=firing))


class PageChannel:
    """What fires is shown by `alma.alerts`, whole, whenever it changes; here is only what is beside it."""

    name: ChannelName = "page"
    detail = "the page, for administrators"

    def __init__(self, notices: Notices) -> None:
        self._notices = notices

    def say(self, telling: Telling) -> None:
        if telling.what == "test":
            self._notices.broadcast(Notice(code="alert_test", message=f"{telling.summary}."), admins=True)


def _away(choice: Choice, session: Callable[[], aiohttp.ClientSession]) -> Sequence[Away]:
    channels: list[Away] = []
    if choice.webhook:
        channels.append(Webhook(choice.webhook, session))
    if choice.mail_to and choice.mail_server:
        from alma.observability.mail import Mail

        channels.append(Mail(choice.mail_server, choice.mail_from, choice.mail_to))
    return channels


def _embedded(registry: Registry) -> EmbeddedModel:
    state = registry.embedded_state()
    return EmbeddedModel(state.state, state.detail)


async def _index(dense: Dense) -> IndexFacts:
    states = await dense.state()
    serving = states[0] if states else None
    return IndexFacts(
        entries=serving.entries if serving is not None else 0,
        missing=serving.missing if serving is not None else 0,
        waiting=dense.waiting,
        problem=dense.problem,
        unsaved=dense.unsaved,
    )
