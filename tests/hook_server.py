"""A little server of a test's own, that takes what is posted to one path."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from serving import free_port


@asynccontextmanager
async def posts_to(path: str, take: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncGenerator[str]:
    """Gives the address of `path`. Requests that `take` never answers hold up nobody at the end."""
    app = web.Application()
    app.router.add_post(path, take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}{path}"
    finally:
        await runner.cleanup()
