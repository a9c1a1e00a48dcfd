"""How a refusal is told: an HTTP status and what the endpoint said become an `EndpointError` a user can act on."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any, cast

import msgspec

from alma.errors import (
    EndpointError,
    EndpointFailed,
    EndpointRateLimited,
    EndpointRejected,
    EndpointUnauthorized,
)

# What decoding hostile bytes can raise besides msgspec's own errors: UTF-8 that is none, and nesting without end.
NOT_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
WEB_PAGE = "it answered with a web page"
MAX_SAID = 300  # characters of an endpoint's own words that an error repeats


def clip(said: bytes | str, limit: int = MAX_SAID) -> str:
    """An endpoint's words on one line, cut to `limit` characters."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    text = " ".join(text[: limit * 4].split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def shown(body: bytes) -> str:
    """An answer that is not what was asked for, to be repeated in an error; of a web page only that it is one."""
    return WEB_PAGE if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else clip(body)


def said_in(body: bytes) -> str:
    """The message in an error body: `error.message`, `error`, `detail` or `message` of a JSON object, else the text."""
    try:
        decoded = msgspec.json.decode(body)
    except NOT_JSON:
        return shown(body)
    if isinstance(decoded, list) and decoded:  # Gemini wraps its errors in a list
        decoded = cast("list[Any]", decoded)[0]
    if isinstance(decoded, dict):
        fields = cast("dict[str, Any]", decoded)
        for name in ("error", "detail", "message"):
            value = fields.get(name)
            if isinstance(value, dict):
                value = cast("dict[str, Any]", value).get("message")
            if isinstance(value, str) and value:
                return clip(value)
    return clip(body)


def retry_after(header: str | None) -> float | None:
    """Seconds of a Retry-After header: a number, or a date of RFC 9110; None when absent or unreadable."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def error_of_status(
    endpoint: str, status: int, said: str, *, wait: float | None = None, during: str = ""
) -> EndpointError:
    """The error for an HTTP status of 300 and above. `said`: the endpoint's own words; `during`: when it said so."""
    said = clip(said)
    kind, verb, hint = _kind(status, said)
    told = (
        f"{endpoint} {verb}" + (f" {during}" if during else "") + f" (HTTP {status})" + (f": {said}" if said else ".")
    )
    if kind is EndpointRateLimited and wait:
        hint = f"It asks to wait {wait:.0f} s. {hint}"
    return kind(told, endpoint=endpoint, status=status, retry_after=wait, actual=said or None, hint=hint)


def _kind(status: int, said: str) -> tuple[type[EndpointError], str, str]:
    lower = said.lower()
    if status in (401, 403):
        return EndpointUnauthorized, "refused the key", "Check its key: connect it again, or mend it in models.toml."
    if status == 429:
        if "quota" in lower or "billing" in lower:
            return EndpointRateLimited, "has no quota left for this key", "Check the plan and the billing of the key."
        return EndpointRateLimited, "is limiting requests", "Lower the endpoint's concurrency in models.toml."
    if status >= 500:
        return EndpointFailed, "failed", "The fault is at the endpoint; try again, or choose another model."
    if 300 <= status < 400:
        return EndpointRejected, "redirected the request", "Put the address it redirects to into base_url."
    if "context" in lower and ("length" in lower or "size" in lower or "window" in lower):
        hint = "The prompt is longer than the model's window: set context_window of the endpoint in models.toml."
        return EndpointRejected, "rejected the prompt as too long", hint
    if said == WEB_PAGE:
        return EndpointRejected, "is no endpoint at this address", "Check its address: it mostly ends in /v1."
    if status == 404:
        return EndpointRejected, "does not know the model or the address", "Check its address and the model's name."
    return EndpointRejected, "rejected the request", "Check the model's name and what the endpoint supports."
