"""Prompts that the context builder made, counted by the embedded model's own server: they fit, to the token."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alma.agent.context import build
from alma.agent.prompt import gather
from alma.agent.role import load_role
from alma.agent.task import Result, Summary, Task, Turn
from alma.model_call import Sampling
from alma.models.chat import ChatRequest
from alma.models.client import open_session
from alma.models.local import LocalModel
from alma.recollection import RecalledMemory

TEXT = "The harbour of Gdańsk was rebuilt in 1901; 海港重建了。 def f(x): return x ** 2  # 🚢 naïve café — “ok” "


@pytest.fixture
async def local(gguf: Path, tmp_path: Path) -> AsyncIterator[LocalModel]:
    async with open_session() as session:
        model = LocalModel(lambda: session, gguf, folder=tmp_path, ctx=640)
        owner = asyncio.create_task(model.run())
        await model.wait_ready(60)
        yield model
        owner.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await owner


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["answer", "synthesis"])
async def test_a_full_window_is_never_too_full(local: LocalModel, mode: str) -> None:
    task = Task(
        "r",
        "t",
        "o",
        "What follows from all that? " + TEXT,
        history=[Turn(f"r{number}", TEXT * (number % 4 + 1), TEXT * 2) for number in range(40)],
        summary=Summary("r30", TEXT * 3),
        memories=[RecalledMemory(f"m{number}", TEXT, 1.0) for number in range(30)],
        results=[Result(str(number), "analyst", "Part", "completed", TEXT * 30) for number in range(1, 6)],
    )
    material = gather(task, load_role("manager"), mode)  # type: ignore[arg-type]
    prompt = await build(local, material, window=640, max_tokens=16)
    assert prompt.trims
    request = ChatRequest(local.name, prompt.messages, Sampling(max_tokens=prompt.max_tokens))
    async with contextlib.aclosing(local.stream(request)) as chunks:
        last = [chunk async for chunk in chunks][-1]
    assert last.usage is not None
    assert last.usage.input_tokens <= prompt.tokens, "the sections promise more than there is"
    assert last.usage.input_tokens + prompt.max_tokens <= 640
    assert last.usage.input_tokens > 0.6 * prompt.tokens, "the window is used"
