"""Settings of who may enter, and how much of what they may do."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from alma.setting_checks import Addresses, Names, Rates, RateStorage


class GuardSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    require_tokens: bool = Field(
        default=False,
        description="Whether an access token is asked for on loopback too, as behind a reverse proxy on this machine.",
    )
    token: SecretStr | None = Field(
        default=None, description="Access token with which the command line talks to a server that asks for one."
    )
    allowed_hosts: Names = Field(
        default=[],
        description="Names by which the server is reached, as in `alma.example.org`. None: loopback's, and on any "
        "other address whatever name is used.",
    )
    trusted_proxies: Addresses = Field(
        default=[],
        description="Reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.",
    )
    session_hours: float = Field(
        default=168, ge=0.01, le=8760, description="How long a page stays signed in, in hours."
    )
    max_connections: int = Field(
        default=10_000, ge=1, le=1_000_000, description="Network connections at once, in all; one more is refused."
    )
    max_connections_per_address: int = Field(
        default=1024, ge=1, le=1_000_000, description="Network connections at once from one address."
    )
    max_sockets_per_caller: int = Field(
        default=1024, ge=1, le=1_000_000, description="WebSockets at once of one token, or of one address without."
    )
    limit_storage: RateStorage | None = Field(
        default=None,
        description="Redis or Valkey in which rates are counted, for several servers together. Not given: in memory.",
    )
    limit_requests: Rates = Field(
        default="200/second; 6000/minute", description="HTTP requests of one caller (a token; without one, an address)."
    )
    limit_connects: Rates = Field(
        default="1000/second; 6000/minute", description="WebSockets that one address may open."
    )
    limit_messages: Rates = Field(
        default="200/second; 6000/minute", description="Commands that one caller may send over WebSockets."
    )
    limit_runs: Rates = Field(default="100/second; 3000/minute", description="Runs that one caller may start.")
    limit_tokens: Rates = Field(
        default="", description="Tokens that the model calls of one owner may read and write; new runs wait beyond it."
    )
    limit_bytes: Rates = Field(
        default="1073741824/minute", description="Bytes that one caller may send, over HTTP and WebSockets together."
    )
    limit_sign_ins: Rates = Field(
        default="10/minute; 60/hour", description="Wrong access tokens that one address may show."
    )
    max_json_depth: int = Field(default=64, ge=4, le=500, description="How deeply JSON that comes in may be nested.")
    request_header_s: float = Field(
        default=10, ge=0.1, le=600, description="How long a client may take to send the head of a request, in seconds."
    )
    request_body_s: float = Field(
        default=30, ge=0.1, le=600, description="How long a client may pause while it sends a body, in seconds."
    )
    idle_s: float = Field(
        default=60,
        ge=1,
        le=3600,
        description="After how many seconds without a sign of life a connection is closed: of HTTP without a new "
        "request, of a WebSocket without an answer to a ping.",
    )
    slow_reader_s: float = Field(
        default=60, ge=0.5, le=3600, description="How long a client may leave unread what waits for it, in seconds."
    )
