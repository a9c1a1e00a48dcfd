"""The page: the built frontend, served from its folder. Files that carry a hash in their name are cached for good."""

from __future__ import annotations

from pathlib import Path

from fastapi.responses import HTMLResponse
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from alma.errors import NotFound

FOLDER = Path(__file__).parents[3] / "frontend" / "out"

_MISSING = """<!doctype html><meta charset="utf-8"><title>Alma</title>
<body style="font:16px/1.5 system-ui;max-width:36rem;margin:15vh auto;padding:0 1rem">
<h1>Alma is running, its page is not built</h1>
<p>Run <code>make setup</code> and reload. The API answers already: <a href="/docs">/docs</a>.</p>"""


class Page(StaticFiles):
    """Serves `folder`, and says what to do when the page was never built."""

    def __init__(self, folder: Path = FOLDER) -> None:
        super().__init__(directory=folder, html=True, check_dir=False)
        self._built = (folder / "index.html").exists()

    async def get_response(self, path: str, scope: Scope) -> Response:
        if path.split("/", 1)[0] == "api" and scope["method"] in ("GET", "HEAD"):
            raise NotFound("unknown_address", f"There is nothing at /{path}.", hint="/docs lists what there is.")
        if not self._built:
            return HTMLResponse(_MISSING, 503)
        response = await super().get_response(path, scope)
        hashed = path.startswith("_next/static/")
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if hashed else "no-cache"
        response.headers["x-content-type-options"] = "nosniff"
        response.headers["referrer-policy"] = "no-referrer"
        return response
