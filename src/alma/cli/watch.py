"""Follows one run to its end: shows it, asks the user what it waits for, stops it on Ctrl-C.

Where nobody can be asked, a run that waits for the user is left waiting, and it is said how to go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal

from alma.cli import run_lines
from alma.cli.asking import ask_user, can_ask
from alma.cli.door import Door
from alma.cli.following import Event, Following
from alma.cli.printer import Printer
from alma.cli.run_view import Ask, RunView
from alma.cli.terminal import note
from alma.server.commands import StartRun, Steer, StopRun
from alma.session.wire import RunErrorEvent, RunFinishedEvent, RunStartedEvent

EXIT_STOPPED = 130
EXIT_WAITING = 3


class Watch:
    """`as_json`: print the run's events and nothing else. `every_agent`: print the text of all agents."""

    def __init__(self, door: Door, following: Following, *, as_json: bool = False, every_agent: bool = False) -> None:
        self._door = door
        self._following = following
        self._as_json = as_json
        self._asks_user = can_ask() and not as_json
        self._view = RunView()
        self._printer = Printer(self._view, every_agent=every_agent)
        self._started = asyncio.Event()
        self._exit_code: int | None = None
        self._reader: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[None] | None = None
        self._asked: Ask | None = None
        self._telling = False  # the user has spoken, and the server is being told
        self._put: set[str] = set()  # asks that were put to the user

    async def run(self, command: StartRun | None = None) -> int:
        """The exit code: 0 completed, 1 failed, 3 left waiting, 130 stopped. `command` starts the run. The first Ctrl-C
        stops it, a second one leaves without waiting for that."""
        interrupted = asyncio.Event()

        async def stop_when_interrupted() -> None:
            await interrupted.wait()
            await self._started.wait()
            await self._door.tell(StopRun(id="stop", run_id=self._following.run_id))

        async with asyncio.TaskGroup() as group:
            self._reader = reader = group.create_task(self._read(group, command))
            stopper = group.create_task(stop_when_interrupted())
            reader.add_done_callback(lambda _: stopper.cancel())

            def interrupt() -> None:
                if interrupted.is_set():
                    reader.cancel()
                interrupted.set()

            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupt)
        return EXIT_STOPPED if self._exit_code is None else self._exit_code

    async def _read(self, group: asyncio.TaskGroup, command: StartRun | None) -> None:
        try:
            async with contextlib.aclosing(self._door.follow(self._following, command)) as events:
                async for frame, event in events:
                    if event.run_id:
                        self._take(frame, event)
                    if self._following.live and not self._following.ended and not self._attend(group):
                        return
        finally:
            self._withdraw()

    def _take(self, frame: str, event: Event) -> None:
        self._view.take(event)
        if self._as_json:
            print(frame, flush=True)
        else:
            if isinstance(event, RunFinishedEvent | RunErrorEvent):
                self._withdraw()
            self._printer.show(event)
        match event:
            case RunStartedEvent():
                self._started.set()
            case RunFinishedEvent():
                self._exit_code = EXIT_STOPPED if event.status == "canceled" else 0
            case RunErrorEvent():
                self._exit_code = 1
            case _:
                pass

    # ── asking ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _attend(self, group: asyncio.TaskGroup) -> bool:
        """Put to the user what waits for them; False: nothing goes on without them, and nobody can be asked, or the run
        is paused."""
        if not self._asks_user or not self._view.asks:
            if not self._view.stuck:
                self._withdraw_answered()
                return True
            for line in run_lines.left_waiting(self._following.run_id, self._view):
                note(line)
            self._exit_code = EXIT_WAITING
            return False
        self._withdraw_answered()
        if self._asking is None and (ask := next(iter(self._view.asks.values()), None)) is not None:
            self._asked = ask
            self._printer.hold()
            self._asking = group.create_task(self._ask(group, ask))
        return True

    async def _ask(self, group: asyncio.TaskGroup, ask: Ask) -> None:
        again = bool(self._put) and ask.key not in self._put
        self._put.add(ask.key)
        task = self._view.task(ask.task_id)
        said = await ask_user(self._following.run_id, ask, task, self._tell, again=again)
        self._asking = self._asked = None
        self._printer.release()
        if said:
            self._view.answered(ask.key)
        else:  # the end of the input: nobody sits there any more
            self._asks_user = False
        if not self._attend(group) and self._reader is not None:
            self._reader.cancel()

    async def _tell(self, command: Steer) -> None:
        self._telling = True
        try:
            await self._door.tell(command)
        finally:
            self._telling = False

    def _withdraw_answered(self) -> None:
        if self._asked is not None and self._asked.key not in self._view.asks and not self._telling:
            self._withdraw()

    def _withdraw(self) -> None:
        """Somebody else has answered, or the run has ended."""
        if self._asking is not None:
            self._asking.cancel()
            self._asking = self._asked = None
            if not self._telling:
                self._printer.withdraw()
            self._printer.release()
