"""Errors over HTTP: RFC 9457 problem details with Alma's stable `code`."""

from __future__ import annotations

import math
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from alma.errors import (
    AlmaError,
    EmbedderUnavailable,
    EndpointError,
    InvalidRequest,
    Misuse,
    RunFailure,
    ServerStopping,
    StorageFailure,
    TooMany,
)

_JSON = "application/problem+json"
_CODES = {
    400: "invalid_field",
    401: "token_missing",
    403: "refused",
    404: "unknown_address",
    405: "wrong_method",
    413: "body_too_large",
    415: "wrong_content_type",
}


def problem(error: AlmaError, **more: object) -> JSONResponse:
    """`more`: members beside the usual ones."""
    match error:
        case Misuse():
            status = error.status
        case StorageFailure():
            status = 507
        case EndpointError():
            status = 502
        case RunFailure():
            status = 503
        case _:
            status = 500
    facts = error.facts()
    if isinstance(error, TooMany):
        more |= {
            "policy": error.policy,
            "quota": error.quota,
            "windowS": error.window_s,
            "retryAfterS": error.retry_after_s,
        }
    body = {"type": "about:blank", "title": error.code.replace("_", " "), "status": status, **facts, **more}
    body["detail"] = body.pop("message")
    return JSONResponse(body, status, _again(error), media_type=_JSON)


def plain(status: int, detail: str) -> JSONResponse:
    """Of what is refused by a status that says it all."""
    code = _CODES.get(status, "refused")
    body = {"type": "about:blank", "title": code.replace("_", " "), "status": status, "code": code, "detail": detail}
    return JSONResponse(body, status, media_type=_JSON)


def _again(error: AlmaError) -> dict[str, str]:
    """When it is worth while to ask again, where that is known."""
    if isinstance(error, TooMany):
        return {"retry-after": str(max(math.ceil(error.retry_after_s), 1))}
    if isinstance(error, ServerStopping):
        return {"retry-after": str(math.ceil(error.retry_after_s))}
    return {"retry-after": "5"} if isinstance(error, EmbedderUnavailable) else {}  # it comes back by itself


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem, but for bugs: see `bugs.py`."""

    async def on_alma(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, AlmaError)
        return problem(error)

    async def on_invalid(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        said = "; ".join(_said(one) for one in error.errors()[:5])
        return problem(
            InvalidRequest("invalid_field", "The request is not of the form that this address takes.", actual=said)
        )

    async def on_http(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return plain(error.status_code, str(error.detail))

    app.add_exception_handler(AlmaError, on_alma)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)


def _said(one: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in one["loc"])
    return f"{place}: {one['msg']}"
