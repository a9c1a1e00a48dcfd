"""How a request is written: a `ChatRequest` as the JSON body of /chat/completions, and what to leave out for whom."""

from __future__ import annotations

import re
from typing import Any, cast

import msgspec

from alma.models.chat import ChatMessage, ChatRequest

# Fields that some endpoints or models refuse by name; a refused one is left out from then on. In this order, since
# `stream_options` contains no other name and the rest are matched as whole words.
OPTIONAL = ("stream_options", "max_tokens", "temperature", "top_p", "cache_prompt", "seed")
SCHEMA = "response_format"
_SPEAKS_OF_SCHEMA = re.compile(
    r"response.?format|json.?schema|structured.?output|guided.?(?:json|decoding)|grammar", re.I
)


def encode(request: ChatRequest, without: frozenset[str] | set[str], extra: dict[str, Any]) -> bytes:
    """The body, streaming, without the fields named. `max_tokens` left out becomes `max_completion_tokens`; a schema
    left out becomes an instruction in the prompt."""
    sampling = request.sampling
    messages = request.messages
    if request.json_schema is not None and SCHEMA in without:
        messages = _instructed(messages, request.json_schema)
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [_message(message) for message in messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        **extra,
    }
    if request.seed is not None:
        body["seed"] = request.seed
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
            }
            for tool in request.tools
        ]
    if request.json_schema is not None:
        body[SCHEMA] = {
            "type": "json_schema",
            "json_schema": {
                "name": "answer",
                "schema": request.json_schema,
                **({"strict": True} if is_strict(request.json_schema) else {}),
            },
        }
    for name in without:
        body.pop(name, None)
    if "max_tokens" in without:
        body["max_completion_tokens"] = sampling.max_tokens
    return msgspec.json.encode(body)


def refused_field(said: str, request: ChatRequest, already: frozenset[str] | set[str]) -> str | None:
    """The field that a 400 or 422 complains of by name and that can be done without, unless it was left out before."""
    if request.json_schema is not None and SCHEMA not in already and _SPEAKS_OF_SCHEMA.search(said):
        return SCHEMA
    for name in OPTIONAL:
        if name in said and name not in already:
            return name
    return None


def _instructed(messages: list[ChatMessage], schema: dict[str, Any]) -> list[ChatMessage]:
    """The messages of a model that has to be told of a schema in words, behind its own instructions."""
    told = (
        "Answer with one JSON object and nothing else: no words around it, no code fence."
        " It must fit this JSON schema:\n" + msgspec.json.encode(schema).decode()
    )
    first = messages[0] if messages else None
    if first is None or first.role != "system":
        return [ChatMessage("system", told), *messages]
    return [ChatMessage("system", f"{first.content}\n\n{told}"), *messages[1:]]


def is_strict(schema: Any) -> bool:
    """Whether OpenAI's strict mode takes the schema: every object closed and every property required."""
    if isinstance(schema, list):
        return all(is_strict(item) for item in cast("list[Any]", schema))
    if not isinstance(schema, dict):
        return True
    fields = cast("dict[str, Any]", schema)
    if fields.get("type") == "object":
        properties: dict[str, Any] = fields.get("properties") or {}
        if fields.get("additionalProperties") is not False or set(fields.get("required") or ()) != set(properties):
            return False
        return all(is_strict(part) for part in properties.values())
    return all(is_strict(part) for name, part in fields.items() if name not in ("enum", "const", "default"))


def _message(message: ChatMessage) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_call_id is not None:
        body["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        body["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    return body
