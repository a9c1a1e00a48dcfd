"""Read a web page, from the hosts that whoever runs Alma has listed."""

from __future__ import annotations

from alma.tools.pages import PageReader
from alma.tools.tool import tool


@tool(idempotent=True, outside="a web page", timeout_s=20, max_chars=8000)
async def read_page(url: str, pages: PageReader) -> str:
    """Read a web page and give its text. Only pages of listed hosts can be read.

    url: the address, beginning with https:// or http://
    """
    page = await pages.read(url)
    note = "\n(The page is longer than what was read of it.)" if page.cut else ""
    return f"{page.url}{note}\n\n{page.text}"
