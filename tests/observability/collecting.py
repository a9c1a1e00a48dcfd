"""A small HTTP server that keeps what is posted to it, as a stand-in for Sentry and for a collector of traces."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Collector:
    """`posts`: (path, headers, body, unpacked) of each; `status`: what is answered."""

    url: str = ""
    status: int = 200
    posts: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    _more: threading.Condition = field(default_factory=threading.Condition)

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        with self._more:
            self.posts.append((path, headers, body))
            self._more.notify_all()

    def wait(self, enough: Callable[[], bool], patience_s: float = 20) -> None:
        """Until what came is enough."""
        with self._more:
            assert self._more.wait_for(enough, patience_s), f"{len(self.posts)} posts came"


class collecting:  # noqa: N801  # used as a function
    def __enter__(self) -> Collector:
        collector = Collector()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.take(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                self.send_response(collector.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        collector.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return collector

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
