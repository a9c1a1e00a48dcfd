"""How every part is: checks that look again and again in the background, and what they last found.

Whoever asks is answered from the last results at once. Each check has a deadline; one that hangs is itself down, and is
not begun again while it hangs, so that nothing piles up behind it. Knows no part: a check is a function.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from msgspec import Struct

log = logging.getLogger(__name__)
Status = Literal["ok", "degraded", "down"]
WORST: dict[Status, int] = {"ok": 0, "degraded": 1, "down": 2}
SETTLED_S = 60.0  # that a component must be ok before trouble counts as new


class Finding(Struct, frozen=True):
    """What a check found. `hint`: what a person can do about it. `name`: of the component, empty: the check's."""

    status: Status
    detail: str = ""
    hint: str = ""
    name: str = ""


Look = Callable[[], Awaitable[Sequence[Finding]]]


class Check(Struct, frozen=True):
    """`every`, `timeout`: seconds. `vital`: without it Alma is down, not only less than it could be. `fresh`: what is
    done before the look where somebody wants to know how it is now, because the look alone tells what was seen last."""

    name: str
    look: Look
    every: float = 10.0
    timeout: float = 5.0
    vital: bool = False
    fresh: Callable[[], Awaitable[None]] | None = None


class Component(Struct, frozen=True):
    """`since`: Unix seconds from which on it has been ok, or has not; a recovery that did not last a minute does not
    count."""

    name: str
    status: Status
    since: float
    detail: str = ""
    hint: str = ""
    vital: bool = False


class Report(Struct, frozen=True):
    """`status`: down when something vital is, degraded when anything else is not ok."""

    status: Status
    components: list[Component]


class _Standing:
    """Since when a component has been as it is. Pure; the clock is passed in."""

    def __init__(self, status: Status, now: float) -> None:
        self.status = status
        self.since = now
        self._trouble_began = now  # the newest trouble's beginning

    def becomes(self, status: Status, now: float) -> None:
        if (status == "ok") != (self.status == "ok"):
            if status == "ok":
                self._trouble_began, self.since = self.since, now
            else:
                relapse = now - self.since < SETTLED_S and self._trouble_began < self.since
                self.since = self._trouble_began if relapse else now
        self.status = status


class Health:
    """`run` must be running for results to be fresh. `clock`: Unix seconds."""

    def __init__(self, checks: Sequence[Check], clock: Callable[[], float] = time.time) -> None:
        self.checks = tuple(checks)
        self._clock = clock
        self._standings: dict[str, _Standing] = {}
        self._found: dict[str, Sequence[Finding]] = {}
        self._looking: dict[tuple[str, bool], asyncio.Task[Sequence[Finding]]] = {}  # by check, and whether it is fresh
        self._group: asyncio.TaskGroup | None = None
        self._refreshing: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                for check in self.checks:
                    group.create_task(self._repeat(check))
                await asyncio.Event().wait()
            finally:
                self._group = None

    async def refresh(self) -> None:
        """Look at everything now. Who asks meanwhile waits for the same look; it takes no longer than its deadlines."""
        if self._group is None:
            return
        if self._refreshing is None:
            self._refreshing = self._group.create_task(self._look_at_all())
        await asyncio.shield(self._refreshing)

    def report(self) -> Report:
        components: list[Component] = []
        for check in self.checks:
            for finding in self._found.get(check.name, ()):
                name = finding.name or check.name
                since = self._standings[name].since
                components.append(Component(name, finding.status, since, finding.detail, finding.hint, check.vital))
        return Report(_whole(components), components)

    def status(self, name: str) -> Status | None:
        """The worst that a check found; None before its first look."""
        found = self._found.get(name)
        return None if found is None else _worst(found)

    def first(self, name: str) -> Finding | None:
        """The worst finding of a check."""
        found = self._found.get(name)
        return max(found, key=lambda finding: WORST[finding.status]) if found else None

    def values(self) -> dict[str, float]:
        """1 for each check that found all in order, else 0: what alert rules look at."""
        return {metric_of(name): float(_worst(found) == "ok") for name, found in self._found.items()}

    # ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _repeat(self, check: Check) -> None:
        while True:
            await self._look(check)
            await asyncio.sleep(check.every)

    async def _look_at_all(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for check in self.checks:
                    group.create_task(self._look(check, fresh=check.fresh is not None))
        finally:
            self._refreshing = None

    async def _look(self, check: Check, *, fresh: bool = False) -> None:
        key = check.name, fresh
        task = self._looking.get(key)
        if task is None:
            assert self._group is not None
            task = self._looking[key] = self._group.create_task(_guarded(check, fresh=fresh))
            task.add_done_callback(lambda _task: self._looking.pop(key, None))
        done, _ = await asyncio.wait({task}, timeout=check.timeout)
        self._note(check, [_hanging(check)] if not done else [_DROPPED] if task.cancelled() else task.result())

    def _note(self, check: Check, found: Sequence[Finding]) -> None:
        now = self._clock()
        gone = {finding.name for finding in self._found.get(check.name, ())} - {finding.name for finding in found}
        for name in gone:
            self._standings.pop(name or check.name, None)
        for finding in found:
            name = finding.name or check.name
            standing = self._standings.get(name)
            if standing is None:
                standing = self._standings[name] = _Standing(finding.status, now)
            before = standing.status
            standing.becomes(finding.status, now)
            if before != finding.status:
                say = log.info if finding.status == "ok" else log.warning
                say("%s is %s: %s", name, finding.status, finding.detail)
        self._found[check.name] = found


def metric_of(name: str) -> str:
    """As which alert rules know a check."""
    return f"health.{name.replace(' ', '_')}"


async def _guarded(check: Check, *, fresh: bool) -> Sequence[Finding]:
    try:
        if fresh and check.fresh is not None:
            await check.fresh()
        return await check.look()
    except Exception as error:  # the check's boundary: whatever it raises is what it found
        log.debug("the check of %s failed", check.name, exc_info=True)
        return [Finding("down", f"The check failed: {error!r}"[:300], "Look into the log.")]


# What it waited for was given up by another part; the check itself goes on.
_DROPPED = Finding(
    "down", "What it waited for was given up.", "It is looked at again; if that stays, look into the log."
)


def _hanging(check: Check) -> Finding:
    return Finding(
        "down",
        f"It has not answered within {check.timeout:g} s.",
        "Something hangs below it; if that stays, look into the log and restart Alma.",
    )


def _worst(found: Sequence[Finding]) -> Status:
    return max(found, key=lambda finding: WORST[finding.status]).status if found else "ok"


def _whole(components: Sequence[Component]) -> Status:
    if any(component.vital and component.status == "down" for component in components):
        return "down"
    return "degraded" if any(component.status != "ok" for component in components) else "ok"
