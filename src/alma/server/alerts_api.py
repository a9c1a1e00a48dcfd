"""Alerts over HTTP: rules with their state, history, silencing, and a test of each channel."""

from __future__ import annotations

from fastapi import APIRouter

from alma.server.asking import Admin
from alma.server.watch_bodies import AlertRuleReply, AlertsReply, ChannelTest, ChannelTestReply, Silence


def routes() -> APIRouter:
    router = APIRouter(prefix="/api", tags=["alerts"])

    @router.get("/alerts")
    async def read_alerts(caller: Admin) -> AlertsReply:
        raise NotImplementedError

    @router.put("/alerts/rules/{name}/silence")
    async def silence_rule(caller: Admin, name: str, body: Silence) -> AlertRuleReply:
        raise NotImplementedError

    @router.post("/alerts/test")
    async def test_channel(caller: Admin, body: ChannelTest) -> ChannelTestReply:
        """Sends a test over the channel and says what came of it."""
        raise NotImplementedError

    return router
