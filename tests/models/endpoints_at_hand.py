"""What the model tests share: requests, and a TCP server on loopback that says whatever a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from alma.models.chat import ChatMessage, ChatModel, ChatRequest, Chunk

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def ask(text: str, **fields) -> ChatRequest:
    return ChatRequest(model=fields.pop("model", "m"), messages=[ChatMessage("user", text)], **fields)


async def collect(model: ChatModel, request: ChatRequest, into: list[Chunk] | None = None) -> list[Chunk]:
    """All chunks of a call; `into` has those that came before an error."""
    chunks = [] if into is None else into
    async for chunk in model.stream(request):
        chunks.append(chunk)
    return chunks


def text_of(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """One HTTP request: the head and the body that Content-Length announces. Returns the body."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    for line in head.split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return await reader.readexactly(int(line.split(b":")[1]))
    return b""


@asynccontextmanager
async def raw_server(handler: Handler) -> AsyncIterator[str]:
    """A TCP server on loopback; yields its base_url. Handlers still running at the end are cancelled."""
    tasks: set[asyncio.Task] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            tasks.discard(asyncio.current_task())

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
