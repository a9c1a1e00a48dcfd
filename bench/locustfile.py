"""Load from outside, with Locust: people who ask, read lists and search memory, over the doors that everybody has.

    pip install locust websocket-client
    locust -f bench/locustfile.py --host http://127.0.0.1:8000              # its page is on http://localhost:8089
    locust -f bench/locustfile.py --host http://127.0.0.1:8000 --headless -u 50 -r 5 -t 2m --html load.html

`ALMA_TOKEN` is sent where it is set, `ALMA_LOAD_MODEL` names the model (by default the server's own), `ALMA_LOAD_TASK`
the task. A task is one request in Locust's tables: `run` from sending it to the end of the answer, `first token` to its
first text. What a limit refuses is waited for, as the page does, and counted as `waited for a limit`, not as a failure.
At the end runs under way get a minute (or `--stop-timeout`) to end; one that has not by then has failed as well.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from typing import Any

import gevent
import websocket
from locust import HttpUser, between, events, task

TOKEN = os.environ.get("ALMA_TOKEN", "")
MODEL = os.environ.get("ALMA_LOAD_MODEL") or None
TASK = os.environ.get("ALMA_LOAD_TASK", "Write one sentence about rain.")
PATIENCE_S = 300
ENDING_S = 60
LIMITED = "waited for a limit"
BEARER = {"Authorization": f"Bearer {TOKEN}"} if TOKEN else {}


@events.init.add_listener
def give_time_to_end(environment: Any, **_: Any) -> None:
    """Without it whatever is under way at the end is killed, be it a run that hangs or one that has just begun."""
    environment.stop_timeout = environment.stop_timeout or ENDING_S


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
        except gevent.GreenletExit:  # no error of a program's: Locust ends the person who still waits
            note("run", began, Refused("no answer before the end"))
            raise
        else:
            note("run", began)

    @task(3)
    def look(self) -> None:
        self._get("/api/threads?limit=20", "threads")
        self._get("/api/models", "models")

    @task(1)
    def remember(self) -> None:
        self._get("/api/memories?query=rain&limit=10", "memories")

    def _get(self, path: str, name: str) -> None:
        while True:
            began = time.perf_counter()
            with self.client.get(path, name=name, catch_response=True) as answer:
                if answer.status_code != 429:
                    return
                time.sleep(float(answer.headers.get("Retry-After", 1)))
                answer.request_meta.update(name=LIMITED, response_time=1000 * (time.perf_counter() - began))
                answer.success()

    def _run(self, command: dict[str, Any]) -> None:
        """Until the run's end. A command over a limit is sent again, with the same key, when the server says."""
        socket = self._connected()
        sent = time.perf_counter()
        socket.send(json.dumps(command))
        run_id, first = "", False
        while time.perf_counter() - sent < PATIENCE_S:
            event = self._next(socket)
            value = event.get("value") or {}
            kind = event["name"] if event["type"] == "CUSTOM" else event["type"]
            if kind == "alma.error" and value.get("id") == command["id"]:
                if not value.get("limit"):
                    raise Refused(value["code"])
                time.sleep(value["limit"]["retryAfterS"])
                note(LIMITED, sent)
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
            self.socket = self._let_in(address, header)
        return self.socket

    @staticmethod
    def _let_in(address: str, header: list[str]) -> websocket.WebSocket:
        """Connections have their limit too: who is over it is told so instead of being greeted."""
        while True:
            began = time.perf_counter()
            socket = websocket.create_connection(address, timeout=PATIENCE_S, header=header)
            event = Person._next(socket)
            if event.get("name") != "alma.error":
                return socket
            socket.close()
            if not event["value"].get("limit"):
                raise Refused(event["value"]["code"])
            time.sleep(event["value"]["limit"]["retryAfterS"])
            note(LIMITED, began)

    @staticmethod
    def _next(socket: websocket.WebSocket) -> dict[str, Any]:
        text = socket.recv()
        if not text:
            raise Refused("the connection was closed")
        return json.loads(text)
