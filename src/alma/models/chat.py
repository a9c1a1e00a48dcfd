"""What a chat model is to the rest of Alma: a request, a stream of chunks, one small protocol. No I/O here."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, Literal, Protocol

from msgspec import Struct

from alma.model_call import CacheHit, Sampling, Tried, Usage


class ChatMessage(Struct, frozen=True, omit_defaults=True):
    """One turn of a prompt. `tool_call_id` answers a call; `tool_calls` are the assistant's own, as it sent them."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_call_id: str | None = None
    tool_calls: list[ToolCall] | None = None


class ToolCall(Struct, frozen=True):
    """A call the model asks for; `arguments` is JSON text, whole."""

    id: str
    name: str
    arguments: str


class ToolSpec(Struct, frozen=True):
    """A tool offered to the model; `parameters` is a JSON schema."""

    name: str
    description: str
    parameters: dict[str, Any]


class Caller(Struct, frozen=True):
    """For whom a call is made: a pool shares endpoints fairly between runs by it, a cache keeps answers apart. It is
    not sent. `priority`: higher comes first. `cacheable`: an answer of before may serve; `question`: the part of the
    prompt that may be put in other words, `context`: a hash of all the rest. `depends`: what the answer goes back to
    (`role:name@version`, `memory:id`, `file:thread/name`); when that changes, it is not given again."""

    owner: str = ""
    run_id: str = ""
    task_id: str = ""
    role: str = ""
    priority: int = 0
    cacheable: bool = False
    question: str = ""
    context: str = ""
    depends: tuple[str, ...] = ()


class ChatRequest(Struct, frozen=True):
    """One model call. `json_schema`: the answer must be JSON of this schema. `seed`: for the draw of tokens; the same
    gives the same answer where the endpoint keeps to it."""

    model: str
    messages: list[ChatMessage]
    sampling: Sampling = Sampling()
    tools: list[ToolSpec] = []
    json_schema: dict[str, Any] | None = None
    caller: Caller = Caller()
    seed: int | None = None


class Chunk(Struct, frozen=True, gc=False):
    """What one network read brought, joined: `tokens` content pieces. The last chunk of a stream has `finish_reason`;
    `usage` comes with it or is None when the endpoint sent none, and so do `endpoint` (who answered), `tried` (who was
    asked before), `cost` in US dollars, and `cache`."""

    text: str = ""
    reasoning: str = ""
    tokens: int = 0
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    usage: Usage | None = None
    model: str = ""
    endpoint: str = ""
    tried: tuple[Tried, ...] = ()
    cost: float = 0.0
    cache: CacheHit | None = None


class Counted(Struct, frozen=True):
    """How a model's tokens are counted. `error_pct`: by how many percent an estimate may be off; 0 when exact."""

    how: Literal["exact", "estimated"]
    error_pct: float = 0.0


class ChatModel(Protocol):
    """A place that answers chat requests. Closing the generator (or cancelling its reader) ends the upstream call."""

    @property
    def endpoint(self) -> str:
        """Name of the endpoint, for the journal and the page."""
        ...

    def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk]:
        """Yield chunks as they arrive; raise an `EndpointError` for everything that goes wrong on the way."""
        ...

    async def count_tokens(self, text: str) -> int:
        """Tokens of `text` by the model's tokenizer, or an estimate on the safe side where it has none."""
        ...

    def counted(self, text: str) -> int | None:
        """As `count_tokens`, where that takes no time, as for a text that was counted before; else None."""
        ...

    @property
    def counting(self) -> Counted:
        """How tokens are counted now."""
        ...
