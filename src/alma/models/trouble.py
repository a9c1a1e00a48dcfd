"""What goes wrong on the way to an endpoint, told so that a user can act on it."""

from __future__ import annotations

import aiohttp

from alma.errors import EndpointCut, EndpointGarbled, EndpointRejected, EndpointUnreachable
from alma.models.refusal import clip


def cut(endpoint: str, error: Exception) -> EndpointCut:
    """The connection failed in the middle of an answer."""
    return EndpointCut(
        f"{endpoint} broke off its answer: {_reason(error)}.",
        endpoint=endpoint,
        hint="The connection failed in the middle of an answer; try again.",
    )


def unreachable(endpoint: str, base_url: str, error: Exception) -> EndpointUnreachable:
    """There was no connection."""
    return EndpointUnreachable(
        f"{endpoint} cannot be reached at {base_url}: {_reason(error)}.",
        endpoint=endpoint,
        expected=f"an OpenAI-compatible server at {base_url}",
        actual=_reason(error),
        hint="Check that the server runs, and its address.",
    )


def unaskable(endpoint: str, base_url: str, error: ValueError) -> EndpointUnreachable:
    """For an address, a key or a proxy of which no request can be made."""
    return EndpointUnreachable(
        f"{endpoint} cannot be asked: its address {base_url} or its key is malformed: {_reason(error)}.",
        endpoint=endpoint,
        expected="an address such as https://host.example/v1, and a key without line breaks",
        actual=_reason(error),
        hint="Correct the address and the key of this endpoint.",
    )


def not_http(endpoint: str, said: str) -> EndpointGarbled:
    """What answers there speaks something else."""
    return EndpointGarbled(
        f"{endpoint} answered with something that is not HTTP: {clip(said)}",
        endpoint=endpoint,
        hint="Check its address: the scheme (http or https) and the port.",
    )


def held_back(endpoint: str) -> EndpointRejected:
    """Its content filter let nothing of the answer through."""
    return EndpointRejected(
        f"{endpoint} held its answer back: its content filter let nothing through.",
        endpoint=endpoint,
        expected="an answer",
        actual="finish_reason content_filter, and no text",
        hint="Put the request in other words, or choose another model.",
    )


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return f"its TLS certificate is not trusted ({clip(str(error))})"
    if isinstance(error, aiohttp.ClientPayloadError | aiohttp.ServerDisconnectedError):
        return "the connection was closed before its end"
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return "the connection timed out"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.removesuffix(".")
    return clip(str(error)).removesuffix(".") or type(error).__name__
