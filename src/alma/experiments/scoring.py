"""Scores from other processes (`scoring_child`), which are ended where they take too long."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping

import msgspec

from alma.child import DEVNULL, PIPE, Child, start
from alma.experiments.records import Score

_START_S = 60.0
_KEPT = 4  # processes that wait for the next answer
_GRACE_S = 15  # after which a process ends by itself that nobody has ended


class Scoring:
    """Processes are started when they are needed, and used again. `close` ends them."""

    def __init__(self) -> None:
        self._idle: list[Child] = []

    async def score(self, asked: Mapping[str, object], seconds: float) -> Score:
        """`asked`: see `scoring_child.score`. Whatever happens there is said in the score."""
        line = json.dumps({**asked, "seconds": int(seconds) + _GRACE_S}).encode() + b"\n"
        child = self._idle.pop() if self._idle else None
        try:
            if child is None or child.returncode is not None:
                child = await self._started()
            said = await _asked(child, line, seconds)
        except TimeoutError:
            return _ended(child, f"The evaluator was not done after {seconds:g} s.")
        except (OSError, EOFError, ValueError):
            return _ended(child, "The evaluator ended its process.")
        except BaseException:
            _ended(child, "")
            raise
        if len(self._idle) < _KEPT:
            self._idle.append(child)
        else:
            child.kill()
        return said

    def close(self) -> None:
        while self._idle:
            self._idle.pop().kill()

    async def _started(self) -> Child:
        command = (sys.executable, "-m", "alma.experiments.scoring_child")
        child = await start(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, start_new_session=True)
        try:
            async with asyncio.timeout(_START_S):
                assert child.stdout is not None
                if await child.stdout.readline() != b"ready\n":
                    raise EOFError
        except BaseException:
            child.kill()
            raise
        return child


async def _asked(child: Child, line: bytes, seconds: float) -> Score:
    assert child.stdout is not None
    async with asyncio.timeout(seconds):
        await child.feed(line)
        value, why = msgspec.json.decode(await child.stdout.readline(), type=tuple[float | None, str])
    return Score(value, why)


def _ended(child: Child | None, why: str) -> Score:
    if child is not None:
        child.kill()
    return Score(None, why)
