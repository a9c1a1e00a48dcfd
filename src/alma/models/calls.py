"""Tool calls as they come in a stream: in fragments, put together. Pure.

The protocol gives each call an index and sends its id and name once. Endpoints differ: some leave the index out, some
give every call index 0, some repeat id and name in every fragment, some use one id twice.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from alma.models.chat import ToolCall
from alma.models.mending import whole


class Function(Struct, gc=False):
    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class Fragment(Struct, gc=False):
    index: int | None = None
    id: str | None = None
    function: Function | None = None


class _Call:
    __slots__ = ("arguments", "id", "index", "name")

    def __init__(self, index: int | None, id: str) -> None:
        self.index = index
        self.id = id
        self.name = ""
        self.arguments: list[str] = []


class Calls:
    """`fragments`: how many came."""

    __slots__ = ("_calls", "_open", "fragments")

    def __init__(self) -> None:
        self.fragments = 0
        self._calls: list[_Call] = []
        self._open: dict[int | None, _Call] = {}  # index → the call that goes on there; None: where there is no index

    def add(self, fragments: list[Fragment]) -> None:
        self.fragments += len(fragments)
        for fragment in fragments:
            call = self._of(fragment)
            if fragment.id and not call.id:
                call.id = fragment.id
            if (function := fragment.function) is None:
                continue
            if function.name and function.name != call.name:
                call.name += function.name
            arguments = function.arguments or ""
            if isinstance(arguments, dict):
                arguments = msgspec.json.encode(arguments).decode()
            call.arguments.append(arguments)

    def whole(self) -> tuple[ToolCall, ...]:
        """The calls, by index, then as they came. Those without an id get one; no id stands twice."""
        taken: set[str] = set()
        calls: list[ToolCall] = []
        ordered = sorted(self._calls, key=lambda call: call.index or 0)
        for number, call in enumerate(ordered):
            id = whole(call.id) or f"call_{number}"
            while id in taken:
                id = f"{id}_{number}"
            taken.add(id)
            calls.append(ToolCall(id, whole(call.name), whole("".join(call.arguments)) or "{}"))
        return tuple(calls)

    def _of(self, fragment: Fragment) -> _Call:
        """The call that a fragment belongs to: that of its index, unless its id says that it is another one."""
        call = self._open.get(fragment.index)
        if call is None and fragment.index is None and not fragment.id and self._calls:
            call = self._calls[-1]
        if fragment.id and (call is None or call.id not in ("", fragment.id)):
            call = next((one for one in self._calls if one.id == fragment.id and _may_be(one, fragment)), None)
        if call is None:
            call = _Call(fragment.index, fragment.id or "")
            self._calls.append(call)
        self._open[fragment.index] = call
        return call


def _may_be(call: _Call, fragment: Fragment) -> bool:
    return call.index == fragment.index or call.index is None or fragment.index is None
