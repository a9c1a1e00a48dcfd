"""The server process: holds the data folder, listens, says where it is, and ends when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import socket
import stat
import sys
import time
from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec
import uvicorn

from alma import __version__
from alma.app import Alma, create_app
from alma.choices import logs_of
from alma.db.database import Database
from alma.errors import DataDirBusy, PortInUse, Unguarded
from alma.observability.logs import Logs, fields
from alma.security.addresses import reached_at
from alma.security.rules import is_loopback
from alma.security.tokens import load_tokens
from alma.server.admission import raise_descriptors
from alma.server.found import ServerFile
from alma.server.http_protocol import HttpProtocol
from alma.server.protocol import SocketProtocol
from alma.settings import Settings
from alma.stopping import Server

log = logging.getLogger(__name__)


@contextlib.contextmanager
def data_dir_lock(folder: Path) -> Generator[None]:
    """Hold the data folder: one Alma at a time. Raises `DataDirBusy`. It ends with the process."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _shut_out_others(folder)
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


def _shut_out_others(folder: Path) -> None:
    """Other accounts are to read no chats, also where an earlier version or a person made the folder. Not of a folder
    that belongs to somebody else, or to all (such as /tmp)."""
    found = folder.stat()
    if found.st_uid == os.geteuid() and found.st_mode & 0o077 and not found.st_mode & stat.S_ISVTX:
        with contextlib.suppress(OSError):  # a file system that knows no modes
            folder.chmod(0o700)


def serve(settings: Settings) -> int:
    """Run the server until it is told to stop. Raises a `StartupError` when it must not start."""
    with (
        data_dir_lock(settings.data_dir),
        Logs(logs_of(settings, _style(settings))),
        _listen(settings) as listener,
    ):
        alma = Alma(settings)
        address = settings.data_dir / "server.json"
        _note_start(settings, alma, cut_off=address.exists())
        doorway = alma.guard.doorway
        doorway.admission.keep_free(raise_descriptors())
        host, port = listener.getsockname()[:2]
        found = ServerFile(os.getpid(), _url(_nearest(host), port), alma.access.local_key)
        server = Server(
            uvicorn.Config(
                create_app(alma),
                log_config=None,
                access_log=False,
                loop="uvloop",
                http=partial(HttpProtocol, doorway=doorway),  # pyright: ignore[reportArgumentType]  # it is only called
                ws=partial(SocketProtocol, doorway=doorway),  # pyright: ignore[reportArgumentType]  # as above
                # A ping in half of the time, and the other half for its answer.
                ws_ping_interval=settings.idle_s / 2,
                ws_ping_timeout=settings.idle_s / 2,
                timeout_keep_alive=max(int(settings.idle_s), 1),
                ws_per_message_deflate=False,
                # Over the limit a frame is answered with an error; far over it, the connection is closed.
                ws_max_size=4 * settings.max_frame_bytes,
                proxy_headers=False,  # the entry takes the word of those proxies only that are trusted
                server_header=False,
            ),
            alma,
            settings.shutdown_grace_s,
            started=lambda: _announce_address(host, port, found, address, alma.unfinished),
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


def _note_start(settings: Settings, alma: Alma, *, cut_off: bool) -> None:
    """`cut_off`: what says where a server is was left behind by the last one."""
    if cut_off:
        log.warning("the server before this one was cut off; what it had begun goes on")
    where = {"data_dir": str(settings.data_dir), "database": alma.database.url.render_as_string()}
    log.info("Alma %s starts", __version__, extra=fields(pid=os.getpid(), **where))


def _style(settings: Settings) -> Literal["json", "console"]:
    if settings.log_format != "auto":
        return settings.log_format
    return "console" if sys.stderr.isatty() else "json"


def _announce_address(host: str, port: int, found: ServerFile, address: Path, unfinished: int) -> None:
    """For this user's eyes: whoever reads the file is taken for the person at this machine. `unfinished`: how many runs
    are taken up again."""
    temporary = address.with_suffix(".tmp")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.encode(found))
    temporary.replace(address)
    log.info("Alma listens at %s; unfinished runs that are taken up again: %d", found.url, unfinished)
    # The address is for whoever started it. In one piece: the log may go the same way at the same time.
    lines = [f"\n  Alma is ready: {found.url}"]
    if not is_loopback(host):
        others = _url(reached_at(host), port)
        lines.append(f"  For others: {others}, each with a token (`alma tokens add NAME`, docs/access.md)")
    sys.stdout.write("\n".join(lines) + "\n\n")
    sys.stdout.flush()


def _url(host: str, port: int) -> str:
    return f"http://{'[' + host + ']' if ':' in host else host}:{port}"


def _nearest(host: str) -> str:
    """Where this machine reaches what listens there."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def _check_guarded(settings: Settings) -> None:
    """Raises `Unguarded` where others could reach a server that nobody has the key to."""
    if is_loopback(settings.host) or asyncio.run(_has_token(settings)):
        return
    raise Unguarded(
        "Alma did not start: others could reach it, and there is no access token yet.",
        expected="127.0.0.1, or at least one access token that is valid",
        actual=f"ALMA_HOST={settings.host}, and no token",
        hint="Make one with `alma tokens add NAME --mine` (it is you, an administrator as at this "
        "machine; with --no-admin without that), or listen to this machine only: ALMA_HOST=127.0.0.1. "
        "docs/access.md says how to open Alma to others.",
    )


async def _has_token(settings: Settings) -> bool:
    database, now = Database(settings.database), time.time()
    database.open()
    try:
        return any(token.holds(now) for token in await database.read(load_tokens))
    finally:
        database.close()


def _listen(settings: Settings) -> socket.socket:
    """Raises `Unguarded`, `PortInUse`."""
    _check_guarded(settings)
    host, port = settings.host, settings.port
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
