"""What else on this machine could answer: model servers on their usual loopback ports."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import aiohttp
from msgspec import Struct

from alma.errors import EndpointError
from alma.models.client import OpenAIClient, Timeouts

PROBE_TIMEOUT = 1.0  # seconds for one port
# vLLM's usual port is 8000, which is Alma's own.
USUAL = (
    ("ollama", "http://127.0.0.1:11434/v1"),
    ("lmstudio", "http://127.0.0.1:1234/v1"),
    ("llamacpp", "http://127.0.0.1:8080/v1"),
)


class Found(Struct, frozen=True):
    """A server that listed its models."""

    name: str
    base_url: str
    models: list[str]


async def discover(
    session: aiohttp.ClientSession, *, ollama_host: str | None = None, usual: tuple[tuple[str, str], ...] = USUAL
) -> list[Found]:
    """Ask all usual ports at once, for a second at most. Only this machine is asked; what fails is left out."""
    if ollama_host and is_loopback(ollama_host):
        usual = (("ollama", ollama_url(ollama_host)), *(pair for pair in usual if pair[0] != "ollama"))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_ask(session, name, url)) for name, url in usual]
    return [found for task in tasks if (found := task.result()) is not None]


async def _ask(session: aiohttp.ClientSession, name: str, base_url: str) -> Found | None:
    client = OpenAIClient(session, endpoint=name, base_url=base_url, timeouts=Timeouts(connect=PROBE_TIMEOUT))
    try:
        return Found(name, base_url, [listed.name for listed in await client.list_models(PROBE_TIMEOUT)])
    except EndpointError:
        return None


def ollama_url(host: str) -> str:
    """OLLAMA_HOST as Ollama reads it (`host`, `host:port`, `http://host:port`) → base_url. 0.0.0.0 is this machine."""
    url = host if "://" in host else f"http://{host}"
    parts = urlsplit(url)
    name = parts.hostname or "127.0.0.1"
    name = "127.0.0.1" if name == "0.0.0.0" else f"[{name}]" if ":" in name else name
    port = parts.port or (443 if parts.scheme == "https" else 11434)
    return f"{parts.scheme}://{name}:{port}/v1"


def is_loopback(host: str) -> bool:
    name = urlsplit(host if "://" in host else f"http://{host}").hostname or ""
    return name in ("localhost", "::1", "0.0.0.0") or name.startswith("127.")  # compared, not bound
