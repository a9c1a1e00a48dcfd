"""The files of a thread through the server's door: what is taken, what is refused, and that they go with the thread."""

from __future__ import annotations

import urllib.request
from collections.abc import Generator
from pathlib import Path
from urllib.parse import quote

import pytest

from alma.tools.files import MAX_BYTES, MAX_FILES
from serving import Serving, running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Serving]:
    with running(tmp_path_factory.mktemp("server")) as serving:
        yield serving


@pytest.fixture
def thread(server: Serving) -> str:
    """The address of a fresh thread."""
    _, made = server.call("POST", "/api/threads", {"title": "with files"})
    return f"/api/threads/{made['id']}"


def test_a_file_is_put_listed_read_replaced_and_deleted(server: Serving, thread: str) -> None:
    status, put = server.call("PUT", f"{thread}/files/notes.md", b"first")
    assert (status, put["name"], put["bytes"]) == (200, "notes.md", 5)
    assert server.call("PUT", f"{thread}/files/notes.md", "the sécond".encode())[1]["bytes"] == 11
    _, listed = server.call("GET", f"{thread}/files")
    assert [(one["name"], one["bytes"]) for one in listed["files"]] == [("notes.md", 11)]
    assert (listed["maxBytes"], listed["maxFiles"]) == (MAX_BYTES, MAX_FILES)
    with urllib.request.urlopen(f"{server.url}{thread}/files/notes.md", timeout=10) as answer:
        assert answer.read().decode() == "the sécond"
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert server.call("DELETE", f"{thread}/files/notes.md")[0] == 204
    assert server.call("GET", f"{thread}/files")[1]["files"] == []


def test_a_name_may_have_spaces_and_any_script(server: Serving, thread: str) -> None:
    name = "Übersicht 2024 – räume.txt"
    assert server.call("PUT", f"{thread}/files/{quote(name)}", b"x")[1]["name"] == name
    assert server.call("GET", f"{thread}/files/{quote(name)}")[0] == 200


def test_an_empty_file_is_a_file(server: Serving, thread: str) -> None:
    assert server.call("PUT", f"{thread}/files/empty.txt", b"")[1]["bytes"] == 0


@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("a.bin", b"\x00\x01", 400, "not_text"),
        ("a.txt", b"caf\xe9", 400, "not_text"),
        ("big.txt", b"x" * (MAX_BYTES + 1), 400, "file_too_large"),
        (".hidden", b"x", 400, "bad_file_name"),
        ("..", b"x", 400, "bad_file_name"),
        ("..%2F..%2Falma.db", b"x", 400, "bad_file_name"),
        ("a/b.txt", b"x", 400, "bad_file_name"),
        ("con.txt", b"x", 400, "bad_file_name"),
        ("x" * 300, b"x", 400, "bad_file_name"),
        ("x" * 500, b"x", 400, "invalid_field"),
    ],
)
def test_what_is_no_file_for_a_thread_is_refused(
    server: Serving, thread: str, name: str, content: bytes, status: int, code: str
) -> None:
    answered, problem = server.call("PUT", f"{thread}/files/{name}", content)
    assert (answered, problem["code"]) == (status, code)
    assert server.call("GET", f"{thread}/files")[1]["files"] == []


def test_a_thread_has_a_bounded_number_of_files(server: Serving, thread: str) -> None:
    for number in range(MAX_FILES):
        assert server.call("PUT", f"{thread}/files/{number}.txt", b"x")[0] == 200
    status, problem = server.call("PUT", f"{thread}/files/one-more.txt", b"x")
    assert (status, problem["code"]) == (400, "too_many_files")
    assert server.call("PUT", f"{thread}/files/0.txt", b"another")[0] == 200


def test_what_is_not_there_is_said(server: Serving, thread: str) -> None:
    for method in ("GET", "DELETE"):
        assert server.call(method, f"{thread}/files/none.txt")[1]["code"] == "no_such_file"
    for method, path in (("GET", ""), ("PUT", "/a.txt"), ("GET", "/a.txt"), ("DELETE", "/a.txt")):
        body = b"x" if method == "PUT" else None
        assert server.call(method, f"/api/threads/t_none/files{path}", body)[1]["code"] == "unknown_thread"


def test_files_go_with_their_thread(server: Serving, thread: str) -> None:
    server.call("PUT", f"{thread}/files/a.txt", b"secret")
    folder = server.folder / "data" / "files" / Path(thread).name
    assert (folder / "a.txt").read_bytes() == b"secret"
    assert server.call("DELETE", thread)[0] == 204
    assert not folder.exists()
    assert server.call("DELETE", thread)[1]["code"] == "unknown_thread"
