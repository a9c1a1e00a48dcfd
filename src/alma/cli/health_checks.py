"""What `alma doctor` asks a server that runs: how each of its parts is."""

from __future__ import annotations

import asyncio

import msgspec
from msgspec import Struct

from alma.cli.checks import Finding
from alma.cli.options import token_of
from alma.cli.server_file import answers, running_server
from alma.errors import AlmaError
from alma.settings import Settings


class _Component(Struct, frozen=True):
    name: str
    status: str
    detail: str = ""
    hint: str = ""


class Health(Struct, frozen=True):
    """The reply of `/health`, as far as it is shown."""

    status: str
    components: list[_Component]


def check_health(settings: Settings) -> list[Finding]:
    """Nothing where no server runs."""
    server = running_server(settings.data_dir)
    if server is None:
        return []
    try:
        health = asyncio.run(_ask(settings, server.url))
    except (AlmaError, msgspec.ValidationError) as error:
        return [Finding("server", "warn", f"it does not say how it is: {error}", "see its log")]
    return of_health(health) if health is not None else []


async def _ask(settings: Settings, url: str) -> Health | None:
    from alma.cli.door import Door
    from alma.cli.server_transport import to_server

    if not await answers(url):
        return None
    async with to_server(settings.data_dir, 5, token=token_of(settings)) as transport:
        return msgspec.convert(await Door(transport).call("GET", "/health?fresh=1"), Health)


def of_health(health: Health) -> list[Finding]:
    """Each part that is not well; one line where all are. What Alma can do without is only a remark."""
    state = "problem" if health.status == "down" else "warn"
    amiss = [one for one in health.components if one.status != "ok"]
    if not amiss:
        return [Finding("server", "ok", f"all {len(health.components)} parts of it are well")]
    return [
        Finding(f"server: {one.name}", state if one.status == "down" else "warn", one.detail or one.status, one.hint)
        for one in amiss
    ]
