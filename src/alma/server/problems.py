"""Errors over HTTP: RFC 9457 problem details with Alma's stable `code`. Also the limit on bodies."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alma.errors import AlmaError, EndpointError, InvalidRequest, Misuse, RunFailure, StorageFailure

log = logging.getLogger(__name__)
_JSON = "application/problem+json"
_KNOWLEDGE_FILES = "/api/knowledge/files/"
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
    body = {"type": "about:blank", "title": error.code.replace("_", " "), "status": status, **facts, **more}
    body["detail"] = body.pop("message")
    return JSONResponse(body, status, media_type=_JSON)


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem."""

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
        code = _CODES.get(error.status_code, "refused")
        body = {"type": "about:blank", "title": code.replace("_", " "), "status": error.status_code, "code": code}
        return JSONResponse({**body, "detail": str(error.detail)}, error.status_code, media_type=_JSON)

    async def on_bug(request: Request, error: Exception) -> JSONResponse:
        token = secrets.token_hex(4)
        log.error("%s %s failed on a bug (%s)", request.method, request.url.path, token, exc_info=error)
        return problem(AlmaError("Alma failed on a bug of its own.", hint=f"The log has it under {token}."))

    app.add_exception_handler(AlmaError, on_alma)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_bug)


def _said(one: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in one["loc"])
    return f"{place}: {one['msg']}"


class BodyLimit:
    """Refuses HTTP bodies over `limit` bytes, whether or not they announce their length; but for files of the knowledge
    base, which have a limit of their own."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["method"] == "PUT" and scope["path"].startswith(_KNOWLEDGE_FILES)):
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > self._limit:
            await self._refuse(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._limit:
                raise HTTPException(413, self._said())
            return message

        await self._app(scope, counted, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = {"type": "about:blank", "title": "body too large", "status": 413, "code": "body_too_large"}
        await JSONResponse({**body, "detail": self._said()}, 413, media_type=_JSON)(scope, receive, send)

    def _said(self) -> str:
        return f"The body is too large: at most {self._limit:,} bytes are taken (ALMA_MAX_BODY_BYTES)."
