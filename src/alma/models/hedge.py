"""Asking a member of a pool, and asking a second one when the first is slower than it usually is: who speaks first
answers, the other is hung up on ("The Tail at Scale", Dean and Barroso, 2013)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import msgspec

from alma.errors import EndpointError, EndpointGarbled
from alma.model_call import Tried
from alma.models.chat import ChatRequest, Chunk
from alma.models.choice import Member
from alma.models.traffic import Call

LEAST_WAIT = 0.3  # seconds before a second member is asked


class Asked:
    """A member that was asked. `first`: the first chunk of its answer, once there is one; `error`: why it has none."""

    def __init__(self, member: Member, call: Call, chunks: AsyncGenerator[Chunk]) -> None:
        self.member = member
        self.call = call
        self.chunks = chunks
        self.first = Chunk()
        self.error: EndpointError | None = None

    async def begin(self, tried: list[Tried]) -> None:
        """Wait for the first chunk. An error is noted in `tried`; unless this ends well, the place is free after it."""
        try:
            chunk = await anext(self.chunks, None)
            if chunk is None or (chunk.finish_reason is not None and not chunk.tool_calls and not chunk.text):
                raise _nothing_said(self.member.name, chunk)
        except EndpointError as error:
            self.error = error
            tried.append(self.call.failed(error))
            await self.chunks.aclose()
            raise
        except BaseException:
            self.call.dropped()
            raise
        self.first = chunk
        self.call.spoke()


def ask(member: Member, request: ChatRequest) -> Asked:
    """Begin a call for which the member's gate has given a place."""
    call = member.traffic.begin()
    if request.model != member.model:
        request = msgspec.structs.replace(request, model=member.model)
    return Asked(member, call, member.client.stream(request))


async def race(first: Asked, usual_s: float, second: Callable[[], Asked | None], tried: list[Tried]) -> Asked:
    """Whoever begins to answer first. `second` is asked after `usual_s` seconds of silence, if it can be; an error of
    one of them leaves the other. Raises the later error when both fail."""

    async def begin(asked: Asked) -> None:
        try:
            await asked.begin(tried)
        except EndpointError:  # kept in `asked`: it must not end the other one
            return

    winner: Asked | None = None
    failed = first
    late: list[Asked] = []
    async with asyncio.TaskGroup() as group:
        running = {group.create_task(begin(first)): first}
        done, _ = await asyncio.wait(running, timeout=max(LEAST_WAIT, usual_s))
        if not done and (other := second()) is not None:
            running[group.create_task(begin(other))] = other
        while running and winner is None:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                asked = running.pop(task)
                if asked.error is not None:
                    failed = asked
                elif winner is None:
                    winner = asked
                else:
                    late.append(asked)
        for task, asked in running.items():
            task.cancel()
            late.append(asked)
        tried.extend(asked.call.slower(asked.member.name) for asked in late)
    if winner is None:
        assert failed.error is not None
        raise failed.error
    try:
        for asked in late:
            await asked.chunks.aclose()
    except BaseException:
        winner.call.dropped()
        raise
    return winner


def _nothing_said(name: str, chunk: Chunk | None) -> EndpointGarbled:
    return EndpointGarbled(
        f"{name} ended its answer without any text.",
        endpoint=name,
        expected="text or a tool call",
        actual="nothing" if chunk is None else f'the finish_reason "{chunk.finish_reason}"',
        hint="Try again, or choose another model.",
    )
