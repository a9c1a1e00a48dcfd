"""A simulated user with a page open: asks, follows, loses the connection, comes back with cursors, and answers.

The client speaks the protocol over a line to one process. It puts the texts together as the page does, and checks at
every frame that the stream is exact. What the user does is drawn, from what the run needs at that moment.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from alma.engine.state import RunState, TaskState
from alma.sim.judge import Judge
from alma.sim.process import Process
from alma.sim.promises import AGAIN
from alma.sim.world import World

_PATIENCE_S = 4.0  # until a command without an answer is sent again


class Line:
    """A connection, as its process sees it: a `Socket`. Frames take a moment; a cut line loses what is on it."""

    def __init__(self, world: World, process: Process, client: Client) -> None:
        self.process = process
        self.cut = False
        self._world = world
        self._client = client
        self._inbox: list[str | None] = []
        self._waiter: asyncio.Future[None] | None = None
        self._arrives = 0.0

    # the process's side
    async def receive(self) -> str | bytes | None:
        while not self._inbox:
            self._waiter = self.process.loop.create_future()
            await self._waiter
        return self._inbox.pop(0)

    async def close(self, code: int, reason: str) -> None:  # noqa: ARG002  # a user does not look why
        self.drop()

    def drop(self) -> None:
        self.cut = True
        self._put(None)

    async def send(self, frame: str) -> None:
        if self.cut:
            raise ConnectionError("the client is gone")
        if self._world.chance(0.05):
            await asyncio.sleep(self._world.random.random())  # a client that does not keep up
        self._arrives = self._world.in_order(self._arrives, self._world.random.random() * 0.02)
        self._world.at(self._arrives, self._client.hear, self, frame)

    # the client's side
    def say(self, frame: str | None) -> None:
        self._world.after(self._world.random.random() * 0.02, self.process.loop.call_soon, self._put, frame)

    def _put(self, frame: str | None) -> None:
        self._inbox.append(frame)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Has:
    """What the client has of a message."""

    def __init__(self, attempt: int) -> None:
        self.attempt = attempt
        self.text = ""
        self.reasoning_n = 0


class Client:
    """`asks`: the commands with which its runs are begun, in order. They go into one thread."""

    def __init__(self, world: World, judge: Judge, asks: list[dict[str, Any]]) -> None:
        self.world = world
        self.judge = judge
        self.line: Line | None = None
        self.thread_id: str | None = None
        self.acked: dict[str, str] = {}  # by key: the run that it was promised
        self.seqs: dict[str, int] = {}
        self._asks = asks
        self._messages: dict[str, dict[str, Has]] = {}
        self._said = 0
        self._asked_at = -1.0
        self._asked_for: dict[str, str] = {}  # by command id: the key
        self._subscribing = ""  # id of the command that waits for its acknowledgement

    # ── the connection ────────────────────────────────────────────────────────────────────────────────────────────

    def connect(self, process: Process) -> None:
        self.disconnect()
        self.world.note(f"the client connects to {process.name}")
        self.line = Line(self.world, process, self)
        process.loop.call_soon(process.connect, self.line)
        if self.thread_id is not None:
            self._subscribing = self.say("thread.subscribe", threadId=self.thread_id, cursors=self._cursors())

    def disconnect(self) -> None:
        if self.line is not None:
            self.line.cut = True
            self.line.say(None)
            self.line = None
            self._asked_at = -1.0
            self._subscribing = ""

    def _cursors(self) -> dict[str, Any]:
        return {
            run_id: {
                "seq": seq,
                "messages": {
                    message_id: {"attempt": has.attempt, "n": len(has.text), "reasoningN": has.reasoning_n}
                    for message_id, has in self._messages.get(run_id, {}).items()
                },
            }
            for run_id, seq in self.seqs.items()
        }

    def say(self, command: str, /, **fields: Any) -> str:
        self._said += 1
        command_id = f"c{self._said}"
        if self.line is not None:
            self.line.say(msgspec.json.encode({"type": command, "id": command_id, **fields}).decode())
        return command_id

    # ── the stream ────────────────────────────────────────────────────────────────────────────────────────────────

    def hear(self, line: Line, frame: str) -> None:
        if line.cut or line is not self.line:
            return
        event: dict[str, Any] = msgspec.json.decode(frame)
        if "seq" in event:
            run_id, seq = event["runId"], event["seq"]
            if seq != self.seqs.get(run_id, 0) + 1:
                self.world.blame(f"the client got seq {seq} of run {run_id} after {self.seqs.get(run_id, 0)}")
            self.seqs[run_id] = seq
        match event["type"]:
            case "TEXT_MESSAGE_START" | "TEXT_MESSAGE_CONTENT" | "REASONING_MESSAGE_CONTENT" | "TEXT_MESSAGE_END":
                self._hear_text(event)
            case "CUSTOM":
                self._hear_custom(event)
            case _:
                pass

    def _hear_text(self, event: dict[str, Any]) -> None:
        run_id, message_id, attempt = event["runId"], event["messageId"], event["attempt"]
        messages = self._messages.setdefault(run_id, {})
        has = messages.get(message_id)
        if event["type"] == "TEXT_MESSAGE_START":
            if has is not None and attempt <= has.attempt:
                self.world.blame(f"the client got attempt {attempt} of {message_id} after {has.attempt}")
            messages[message_id] = Has(attempt)
        elif has is None or has.attempt != attempt:
            self.world.blame(f"the client got text of attempt {attempt} of {message_id}, which it does not follow")
        elif event["type"] == "REASONING_MESSAGE_CONTENT":
            if event["n"] - len(event["delta"]) != has.reasoning_n:
                self.world.blame(f"the client got a gap or a duplicate in the reasoning of {message_id}")
            has.reasoning_n = event["n"]
        elif event["type"] == "TEXT_MESSAGE_CONTENT":
            if event["n"] - len(event["delta"]) != len(has.text):
                self.world.blame(f"the client got a gap or a duplicate in {message_id}")
            has.text += event["delta"]
        elif has.text != self.judge.texts.get((run_id, message_id)):
            self.world.blame(f"the client has {has.text!r} for {message_id}, which is not what the journal has")

    def _hear_custom(self, event: dict[str, Any]) -> None:
        value = event["value"]
        if value.get("id") == self._subscribing:
            self._subscribing = ""
            if event["name"] == "alma.error":
                self.disconnect()  # and try again on another line
                return
        if event["name"] == "alma.ack" and value.get("id") in self._asked_for and value.get("runId"):
            self.thread_id = value["threadId"]
            key = self._asked_for[value["id"]]
            if self.acked.setdefault(key, value["runId"]) != value["runId"]:
                self.world.blame(f"the key {key} stands for two runs")
            if value["runId"] not in self.judge.logs:
                self.world.blame(f"run {value['runId']} was acknowledged before it was durable")
        elif event["name"] == "alma.error":
            self.world.note(f"the client is told {value['code']}: {value['message']}")
            if value["code"] in ("internal", "cursor_ahead", "key_reused"):
                self.world.blame(f"the client was refused with {value['code']}: {value['message']}")

    # ── the user ──────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def done(self) -> bool:
        """Everything was asked for and acknowledged, has ended, and is seen to its end."""
        return len(self.acked) == len(self._asks) and all(
            (state := self.judge.states.get(run_id)) is not None
            and state.finished is not None
            and self.seqs.get(run_id) == state.head
            for run_id in self.acked.values()
        )

    def look(self, whims: float) -> None:
        """What the user does now: the next task, an answer, or (`whims`, of 1) something uncalled for."""
        if self.line is None:
            return
        if len(self.acked) < len(self._asks) and not self._subscribing:
            ask = self._asks[len(self.acked)]
            if self._asked_at < 0 or self.world.now - self._asked_at > _PATIENCE_S:
                self._asked_at = self.world.now
                where = {"threadId": self.thread_id} if self.thread_id is not None else {}
                self._asked_for[self.say("run.start", **ask, **where)] = ask["key"]
        for run_id in self.acked.values():
            state = self.judge.states.get(run_id)
            if state is not None and state.finished is None:
                self._attend(state, whims)

    def _attend(self, state: RunState, whims: float) -> None:
        run_id, world = state.run_id, self.world
        for task in state.tasks.values():
            if not task.ended and task.waits_for_user:
                self._answer(run_id, task)
        if world.chance(whims * 0.3):
            self.say("run.stop", runId=run_id, **self._one_task(state))
        elif world.chance(whims):
            self.say("run.pause", runId=run_id)
        elif state.paused and (not whims or world.chance(0.5)):
            self.say("run.resume", runId=run_id)

    def _one_task(self, state: RunState) -> dict[str, str]:
        children = [task.id for task in state.unfinished()]
        return {"taskId": self.world.random.choice(children)} if children and self.world.chance(0.7) else {}

    def _answer(self, run_id: str, task: TaskState) -> None:
        random = self.world.random
        for question_id, asked in task.questions.items():
            if question_id not in task.answers:
                text = random.choice(asked.options) if asked.options else "As you like it."
                assert not asked.options or AGAIN in asked.options
                self.say("question.answer", runId=run_id, questionId=question_id, text=text)
        if task.plan_open:
            self.say("plan.decide", runId=run_id, taskId=task.id, approved=self.world.chance(0.7))
        for call_id, call in task.calls.items():
            if call.called.needs_approval and call.approved is None:
                self.say("tool.decide", runId=run_id, toolCallId=call_id, approved=self.world.chance(0.6))
