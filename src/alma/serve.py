"""The server process: holds the data folder, listens, says where it is, and ends when it is told to."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Literal

import msgspec
import uvicorn

from alma.app import Alma, create_app
from alma.choices import logs_of
from alma.errors import DataDirBusy, PortInUse
from alma.observability.logs import Logs
from alma.server.protocol import GatheringProtocol
from alma.settings import Settings
from alma.stopping import Server


@contextlib.contextmanager
def data_dir_lock(folder: Path) -> Generator[None]:
    """Hold the data folder: one Alma at a time. Raises `DataDirBusy`. It ends with the process."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise DataDirBusy(
                f"Another Alma uses {folder}.",
                expected="a data folder of its own",
                actual=f"process {file.read().strip() or 'unknown'} holds it",
                hint="Use that one, stop it, or set ALMA_DATA_DIR to another folder.",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def serve(settings: Settings) -> int:
    """Run the server until it is told to stop. Raises a `StartupError` when it must not start."""
    with (
        data_dir_lock(settings.data_dir),
        Logs(logs_of(settings, _style(settings))),
        _listen(settings.host, settings.port) as listener,
    ):
        alma = Alma(settings)
        host, port = listener.getsockname()[:2]
        url = f"http://{'[' + host + ']' if ':' in host else host}:{port}"
        address = settings.data_dir / "server.json"
        server = Server(
            uvicorn.Config(
                create_app(alma),
                log_config=None,
                access_log=False,
                loop="uvloop",
                http="httptools",
                ws=GatheringProtocol,
                ws_per_message_deflate=False,
                # Over the limit a frame is answered with an error; far over it, the connection is closed.
                ws_max_size=4 * settings.max_frame_bytes,
            ),
            alma,
            settings.shutdown_grace_s,
            started=lambda: _announce_address(url, address),
            killed=lambda: address.unlink(missing_ok=True),
        )
        # uvicorn raises the signal that stopped it once more, after its shutdown; it must not skip what follows.
        signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(int(alma.failed)))
        try:
            with contextlib.suppress(KeyboardInterrupt):
                server.run(sockets=[listener])
        finally:
            address.unlink(missing_ok=True)
    return 0


def _style(settings: Settings) -> Literal["json", "console"]:
    if settings.log_format != "auto":
        return settings.log_format
    return "console" if sys.stderr.isatty() else "json"


def _announce_address(url: str, address: Path) -> None:
    temporary = address.with_suffix(".tmp")
    temporary.write_bytes(msgspec.json.encode({"pid": os.getpid(), "url": url}))
    temporary.replace(address)
    print(f"\n  Alma is ready: {url}\n", flush=True)  # noqa: T201  # the address is for whoever started it


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise PortInUse(
            f"Port {port} cannot be used.",
            expected=f"a free port on {host}",
            actual=error.strerror or str(error),
            hint=f"Stop what uses it, or choose another: ALMA_PORT={port + 1}.",
        ) from None
    return listener
