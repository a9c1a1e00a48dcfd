"""Load from outside, with Locust: people who ask, read lists and search memory, over the doors that everybody has.

    pip install locust websocket-client
    locust -f bench/locustfile.py --host http://127.0.0.1:8000              # its page is on http://localhost:8089
    locust -f bench/locustfile.py --host http://127.0.0.1:8000 --headless -u 50 -r 5 -t 2m --html load.html

`ALMA_TOKEN` is sent where it is set, `ALMA_LOAD_MODEL` names the model (by default the server's own), `ALMA_LOAD_TASK`
the task. A task is one request in Locust's tables: `run` from sending it to the end of the answer, `first token` to its
first text. What a limit refuses is waited for, as the page does, and counted as `waited for a limit`.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from typing import Any

import websocket
from locust import HttpUser, between, events, task

TOKEN = os.environ.get("ALMA_TOKEN", "")
MODEL = os.environ.get("ALMA_LOAD_MODEL") or None
TASK = os.environ.get("ALMA_LOAD_TASK", "Write one sentence about rain.")
PATIENCE_S = 300
BEARER = {"Authorization": f"Bearer {TOKEN}"} if TOKEN else {}


class Refused(Exception):
    """The server refused a command or the run failed; the text is its code."""


def note(name: str, began: float, error: Exception | None = None) -> None:
    """A line in Locust's tables."""
    events.request.fire(
        request_type="WS",
        name=name,
        response_time=1000 * (time.perf_counter() - began),
        response_length=0,
        exception=error,
    )


class Person(HttpUser):
    wait_time = between(1, 5)

    def on_start(self) -> None:
        self.client.headers.update(BEARER)
        self.socket: websocket.WebSocket | None = None

    def on_stop(self) -> None:
        if self.socket is not None:
            self.socket.close()

    @task(6)
    def ask(self) -> None:
        began = time.perf_counter()
        try:
            self._run({"type": "run.start", "id": "ask", "key": uuid.uuid4().hex, "text": TASK, "model": MODEL})
        except (Refused, OSError, websocket.WebSocketException) as error:
            self.socket = None
            note("run", began, error)
        else:
            note("run", began)

    @task(3)
    def look(self) -> None:
        self.client.get("/api/threads?limit=20", name="threads")
        self.client.get("/api/models", name="models")

    @task(1)
    def remember(self) -> None:
        self.client.get("/api/memories?query=rain&limit=10", name="memories")

    def _run(self, command: dict[str, Any]) -> None:
        """Until the run's end. A command over a limit is sent again, with the same key, when the server says."""
        socket = self._connected()
        sent = time.perf_counter()
        socket.send(json.dumps(command))
        run_id, first = "", False
        while time.perf_counter() - sent < PATIENCE_S:
            event = json.loads(socket.recv())
            value = event.get("value") or {}
            kind = event["name"] if event["type"] == "CUSTOM" else event["type"]
            if kind == "alma.error" and value.get("id") == command["id"]:
                if not value.get("limit"):
                    raise Refused(value["code"])
                time.sleep(value["limit"]["retryAfterS"])
                note("waited for a limit", sent)
                socket.send(json.dumps(command))
            elif kind == "alma.ack" and value.get("id") == command["id"]:
                run_id = value["runId"]
            elif event.get("runId") != run_id or not run_id:
                continue
            elif kind == "TEXT_MESSAGE_CONTENT" and not first:
                first = True
                note("first token", sent)
            elif kind == "RUN_FINISHED":
                return
            elif kind == "RUN_ERROR":
                raise Refused(event["code"])
        raise Refused("no answer in time")

    def _connected(self) -> websocket.WebSocket:
        if self.socket is None or not self.socket.connected:
            address = self.host.replace("http", "ws", 1) + "/ws?protocol=1&watch=none"
            header = [f"{name}: {value}" for name, value in BEARER.items()]
            self.socket = websocket.create_connection(address, timeout=PATIENCE_S, header=header)
        return self.socket
