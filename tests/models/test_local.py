"""The embedded model, really: its child process, its answers, its death."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from endpoints_at_hand import ask, collect, text_of

from alma import child as child_process
from alma.errors import EndpointCut, EndpointUnreachable, InvalidRequest, ModelUnavailable
from alma.model_call import Sampling
from alma.models.client import open_session
from alma.models.local import LocalModel
from alma.models.local_slots import SlotFiles, Slots

SHORT = Sampling(temperature=0.0, max_tokens=24)


class Running:
    """A LocalModel with its owner task."""

    def __init__(self, local: LocalModel, changes: list[str]) -> None:
        self.local = local
        self.changes = changes


@pytest.fixture
async def running(gguf, tmp_path) -> AsyncIterator[Running]:
    changes: list[str] = []
    async with open_session() as session:
        local = LocalModel(lambda: session, gguf, folder=tmp_path, ctx=1024, first_pause=0.05)
        local._on_change = lambda: changes.append(local.status.state)
        owner = asyncio.create_task(local.run())
        await asyncio.sleep(0)
        yield Running(local, changes)
        owner.cancel()
        with pytest.raises(asyncio.CancelledError):
            await owner
    assert local.status.state == "off"


@pytest.mark.slow
async def test_streams_counts_and_obeys_a_schema(running):
    local = running.local
    assert local.status.state == "starting"
    chunks = await collect(local, ask("Say hello.", sampling=SHORT))
    assert running.changes == ["starting", "ready"]
    assert text_of(chunks)
    assert sum(chunk.tokens for chunk in chunks) > 3
    assert chunks[-1].usage.input_tokens > 5
    assert chunks[-1].finish_reason in ("stop", "length")

    assert await local.count_tokens("Hello, world!") == 4
    assert await local.count_tokens("") == 0

    schema = {"type": "object", "properties": {"kind": {"enum": ["cat", "dog"]}}, "required": ["kind"]}
    answer = json.loads(text_of(await collect(local, ask("Which animal barks?", json_schema=schema, sampling=SHORT))))
    assert answer["kind"] in ("cat", "dog")

    again = await collect(local, ask("Say hello.", sampling=SHORT))
    assert again[-1].usage.cached_tokens > 5


@pytest.mark.slow
async def test_strangers_cannot_use_the_port(running):
    local = running.local
    await local.wait_ready()
    async with (
        open_session() as session,
        session.post(local.client.base_url + "/chat/completions", json={"messages": []}) as response,
    ):
        assert response.status == 401


@pytest.mark.slow
async def test_a_killed_child_cuts_its_answers_and_comes_back(running):
    local = running.local
    await local.wait_ready()
    first = local.status.pid
    seen = []
    long = ask("Tell a very long story.", sampling=Sampling(temperature=0.0, max_tokens=500))

    async def kill_when_it_writes():
        while not seen:
            await asyncio.sleep(0.01)
        os.kill(first, signal.SIGKILL)

    async with asyncio.TaskGroup() as group:
        group.create_task(kill_when_it_writes())
        with pytest.raises(EndpointCut):
            await collect(local, long, seen)
    assert text_of(await collect(local, ask("Say hello.", sampling=SHORT)))
    assert local.status.pid != first
    assert running.changes == ["starting", "ready", "restarting", "restarting", "ready"]


@pytest.mark.slow
async def test_the_file_can_be_swapped(running, gguf, tmp_path):
    local = running.local
    await local.wait_ready()
    first = local.status.pid
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"not a model at all, but long enough")
    with pytest.raises(InvalidRequest) as caught:
        local.use(bad)
    assert "not a GGUF file" in caught.value.message
    with pytest.raises(InvalidRequest):
        local.use(tmp_path / "nothing.gguf")
    assert local.status.pid == first

    other = tmp_path / "Other.gguf"
    other.symlink_to(gguf)
    local.use(other)
    assert local.name == "other"
    while local.status.pid == first:
        await asyncio.sleep(0.01)
    await local.wait_ready()
    assert local.status.file == str(other)


@pytest.mark.slow
async def test_requests_beyond_the_slots_wait_in_line(running):
    local = running.local
    await local.wait_ready()
    longest = 0

    async def one(i):
        nonlocal longest
        async for _ in local.stream(ask(f"Count to {i}.", sampling=SHORT)):
            longest = max(longest, local.status.queued)
            assert local.status.active <= 4

    async with asyncio.TaskGroup() as group:
        for i in range(7):
            group.create_task(one(i))
    assert longest == 3
    assert (local.status.active, local.status.queued) == (0, 0)


@pytest.mark.slow
async def test_a_file_that_does_not_load_fails_with_a_reason(tmp_path):
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + (3).to_bytes(4, "little") + b"\0" * 64)
    async with open_session() as session:
        local = LocalModel(lambda: session, broken, folder=tmp_path, first_pause=0.01)
        async with asyncio.TaskGroup() as group:
            owner = group.create_task(local.run())
            await asyncio.sleep(0)
            with pytest.raises(EndpointUnreachable) as caught:
                await collect(local, ask("x"))
            assert local.status.state == "failed"
            assert caught.value.actual
            assert isinstance(local.unavailable(), ModelUnavailable)
            owner.cancel()


@pytest.mark.slow
async def test_without_a_place_for_what_it_has_read_it_fails_and_says_so(gguf, tmp_path):
    (tmp_path / "log").write_text("a file where a folder should be")
    async with open_session() as session:
        local = LocalModel(session, gguf, folder=tmp_path / "log", first_pause=0.01)
        async with asyncio.TaskGroup() as group:
            owner = group.create_task(local.run())
            await asyncio.sleep(0)
            with pytest.raises(EndpointUnreachable) as caught:
                await local.wait_ready()
            assert "could not be started" in caught.value.actual
            owner.cancel()


async def test_without_a_file_it_is_absent_and_says_what_to_do(tmp_path):
    async with open_session() as session:
        local = LocalModel(lambda: session, tmp_path / "none.gguf", folder=tmp_path)
        async with asyncio.TaskGroup() as group:
            owner = group.create_task(local.run())
            await asyncio.sleep(0)
            with pytest.raises(EndpointUnreachable) as caught:
                await collect(local, ask("x"))
            assert "setup" in caught.value.hint
            assert local.status.state == "absent"
            assert await local.count_tokens("abc") == 1
            owner.cancel()


CHILDREN = {
    "a line without end": ("import os; os.write(1, b'x' * 1_000_000)", "too long a line"),
    "no JSON": ("print('hello', flush=True); import time; time.sleep(60)", "hello"),
    "no text": ('import os, time; os.write(1, b\'{"a": "\\xff"}\\n\'); time.sleep(60)', "did not report"),
    "no port": ("print('{\"port\": null}', flush=True); import time; time.sleep(60)", "could not be used"),
    "nothing": ("", "exit code 0"),
}


@pytest.mark.parametrize("child", CHILDREN)
async def test_a_child_that_reports_nonsense_fails_and_says_so(tmp_path, monkeypatch, child):
    code, words = CHILDREN[child]

    async def spawn(path):
        pipe = child_process.PIPE
        return await child_process.start(sys.executable, "-S", "-c", code, stdin=pipe, stdout=pipe)

    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    async with open_session() as session:
        local = LocalModel(session, tmp_path / "a.gguf", folder=tmp_path, first_pause=0.01)
        monkeypatch.setattr(local, "_spawn", spawn)
        async with asyncio.TaskGroup() as group:
            owner = group.create_task(local.run())
            await asyncio.sleep(0)
            with pytest.raises(EndpointUnreachable) as caught:
                await local.wait_ready()
            assert local.status.state == "failed"
            assert words in caught.value.actual
            owner.cancel()


@pytest.mark.parametrize("broken", ["_spawn", "_absent"])
async def test_a_bug_of_its_own_fails_the_model_only(tmp_path, monkeypatch, broken):
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    path = tmp_path / ("a.gguf" if broken == "_spawn" else "none.gguf")
    async with open_session() as session:
        local = LocalModel(session, path, folder=tmp_path, first_pause=0.01)
        monkeypatch.setattr(local, broken, lambda *given: {}["bug"])
        async with asyncio.TaskGroup() as group:
            owner = group.create_task(local.run())
            async with asyncio.timeout(120):
                while local.status.state != "failed":
                    await asyncio.sleep(0.01)
            assert "KeyError" in local.status.detail
            owner.cancel()


async def test_a_server_that_lists_nothing_is_taken_at_its_word(tmp_path):
    class Nothing:
        async def list_models(self):
            return []

    async with open_session() as session:
        local = LocalModel(session, None, folder=tmp_path, ctx=1024)
        await local._measure(Nothing())
    assert local.context_window == 1024


@pytest.mark.parametrize(("size", "steadied"), [(98_000_000, True), (1_300_000_000, False)])
async def test_only_a_tiny_model_is_kept_from_repeating_itself(tmp_path, size, steadied):
    with (tmp_path / "a.gguf").open("wb") as file:
        file.truncate(size)
    async with open_session() as session:
        client = LocalModel(session, None, folder=tmp_path)._client_at(1, tmp_path / "a.gguf")
    penalty = {"repeat_penalty": 1.1, "repeat_last_n": 256} if steadied else {}
    assert client._extra == {"cache_prompt": True, **penalty}


async def test_a_child_that_just_died_is_no_error(tmp_path):
    class Gone:
        pid, returncode = 1, None

        def kill(self):
            raise ProcessLookupError

    (tmp_path / "a.gguf").write_bytes(b"GGUF" + (3).to_bytes(4, "little") + b"\0" * 16)
    async with open_session() as session:
        local = LocalModel(session, None, folder=tmp_path)
        local._process = Gone()
        local._client, local._slots = object(), Slots([], SlotFiles(session, "", "", tmp_path))
        local._bury(local._slots)
        local.use(tmp_path / "a.gguf")
    assert (local.client, local.name) == (None, "a")


PARENT = """
import asyncio, sys
from pathlib import Path
from alma.models.client import open_session
from alma.models.local import LocalModel

async def main():
    async with open_session() as session:
        local = LocalModel(lambda: session, Path(sys.argv[1]), folder=Path(sys.argv[2]), ctx=512)
        async with asyncio.TaskGroup() as group:
            group.create_task(local.run())
            await asyncio.sleep(0)
            await local.wait_ready()
            print(local.status.pid, flush=True)

asyncio.run(main())
"""


@pytest.mark.slow
def test_the_child_dies_with_a_killed_parent(gguf: Path, tmp_path: Path):
    parent = subprocess.Popen([sys.executable, "-c", PARENT, gguf, tmp_path], stdout=subprocess.PIPE)
    with parent.stdout:
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.is_running()
        parent.kill()
        parent.wait()
        psutil.wait_procs([child], timeout=120)
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
