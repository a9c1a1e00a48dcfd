"""Alerts at work: rules are looked at with every sample, what fires and ends is told and kept.

Looking and deciding never wait: telling is the couriers' work, keeping that of a task in the background, so that a
database that is down, of all things, can be told of. Who was told that something began is told that it ended; what
begins while its rule is silenced is told when the silence is over and it still is so.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import msgspec
from msgspec import Struct

from alma.db.database import Database
from alma.errors import AlmaError
from alma.observability import alert_book as book
from alma.observability.alert_book import Alert, Silence
from alma.observability.alert_rules import NEW_ERRORS, Rule, Rules, load, shipped
from alma.observability.alert_state import NO_SKETCHES, Standing, Window, step
from alma.observability.catalog import BY_NAME
from alma.observability.channels import Away, Here, Telling
from alma.observability.courier import Courier, Delivery
from alma.observability.sketch import Sketch

log = logging.getLogger(__name__)
LOOK_EVERY_S = 1.0  # between two looks where no samples come
READ_EVERY_S = 10.0  # between two looks at the file of rules and the groups of errors
AGAIN_S = 300.0  # after which a telling that failed is tried once more, while the alert is as it was
NEW_FOR_S = 300.0  # that a group of errors counts as new
HISTORY = 200


class RuleNow(Struct, frozen=True):
    """A rule and how it stands. `since`: Unix seconds."""

    rule: Rule
    state: Standing
    since: float
    silence: Silence | None
    problem: str


class Alerts:
    """`here`, `away`: the channels that are on. `health` gives values of `health.…`. `changed` hears when what fires,
    or is silenced, has changed. `clock`: Unix seconds; `timer`: seconds that never go back. `link`: to the page."""

    def __init__(
        self,
        database: Database,
        path: Path,
        here: Sequence[Here],
        away: Sequence[Away],
        health: Callable[[], Mapping[str, float]],
        changed: Callable[[], None],
        *,
        link: str = "",
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rules: Rules = shipped()
        self.channels: dict[str, Here | Away] = {one.name: one for one in (*here, *away)}
        self._database = database
        self.path = path
        self._health = health
        self._changed = changed
        self._link = link
        self._clock = clock
        self._timer = timer
        self._here: dict[str, Here] = {one.name: one for one in here}
        self._couriers: dict[str, Courier] = {one.name: Courier(one, self._was_told) for one in away}
        self._standings: dict[str, Standing] = {}
        self._windows: dict[str, tuple[Rule, Window]] = {}
        self._open: dict[str, Alert] = {}  # by rule: what fires
        self._recent: dict[str, Alert] = {}  # by id: all that may still change, or is not kept yet
        self._unkept: set[str] = set()
        self._on_the_way: set[tuple[str, str]] = set()  # alert and channel
        self._again_at: dict[tuple[str, str], float] = {}
        self._silences: dict[str, Silence] = {}
        self._new_errors: float | None = None
        self._file: tuple[int, int] | None = None  # time and size of the file of rules as it was read
        self._sampled_at = -LOOK_EVERY_S
        self._keep = asyncio.Event()
        self._keeping = asyncio.Lock()

    @property
    def problem(self) -> str:
        """Of the channels that could not tell the last time."""
        failed = [f"{name}: {one.problem}" for name, one in self._couriers.items() if one.problem]
        return " ".join(failed)

    # ── living ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        """Take up what fired when Alma last stopped."""
        await self._read_rules()
        opened, silences = await self._database.read(
            lambda connection: (book.still_open(connection), book.silences(connection))
        )
        self._silences = {one.rule: one for one in silences}
        now = self._timer()
        for alert in opened:
            earlier = self._open.get(alert.rule)
            if earlier is not None:  # a crash between two writes
                self._end(earlier, tell=False)
            self._open[alert.rule] = self._recent[alert.id] = alert
            self._standings[alert.rule] = Standing("firing", now, now, alert.value)
        self._drop_what_has_no_rule()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for courier in self._couriers.values():
                group.create_task(courier.run())
            group.create_task(self._keep_all())
            group.create_task(self._read_all())
            while True:
                await asyncio.sleep(LOOK_EVERY_S)
                if self._timer() - self._sampled_at > 2 * LOOK_EVERY_S:
                    self._look({})

    async def flush(self) -> None:
        """Keep what is not kept yet; returns when it is. Raises `StorageFailure`."""
        async with self._keeping:
            await self._flush()

    async def _flush(self) -> None:
        if not self._unkept:
            return
        ids = set(self._unkept)
        rows = [_copy(self._recent[alert_id]) for alert_id in ids if alert_id in self._recent]
        self._unkept.clear()
        try:
            await self._database.write(lambda connection: book.write(connection, rows))
        except AlmaError:
            self._unkept |= ids
            raise
        for row in rows:
            if row.ended_at is not None and row.id not in self._unkept and not self._is_on_the_way(row.id):
                self._recent.pop(row.id, None)

    async def _keep_all(self) -> None:
        while True:
            await self._keep.wait()
            self._keep.clear()
            try:
                await self.flush()
            except AlmaError as error:
                log.warning("alerts cannot be kept yet: %s", error.actual)
                await asyncio.sleep(READ_EVERY_S)
                self._keep.set()

    async def _read_all(self) -> None:
        try:
            oldest = self._clock() - book.KEPT_DAYS * 86_400
            await self._database.write(lambda connection: book.forget_before(connection, oldest))
        except AlmaError as error:
            log.warning("old alerts could not be given up: %s", error.actual)
        while True:
            await self._read_rules()
            since = self._clock() - NEW_FOR_S
            try:
                self._new_errors = await self._database.read(partial(book.new_errors, since=since))
            except AlmaError:
                self._new_errors = None  # the database has an alert of its own
            await asyncio.sleep(READ_EVERY_S)

    async def _read_rules(self) -> None:
        """The file of rules, when it is another than it was."""

        def stamp() -> tuple[int, int] | None:
            try:
                stat = self.path.stat()
            except OSError:
                return None
            return stat.st_mtime_ns, stat.st_size

        now = await asyncio.to_thread(stamp)
        if now == self._file and not any(one.rule == "" and one.line == 0 for one in self.rules.problems):
            return
        before = self.rules
        self._file, self.rules = now, await asyncio.to_thread(load, self.path, self.rules)
        for problem in self.rules.problems if self.rules.problems != before.problems else ():
            log.warning("%s: %s", self.path, problem.whole)
        if self.rules != before:
            self._drop_what_has_no_rule()
            self._changed()

    # ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────

    def take(self, values: Mapping[str, float], sketches: Mapping[str, Sketch] = NO_SKETCHES) -> None:
        """A sample of the metrics, and of what ended in it; each is to be taken once."""
        self._sampled_at = self._timer()
        self._look(values, sketches)

    def _look(self, sample: Mapping[str, float], sketches: Mapping[str, Sketch] = NO_SKETCHES) -> None:
        values = {**sample, **self._health()}
        if self._new_errors is not None:
            values[NEW_ERRORS] = self._new_errors
        now = self._timer()
        news = False
        for rule in self.rules.rules:
            value = values.get(rule.metric)
            if value is None and sample and (known := BY_NAME.get(rule.metric)) is not None and known.what == "sum":
                value = 0.0  # nothing was counted
            before = self._standings.get(rule.name) or Standing(since=now)
            after = step(rule, before, self._window(rule).take(value, now, sketches), now)
            self._standings[rule.name] = after
            if after.state == "firing" and before.state != "firing":
                self._begin(rule, cast("float", after.value))
                news = True
            elif before.state == "firing" and after.state != "firing":
                if (alert := self._open.get(rule.name)) is not None:
                    self._end(alert, after.value)
                news = True
        for silence in [one for one in self._silences.values() if one.until <= self._clock()]:
            del self._silences[silence.rule]
            news = True
        self._tell_what_is_due()
        if news:
            self._changed()

    def _window(self, rule: Rule) -> Window:
        known = self._windows.get(rule.name)
        if known is None or (known[0].metric, known[0].window_s) != (rule.metric, rule.window_s):
            known = self._windows[rule.name] = (rule, Window(rule.metric, rule.window_s))
        return known[1]

    def _begin(self, rule: Rule, value: float) -> None:
        at = self._clock()
        alert_id = f"al_{int(at * 1000):011x}{secrets.token_hex(5)}"
        alert = Alert(alert_id, rule.name, rule.severity, rule.summary, value, at, None, {})
        self._open[rule.name] = self._recent[alert.id] = alert
        self._note(alert)

    def _end(self, alert: Alert, value: float | None = None, *, tell: bool = True) -> None:
        if self._open.get(alert.rule) is alert:
            del self._open[alert.rule]
        alert.end_value = value
        alert.ended_at = max(self._clock(), alert.fired_at)
        for name in [name for name, said in alert.told.items() if said == "ok" and tell]:
            self._send(alert, name)
        for name in self.channels:
            self._again_at.pop((alert.id, name), None)
        self._note(alert)

    def _drop_what_has_no_rule(self) -> None:
        names = {rule.name for rule in self.rules.rules}
        for alert in [alert for name, alert in self._open.items() if name not in names]:
            self._end(alert)
        for name in [name for name in self._standings if name not in names]:
            del self._standings[name]
            self._windows.pop(name, None)

    # ── telling ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _tell_what_is_due(self) -> None:
        """Whoever is to know of what fires and does not yet."""
        now = self._timer()
        for alert in list(self._open.values()):
            rule = self._rule(alert.rule)
            if rule is None or alert.rule in self._silences:
                continue
            for name in rule.channels:
                way = (alert.id, name)
                if alert.told.get(name) != "ok" and way not in self._on_the_way and now >= self._again_at.get(way, now):
                    self._send(alert, name)

    def _send(self, alert: Alert, name: str) -> None:
        telling = self._telling(alert)
        if (courier := self._couriers.get(name)) is not None:
            self._on_the_way.add((alert.id, name))
            courier.take(telling)
        elif (channel := self._here.get(name)) is not None:
            channel.say(telling)
            self._was_told(Delivery(telling, name, "ok"))

    def _was_told(self, delivery: Delivery) -> None:
        telling, name = delivery.telling, delivery.channel
        way = (telling.id, name)
        self._on_the_way.discard(way)
        alert = self._recent.get(telling.id)
        if alert is None:
            return
        alert.told[name] = delivery.said
        self._again_at.pop(way, None)
        if delivery.said != "ok" and alert.ended_at is None:
            self._again_at[way] = self._timer() + AGAIN_S
        if telling.what == "firing" and delivery.said == "ok" and alert.ended_at is not None:
            self._send(alert, name)  # it ended while they were being told that it began
        self._note(alert)

    def _telling(self, alert: Alert) -> Telling:
        rule = self._rule(alert.rule)
        return Telling(
            what="firing" if alert.ended_at is None else "ended",
            id=alert.id,
            rule=alert.rule,
            severity=alert.severity,
            summary=alert.summary,
            hint=rule.hint if rule is not None else "",
            metric=rule.metric if rule is not None else "",
            value=alert.value if alert.ended_at is None else alert.end_value,
            threshold=rule.threshold if rule is not None else 0.0,
            fired_at=alert.fired_at,
            ended_at=alert.ended_at or 0.0,
            link=self._link,
        )

    def _note(self, alert: Alert) -> None:
        self._unkept.add(alert.id)
        self._keep.set()

    def _is_on_the_way(self, alert_id: str) -> bool:
        return any(on_the_way == alert_id for on_the_way, _ in self._on_the_way)

    def _rule(self, name: str) -> Rule | None:
        return next((rule for rule in self.rules.rules if rule.name == name), None)

    # ── what is asked ─────────────────────────────────────────────────────────────────────────────────────────────

    def firing(self) -> list[tuple[Alert, Rule | None, Silence | None]]:
        """What fires now, the newest first."""
        newest_first = sorted(self._open.values(), key=lambda alert: -alert.fired_at)
        return [(alert, self._rule(alert.rule), self._silences.get(alert.rule)) for alert in newest_first]

    def standing(self, name: str) -> RuleNow | None:
        rule = self._rule(name)
        if rule is None:
            return None
        now = self._timer()
        state = self._standings.get(name) or Standing(since=now)
        alert = self._open.get(name)
        since = alert.fired_at if alert is not None else self._clock() - (now - state.since)
        return RuleNow(rule, state, since, self._silences.get(name), self.rules.problem_of(name))

    async def history(self, limit: int = HISTORY) -> list[Alert]:
        """The newest first; also where the database cannot be read, as far as it is known without."""
        try:
            kept = await self._database.read(lambda connection: book.newest(connection, limit))
        except AlmaError:
            kept = []
        known = {alert.id: alert for alert in kept} | self._recent
        return sorted(known.values(), key=lambda alert: -alert.fired_at)[:limit]

    async def silence(self, name: str, minutes: float, by: str, reason: str) -> None:
        """0 minutes end it."""
        one = Silence(name, self._clock() + minutes * 60 if minutes else 0.0, by, reason)
        await self._database.write(lambda connection: book.silence(connection, one))
        self._silences.pop(name, None)
        if minutes:
            self._silences[name] = one
        self._tell_what_is_due()
        self._changed()

    async def try_channel(self, name: str) -> str:
        """Tell a test over it: `ok`, or why not."""
        summary = "This is a test of how Alma tells alerts"
        test = Telling("test", "test", "test", "info", summary, "", "", None, 0.0, self._clock(), 0.0, self._link)
        if (courier := self._couriers.get(name)) is not None:
            return await courier.attempt(test)
        if (channel := self._here.get(name)) is not None:
            channel.say(test)
            return "ok"
        return "It is not set up."


def _copy(alert: Alert) -> Alert:
    return msgspec.structs.replace(alert, told=dict(alert.told))
