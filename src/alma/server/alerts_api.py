"""Alerts over HTTP: rules with their state, history, silencing, and a test of each channel."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from alma.errors import Conflict, NotFound
from alma.observability.alert_book import Alert
from alma.observability.alert_rules import CHANNELS, ChannelName, link_of
from alma.observability.alerts import Alerts, RuleNow
from alma.security.fields import Exact
from alma.server.asking import ADMIN, Admin
from alma.server.watch_bodies import (
    AlertReply,
    AlertRuleReply,
    AlertsReply,
    ChannelReply,
    ChannelTest,
    ChannelTestReply,
    Silence,
)

_MISSING: dict[ChannelName, str] = {
    "webhook": "Set ALMA_ALERT_WEBHOOK to the address that is to get them.",
    "mail": "Set ALMA_ALERT_MAIL and ALMA_SMTP_URL.",
}


def routes(alerts: Alerts) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["alerts"], dependencies=[ADMIN])

    @router.get("/alerts")
    async def read_alerts() -> AlertsReply:
        """`history` has the newest 200."""
        standings = [alerts.standing(rule.name) for rule in alerts.rules.rules]
        return AlertsReply(
            rules=[_rule(one) for one in standings if one is not None],
            history=[_alert(one) for one in await alerts.history()],
            channels=[_channel(alerts, name) for name in CHANNELS],
            problems=[f"{alerts.path}: {one.whole}" for one in alerts.rules.problems],
        )

    @router.put("/alerts/rules/{name}/silence")
    async def silence_rule(caller: Admin, name: Annotated[str, Exact(200)], body: Silence) -> AlertRuleReply:
        _known(alerts, name)
        await alerts.silence(name, body.minutes, caller.name or caller.owner, body.reason)
        return _rule(_known(alerts, name))

    @router.post("/alerts/test")
    async def test_channel(body: ChannelTest) -> ChannelTestReply:
        """Sends a test over the channel and says what came of it."""
        if body.channel not in alerts.channels:
            raise Conflict(
                "channel_off",
                f"The channel {body.channel} is not set up.",
                hint=_MISSING.get(body.channel),
            )
        return ChannelTestReply(channel=body.channel, said=await alerts.try_channel(body.channel))

    return router


def _known(alerts: Alerts, name: str) -> RuleNow:
    standing = alerts.standing(name)
    if standing is None:
        raise NotFound(
            "unknown_rule", f"No alert rule is called {name!r}.", actual=name, hint="`alma alerts list` names them."
        )
    return standing


def _rule(one: RuleNow) -> AlertRuleReply:
    rule, silence = one.rule, one.silence
    return AlertRuleReply(
        name=rule.name,
        summary=rule.summary,
        hint=rule.hint,
        severity=rule.severity,
        metric=rule.metric,
        above=rule.above,
        threshold=rule.threshold,
        clear=rule.clear,
        for_s=rule.for_s,
        window_s=rule.window_s,
        channels=list(rule.channels),
        own=rule.own,
        state=one.state.state,
        since=one.since,
        now=one.state.value,
        silenced_until=silence.until if silence is not None else 0.0,
        silenced_by=silence.by if silence is not None else "",
        silenced_why=silence.reason if silence is not None else "",
        link=link_of(rule.metric),
        problem=one.problem,
    )


def _alert(one: Alert) -> AlertReply:
    return AlertReply(
        id=one.id,
        rule=one.rule,
        severity=one.severity,
        summary=one.summary,
        value=one.value,
        fired_at=one.fired_at,
        ended_at=one.ended_at,
        told=dict(one.told),
    )


def _channel(alerts: Alerts, name: ChannelName) -> ChannelReply:
    channel = alerts.channels.get(name)
    detail = channel.detail if channel is not None else _MISSING.get(name, "")
    return ChannelReply(name=name, on=channel is not None, detail=detail)
