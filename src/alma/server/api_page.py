"""`/docs`: the JSON API as a page to read, made here from its own description: no script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from alma.security.headers import policy

_STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.55 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 2rem 1rem }
h2 { margin: 2.5rem 0 .5rem; text-transform: capitalize }
details { border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent); padding: .4rem 0 }
summary { cursor: pointer } summary code { font-size: 1em }
.method { display: inline-block; width: 5rem; font-weight: 600 }
table { border-collapse: collapse; margin: .5rem 0 }
td { text-align: left; padding: .15rem 1.5rem .15rem 0; vertical-align: top }
.about { white-space: pre-line }
"""


def show(description: Callable[[], dict[str, Any]]) -> Callable[[Request], Awaitable[HTMLResponse]]:
    made: list[str] = []

    async def page(_request: Request) -> HTMLResponse:
        if not made:
            made.append(_page(description()))
        return HTMLResponse(made[0], headers={"content-security-policy": policy()})

    return page


def _page(api: dict[str, Any]) -> str:
    parts: dict[str, list[str]] = {}
    for path, operations in sorted(api["paths"].items()):
        for method, operation in operations.items():
            for tag in operation.get("tags", ["other"])[:1]:
                parts.setdefault(tag, []).append(_operation(method, path, operation))
    schemas = "".join(_schema(name, schema) for name, schema in sorted(api["components"]["schemas"].items()))
    doors = "".join(f"<h2>{escape(tag)}</h2>{''.join(entries)}" for tag, entries in sorted(parts.items()))
    info = api["info"]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style>"
        f"<h1>{escape(info['title'])} API <small>{escape(info['version'])}</small></h1>"
        f"<p>{escape(info.get('description', ''))} As OpenAPI: <a href='/openapi.json'>/openapi.json</a>.</p>"
        f"<main>{doors}<h2 id='bodies'>Bodies</h2>{schemas}</main></html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    rows = [
        (one["name"], one["in"], _type(one.get("schema", {})), one.get("description", ""))
        for one in operation.get("parameters", [])
    ]
    bodies = operation.get("requestBody", {}).get("content", {})
    rows += [("body", kind, _type(said.get("schema", {})), "") for kind, said in bodies.items()]
    rows += [
        (status, "answer", _type(said.get("schema", {})), answer.get("description", ""))
        for status, answer in operation.get("responses", {}).items()
        for said in answer.get("content", {"": {}}).values()
    ]
    return (
        f'<details><summary><span class="method">{method.upper()}</span><code>{escape(path)}</code></summary>'
        f'<p class="about">{escape(operation.get("description", ""))}</p>{_table(rows)}</details>'
    )


def _schema(name: str, schema: dict[str, Any]) -> str:
    needed = set(schema.get("required", ()))
    rows = [
        (field, "" if field in needed else "may be left out", _type(said), said.get("description", ""))
        for field, said in schema.get("properties", {}).items()
    ]
    return (
        f"<details id='{escape(name)}'><summary><code>{escape(name)}</code></summary>"
        f'<p class="about">{escape(schema.get("description", ""))}</p>{_table(rows)}</details>'
    )


def _table(rows: list[tuple[str, str, str, str]]) -> str:
    """Of names, where they go, their types in HTML, and what is to be said."""
    lines = (
        f"<tr><td><code>{escape(name)}</code><td>{escape(where)}<td>{kind}<td>{escape(about)}</tr>"
        for name, where, kind, about in rows
    )
    return f"<table>{''.join(lines)}</table>" if rows else ""


def _type(schema: dict[str, Any]) -> str:
    """In HTML: a schema's name is a link to it."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f"<a href='#{name}'>{name}</a>"
    for joined in ("anyOf", "oneOf", "allOf"):
        if joined in schema:
            return " or ".join(_type(one) for one in schema[joined])
    if "enum" in schema:
        return ", ".join(escape(str(one)) for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    kind = schema.get("format") or schema.get("type") or "any"
    return escape(kind if isinstance(kind, str) else " or ".join(kind))
