"""`alma run`: give Alma a task and watch the answer come."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import textwrap
import uuid
from typing import TYPE_CHECKING

from alma.cli.options import Subparsers, add_command, add_data_dir, read_settings, text, utf8

if TYPE_CHECKING:
    from alma.cli.door import Door
    from alma.server.commands import StartRun

EXIT_STOPPED = 130


def add(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "run",
        run,
        help="give Alma a task and watch the answer come",
        description="Sends a task to the running server, or, where none runs, to an Alma started for this one task."
        " The answer goes to standard output, figures and remarks to standard error. Ctrl-C stops the run.",
        epilog=textwrap.dedent(
            """\
            examples:
              alma run "Write a haiku about rain"
              alma run --kind analytical "Is 91 a prime number?"
              git diff | alma run -                     the task from standard input
              alma run --json "Hello" | jq -r .type     one AG-UI event per line
              alma run --thread t_… "And in German?"    go on with a conversation

            exit code: 0 completed, 1 failed or refused, 130 stopped"""
        ),
    )
    parser.add_argument("task", type=text, help="what to do; - reads it from standard input")
    parser.add_argument("--model", type=text, metavar="ID", help="model to use, as `alma models list` names it")
    parser.add_argument("--kind", choices=("chat", "creative", "analytical"), help="how to treat the task")
    parser.add_argument("--thread", type=text, metavar="ID", help="conversation to go on with; without it, a new one")
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
    )
    return asyncio.run(_run(arguments, command))


async def _run(arguments: argparse.Namespace, command: StartRun) -> int:
    from alma.cli.door import open_door

    async with open_door(read_settings(data_dir=arguments.data_dir)) as door:
        return await follow(door, command, as_json=arguments.json)


async def follow(door: Door, command: StartRun, *, as_json: bool) -> int:
    """Show the run to its end. The first Ctrl-C stops the run, a second one leaves without waiting for it."""
    from alma.cli.following import parse_event
    from alma.cli.printer import Outcome, Printer

    outcome, printer = Outcome(), Printer()
    interrupted = asyncio.Event()

    async def read() -> None:
        async for frame in door.run(command):
            event = parse_event(frame)
            if as_json:
                print(frame, flush=True)
            elif event is not None:
                printer.show(event)
            if event is not None:
                outcome.take(event)

    async def stop_when_interrupted() -> None:
        await interrupted.wait()
        await outcome.started.wait()
        await door.stop(outcome.run_id)

    async with asyncio.TaskGroup() as group:
        reader = group.create_task(read())
        stopper = group.create_task(stop_when_interrupted())
        reader.add_done_callback(lambda _: stopper.cancel())

        def interrupt() -> None:
            if interrupted.is_set():
                reader.cancel()
            interrupted.set()

        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupt)
    return EXIT_STOPPED if outcome.exit_code is None else outcome.exit_code
