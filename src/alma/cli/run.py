"""`alma run`: give Alma a task and watch the answer come."""

from __future__ import annotations

import argparse
import asyncio
import sys
import textwrap
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from alma.cli.options import Subparsers, add_command, add_data_dir, read_settings, text, utf8
from alma.cli.spend import number, tokens

if TYPE_CHECKING:
    from alma.server.commands import StartRun


def add(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "run",
        run,
        help="give Alma a task and watch the answer come",
        description="Sends a task to the running server, or, where none runs, to an Alma started for this one task."
        " The answer goes to standard output; the plan, its tasks, figures and remarks go to standard error. Ctrl-C"
        " stops the run. What an agent asks is asked here, where there is a terminal; else the run is left waiting.",
        epilog=textwrap.dedent(
            """\
            examples:
              alma run "Write a haiku about rain"
              alma run --kind analytical "Is 91 a prime number?"
              git diff | alma run -                     the task from standard input
              alma run --approve "Compare …"            see the plan first, and change it
              alma run --file notes.md "Sum it up"      with a file that the agents can search
              alma run --tokens 5000 "Sum it up"        ends with what there is when they are used
              alma run --json "Hello" | jq -r .type     one AG-UI event per line
              alma run --thread t_… "And in German?"    go on with a conversation

            exit code: 0 completed, 1 failed or refused, 3 left waiting for you (see `alma answer`), 130 stopped"""
        ),
    )
    parser.add_argument("task", type=text, help="what to do; - reads it from standard input")
    parser.add_argument("--model", type=text, metavar="ID", help="model to use, as `alma models list` names it")
    parser.add_argument("--kind", choices=("chat", "creative", "analytical"), help="how to treat the task")
    parser.add_argument("--thread", type=text, metavar="ID", help="conversation to go on with; without it, a new one")
    parser.add_argument(
        "--file",
        action="append",
        type=Path,
        default=[],
        metavar="PATH",
        help="text file to put into the conversation; may be given more than once",
    )
    parser.add_argument("--fresh", action="store_true", help="have it answered anew, not from the cache")
    parser.add_argument("--tokens", type=tokens, default=0, metavar="N", help="tokens that its model calls may use")
    parser.add_argument("--seconds", type=number, default=0.0, metavar="S", help="how long it may take")
    parser.add_argument("--money", type=number, default=0.0, metavar="USD", help="US dollars that it may cost")
    parser.add_argument("--approve", action="store_true", help="show a plan before it runs, and ask: yes, no, edit")
    parser.add_argument(
        "--stream",
        choices=("answer", "all"),
        default="answer",
        help="whose text is shown: the answer's, or every agent's too (on standard error)",
    )
    parser.add_argument("--json", action="store_true", help="print the run's events, one per line")
    add_data_dir(parser)


def run(arguments: argparse.Namespace) -> int:
    from alma.server.commands import StartRun

    task: str = utf8(sys.stdin.buffer.read(), "standard input") if arguments.task == "-" else arguments.task
    command = StartRun(
        id="run",
        key=uuid.uuid4().hex,
        text=task,
        thread_id=arguments.thread,
        model=arguments.model,
        kind=arguments.kind,
        approve=arguments.approve,
        tokens=arguments.tokens,
        seconds=arguments.seconds,
        money=arguments.money,
        fresh=arguments.fresh,
    )
    return asyncio.run(_run(arguments, command))


async def _run(arguments: argparse.Namespace, command: StartRun) -> int:
    from alma.cli.door import open_door
    from alma.cli.files import read_files, with_files
    from alma.cli.following import Following
    from alma.cli.watch import Watch

    files = read_files(arguments.file)
    async with open_door(read_settings(data_dir=arguments.data_dir)) as door:
        following = Following()
        watch = Watch(door, following, as_json=arguments.json, every_agent=arguments.stream == "all")
        async with with_files(door, command, files, following) as told:
            return await watch.run(told)
