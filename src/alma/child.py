"""Child processes, started so that nothing which runs in this process can hold their start up.

A loop that forks (uvloop's does) first calls what libraries registered with `pthread_atfork`. OpenBLAS's handler ends
its threads, and waits for ever, with the loop, when one of them is computing. `subprocess.Popen` uses vfork, which
calls no handler, as long as it is given no `preexec_fn`, `user` or `group`: a child limits itself, as its first act.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import threading
from asyncio import StreamReader, StreamReaderProtocol, StreamWriter
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT
from typing import IO

__all__ = ["DEVNULL", "PIPE", "STDOUT", "Child", "start"]
Said = Callable[[str], None]
_LONGEST_LINE = 2_000  # bytes of what a child says; more of a line is one more line


class Child:
    """A process that was started by `start`. `stdin`, `stdout`: set where `PIPE` was asked for."""

    stdin: StreamWriter | None = None
    stdout: StreamReader | None = None

    def __init__(self, process: subprocess.Popen[bytes], *, leads_group: bool) -> None:
        self.pid = process.pid
        self._process = process
        self._leads_group = leads_group
        self._transports: list[asyncio.Transport] = []
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._await_end, name=f"child-{self.pid}", daemon=True).start()

    async def connect(
        self, stdin: socket.socket | None, stdout: socket.socket | None, stderr: tuple[socket.socket, Said] | None
    ) -> None:
        """Take over this process's ends."""
        if stderr is not None:
            end, said = stderr
            transport, _ = await self._loop.create_unix_connection(lambda: _Lines(said), sock=end)
            self._transports.append(transport)
        if stdin is not None:
            protocol = await self._attach(StreamReader(), stdin)
            self.stdin = StreamWriter(self._transports[-1], protocol, None, self._loop)
        if stdout is not None:
            self.stdout = StreamReader()
            await self._attach(self.stdout, stdout)

    async def _attach(self, reader: StreamReader, end: socket.socket) -> StreamReaderProtocol:
        transport, protocol = await self._loop.create_unix_connection(lambda: _UntilItsEnd(reader), sock=end)
        self._transports.append(transport)
        return protocol

    @property
    def returncode(self) -> int | None:
        """As `subprocess` has it: -N for a signal; None while it runs."""
        return self._process.returncode

    async def feed(self, data: bytes) -> None:
        """Write to its stdin, and wait for room. Raises `BrokenPipeError` where it has ended, or reads no more; what
        was written a moment before that may be lost without a word."""
        assert self.stdin is not None
        if self.stdin.is_closing():  # uvloop's own word for it is a `RuntimeError`
            raise BrokenPipeError("The process has ended, or reads no more.")
        try:
            self.stdin.write(data)
            await self.stdin.drain()
        except OSError as error:
            raise BrokenPipeError("The process ended, or read no more, while it was written to.") from error

    async def wait(self) -> int:
        """Its return code, once it has ended."""
        await self._ended.wait()
        return self._process.returncode

    def kill(self) -> None:
        """End it, and its group where it leads one; what it has printed and nobody has read goes. Raises nothing where
        it has ended already."""
        if self._leads_group:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: not permitted once it has ended
                os.killpg(self.pid, signal.SIGKILL)
        self._process.kill()
        for transport in self._transports:
            transport.abort()

    def _await_end(self) -> None:
        self._process.wait()
        with contextlib.suppress(RuntimeError):  # the loop has ended before the process
            self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        self._ended.set()
        if self.stdin is not None:
            self.stdin.close()


class _Lines(asyncio.Protocol):
    """Hands on what comes, line by line."""

    def __init__(self, said: Said) -> None:
        self._said = said
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) >= _LONGEST_LINE:
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            for start in range(0, len(line), _LONGEST_LINE):
                self._say(line[start : start + _LONGEST_LINE])

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._say(self._rest)

    def _say(self, line: bytes) -> None:
        if text := line.decode("utf-8", "replace").rstrip():
            self._said(text)


class _UntilItsEnd(StreamReaderProtocol):
    def eof_received(self) -> bool:
        super().eof_received()
        return False  # close it: the streams of `asyncio` would leave that to their owner


async def start(
    *words: str | Path,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | IO[bytes] | None = None,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    start_new_session: bool = False,
    said: Said | None = None,
) -> Child:
    """Start a program. What is None is this process's own. `said`: is told each line of its stderr, in place of
    `stderr`. Raises `OSError` where it cannot be started."""
    with contextlib.ExitStack() as stack:
        mine_in, its_in = _ends(stack) if stdin == PIPE else (None, stdin)
        mine_out, its_out = _ends(stack) if stdout == PIPE else (None, stdout)
        mine_err, its_err = _ends(stack) if said is not None else (None, stderr)
        # 1 to 3 ms, in which the interpreter is held: a thread would hold it as well.
        process = subprocess.Popen(  # noqa: ASYNC220
            words,
            stdin=its_in.fileno() if isinstance(its_in, socket.socket) else its_in,
            stdout=its_out.fileno() if isinstance(its_out, socket.socket) else its_out,
            stderr=its_err.fileno() if isinstance(its_err, socket.socket) else its_err,
            cwd=cwd,
            env=env,
            start_new_session=start_new_session,
        )
        child = Child(process, leads_group=start_new_session)
        stack.callback(child.kill)  # unless it gets as far as below
        for end in (its_in, its_out, its_err):
            if isinstance(end, socket.socket):
                end.close()
        told = (mine_err, said) if mine_err is not None and said is not None else None
        await child.connect(mine_in, mine_out, told)
        stack.pop_all()
    return child


def _ends(stack: contextlib.ExitStack) -> tuple[socket.socket, socket.socket]:
    """This process's and the child's. Sockets, because uvloop closes a pipe's number twice: between the two another
    thread may have opened a file that has it."""
    mine, its = socket.socketpair()
    stack.enter_context(mine)
    stack.enter_context(its)
    mine.setblocking(False)
    return mine, its
