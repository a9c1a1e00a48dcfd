"""Reading pages: what is on the list and public is read, everything else is refused, however it is asked for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from alma.tools.fault import ToolFault
from alma.tools.page_text import text_of_page
from alma.tools.pages import PageReader, is_public
from alma.tools.signature import ToolContext
from alma.tools.toolbox import SHIPPED, Toolbox
from bounded import within

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
LOCAL = frozenset(["127.0.0.1"])


class Site:
    """A server on loopback that is known as site.test. `resolved`: every look-up made."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.server = TestServer(web.Application())
        self.server.app.router.add_route("GET", "/{path:.*}", self._answer)
        self.addresses = {"site.test": ["127.0.0.1"]}
        self.resolved: list[str] = []
        self.asked: list[web.Request] = []

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        return await self.answers[request.path](request)

    async def resolve(self, host: str) -> list[str]:
        self.resolved.append(host)
        return self.addresses.get(host, [])

    def reader(self, *, allow_private: frozenset[str] = LOCAL, timeout_s: float = 5) -> PageReader:
        hosts = [f"site.test:{self.server.port}", f".below.test:{self.server.port}", "gone.test"]
        return PageReader(
            hosts, resolve=self.resolve, allow_private=allow_private, max_bytes=10_000, timeout_s=timeout_s
        )

    def url(self, path: str, host: str = "site.test") -> str:
        return f"http://{host}:{self.server.port}{path}"

    def serve(self, path: str, **options: object) -> str:
        async def answer(request: web.Request) -> web.StreamResponse:
            return web.Response(**options)  # type: ignore[arg-type]

        self.answers[path] = answer
        return self.url(path)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()
    await made.server.start_server()
    yield made
    await made.server.close()


PAGE = """<!doctype html><html><head><title>Heat  pumps</title><style>p {color: red}</style>
<script>alert("<p>no</p>")</script></head><body><nav><a href="/x">Home</a></nav><h1>Cost &amp; comfort</h1>
<p>A pump <b>costs</b>
more.</p><ul><li>quiet</li><li>warm</li></ul><script>x()</script><p>End</body></html>"""


async def test_a_listed_page_is_read_as_text(site: Site) -> None:
    page = await site.reader().read(site.serve("/a", text=PAGE, content_type="text/html"))
    assert page.text == "Heat pumps\n\nHome\n\nCost & comfort\n\nA pump costs\nmore.\n\n- quiet\n\n- warm\n\nEnd"
    assert not page.cut
    (request,) = site.asked
    assert request.headers["Host"] == f"site.test:{site.server.port}"
    assert "Cookie" not in request.headers


async def test_plain_text_and_json_are_read_as_they_are(site: Site) -> None:
    assert (await site.reader().read(site.serve("/t", text="a < b", content_type="text/plain"))).text == "a < b"
    assert (
        await site.reader().read(site.serve("/j", text='{"a": 1}', content_type="application/json"))
    ).text == '{"a": 1}'


async def test_a_suffix_lets_in_what_is_below(site: Site) -> None:
    site.addresses |= {"a.below.test.": ["127.0.0.1"], "below.test": ["127.0.0.1"], "notbelow.test": ["127.0.0.1"]}
    site.serve("/", text="hi")
    assert (await site.reader().read(site.url("/", "A.below.test."))).text == "hi"
    assert (await site.reader().read(site.url("/", "below.test"))).text == "hi"
    with pytest.raises(ToolFault, match="not on the list"):
        await site.reader().read(site.url("/", "notbelow.test"))


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("file:///etc/passwd", "begin with http"),
        ("ftp://gone.test/", "begin with http"),
        ("gone.test/a", "begin with http"),
        ("javascript:alert(1)", "begin with http"),
        ("http://", "begin with http|not a web address"),
        ("http://gone.test:99999/", "not a web address"),
        ("http://[::1/", "not a web address"),
        ("http://evil.test/", "not on the list"),
        ("http://gone.test.evil.test/", "not on the list"),
        ("http://gone.test:22/", "not on the list"),
        ("http://gone.test@evil.test/", "user name"),
        ("http://user:pass@gone.test/", "user name"),
        ("http://127.0.0.1/", "not on the list"),
        ("http://2130706433/", "not on the list"),
        ("http://[::ffff:127.0.0.1]/", "not on the list"),
        ("http://evil.test#gone.test", "not on the list"),
        ("http://evil.test\\@gone.test/", "user name|not a web address|not on the list"),
        ("http://gone.test/", "cannot be reached"),
    ],
)
async def test_other_addresses_are_refused(address: str, says: str, site: Site) -> None:
    with pytest.raises(ToolFault, match=says):
        await site.reader().read(address)
    assert site.asked == []


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["169.254.169.254"], ["93.184.216.34", "127.0.0.1"]],
)
async def test_a_name_of_a_private_address_is_refused_before_anything_is_sent(addresses: list[str], site: Site) -> None:
    url = site.serve("/", text="secret")
    site.addresses["site.test"] = addresses
    with pytest.raises(ToolFault, match="not a public address"):
        await site.reader(allow_private=frozenset()).read(url)
    assert site.asked == []


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "[::1]", "169.254.169.254", "0.0.0.0"])
async def test_a_private_address_on_the_list_is_refused_all_the_same(address: str) -> None:
    with pytest.raises(ToolFault, match="not a public address"):
        await PageReader([address.strip("[]")]).read(f"http://{address}/")


async def test_the_address_that_was_checked_is_the_one_connected_to(site: Site) -> None:
    """A name that resolves differently the second time (rebinding) gets no second time."""
    await site.reader().read(site.serve("/", text="hi"))
    assert site.resolved == ["site.test"]


async def test_redirects_are_followed_three_times_and_checked_each_time(site: Site) -> None:
    site.serve("/3", text="there")
    for number in range(3):
        site.serve(f"/{number}", status=302, headers={"Location": f"/{number + 1}"})
    assert (await site.reader().read(site.url("/0"))).url == site.url("/3")
    site.serve("/back", status=301, headers={"Location": site.url("/0")})
    with pytest.raises(ToolFault, match="more than 3 times"):
        await site.reader().read(site.url("/back"))
    for target, says in {
        "http://evil.test/": "not on the list",
        f"http://127.0.0.1:{site.server.port}/3": "not on the list",
        "file:///etc/passwd": "begin with http",
        "//evil.test/": "not on the list",
        "http://[": "cannot be read|not a web address",
        "": "without saying where",
    }.items():
        with pytest.raises(ToolFault, match=says):
            await site.reader().read(site.serve("/away", status=307, headers={"Location": target}))


async def test_what_is_too_long_is_cut_while_it_comes(site: Site) -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        while True:
            await response.write(b"x" * 1000)
            sent += 1000

    site.answers["/endless"] = endless
    page = await site.reader().read(site.url("/endless"))
    assert page.cut
    assert page.text == "x" * 10_000
    assert sent < 30_000_000


async def test_what_does_not_come_is_given_up(site: Site) -> None:
    released = asyncio.Event()

    async def silent(request: web.Request) -> web.StreamResponse:
        await released.wait()
        return web.Response()

    site.answers["/silent"] = silent
    with pytest.raises(ToolFault, match=r"did not answer within 0\.2 s"):
        await site.reader(timeout_s=0.2).read(site.url("/silent"))
    released.set()


async def test_what_is_no_page_is_refused(site: Site) -> None:
    for options, says in [
        ({"body": b"\x89PNG", "content_type": "image/png"}, "image/png; only HTML"),
        ({"body": b"x"}, "octet-stream"),
        ({"text": "x", "status": 404}, "404 Not Found"),
        ({"text": "x", "headers": {"Content-Encoding": "gzip"}}, "compressed"),
    ]:
        with pytest.raises(ToolFault, match=says):
            await site.reader().read(site.serve("/no", **options))


@pytest.mark.parametrize(
    "address",
    re.findall(
        r"\S+",
        """127.0.0.1 127.9.9.9 0.0.0.0 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 192.0.2.1 198.18.0.1
        224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::7f00:1 fe80::1 fe80::1%eth0
        fc00::1 fec0::1 ff02::1 64:ff9b::7f00:1 64:ff9b::a00:1 2002:7f00:1:: 2002:a00:1:: 2001:db8::1
        2001:0:4136:e378:8000:63bf:80ff:fffe nonsense 127.1 2130706433""",
    ),
)
def test_no_address_that_leads_inside_counts_as_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("content", "charset", "text"),
    [
        (b"<p>caf\xe9", "latin-1", "café"),
        (b"<meta charset='windows-1252'><p>\x80 5", None, "€ 5"),
        ("<p>é".encode(), "no-such", "é"),
        ("<p>é".encode(), "zlib", "é"),
        (b"<p>a\xff", None, "a�"),
        (b"<title>T<body><p>a", None, "T\n\na"),
        (b"<head><title>T</title><p>still head<body>a", None, "T\n\na"),
        (b"a<script>never closed", None, "a"),
        (b"</div></p>a<br/>b", None, "a\nb"),
        (b"", None, ""),
    ],
)
def test_any_bytes_become_text(content: bytes, charset: str | None, text: str) -> None:
    assert text_of_page(content, True, charset) == text


@pytest.mark.parametrize("piece", ["<", "<!--", "</", "<a ", "<![", "<!", "<?", "&", "&#", "<p>", "<a b='", "<script>"])
def test_a_hostile_megabyte_does_not_take_long(piece: str) -> None:
    content = (piece * (1_000_000 // len(piece))).encode()
    assert within(4, lambda: text_of_page(content, True, None))


async def test_the_tool_is_off_without_a_list(site: Site, context: ToolContext) -> None:
    box = Toolbox()
    box.load_folder(SHIPPED)
    assert "read_page" not in box.names()
    assert "switched off" in (await box.call("read_page", '{"url": "http://site.test/"}', context)).text
    box = Toolbox(provided=[site.reader()])
    box.load_folder(SHIPPED)
    url = site.serve("/", text="<p>Hello", content_type="text/html")
    outcome = await box.call("read_page", f'{{"url": "{url}"}}', context)
    assert (outcome.ok, outcome.text) == (True, f"{url}\n\nHello")
    assert not (await box.call("read_page", '{"url": "http://evil.test/"}', context)).ok
