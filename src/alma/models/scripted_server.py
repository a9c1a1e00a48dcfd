"""The scripted model as an OpenAI-compatible HTTP server, misbehaviours included. Loopback only.

    python -m alma.models.scripted --port 8099 [--script rules.json]

`POST /v1/chat/completions`, `GET /v1/models`, `GET /counts` (calls started, completed, failed, dropped by the
client, in all and by `[#marker]`), `POST /reset`. `PUT /mood` with {"fail": 0.3, "slow": 10} lets it refuse that
share of its calls (HTTP 500) and makes all delays as many times as long, until it is told otherwise. Built to cost
little per token, so that a bench measures Alma and not this server: pieces are encoded before the first is sent, and a
paced stream is a chain of timers that write to the transport.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct

from alma.models.script import Act, Fault, Rule, marker_of, resolve
from alma.models.scripted_wire import REFUSED_SCHEMA, Scripted
from alma.models.tokens import estimate

MODELS = ("scripted", "fake-200-50", "fake-500-max")
_NOISE = 0.02  # seconds between two comments


class Mood(Struct, frozen=True):
    """`fail`: the share of calls that are refused; `slow`: times that its delays are longer."""

    fail: float = 0.0
    slow: float = 1.0


class ScriptedServer:
    """An aiohttp application (`app`) and its counters. `stall` is for how many seconds a stalled stream stays open."""

    def __init__(self, script: Sequence[Rule] = (), *, stall: float = 3600.0) -> None:
        self.script = list(script)
        self.stall = stall
        self.calls: Counter[str] = Counter()
        self.counts: dict[str, Counter[str]] = {}
        self.requests: list[dict[str, Any]] = []  # bodies of the last 100
        self.mood = Mood()
        self._refused = 0.0  # calls that should have been refused and were not yet
        self.app = web.Application(client_max_size=64 * 1024 * 1024)
        self.app.add_routes(
            [
                web.post("/v1/chat/completions", self._chat),
                web.get("/v1/models", self._models),
                web.get("/counts", self._counts),
                web.post("/reset", self._reset),
                web.put("/mood", self._feel),
            ]
        )

    async def start(self, port: int = 0) -> web.AppRunner:
        """Serve on 127.0.0.1; the caller cleans the runner up. `port_of(runner)` says where."""
        runner = web.AppRunner(self.app, handler_cancellation=True, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        return runner

    async def _models(self, request: web.Request) -> web.Response:
        del request
        models = [{"id": name, "object": "model", "context_window": 8192} for name in MODELS]
        return web.json_response({"object": "list", "data": models})

    async def _counts(self, request: web.Request) -> web.Response:
        del request
        return web.json_response(self.counts)

    async def _reset(self, request: web.Request) -> web.Response:
        del request
        self.counts.clear()
        self.calls.clear()
        return web.Response(status=204)

    async def _feel(self, request: web.Request) -> web.Response:
        self.mood = msgspec.json.decode(await request.read(), type=Mood)
        return web.Response(status=204)

    def _moody(self, act: Act) -> Act:
        """What is done of `act` in this mood. Refusals are spread evenly."""
        self._refused += self.mood.fail
        if self._refused >= 1:
            self._refused -= 1
            return msgspec.structs.replace(act, fault=Fault("status", status=500))
        slow = self.mood.slow
        return msgspec.structs.replace(act, delay=act.delay * slow, first_delay=act.first_delay * slow)

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body: dict[str, Any] = msgspec.json.decode(await request.read())
        self.requests.append(body)
        del self.requests[:-100]
        text = next((str(m["content"]) for m in reversed(body["messages"]) if m["role"] == "user"), "")
        tokens = sum(estimate(str(message["content"])) + 4 for message in body["messages"])
        model = str(body.get("model", "scripted"))
        self.calls[text] += 1
        schema = body.get("response_format", {}).get("json_schema", {}).get("schema")
        act = resolve(self.script, text, model=model, schema=schema, call=self.calls[text])
        if self.mood != Mood():
            act = self._moody(act)
        marker = marker_of(text)
        names = ("", marker) if marker else ("",)
        self._count("started", names)
        try:
            if schema is not None and act.manner.schema == "refuse":
                response: web.StreamResponse = web.json_response(REFUSED_SCHEMA, status=400)
            else:
                response = await self._answer(request, act, Scripted(act, model, tokens), bool(body.get("stream")))
        except (asyncio.CancelledError, ConnectionError):
            self._count("dropped", names)
            raise
        self._count("completed" if act.fault is None else "failed", names)
        return response

    def _count(self, what: str, names: tuple[str, ...]) -> None:
        for name in names:
            self.counts.setdefault(name, Counter())[what] += 1

    async def _answer(self, request: web.Request, act: Act, wire: Scripted, stream: bool) -> web.StreamResponse:
        fault = act.fault
        if fault is not None and fault.kind == "status":
            headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
            error = {"error": {"message": "as the script says", "code": fault.status}}
            return web.json_response(error, status=fault.status, headers=headers)
        if fault is not None and fault.kind == "unreachable":
            return _hang_up(request, web.Response())
        if fault is not None and fault.kind == "html":
            return web.Response(text="<!doctype html><title>Not an API</title>", content_type="text/html")
        if fault is not None and fault.kind == "refusal":
            return web.json_response({"error": {"message": "as the script says", "code": 429}})
        if act.first_delay:
            await asyncio.sleep(act.first_delay)
        if act.whole or not stream:
            return web.json_response(wire.whole())
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)
        for _ in range(round(act.manner.noise / _NOISE)):
            await response.write(b": still at it\n\n")
            await asyncio.sleep(_NOISE)
        await response.write(wire.event({"role": "assistant", "content": ""}))
        await _play(request, wire.events()[: fault.after if fault is not None else None], act.delay)
        if fault is not None:
            return await self._break(request, response, fault)
        for call in wire.fragments():
            await response.write(wire.event({"tool_calls": [call]}))
        await response.write(wire.end())
        await response.write_eof()
        return response

    async def _break(self, request: web.Request, response: web.StreamResponse, fault: Fault) -> web.StreamResponse:
        match fault.kind:
            case "stall":
                await asyncio.sleep(self.stall)
            case "garbage":
                await response.write(b"data: {this is not JSON\n\n")
            case "error":
                await response.write(b'data: {"error": {"message": "as the script says", "code": 500}}\n\n')
            case "nested":
                await response.write(b'data: {"choices":' + b"[" * 200_000 + b"\n\n")
                await response.write_eof()
                return response
            case "big":
                await response.write(b'data: {"choices":[{"delta":{"content":"')
                for _ in range(max(1, fault.after)):
                    await response.write(b"a" * 1_000_000)
                await response.write(b'"}}]}\n\n')
                await response.write_eof()
                return response
            case "half":
                await response.write('data: {"choices":[{"delta":{"content":"für'.encode()[:-2] + b"\xc3")
            case _:
                pass
        return _hang_up(request, response)


def port_of(runner: web.AppRunner) -> int:
    """The port that `ScriptedServer.start` was given by the system."""
    return int(runner.addresses[0][1])


async def _play(request: web.Request, events: list[bytes], delay: float) -> None:
    """Write the events to the transport, already framed as HTTP chunks: flat out, or one every `delay` seconds."""
    transport = request.transport
    if transport is None or not events:
        return
    loop = asyncio.get_running_loop()
    framed = [b"%x\r\n%b\r\n" % (len(event), event) for event in events]
    if not delay:
        for index, event in enumerate(framed):
            transport.write(event)
            if index % 32 == 31:
                await asyncio.sleep(0)
                while transport.get_write_buffer_size() > 1 << 18 and not transport.is_closing():  # noqa: ASYNC110  # no event to wait for
                    await asyncio.sleep(0.001)
        return
    over = loop.create_future()
    began = loop.time()
    queue = iter(enumerate(framed, 1))

    def tick() -> None:
        nonlocal timer
        item = next(queue, None)
        if item is None or transport.is_closing():
            if not over.done():
                over.set_result(None)
            return
        transport.write(item[1])
        timer = loop.call_at(began + delay * (item[0] + 1), tick)

    timer = loop.call_at(began + delay, tick)
    try:
        await over
    finally:
        timer.cancel()


def _hang_up(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Send what is written and close the connection, without the end that HTTP asks for."""
    if request.transport is not None:
        request.transport.close()
    return response


def main() -> None:
    """The command line of `python -m alma.models.scripted`. Prints one JSON line with the port when it listens."""
    parser = argparse.ArgumentParser(prog="python -m alma.models.scripted", description="Serve the scripted model.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (0: any free one)")
    parser.add_argument("--script", type=Path, help="a JSON file with a list of rules (see script.py)")
    options = parser.parse_args()
    script = msgspec.json.decode(options.script.read_bytes(), type=list[Rule]) if options.script else []

    async def serve() -> None:
        runner = await ScriptedServer(script).start(options.port)
        sys.stdout.write(f'{{"port": {port_of(runner)}}}\n')
        sys.stdout.flush()
        try:
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    try:
        import uvloop

        run = uvloop.run
    except ImportError:
        run = asyncio.run
    with contextlib.suppress(KeyboardInterrupt):
        run(serve())
