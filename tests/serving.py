"""A real `alma serve` in a process of its own, and how to talk to it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import Any

from nursery import Child
from tables import empty_tables

REPO = Path(__file__).parents[1]
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Serving:
    """A running server; `call` speaks its JSON API."""

    def __init__(self, process: Child, port: int, folder: Path) -> None:
        self.process = process
        self.port = port
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"

    def call(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        """(status, decoded body). Underscores in header names stand for dashes."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data, method=method)
        request.add_header("Content-Type", "application/json")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with _opener.open(request, timeout=120) as response:
                return response.status, _decoded(response.read())
        except urllib.error.HTTPError as error:
            return error.code, _decoded(error.read())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw


def environment(folder: Path, **settings: object) -> dict[str, str]:
    """ALMA_* of a server with its data in `folder`: scripted model, nothing embedded but what is asked for."""
    given = {
        "data_dir": folder / "data",
        "models_file": folder / "models.toml",
        "embedded": "false",
        "scripted": "true",
        "model": "scripted/scripted",
        "log_level": "warning",
        "memory": "false",  # tests of memory turn it on; to the others runs are to come as if they were the first
        "exploration": "0",  # a task is done as it usually is, where a test does not ask for chance
        "cache": "false",  # tests send the same prompt twice and mean it
        **settings,
    }
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("ALMA_", "OPENAI_", "OLLAMA"))
    }
    return inherited | {f"ALMA_{name.upper()}": str(value) for name, value in given.items() if value is not None}


def start(folder: Path, *, port: int | None = None, **settings: object) -> Serving:
    """Start a server and wait until it is ready."""
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "models.toml").touch(mode=0o600)
    database = folder / "data/alma.db"
    if "database_url" not in settings and not database.exists():
        database.parent.mkdir(mode=0o700, exist_ok=True)
        shutil.copy(empty_tables(), database)
    process = Child(["serve"], folder, environment(folder, port=port, **settings), folder / "server.log")
    serving = Serving(process, port, folder)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the server ended:\n{(folder / 'server.log').read_text()}")
        with contextlib.suppress(OSError):
            if serving.call("GET", "/readyz")[0] in (200, 401):  # 401: it asks for a token, and so it is there
                return serving
        time.sleep(0.02)
    serving.kill()
    raise AssertionError("the server did not become ready")


@contextlib.contextmanager
def running(folder: Path, **settings: object) -> Generator[Serving]:
    serving = start(folder, **settings)
    try:
        yield serving
    finally:
        serving.stop()
