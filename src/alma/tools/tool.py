"""A tool: a typed Python function with a docstring that a model may call. Owns the call and everything that can go
wrong in it; knows nothing of roles, approval or the journal, which are its caller's.

A coroutine function runs on the event loop and must neither block it nor swallow cancellation; any other function runs
in a thread of its own (`alma.tools.threads`).
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast, overload

from msgspec import Struct

from alma.tools.fault import ToolFault, ToolInvalid
from alma.tools.result import clean, cut, text_of
from alma.tools.signature import Provided, Signature, ToolContext
from alma.tools.threads import SHARED, Threads

TIMEOUT_S = 10.0
MAX_CHARS = 4000
_MARK = "__alma_tool__"
Function = TypeVar("Function", bound=Callable[..., object])


class ToolOutcome(Struct, frozen=True):
    """How a call went. `text` goes back to the model, also when `ok` is false; `left_out` characters were cut from its
    middle. `ms`: from the call to the text."""

    ok: bool
    text: str
    left_out: int = 0
    ms: float = 0.0


@dataclass(frozen=True)
class Tool:
    """`timeout_s`: then the model is told that there was no answer. `max_chars`: of the text that it gets.
    `idempotent`: a call that was cut off by a crash may be made again. `needs_approval`: a user must allow each call.
    `acts`: it changes something, or sends something out; a user must allow each call that is made with content from
    outside in its agent's context. `outside`: where such content is from that it gives back, in a phrase ("a web
    page"); empty: what it gives back is Alma's own.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    timeout_s: float
    max_chars: int
    idempotent: bool
    needs_approval: bool
    acts: bool
    outside: str
    function: Callable[..., object]
    signature: Signature
    provided: Mapping[type[Provided], Provided] = field(default_factory=dict[type[Provided], Provided])
    threads: Threads = SHARED

    @property
    def spec(self) -> dict[str, Any]:
        """As it is offered to a model: name, description, parameters (JSON schema)."""
        return {"name": self.name, "description": self.description, "parameters": self.parameters}

    def missing(self) -> list[str]:
        """Names of what the tool needs and has not been provided with; it is off while there are any."""
        return [need.__name__ for need in self.signature.needs.values() if need not in self.provided]

    def given(self, provided: Mapping[type[Provided], Provided]) -> Tool:
        """The same tool, provided with what it needs of these."""
        return replace(self, provided={**self.provided, **provided})

    async def call(self, arguments: str, context: ToolContext) -> ToolOutcome:
        """Call the function with JSON arguments. Never raises, but lets the cancellation of its caller through."""
        started = time.perf_counter()

        def outcome(ok: bool, text: str) -> ToolOutcome:
            shown, left_out = cut(text, self.max_chars)
            return ToolOutcome(ok, shown, left_out, (time.perf_counter() - started) * 1000)

        deadline = asyncio.timeout(self.timeout_s)
        try:
            given = self.signature.read(arguments) | self._own_arguments(context)
            async with deadline:
                return outcome(True, await self._run(given))
        except ToolFault as fault:
            return outcome(False, fault.message)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return outcome(False, f"{self.name} gave up its own work.")
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a tool's boundary
            if isinstance(error, TimeoutError) and deadline.expired():
                return outcome(False, f"{self.name} did not answer within {self.timeout_s:g} s.")
            return outcome(False, f"{self.name} failed: {_said(error)}")

    def _own_arguments(self, context: ToolContext) -> dict[str, Any]:
        if missing := self.missing():
            raise ToolFault(f"{self.name} is switched off: it needs {', '.join(missing)}.")
        own: dict[str, Any] = {name: self.provided[need] for name, need in self.signature.needs.items()}
        return own | dict.fromkeys(self.signature.context, context)

    async def _run(self, given: Mapping[str, Any]) -> str:
        if inspect.iscoroutinefunction(self.function):
            value: object = await self.function(**given)
        else:
            value = await self.threads.run(self.name, lambda: _text_or_awaitable(self.function(**given)))
            if inspect.isawaitable(value):  # a plain wrapper of a coroutine function
                value = await value
        if isinstance(value, str):
            return value
        return cast(str, await self.threads.run(self.name, functools.partial(text_of, value)))  # may be large


def _text_or_awaitable(value: object) -> object:
    return value if inspect.isawaitable(value) else text_of(value)


def _said(error: BaseException) -> str:
    """An error in a line, without the traceback: paths and code are of no use to a model."""
    try:
        said = str(error)
    except Exception:  # noqa: BLE001  # an error whose own text fails
        said = ""
    name = type(error).__name__
    return clean(f"{name}: {said}" if said else name)


def make_tool(
    function: Callable[..., object],
    *,
    timeout_s: float = TIMEOUT_S,
    max_chars: int = MAX_CHARS,
    idempotent: bool = False,
    needs_approval: bool = False,
    acts: bool | None = None,
    outside: str | None = None,
    name: str | None = None,
) -> Tool:
    """A tool of `function`. Raises `ToolInvalid` for a function that cannot be one. Where nothing is said of it,
    it acts unless it is `idempotent`, and what it gives back is from outside."""
    if timeout_s <= 0 or max_chars <= 0:
        raise ToolInvalid("timeout_s and max_chars of a tool must be more than 0.")
    signature = Signature(function, name)
    return Tool(
        signature.name,
        signature.description,
        signature.parameters,
        timeout_s,
        max_chars,
        idempotent,
        needs_approval,
        not idempotent if acts is None else acts,
        f"what {signature.name} gave" if outside is None else " ".join(outside.split()),
        function,
        signature,
    )


@overload
def tool(function: Function, /) -> Function: ...
@overload
def tool(
    *,
    timeout_s: float = TIMEOUT_S,
    max_chars: int = MAX_CHARS,
    idempotent: bool = False,
    needs_approval: bool = False,
    acts: bool | None = None,
    outside: str | None = None,
    name: str | None = None,
) -> Callable[[Function], Function]: ...
def tool(function: Callable[..., object] | None = None, /, **options: Any) -> Any:
    """Mark a function as a tool, with the options of `make_tool`. The function stays what it is, to be called and
    tested as any other."""

    def mark(function: Function) -> Function:
        setattr(function, _MARK, make_tool(function, **options))
        return function

    return mark if function is None else mark(function)


def tool_of(function: object) -> Tool | None:
    """The tool that `@tool` made of the function; None for anything else."""
    found = getattr(function, _MARK, None)
    return found if isinstance(found, Tool) else None
