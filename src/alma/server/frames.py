"""What a frame that comes in says, or why it says nothing; and the errors that go out as `alma.error`."""

from __future__ import annotations

import logging
import secrets

import msgspec

from alma.errors import AlmaError, InvalidRequest, TooMany
from alma.security.nesting import check_depth
from alma.security.structs import WrongField, taken
from alma.server import commands
from alma.session import encode, wire

log = logging.getLogger(__name__)
_decode = msgspec.json.Decoder(commands.AnyCommand).decode
_TYPES = sorted(str(tag) for tag in (c.__struct_config__.tag for c in commands.ALL))
_NOT_JSON = (msgspec.DecodeError, UnicodeEncodeError, RecursionError)


def command_in(frame: str | bytes, max_bytes: int, max_depth: int) -> commands.AnyCommand:
    """Raises `InvalidRequest`."""
    if isinstance(frame, bytes):
        raise InvalidRequest("binary_frame", "Commands are text frames.", expected="text", actual="a binary frame")
    if len(frame) > max_bytes or (len(frame) > max_bytes // 4 and len(frame.encode()) > max_bytes):
        raise InvalidRequest(
            "frame_too_large", "The frame is too large.", expected=f"at most {max_bytes:,} bytes", actual="more"
        )
    check_depth(frame, max_depth)
    try:
        return taken(_decode(frame))
    except (msgspec.ValidationError, WrongField) as error:
        raise _invalid(frame, str(error)) from None
    except _NOT_JSON as error:
        raise _malformed(error) from None


def check_protocol(spoken: int) -> None:
    if spoken != commands.PROTOCOL:
        raise InvalidRequest(
            "protocol_mismatch",
            "The client speaks another protocol than this server.",
            expected=f"protocol {commands.PROTOCOL}",
            actual=f"protocol {spoken}",
            hint="Reload the page, or update whichever is older.",
        )


def bug(error: Exception) -> AlmaError:
    """What a user is told of a bug; the log has the rest under the same token."""
    token = secrets.token_hex(4)
    log.error("a bug (%s)", token, exc_info=error)
    return AlmaError("Alma failed on a bug of its own.", hint=f"The log has it under {token}.")


def refusal(command_id: str, error: AlmaError, thread_id: str = "") -> str:
    facts = wire.CommandError(
        id=command_id,
        code=error.code,
        message=error.message,
        expected=error.expected,
        actual=error.actual,
        hint=error.hint,
        limit=_limit(error) if isinstance(error, TooMany) else None,
    )
    return encode.custom(facts, thread_id=thread_id)


def _limit(error: TooMany) -> wire.LimitFacts:
    return wire.LimitFacts(
        policy=error.policy, quota=error.quota, window_s=error.window_s, retry_after_s=error.retry_after_s
    )


def id_in(frame: str | bytes) -> str:
    """The id of a frame that could not be carried out, where one can be read."""
    if isinstance(frame, bytes):
        return ""
    try:
        return msgspec.json.decode(frame, type=_WithId).id[:200]
    except _NOT_JSON:
        return ""


def _malformed(error: Exception) -> InvalidRequest:
    return InvalidRequest("malformed_json", "The frame is not JSON.", expected="one JSON object", actual=str(error))


def _invalid(frame: str, said: str) -> InvalidRequest:
    """Tell an unknown command from a wrong field, by reading the frame once more without a type."""
    try:
        kind = msgspec.json.decode(frame, type=_WithType).type
    except msgspec.ValidationError:
        kind = None
    except _NOT_JSON as error:
        return _malformed(error)
    if kind not in _TYPES:
        return InvalidRequest(
            "unknown_command",
            "The frame names no command.",
            expected=f"an object whose type is one of {', '.join(_TYPES)}",
            actual=repr(kind)[:80] if kind is not None else "no type",
        )
    return InvalidRequest("invalid_field", f"A field of {kind} is wrong.", actual=said, hint="See docs/protocol.md.")


class _WithType(msgspec.Struct):
    type: object = None


class _WithId(msgspec.Struct):
    id: str = ""
