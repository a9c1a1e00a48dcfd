"""Asking a member of a pool, and asking a second one when the first is slower than it usually is: who speaks first
answers, the other is hung up on ("The Tail at Scale", Dean and Barroso, 2013)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine

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
    one of them leaves the other. When both fail it is the second one's that is raised."""

    async def begin(asked: Asked) -> None:
        try:
            await asked.begin(tried)
        except EndpointError:  # kept in `asked`: it must not end the other one
            return

    everyone = [first]
    try:
        winner, late = await _first_of(everyone, max(LEAST_WAIT, usual_s), second, begin, tried)
        for asked in late:
            await asked.chunks.aclose()
    except BaseException:
        for asked in everyone:  # also the winner, when this is cancelled while the other is hung up on
            asked.call.dropped()
        raise
    if winner is None:
        errors = [asked.error for asked in everyone if asked.error is not None]
        raise errors[-1]
    return winner


async def _first_of(
    everyone: list[Asked],
    silence_s: float,
    second: Callable[[], Asked | None],
    begin: Callable[[Asked], Coroutine[None, None, None]],
    tried: list[Tried],
) -> tuple[Asked | None, list[Asked]]:
    """Who began first, if anybody did, and those that were not fast enough. Who is asked later joins `everyone`."""
    winner: Asked | None = None
    late: list[Asked] = []
    async with asyncio.TaskGroup() as group:
        running = {group.create_task(begin(asked)): asked for asked in everyone}
        done, _ = await asyncio.wait(running, timeout=silence_s)
        if not done and (other := second()) is not None:
            everyone.append(other)
            running[group.create_task(begin(other))] = other
        while running and winner is None:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                asked = running.pop(task)
                if asked.error is None and winner is None:
                    winner = asked
                elif asked.error is None:
                    late.append(asked)
        late.extend(running.values())
        tried.extend(asked.call.slower(asked.member.name) for asked in late)
        for task in running:
            task.cancel()
    return winner, late


def _nothing_said(name: str, chunk: Chunk | None) -> EndpointGarbled:
    return EndpointGarbled(
        f"{name} ended its answer without any text.",
        endpoint=name,
        expected="text or a tool call",
        actual="nothing" if chunk is None else f'the finish_reason "{chunk.finish_reason}"',
        hint="Try again, or choose another model.",
    )
