"""A stand-in for a running server that speaks the protocol and can be told to cut connections anywhere."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import WSMsgType, web

PLAN: dict[str, Any] = {
    "source": "pattern",
    "pattern": "compare",
    "reason": "It names two things.",
    "tasks": [
        {"id": "1", "role": "researcher", "goal": "What does gas cost?", "title": "Gas"},
        {"id": "2", "role": "researcher", "goal": "What does a heat pump cost?", "title": "Heat pump"},
        {"id": "3", "role": "analyst", "goal": "Compare both.", "depends_on": ["1", "2"]},
    ],
}
Script = Callable[["Peer"], Awaitable[None]]


class Peer:
    """One accepted connection, as a script sees it."""

    def __init__(self, socket: web.WebSocketResponse, number: int) -> None:
        self.number = number
        self.socket = socket

    async def command(self) -> dict[str, Any]:
        message = await self.socket.receive()
        assert message.type is WSMsgType.TEXT, message
        return json.loads(message.data)

    async def send(self, **event: Any) -> None:
        await self.socket.send_str(json.dumps(event))

    async def custom(self, name: str, **value: Any) -> None:
        await self.send(type="CUSTOM", name=name, value=value)

    async def welcome(self, heartbeat_seconds: float = 15) -> None:
        await self.custom(
            "alma.welcome",
            protocol=1,
            version="0",
            bootId="b",
            heartbeatSeconds=heartbeat_seconds,
            maxFrameBytes=1_000_000,
            maxPromptChars=1000,
        )

    async def event(self, type: str, seq: int = 0, **fields: Any) -> None:
        """An event of the run r_1 in the thread t_1."""
        await self.send(type=type, threadId="t_1", runId="r_1", **({"seq": seq} if seq else {}), **fields)

    async def text(self, n: int, delta: str, attempt: int = 1) -> None:
        await self.event("TEXT_MESSAGE_CONTENT", messageId="r_1.main", attempt=attempt, n=n, delta=delta)

    async def begin(self, seq: int = 2, attempt: int = 1) -> None:
        if seq == 2:
            await self.event("RUN_STARTED", 1, text="the task", timestamp=1_700_000_000_000)
        await self.event(
            "TEXT_MESSAGE_START",
            seq,
            messageId="r_1.main",
            attempt=attempt,
            name="manager",
            model="m",
            endpoint="e",
            sections=[],
        )

    # ── plans ──

    async def note(self, name: str, seq: int = 9, task: str = "", **value: Any) -> None:
        """A CUSTOM event of the run, or of one of its tasks."""
        await self.event("CUSTOM", seq, name=name, value=value, **({"subagentRunId": task} if task else {}))

    async def plan(self, *, needs_approval: bool = False) -> None:
        """The run begins, with a plan of three tasks: 3 waits for 1 and 2."""
        await self.event("RUN_STARTED", 1, text="the task", timestamp=1_700_000_000_000)
        await self.note("alma.plan", 2, plan=PLAN, needsApproval=needs_approval)

    async def task_begins(self, task: str, role: str = "researcher", at: int = 0, **more: Any) -> None:
        await self.event("SUBAGENT_STARTED", 9, subagentRunId=task, name=role, timestamp=self.at(at), **more)

    async def task_opens(self, task: str, at: int = 0, attempt: int = 1, step: str = "answer") -> None:
        place: dict[str, Any] = {"subagentRunId": task} if task else {}
        await self.event(
            "TEXT_MESSAGE_START",
            9,
            messageId=f"r_1.{task or 'main'}.{step}",
            attempt=attempt,
            name="researcher",
            model="m",
            endpoint="e",
            sections=[],
            step=step,
            timestamp=self.at(at),
            **place,
        )

    async def task_says(self, task: str, n: int, delta: str, step: str = "answer") -> None:
        place: dict[str, Any] = {"subagentRunId": task} if task else {}
        message = f"r_1.{task or 'main'}.{step}"
        await self.event("TEXT_MESSAGE_CONTENT", messageId=message, attempt=1, n=n, delta=delta, **place)

    async def task_closes(self, task: str, n: int, step: str = "answer", **more: Any) -> None:
        place: dict[str, Any] = {"subagentRunId": task} if task else {}
        await self.event(
            "TEXT_MESSAGE_END",
            9,
            messageId=f"r_1.{task or 'main'}.{step}",
            attempt=1,
            n=n,
            finishReason="stop",
            usage={"input_tokens": 100, "output_tokens": 20},
            timing={"first_token_ms": 100.0, "total_ms": 1100.0},
            step=step,
            **place,
            **more,
        )

    async def task_ends(self, task: str, at: int = 2000) -> None:
        await self.event(
            "SUBAGENT_FINISHED", 9, subagentRunId=task, outcome={}, status="completed", timestamp=self.at(at)
        )

    async def task(self, task: str, text: str, role: str = "researcher") -> None:
        """A task from its beginning to its end."""
        await self.task_begins(task, role)
        await self.task_opens(task)
        await self.task_says(task, len(text), text)
        await self.task_closes(task, len(text))
        await self.task_ends(task)

    async def answer(self, text: str) -> None:
        """The joined answer, and the end of the run."""
        await self.task_opens("", at=3000)
        await self.task_says("", len(text), text)
        await self.task_closes("", len(text))
        await self.event("RUN_FINISHED", 90, outcome={}, status="completed", timestamp=self.at(5000))

    @staticmethod
    def at(ms: int) -> int:
        """Unix milliseconds, so long after the run's start."""
        return 1_700_000_000_000 + ms

    async def finish(self, n: int, seq: int = 3, status: str = "completed", attempt: int = 1) -> None:
        usage = {"input_tokens": 7, "output_tokens": 21}
        timing = {"first_token_ms": 100.0, "total_ms": 1100.0}
        await self.event(
            "TEXT_MESSAGE_END",
            seq,
            messageId="r_1.main",
            attempt=attempt,
            n=n,
            finishReason="stop",
            usage=usage,
            timing=timing,
        )
        await self.event("RUN_FINISHED", seq + 1, outcome={"type": "success"}, status=status)


class Stand:
    """`script` is played on every WebSocket connection; `answers` are the JSON API's, by method and path."""

    def __init__(self) -> None:
        self.script: Script | None = None
        self.answers: dict[str, tuple[int, Any]] = {}
        self.asked: list[tuple[str, Any]] = []
        self.connections = 0

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connections += 1
        assert self.script is not None
        await self.script(Peer(socket, self.connections))
        await socket.close()
        return socket

    async def api(self, request: web.Request) -> web.Response:
        body: Any = await request.read() or None
        if body is not None and request.content_type == "application/json":
            body = json.loads(body)
        self.asked.append((f"{request.method} {request.path_qs}", body))
        status, answer = self.answers.get(f"{request.method} {request.path}", (404, {"code": "unknown_thread"}))
        return web.Response(status=status) if answer is None else web.json_response(answer, status=status)
