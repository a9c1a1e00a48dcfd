"""Who asks, as parameters of routes: `owner: Owner` where only whose things they are matters, `caller: Asker` where
more does; `Admin` in front of what everybody shares."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from alma.errors import Forbidden, Unauthorized
from alma.memory.records import Reader
from alma.security.caller import Caller, caller_of


def _caller(request: Request) -> Caller:
    caller = caller_of(request.scope)
    if not caller.known:  # a door that is open to everybody, and has to do with what is somebody's
        raise Unauthorized("token_missing", "This Alma asks for an access token.")
    return caller


def _owner(request: Request) -> str:
    return _caller(request).owner


def _person(request: Request) -> Reader:
    return Reader(_caller(request).owner)


def _admin(request: Request) -> Caller:
    caller = _caller(request)
    require_admin(caller)
    return caller


def require_admin(caller: Caller) -> None:
    if not caller.admin:
        raise Forbidden(
            "admin_only",
            "This is for administrators of this Alma.",
            expected="a token made with --admin",
            actual=f"the token {caller.name!r}",
            hint="Ask whoever runs it; `alma tokens add NAME --admin` makes such a token.",
        )


Asker = Annotated[Caller, Depends(_caller)]
Owner = Annotated[str, Depends(_owner)]
Person = Annotated[Reader, Depends(_person)]  # the owner in person, to whom all of their memories are open
Admin = Annotated[Caller, Depends(_admin)]
ADMIN = Depends(_admin)  # for whole routers: `dependencies=[ADMIN]`
