"""The built page as the server hands it out, from a folder of its own."""

from __future__ import annotations

from pathlib import Path

import httpx

from alma.security.headers import inline_scripts
from alma.server.page import Page, top_names

HOME = "<!doctype html><script>home()</script><script src=/_next/a.js></script>"
NOWHERE = "<!doctype html><script>theme()</script><script>nowhere()</script>"


async def ask(folder: Path, path: str, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(Page(folder))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return await client.get(path, headers=headers)


def built(folder: Path) -> Path:
    (folder / "index.html").write_text(HOME)
    (folder / "404.html").write_text(NOWHERE)
    (folder / "icon.svg").write_text("<svg/>")
    return folder


async def test_every_page_may_run_the_scripts_that_stand_in_it_and_no_others(tmp_path: Path) -> None:
    built(tmp_path)
    for path, status, html, other in (("/", 200, HOME, NOWHERE), ("/nowhere", 404, NOWHERE, HOME)):
        answer = await ask(tmp_path, path)
        allowed = answer.headers["content-security-policy"]
        assert (answer.status_code, answer.text) == (status, html)
        assert all(script in allowed for script in inline_scripts(html)), path
        assert not any(script in allowed for script in inline_scripts(other)), path


async def test_a_page_that_has_not_changed_may_run_them_too(tmp_path: Path) -> None:
    etag = (await ask(built(tmp_path), "/")).headers["etag"]
    answer = await ask(tmp_path, "/", **{"if-none-match": etag})
    assert answer.status_code == 304
    assert all(script in answer.headers["content-security-policy"] for script in inline_scripts(HOME))


async def test_a_page_that_was_never_built_says_what_to_do(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        answer = await ask(folder, "/")
        assert answer.status_code == 503
        assert "make setup" in answer.text


async def test_the_icon_is_there_where_browsers_look_for_it_unasked(tmp_path: Path) -> None:
    answer = await ask(built(tmp_path), "/favicon.ico")
    assert (answer.status_code, answer.text) == (200, "<svg/>")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "favicon.ico" in top_names(tmp_path)
