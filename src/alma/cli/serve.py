"""`alma serve`: the server, in the foreground."""

from __future__ import annotations

import argparse
import os
import textwrap
import threading
import time
from pathlib import Path

from alma.cli.options import Subparsers, add_command, add_data_dir, read_settings


def add(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "serve",
        run,
        help="start the server and print its address",
        description="Starts Alma: the page, the JSON API and the embedded model. Unfinished work of an earlier start"
        " goes on. Every option is also a setting: see `alma settings`.",
        epilog=textwrap.dedent(
            """\
            examples:
              alma serve                            on http://127.0.0.1:8000
              alma serve --port 9000 --open         on another port, and open the page
              alma serve --gguf ~/models/qwen.gguf  with another embedded model
              alma serve --no-embedded              only with the endpoints of models.toml"""
        ),
    )
    parser.add_argument("--host", help="address to listen on; only this machine's own (127.0.0.1)")
    parser.add_argument("--port", help="port to listen on (8000); 0 takes any free one")
    parser.add_argument("--model", metavar="ID", help="model for tasks that name none")
    parser.add_argument("--gguf", metavar="FILE", help="model file for the embedded server")
    parser.add_argument("--no-embedded", action="store_const", const=False, dest="embedded", help="no embedded model")
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    add_data_dir(parser)


def run(arguments: argparse.Namespace) -> int:
    settings = read_settings(
        host=arguments.host,
        port=arguments.port,
        data_dir=arguments.data_dir,
        model=arguments.model,
        gguf=arguments.gguf,
        embedded=arguments.embedded,
    )
    from alma.serve import serve

    if arguments.open:
        threading.Thread(target=_open_page, args=(settings.data_dir,), daemon=True).start()
    return serve(settings)


def _open_page(data_dir: Path, patience_s: float = 120.0) -> None:
    """Open the browser as soon as this process has written where it listens."""
    import webbrowser

    from alma.cli.server_file import running_server

    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        server = running_server(data_dir)
        if server is not None and server.pid == os.getpid():
            webbrowser.open(server.url)
            return
        time.sleep(0.1)
