"""`ScriptedModel`: a chat model that does what a script says, the same every time.

It is product code: `alma` can run on it without any model file, tests and the simulation drive the agents with it, and
`python -m alma.models.scripted` serves the same scripts over HTTP (`scripted_server.py`). The rules are in `script.py`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from alma.errors import EndpointCut, EndpointError, EndpointGarbled, EndpointTimeout, EndpointUnreachable
from alma.model_call import Usage
from alma.models.chat import ChatMessage, ChatRequest, Chunk, Counted
from alma.models.refusal import error_of_status
from alma.models.script import Act, Fault, Rule, resolve
from alma.models.tokens import estimate
from alma.models.trouble import held_back

STALL = 30.0  # seconds a stalled call is silent before it is given up


def last_user_text(messages: Sequence[ChatMessage]) -> str:
    """The text that scripts match: the last message of the user."""
    return next((message.content for message in reversed(messages) if message.role == "user"), "")


class ScriptedModel:
    """Answers by `script`, then by the commands in the prompt (see `script.py`). `calls` counts calls by prompt,
    `requests` keeps the last 1,000 requests in order. `sleep` is the clock's: a simulation passes its own."""

    def __init__(
        self,
        script: Sequence[Rule] = (),
        *,
        endpoint: str = "scripted",
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        stall: float = STALL,
    ) -> None:
        self.script = list(script)
        self._endpoint = endpoint
        self._sleep = sleep
        self._stall = stall
        self.calls: Counter[str] = Counter()
        self.requests: list[ChatRequest] = []
        self.active = 0

    @property
    def endpoint(self) -> str:
        return self._endpoint

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk]:
        """One chunk per piece, then the last one with usage; or the fault that the script asks for."""
        text = last_user_text(request.messages)
        self.calls[text] += 1
        self.requests.append(request)
        del self.requests[:-1000]
        act = resolve(self.script, text, model=request.model, schema=request.json_schema, call=self.calls[text])
        self.active += 1
        try:
            async for chunk in self._perform(act):
                yield chunk
            prompt = sum(estimate(message.content) for message in request.messages)
            usage = Usage(
                input_tokens=prompt,
                output_tokens=len(act.pieces) + len(act.thoughts),
                estimated=act.manner.usage == "none",
                doubted=act.manner.usage in ("zero", "low", "high", "negative", "words"),
            )
            yield Chunk(
                tool_calls=act.tool_calls,
                finish_reason=act.finish_reason,
                usage=usage,
                model=act.manner.model or request.model or "scripted",
            )
        finally:
            self.active -= 1

    async def count_tokens(self, text: str) -> int:
        """The estimate: deterministic, and it needs no model."""
        return estimate(text)

    def counted(self, text: str) -> int | None:
        return estimate(text)

    @property
    def counting(self) -> Counted:
        return Counted("exact")

    async def _perform(self, act: Act) -> AsyncGenerator[Chunk]:
        if act.fault is not None and act.fault.kind in ("status", "unreachable", "html", "refusal"):
            raise await self._failure(act.fault)
        if act.first_delay or act.manner.noise:
            await self._sleep(act.first_delay + act.manner.noise)
        for index, piece in enumerate((*act.thoughts, *act.pieces)):
            if act.fault is not None and index >= act.fault.after:
                break
            await self._sleep(act.delay)
            thinking = index < len(act.thoughts)
            yield Chunk(text="" if thinking else piece, reasoning=piece if thinking else "", tokens=1)
        if act.fault is not None:
            raise await self._failure(act.fault)
        if act.manner.end == "eof":
            raise await self._failure(Fault("cut"))
        if act.finish_reason == "content_filter" and not act.pieces:
            raise held_back(self._endpoint)

    async def _failure(self, fault: Fault) -> EndpointError:
        """The error that a real client would raise for this fault."""
        name = self._endpoint
        match fault.kind:
            case "status":
                return error_of_status(name, fault.status, "as the script says", wait=fault.retry_after)
            case "refusal":
                return error_of_status(name, 429, "as the script says", during="in the middle of its answer")
            case "error":
                return error_of_status(name, 500, "as the script says", during="in the middle of its answer")
            case "unreachable":
                return EndpointUnreachable(f"{name} cannot be reached, as the script says.", endpoint=name)
            case "cut":
                return EndpointCut(f"{name} cut its answer off in the middle, as the script says.", endpoint=name)
            case "stall":
                await self._sleep(self._stall)
                return EndpointTimeout(f"{name} sent nothing for {self._stall:g} s, as the script says.", endpoint=name)
            case "garbage" | "half" | "html" | "nested" | "big":
                return EndpointGarbled(f"{name} sent garbage, as the script says.", endpoint=name)


if __name__ == "__main__":
    from alma.models.scripted_server import main

    main()
