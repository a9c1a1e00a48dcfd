"""The fast floor: a bare passthrough, one frame per token, on the same server options as Alma. No agent, nothing kept.

python -m bench.floor PORT FAKE_PORT
"""

from __future__ import annotations

import sys

import aiohttp
import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect


class Delta(msgspec.Struct):
    content: str | None = None


class Choice(msgspec.Struct):
    delta: Delta


class Event(msgspec.Struct):
    choices: list[Choice]


class Frame(msgspec.Struct, tag="TEXT_MESSAGE_CONTENT", tag_field="type"):
    n: int
    delta: str


decode = msgspec.json.Decoder(Event).decode
encode = msgspec.json.Encoder().encode
FAKE = f"http://127.0.0.1:{sys.argv[2]}/v1/chat/completions"
sessions: list[aiohttp.ClientSession] = []


async def stream(socket: WebSocket) -> None:
    await socket.accept()
    if not sessions:
        sessions.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
    try:
        while True:
            ask = msgspec.json.decode(await socket.receive_text())
            body = {"model": ask["model"], "stream": True, "messages": [{"role": "user", "content": ask["text"]}]}
            n = 0
            async with sessions[0].post(
                FAKE, data=msgspec.json.encode(body), headers={"Content-Type": "application/json"}
            ) as response:
                async for line in response.content:
                    if line.startswith(b"data: {"):
                        choices = decode(line[6:]).choices
                        if choices and (text := choices[0].delta.content):
                            n += len(text)
                            await socket.send_text(encode(Frame(n, text)).decode())
            await socket.send_text('{"type":"RUN_FINISHED"}')
    except WebSocketDisconnect:
        pass


async def ready(_request: object) -> PlainTextResponse:
    return PlainTextResponse("ok")


if __name__ == "__main__":
    uvicorn.run(
        Starlette(routes=[Route("/readyz", ready), WebSocketRoute("/ws", stream)]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        log_level="warning",
    )
