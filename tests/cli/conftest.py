"""A fixture for the command line's tests: a stand-in for a running server."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from aiohttp import web
from server_stand import Stand


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncGenerator[Stand]:
    """Serves on a free port, and says where in `server.json` of `tmp_path`."""
    stand = Stand()
    app = web.Application()
    app.router.add_get("/ws", stand.socket)
    app.router.add_route("*", "/api/{path:.*}", stand.api)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    (tmp_path / "server.json").write_text(json.dumps({"pid": os.getpid(), "url": f"http://127.0.0.1:{port}"}))
    try:
        yield stand
    finally:
        await runner.cleanup()
