"""Pulling a GGUF from a stand-in of the Hugging Face hub."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from alma.errors import InvalidRequest, NotFound
from alma.models.catalog import GIB, catalog
from alma.models.hub import PullProgress, Pulls, find

BODY = b"GGUF" + (3).to_bytes(4, "little") + bytes(range(256)) * 8000
SHA = hashlib.sha256(BODY).hexdigest()
REPO, FILE = "Org/Small-GGUF", "Small-Instruct-Q4_K_M.gguf"


class Hub:
    """`/{repo}/resolve/{revision}/{file}` as the hub answers it: metadata on HEAD, a redirect to storage on GET."""

    def __init__(self) -> None:
        self.body = BODY
        self.sha = SHA
        self.cut_at: int | None = None
        self.hold: asyncio.Event | None = None
        self.began = asyncio.Event()
        self.ranges: list[str | None] = []
        self.app = web.Application()
        self.app.router.add_route("*", "/{org}/{repo}/resolve/{revision}/{file}", self.resolve)
        self.app.router.add_get("/storage", self.storage)

    async def resolve(self, request: web.Request) -> web.Response:
        if request.match_info["repo"] == "Gated":
            return web.Response(status=403, headers={"X-Error-Code": "GatedRepo", "X-Error-Message": "gated"})
        if request.match_info["file"] != FILE:
            return web.Response(status=404, headers={"X-Error-Code": "EntryNotFound"})
        headers = {
            "Location": self.storage_url,
            "X-Repo-Commit": "a" * 40,
            "X-Linked-Etag": f'"{self.sha}"',
            "X-Linked-Size": str(len(self.body)),
            "ETag": '"pointer"',
        }
        return web.Response(status=302, headers=headers)

    async def storage(self, request: web.Request) -> web.StreamResponse:
        asked = request.headers.get("Range")
        self.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        rest = self.body[start:]
        response = web.StreamResponse(
            status=206 if asked else 200, headers={"Content-Length": str(len(rest)), "ETag": f'"{self.sha}"'}
        )
        await response.prepare(request)
        if self.cut_at is not None:
            await response.write(rest[: self.cut_at])
            self.cut_at = None
            while request.transport.get_write_buffer_size():
                await asyncio.sleep(0)
            request.transport.close()
            return response
        if self.hold is not None:
            await response.write(rest[:1_000_000])
            self.began.set()
            await self.hold.wait()
            rest = rest[1_000_000:]
        await response.write(rest)
        return response


@pytest.fixture
async def hub(monkeypatch, tmp_path) -> AsyncIterator[Hub]:
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    hub = Hub()
    runner = web.AppRunner(hub.app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hub.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    hub.storage_url = hub.url.replace("127.0.0.1", "localhost") + "/storage"  # another host, as the hub's is
    yield hub
    await runner.cleanup()


class Watch:
    """Collects progress; `ended` is set at the end."""

    def __init__(self) -> None:
        self.seen: list[PullProgress] = []
        self.ended = asyncio.Event()

    def __call__(self, progress: PullProgress) -> None:
        self.seen.append(progress)
        if progress.state != "running":
            self.ended.set()


@pytest.fixture
async def pulls(hub, tmp_path) -> AsyncIterator[tuple[Pulls, Watch]]:
    watch = Watch()
    pulls = Pulls(tmp_path / "models", on_progress=watch, hub_url=hub.url)
    owner = asyncio.create_task(pulls.run())
    await asyncio.sleep(0)
    yield pulls, watch
    owner.cancel()
    with pytest.raises(asyncio.CancelledError):
        await owner


async def test_finds_size_hash_and_address(hub):
    found = await asyncio.to_thread(find, REPO, FILE, hub_url=hub.url)
    assert (found.size, found.sha256, found.url) == (len(BODY), SHA, hub.storage_url)


async def test_pulls_with_progress(pulls, tmp_path):
    pulls, watch = pulls
    pull_id = pulls.start(REPO, FILE)
    assert pulls.start(REPO, FILE) == pull_id  # one download per file
    await asyncio.wait_for(watch.ended.wait(), 20)
    last = watch.seen[-1]
    assert (last.state, last.done_bytes, last.total_bytes) == ("done", len(BODY), len(BODY))
    assert last.model == "embedded/small"
    assert (tmp_path / "models" / FILE).read_bytes() == BODY
    with pytest.raises(NotFound):
        pulls.cancel(pull_id)


async def test_a_cut_is_resumed(hub, pulls, tmp_path):
    pulls, watch = pulls
    hub.cut_at = 500_000
    pulls.start(REPO, FILE)
    await asyncio.wait_for(watch.ended.wait(), 20)
    assert watch.seen[-1].state == "done"
    assert hub.ranges == [None, "bytes=500000-"]


async def test_cancel_and_go_on_another_time(hub, pulls, tmp_path):
    pulls, watch = pulls
    hub.hold = asyncio.Event()
    pull_id = pulls.start(REPO, FILE)
    await asyncio.wait_for(hub.began.wait(), 20)
    pulls.cancel(pull_id)
    hub.hold.set()
    await asyncio.wait_for(watch.ended.wait(), 20)
    assert watch.seen[-1].state == "canceled"
    assert not (tmp_path / "models" / FILE).exists()
    hub.hold = None
    watch.ended.clear()
    pulls.start(REPO, FILE)
    await asyncio.wait_for(watch.ended.wait(), 20)
    assert watch.seen[-1].state == "done"
    assert hub.ranges[-1].startswith("bytes=")


@pytest.mark.parametrize(
    ("repo", "file", "words"),
    [("Org/Gated", FILE, "accepted its terms"), (REPO, "none.gguf", "no file")],
)
async def test_refusals_say_what_to_do(pulls, repo, file, words):
    pulls, watch = pulls
    pulls.start(repo, file)
    await asyncio.wait_for(watch.ended.wait(), 20)
    assert watch.seen[-1].state == "failed"
    assert words in watch.seen[-1].error.message
    assert watch.seen[-1].error.hint


async def test_a_file_that_is_no_gguf_is_not_kept(hub, pulls, tmp_path):
    pulls, watch = pulls
    hub.body = b"<html>" * 1000
    hub.sha = hashlib.sha256(hub.body).hexdigest()
    pulls.start(REPO, FILE)
    await asyncio.wait_for(watch.ended.wait(), 20)
    assert watch.seen[-1].state == "failed"
    assert list((tmp_path / "models").glob("*.gguf")) == []


@pytest.mark.parametrize("hindrance", ["a file for a folder", "a folder for the file"])
async def test_a_disk_that_does_not_take_it_fails_the_download_only(pulls, tmp_path, hindrance):
    pulls, watch = pulls
    if hindrance == "a file for a folder":
        (tmp_path / "models").write_text("")
    else:
        (tmp_path / "models" / FILE).mkdir(parents=True)
    for _ in range(2):  # the second shows that the first left nothing behind and the owner alive
        pulls.start(REPO, FILE)
        await asyncio.wait_for(watch.ended.wait(), 20)
        assert (watch.seen[-1].state, watch.seen[-1].error.code) == ("failed", "download_failed")
        assert "could not be stored" in watch.seen[-1].error.message
        assert watch.seen[-1].error.hint
        watch.ended.clear()
        await asyncio.sleep(0)


async def test_a_bug_fails_the_download_only(pulls, monkeypatch):
    pulls, watch = pulls
    monkeypatch.setattr("alma.models.hub.check_gguf", lambda path: {}["bug"])
    pulls.start(REPO, FILE)
    await asyncio.wait_for(watch.ended.wait(), 20)
    assert watch.seen[-1].state == "failed"
    assert "KeyError" in watch.seen[-1].error.message


async def test_names_are_checked(pulls):
    pulls, _ = pulls
    for repo, file in ((REPO, "../x.gguf"), ("Org", FILE), (REPO, "x.bin"), (REPO, "x-00001-of-00003.gguf")):
        with pytest.raises(InvalidRequest):
            pulls.start(repo, file)


def test_catalog_knows_what_fits():
    small = [model.name for model in catalog(4 * GIB) if model.fits]
    assert "Qwen2.5 0.5B" in small
    assert "Qwen3 8B" not in small
    assert all(model.fits for model in catalog(64 * GIB))
