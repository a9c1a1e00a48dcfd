"""Whose work it is that is going on here: ids that every log record, error and trace of it carries.

Bound where work begins (a request, a command, a task, a part in the background). A task of asyncio begins with what was
bound where it was made, so what is bound inside it is gone with it. Nothing here is called per token.
"""

from __future__ import annotations

import contextlib
from collections.abc import Coroutine, Generator, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

_NONE: Mapping[str, str] = MappingProxyType({})
_ids: ContextVar[Mapping[str, str]] = ContextVar("alma_ids", default=_NONE)


def bound_ids() -> Mapping[str, str]:
    """What is bound here and now; not to be changed."""
    return _ids.get()


def bind(**ids: str) -> None:
    """Until the task of asyncio ends, or they are bound anew. An empty one takes the id away."""
    _ids.set({name: value for name, value in {**_ids.get(), **ids}.items() if value})


@contextlib.contextmanager
def bound(**ids: str) -> Generator[None]:
    """As `bind`, for a block."""
    before = _ids.set({name: value for name, value in {**_ids.get(), **ids}.items() if value})
    try:
        yield
    finally:
        _ids.reset(before)


async def part(name: str, work: Coroutine[Any, Any, None]) -> None:
    """`work`, as that of a part of Alma in the background."""
    bind(part=name)
    await work
