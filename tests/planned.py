"""What tests of planned runs share: plans as a model makes them, answers that wait for a word, looking at frames."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, TypeVar

from alma.events import MessageStarted, Recorded
from alma.models.chat import ChatRequest, Chunk, ToolCall
from alma.models.script import Rule
from session_bench import Client, SessionBench

REQUEST = "Tell me about bread."  # names no option and no criterion: any goal is related to it
COMPARE = "Compare heating a house with gas and with a heat pump: cost, climate, comfort; recommend one"
DECIDE = "^Decide how to treat the request"
HELD = 1000.0  # seconds of delay from which on it is a gate and no delay
E = TypeVar("E")


def task(role: str, goal: str, *depends_on: int, review_of: int | None = None, title: str = "") -> dict[str, Any]:
    return {
        "role": role,
        "title": title or ("Work" if goal.startswith("!") else goal),
        "goal": goal,
        "inputs": [],
        "depends_on": list(depends_on),
        "expected": "",
        "done_when": "",
        "review_of": review_of,
    }


def plan_json(*tasks: dict[str, Any], action: str = "plan", question: str = "") -> str:
    return json.dumps({"action": action, "reason": "so", "question": question, "tasks": list(tasks)})


def plans(bench: SessionBench, *tasks: dict[str, Any]) -> None:
    """From now on the model is strong, and makes this plan."""
    bench.models.strong = True
    bench.model.script.append(Rule(match=DECIDE, answer=plan_json(*tasks)))


def answers(bench: SessionBench, goal: str, answer: str, **more: Any) -> None:
    """What the model says to a task whose goal ends the prompt."""
    bench.model.script.append(Rule(match=rf"(?:^|\n){goal}$", answer=answer, **more))


def calls(bench: SessionBench, goal: str, *asked: tuple[str, object], **more: Any) -> None:
    """The model calls these tools (name, arguments) whenever it is given this goal."""
    made = tuple(ToolCall(f"m{at}", name, json.dumps(given)) for at, (name, given) in enumerate(asked))
    bench.model.script.append(Rule(match=rf"(?:^|\n){goal}$", tool_calls=made, finish_reason="tool_calls", **more))


def acts(bench: SessionBench, goal: str, *rounds: list[tuple[str, str]], answer: str = "done", hold: float = 0) -> None:
    """The agent of this goal makes these calls (name, JSON), one round after the other, then answers. `hold`: before
    it speaks for the first time."""
    earlier = bench.model.stream
    match = rf"(?:^|\n){goal}$"

    def streams(request: ChatRequest) -> AsyncGenerator[Chunk]:
        said = sum(message.role == "assistant" and bool(message.tool_calls) for message in request.messages)
        if said < len(rounds):
            made = tuple(ToolCall(f"m{at}", name, given) for at, (name, given) in enumerate(rounds[said]))
            rule = Rule(match=match, tool_calls=made, finish_reason="tool_calls", first_delay=hold if not said else 0.0)
        else:
            rule = Rule(match=match, answer=answer)
        bench.model.script = [rule, *(one for one in bench.model.script if one.match != match)]
        return earlier(request)

    bench.model.stream = streams  # type: ignore[method-assign]


def holds(bench: SessionBench, goal: str, answer: str, *, before: str = "") -> asyncio.Event:
    """The model says `before`, then waits until the event is set, before it goes on with `answer`."""
    gates: dict[float, asyncio.Event] = bench.__dict__.setdefault("gates", {})
    delay = HELD + len(gates)
    gates[delay] = asyncio.Event()

    async def sleep(seconds: float) -> None:
        if seconds >= HELD:
            await gates[seconds].wait()
        else:
            await asyncio.sleep(seconds)

    bench.model._sleep = sleep
    bench.model.script.append(Rule(match=rf"(?:^|\n){goal}$", answer=answer, first_delay=delay, reasoning=before))
    return gates[delay]


def role_file(folder: Path, name: str, prompt: str = "Do it.", **front: object) -> None:
    """A role in a file: JSON is YAML."""
    folder.mkdir(exist_ok=True)
    lines = [f"{key}: {json.dumps(value)}" for key, value in {"name": name, "purpose": "It helps.", **front}.items()]
    (folder / f"{name}.md").write_text("\n".join(["---", *lines, "---", prompt, ""]))


_keys = itertools.count()


async def start(client: Client, text: str = REQUEST, **fields: object) -> dict[str, Any]:
    """Send an analytical task; gives its acknowledgement."""
    command = client.say("run.start", key=f"key {next(_keys)}", text=text, **{"kind": "analytical", **fields})
    ack = await client.answer(command)
    assert "code" not in ack, ack
    return ack


async def do(client: Client, command: str, run_id: str, **fields: object) -> dict[str, Any]:
    """A word on a run; gives what it is answered."""
    return await client.answer(client.say(command, runId=run_id, **fields))


def found(client: Client, **wanted: object) -> list[dict[str, Any]]:
    """The frames until now that have these fields, `value` flattened."""
    flat = [{**one, **one["value"]} if one["type"] == "CUSTOM" else one for one in client.frames]
    return [one for one in flat if all(one.get(name) == value for name, value in wanted.items())]


async def seen(client: Client, count: int = 1, **wanted: object) -> dict[str, Any]:
    """The `count`th frame with these fields: one that came already, or the next to come."""
    async with asyncio.timeout(120):
        while len(there := found(client, **wanted)) < count:
            await client.arrived.get()
    return there[count - 1]


async def end_of(client: Client, run_id: str) -> dict[str, Any]:
    """The last frame of a run."""
    async with asyncio.timeout(120):
        while True:
            for kind in ("RUN_FINISHED", "RUN_ERROR"):
                if there := found(client, type=kind, runId=run_id):
                    return there[0]
            await client.arrived.get()


async def log_of(bench: SessionBench, run_id: str, kind: type[E], task_id: str | None = None) -> list[E]:
    """The entries of one kind in a run's log."""
    log: list[Recorded] = await bench.journal.read(run_id)
    return [
        one.entry for one in log if isinstance(one.entry, kind) and (task_id is None or one.entry.task_id == task_id)
    ]


def asked(bench: SessionBench, part: str) -> list[str]:
    """The last user text of every model call whose text has this part."""
    said = [next(m.content for m in reversed(one.messages) if m.role == "user") for one in bench.model.requests]
    return [text for text in said if part in text]


async def prompts_are_exact(bench: SessionBench, run_id: str) -> int:
    """Every message of the run shows the prompt that its model was sent; gives how many there were."""
    sent = [one.messages for one in bench.model.requests]
    ids = {entry.message_id for entry in await log_of(bench, run_id, MessageStarted)}
    for message_id in ids:
        shown = (await bench.sessions.prompt("ada", run_id, message_id)).messages
        assert shown in sent, f"{message_id} was not sent so: {shown}"
    return len(ids)
