"""A kept answer, given again as the stream that it was: thoughts, text, tool calls, end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from alma.model_call import CacheHit
from alma.models.answers import Answer
from alma.models.chat import Chunk

_PIECE = 16  # characters, about four tokens
_TURN = 16  # pieces after which others get the event loop


async def replay(answer: Answer, hit: CacheHit) -> AsyncGenerator[Chunk]:
    """Its text in small pieces, as fast as they are taken; `hit` comes with the last chunk."""
    length = len(answer.reasoning) + len(answer.text)
    size = max(_PIECE, -(-length // max(answer.pieces, 1)))
    pieces = [(piece, "") for piece in _cut(answer.reasoning, size)] + [
        ("", piece) for piece in _cut(answer.text, size)
    ]
    tokens, more = divmod(answer.pieces, max(len(pieces), 1))
    for number, (reasoning, text) in enumerate(pieces):
        if number % _TURN == _TURN - 1:
            await asyncio.sleep(0)
        yield Chunk(text=text, reasoning=reasoning, tokens=max(tokens + (number < more), 1))
    yield Chunk(
        tool_calls=answer.tool_calls,
        finish_reason=answer.finish_reason,
        usage=answer.usage,
        model=answer.model,
        endpoint=answer.endpoint,
        cache=hit,
    )


def _cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]
