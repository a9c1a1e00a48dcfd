"""The page: the built frontend, served from its folder. Files that carry a hash in their name are cached for good."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from fastapi.responses import HTMLResponse
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from alma.errors import NotFound
from alma.security.headers import inline_scripts, policy

FOLDER = Path(__file__).parents[3] / "frontend" / "out"

_ICON = "icon.svg"
_ASKED_UNASKED = "favicon.ico"  # browsers look for the icon here where a page names none
_FILE = "alma.file"  # in the scope: which of them is sent, and when it was written
_MISSING = """<!doctype html><meta charset="utf-8"><title>Alma</title>
<body style="font:16px/1.5 system-ui;max-width:36rem;margin:15vh auto;padding:0 1rem">
<h1>Alma is running, its page is not built</h1>
<p>Run <code>make setup</code> and start Alma again. The API answers already: <a href="/docs">/docs</a>.</p>"""


def top_names(folder: Path = FOLDER) -> frozenset[str]:
    """What the page's own paths begin with; the empty name is its address itself."""
    files = (entry.name for entry in folder.iterdir()) if folder.is_dir() else ()
    return frozenset({"", _ASKED_UNASKED, *files})


class Page(StaticFiles):
    """Serves `folder`, and says what to do when the page was never built."""

    def __init__(self, folder: Path = FOLDER) -> None:
        super().__init__(directory=folder, html=True, check_dir=False)
        self._known: dict[Path, tuple[int, list[str]]] = {}  # of each page: when it was written, its scripts
        self._built = (folder / "index.html").exists()
        self.config_checked = True  # a folder that is missing is no bug; it is said below what to do

    async def get_response(self, path: str, scope: Scope) -> Response:
        if path.split("/", 1)[0] == "api" and scope["method"] in ("GET", "HEAD"):
            raise NotFound("unknown_address", f"There is nothing at /{path}.", hint="/docs lists what there is.")
        if not self._built:
            return HTMLResponse(_MISSING, 503, headers={"content-security-policy": policy()})
        response = await super().get_response(_ICON if path == _ASKED_UNASKED else path, scope)
        hashed = path.startswith("_next/static/")
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if hashed else "no-cache"
        response.headers["content-security-policy"] = policy(_host(scope), await self._scripts(response, scope))
        return response

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        scope[_FILE] = Path(full_path), stat_result.st_mtime_ns
        return super().file_response(full_path, stat_result, scope, status_code)

    async def _scripts(self, response: Response, scope: Scope) -> list[str]:
        """The hashes of those that stand in the page which is sent, or is said not to have changed. They are read again
        when it was built anew."""
        path, written = scope.get(_FILE, (None, 0))
        if isinstance(response, FileResponse) and response.stat_result is not None:  # 404.html too
            path, written = Path(response.path), response.stat_result.st_mtime_ns
        if path is None or path.suffix != ".html":
            return []
        known = self._known.get(path)
        if known is None or known[0] != written:
            html = await asyncio.to_thread(path.read_text, encoding="utf-8")
            known = self._known[path] = (written, inline_scripts(html))
        return known[1]


def _host(scope: Scope) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
