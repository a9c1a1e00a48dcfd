"""models.toml and the registry: what is written, what is refused, who answers."""

from __future__ import annotations

import asyncio
import os
import re
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from endpoints_at_hand import ask, collect, raw_server, text_of

from alma.errors import (
    Conflict,
    EndpointUnauthorized,
    EndpointUnreachable,
    InvalidRequest,
    ModelUnavailable,
    NotFound,
    SettingsInvalid,
)
from alma.models import endpoints
from alma.models.client import OpenAIClient, open_session
from alma.models.discovery import discover, ollama_url
from alma.models.endpoints import Endpoint, check, load
from alma.models.gguf import model_name
from alma.models.registry import Registry
from alma.models.remote import looks_tiny

EXAMPLES = ["openai", "anthropic", "gemini", "cellar", "attic", "shed"]


@asynccontextmanager
async def running(registry: Registry) -> AsyncIterator[tuple[Registry, asyncio.Task[None]]]:
    """The registry while it runs, and its owner, which must still be at it in the end."""
    owner = asyncio.create_task(registry.run())
    await asyncio.sleep(0.01)
    yield registry, owner
    owner.cancel()
    with pytest.raises(asyncio.CancelledError):
        await owner


# ── the file ──────────────────────────────────────────────────────────────────────────────────────────────────────

GOOD = """\
# my endpoints
default = "lab/big"

[[endpoint]]  # the one in the cellar
name = "lab"
base_url = "http://lab.invalid/v1"
api_key_env = "LAB_KEY"
models = ["big", "small:0.5b"]
context_window = 32768
concurrency = 3
price = { input = 1.5, output = 2 }
"""


def test_reads_an_endpoint_with_all_its_fields(file):
    file.write_text(GOOD)
    kept = load(file)
    assert kept.default == "lab/big"
    (lab,) = kept.endpoints
    assert (lab.models, lab.context_window, lab.concurrency, lab.price.output) == (("big", "small:0.5b"), 32768, 3, 2)
    assert lab.key({"LAB_KEY": "k"}) == "k"
    assert lab.key({}) is None


def test_no_file_is_no_problem(file):
    assert check(file) == []
    assert load(file).endpoints == ()


def test_all_problems_are_named_at_once(file):
    file.write_text(
        """
default = "nonsense"
colour = "red"
[[endpoint]]
name = "Lab!"
base_url = "ftp://x"
api_key = 7
[[endpoint]]
base_url = "http://x/v1"
context_window = "many"
concurrency = 0
modells = []
[[endpoint]]
name = "embedded"
base_url = "http://y/v1"
api_key = "sk-secret"
api_key_env = "K"
models = ["a", 1]
tokenizer = "yes"
price = { input = -1, per = 2 }
"""
    )
    problems = check(file)
    text = "\n".join(problems)
    for words in (
        "default: expected endpoint/model, came 'nonsense'",
        "colour",
        "endpoint 1 (Lab!): name",
        "endpoint 1 (Lab!): base_url: expected http(s)://",
        "endpoint 1 (Lab!): api_key: expected a text, came a secret",
        "endpoint 2: name",
        "endpoint 2: context_window: expected a whole number of at least 256, came 'many'",
        "endpoint 2: concurrency: expected a whole number of at least 1, came 0",
        "endpoint 2: modells",
        "endpoint 3 (embedded): name",
        "either api_key or api_key_env",
        "endpoint 3 (embedded): models: expected a list of names",
        "endpoint 3 (embedded): tokenizer: expected true or false",
        "endpoint 3 (embedded): price: input",
        "endpoint 3 (embedded): price: per",
    ):
        assert words in text
    assert "sk-secret" not in text
    assert all(str(file) in problem for problem in problems)
    with pytest.raises(SettingsInvalid):
        load(file)


@pytest.mark.parametrize(
    "content", [b"a = = b", b"\xff\xfe", b"endpoint = 3", b"[[endpoint]]\nname='a'\nbase_url='http://['\n"]
)
def test_broken_files_are_problems_not_crashes(file, content):
    file.write_bytes(content)
    assert len(check(file)) >= 1


def test_the_example_is_a_good_file_when_its_comments_are_taken_off(file):
    example = (Path(__file__).parents[2] / "models.example.toml").read_text()
    settings = [line.removeprefix("# ") for line in example.splitlines() if re.match(r"# (\[\[|\w+ = )", line)]
    file.write_text("\n".join(settings))
    assert check(file) == []
    assert [endpoint.name for endpoint in load(file).endpoints] == EXAMPLES


def test_two_endpoints_of_one_name(file):
    file.write_text('[[endpoint]]\nname="a"\nbase_url="http://x/v1"\n' * 2)
    assert "a name of its own" in check(file)[0]


def test_writes_keep_comments_and_close_the_file_to_others(file):
    file.write_text(GOOD)
    file.chmod(0o644)
    endpoints.put_endpoint(file, Endpoint(name="new", base_url="http://n/v1", api_key="sk"))
    endpoints.put_choice(file, default="new/x")
    endpoints.put_choice(file, gguf="/models/a.gguf")
    text = file.read_text()
    assert "# my endpoints" in text
    assert "# the one in the cellar" in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = load(file)
    assert (kept.default, kept.gguf) == ("new/x", "/models/a.gguf")
    assert [endpoint.name for endpoint in kept.endpoints] == ["lab", "new"]
    endpoints.put_endpoint(file, Endpoint(name="new", base_url="http://other/v1"))
    assert load(file).endpoints[-1].base_url == "http://other/v1"
    endpoints.drop_endpoint(file, "new", orphan=True)
    assert load(file).default is None
    endpoints.drop_endpoint(file, "lab")
    assert load(file).endpoints == ()


def test_an_endpoint_never_shows_its_key():
    assert "secret" not in repr(Endpoint(name="a", base_url="http://x", api_key="secret"))


# ── the registry ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_endpoint_is_connected_used_kept_and_removed(open_registry, scripted_server, file):
    reasons: list[str] = []
    registry = open_registry(on_change=reasons.append)
    assert registry.default is None
    with pytest.raises(ModelUnavailable):
        registry.resolve()
    await registry.add_endpoint("lab", scripted_server.url.removesuffix("/v1"), api_key="sk-1")  # finds /v1 itself
    assert load(file).endpoints[0].base_url == scripted_server.url
    model, info = registry.resolve("lab/fake-200-50")
    assert (info.id, info.kind, info.context_window) == ("lab/fake-200-50", "remote", 8192)
    model, _ = registry.resolve("lab/scripted")
    assert text_of(await collect(model, ask("!say hello", model="scripted"))) == "hello"
    (endpoint,) = registry.endpoints()
    assert (endpoint.name, endpoint.state, endpoint.has_key) == ("lab", "ready", True)

    await registry.set_default("lab/scripted")
    assert registry.resolve()[1].id == "lab/scripted"
    assert open_registry().default == "lab/scripted"

    await registry.remove_endpoint("lab")
    assert registry.default is None
    assert load(file).endpoints == ()
    assert load(file).default is None
    assert reasons == ["endpoints", "default", "endpoints"]


async def test_unknown_models_and_endpoints(open_registry, scripted_server):
    registry = open_registry(scripted=True)
    await registry.add_endpoint("lab", scripted_server.url)
    for name in ("nobody/x", "lab/none", "lab", "lab/", "embedded/x"):
        with pytest.raises(NotFound) as caught:
            registry.resolve(name)
        assert caught.value.code == "unknown_model"
    with pytest.raises(NotFound) as caught:
        await registry.remove_endpoint("nobody")
    assert caught.value.code == "unknown_endpoint"
    with pytest.raises(NotFound):
        await registry.set_default("lab/none")


async def test_an_endpoint_is_checked_before_it_is_kept(open_registry, file):
    registry = open_registry()
    async with raw_server(lambda reader, writer: asyncio.sleep(0)) as url:
        pass
    with pytest.raises(EndpointUnreachable):
        await registry.add_endpoint("lab", url)
    app = web.Application()

    async def refuse(request: web.Request) -> web.Response:
        return web.json_response({"error": {"message": "no"}}, status=401)

    app.router.add_get("/v1/models", refuse)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    with pytest.raises(EndpointUnauthorized):
        await registry.add_endpoint("lab", f"http://127.0.0.1:{runner.addresses[0][1]}")
    await runner.cleanup()
    for name, url in (("Lab Two", "http://x/v1"), ("embedded", "http://x/v1"), ("lab", "x"), ("lab", "file:///etc")):
        with pytest.raises(InvalidRequest):
            await registry.add_endpoint(name, url)
    with pytest.raises(InvalidRequest):
        await registry.add_endpoint("lab", "http://x/v1", api_key_env="NOT_SET")
    assert not file.exists()


async def test_the_environment_implies_endpoints(open_registry):
    registry = open_registry(openai_api_key="sk", openai_base_url="http://o.invalid/v1", ollama_host="0.0.0.0:1234")
    assert [(e.name, e.base_url, e.source) for e in registry.endpoints()] == [
        ("openai", "http://o.invalid/v1", "OPENAI_API_KEY"),
        ("ollama", "http://127.0.0.1:1234/v1", "OLLAMA_HOST"),
    ]
    assert registry.resolve("openai/gpt-x")[1].name == "gpt-x"  # not listed yet: any name may exist
    with pytest.raises(Conflict):
        await registry.remove_endpoint("openai")


async def test_a_dead_endpoint_is_shown_and_blocks_nothing(open_registry, file):
    async with raw_server(lambda reader, writer: asyncio.sleep(60)) as url:
        file.write_text(f'[[endpoint]]\nname = "slow"\nbase_url = "{url}"\nmodels = ["m"]\n')
        registry = open_registry()
        owner = asyncio.create_task(registry.run())
        await asyncio.sleep(0.05)
        assert registry.endpoints()[0].state == "unknown"
        assert [info.id for info in registry.models()] == ["slow/m"]
        owner.cancel()
        with pytest.raises(asyncio.CancelledError):
            await owner


async def test_states_are_refreshed_in_the_background(open_registry, scripted_server, file):
    async with raw_server(lambda reader, writer: asyncio.sleep(60)) as dead:
        pass
    file.write_text(
        f'[[endpoint]]\nname = "up"\nbase_url = "{scripted_server.url}"\n'
        f'[[endpoint]]\nname = "down"\nbase_url = "{dead}"\n'
    )
    changed = asyncio.Event()
    registry = open_registry(on_change=lambda reason: changed.set())
    owner = asyncio.create_task(registry.run())
    await asyncio.wait_for(changed.wait(), 5)
    assert [(e.name, e.state) for e in registry.endpoints()] == [("up", "ready"), ("down", "down")]
    assert "cannot be reached" in registry.endpoints()[1].detail
    assert "up/scripted" in [info.id for info in registry.models()]
    owner.cancel()
    with pytest.raises(asyncio.CancelledError):
        await owner


async def test_malformed_endpoints_are_down_and_end_nothing(open_registry, scripted_server, file, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    file.write_text(
        '[[endpoint]]\nname = "dots"\nbase_url = "http://foo..bar/v1"\n'
        f'[[endpoint]]\nname = "long"\nbase_url = "http://{"a" * 70}/v1"\n'
        f'[[endpoint]]\nname = "key"\nbase_url = "{scripted_server.url}"\napi_key = "sk-a\\nb"\n'
        f'[[endpoint]]\nname = "up"\nbase_url = "{scripted_server.url}"\napi_key = "sk\\n"\n'
    )
    async with running(open_registry()) as (registry, owner):
        async with asyncio.timeout(120):
            while any(endpoint.state == "unknown" for endpoint in registry.endpoints()):
                await asyncio.sleep(0.01)
        assert [endpoint.state for endpoint in registry.endpoints()] == ["down", "down", "down", "ready"]
        assert all("malformed" in endpoint.detail for endpoint in registry.endpoints()[:3])
        assert not owner.done()


async def test_a_bug_at_one_endpoint_leaves_it_down_and_the_others_up(
    open_registry, scripted_server, file, monkeypatch
):
    listing = OpenAIClient.list_models

    async def broken(self, timeout=5.0):
        return await listing(self, timeout) if self.endpoint == "up" else {}["bug"]

    monkeypatch.setattr(OpenAIClient, "list_models", broken)
    file.write_text("".join(f'[[endpoint]]\nname="{n}"\nbase_url="{scripted_server.url}"\n' for n in ("odd", "up")))
    async with running(open_registry()) as (registry, owner):
        async with asyncio.timeout(120):
            while any(endpoint.state == "unknown" for endpoint in registry.endpoints()):
                await asyncio.sleep(0.01)
        assert [endpoint.state for endpoint in registry.endpoints()] == ["down", "ready"]
        assert not owner.done()


async def test_listeners_that_raise_end_nothing(open_registry, scripted_server, file):
    told = []

    def fail(what) -> None:
        told.append(what)
        raise RuntimeError("a bug of the listener")

    file.write_text(f'[[endpoint]]\nname="up"\nbase_url="{scripted_server.url}"\n')
    async with raw_server(lambda reader, writer: asyncio.sleep(0)) as gone:
        pass
    registry = open_registry(embedded=True, on_change=fail, on_pull=fail)
    registry.pulls._hub_url = gone.removesuffix("/v1")
    async with running(registry) as (registry, owner):
        async with asyncio.timeout(120):
            registry.pulls.start("Org/Small", "small.gguf")
            while not {"models", "embedded", "failed"} <= {getattr(what, "state", what) for what in told}:
                await asyncio.sleep(0.01)
        await registry.set_default("up/scripted")
        assert not owner.done()


async def test_keys_are_kept_without_their_line_breaks(open_registry, scripted_server, file):
    registry = open_registry(environ={"K": "sk-2\n", "EMPTY": " \n"})
    await registry.add_endpoint("lab", scripted_server.url, api_key=" sk-1\n")
    assert load(file).endpoints[0].api_key == "sk-1"
    await registry.add_endpoint("lab", scripted_server.url, api_key="\n")
    assert load(file).endpoints[0].api_key is None
    await registry.add_endpoint("lab", scripted_server.url, api_key_env="K")
    assert load(file).endpoints[0].key({"K": "sk-2\n"}) == "sk-2"
    with pytest.raises(InvalidRequest):
        await registry.add_endpoint("lab", scripted_server.url, api_key_env="EMPTY")


async def test_an_endpoint_can_be_removed_twice_at_once(open_registry, scripted_server, file):
    registry = open_registry()
    await registry.add_endpoint("lab", scripted_server.url)
    await asyncio.gather(registry.remove_endpoint("lab"), registry.remove_endpoint("lab"))
    assert registry.endpoints() == []
    assert load(file).endpoints == ()


async def test_files_whose_names_are_not_text_are_not_offered(open_registry, tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "Good-Q4_0.gguf").write_bytes(b"GGUF")
    (folder / os.fsdecode(b"bad-\xff.gguf")).write_bytes(b"GGUF")
    registry = open_registry(embedded=True)
    assert [info.name for info in registry.models()] == ["smollm2-135m", "good"]
    msgspec.json.encode(registry.models())


async def test_the_files_own_list_limits_what_is_offered(open_registry, scripted_server):
    registry = open_registry()
    await registry.add_endpoint("lab", scripted_server.url, models=["fake-200-50"])
    assert [info.name for info in registry.models()] == ["fake-200-50"]


async def test_the_scripted_model(open_registry):
    registry = open_registry(scripted=True)
    assert registry.default == "scripted/scripted"
    model, info = registry.resolve()
    assert (info.kind, info.tiny, registry.tiny_only) == ("scripted", False, False)
    assert text_of(await collect(model, ask("!say hi", model=info.name))) == "hi"


async def test_embedded_absent(open_registry, tmp_path):
    registry = open_registry(embedded=True)
    assert registry.embedded_state().state == "absent"
    assert [(info.id, info.loaded) for info in registry.models()] == [("embedded/smollm2-135m", False)]
    assert registry.default is None
    with pytest.raises(ModelUnavailable) as caught:
        registry.resolve("embedded/smollm2-135m")
    assert "setup" in caught.value.hint
    with pytest.raises(InvalidRequest):
        await registry.use_gguf(tmp_path / "none.gguf")


@pytest.mark.slow
async def test_choosing_another_gguf_loads_it_and_is_kept(open_registry, gguf, tmp_path, file):
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "SmolLM2-135M-Instruct.Q4_1.gguf").symlink_to(gguf)
    other = folder / "Other-1B-Instruct-Q4_K_M.gguf"
    other.symlink_to(gguf)
    registry = open_registry(embedded=True, context_window=16384)
    assert registry.default == "embedded/smollm2-135m"
    assert registry.tiny_only
    owner = asyncio.create_task(registry.run())
    await asyncio.sleep(0)
    with pytest.raises(ModelUnavailable, match="not loaded"):
        registry.resolve("embedded/other-1b")
    await registry.set_default("embedded/other-1b")
    model, info = registry.resolve()
    assert (info.id, info.loaded, load(file).gguf) == ("embedded/other-1b", True, str(other))
    assert text_of(await collect(model, ask("Say hello.", model=info.name)))
    assert registry.resolve()[1].context_window == 8192  # what the model was trained on, not what was asked for
    await registry.use_gguf(gguf)
    assert registry.default == "embedded/smollm2-135m"
    owner.cancel()
    with pytest.raises(asyncio.CancelledError):
        await owner


async def test_the_embedded_model_can_be_off(open_registry, tmp_path):
    registry = open_registry()
    assert registry.embedded_state().state == "off"
    with pytest.raises(Conflict):
        await registry.use_gguf(tmp_path / "x.gguf")


async def test_discovers_servers_on_loopback(scripted_server):
    async with raw_server(lambda reader, writer: asyncio.sleep(60)) as silent, open_session() as session:
        found = await discover(session, usual=(("one", scripted_server.url), ("two", silent)))
    assert [(server.name, server.base_url) for server in found] == [("one", scripted_server.url)]
    assert "scripted" in found[0].models


def test_ollama_host_as_ollama_reads_it():
    assert ollama_url("10.0.0.5") == "http://10.0.0.5:11434/v1"
    assert ollama_url("https://o.invalid") == "https://o.invalid:443/v1"


@pytest.mark.parametrize(
    ("name", "tiny"), [("qwen2.5:0.5b", True), ("smollm2-135m", True), ("llama3.1:8b", False), ("gpt-4o", False)]
)
def test_tiny_by_name(name, tiny):
    assert looks_tiny(name) is tiny


def test_short_names_of_files():
    assert model_name(Path("SmolLM2-135M-Instruct.Q4_1.gguf")) == "smollm2-135m"
    assert model_name(Path("qwen2.5-0.5b-instruct-q4_k_m.gguf")) == "qwen2.5-0.5b"
    assert model_name(Path("Qwen3-8B-Q4_K_M.gguf")) == "qwen3-8b"
    assert model_name(Path("Big-00001-of-00002.gguf")) == "big"


LAB = Endpoint(name="lab", base_url="http://127.0.0.1:1/v1")
BY_HAND = '\n[[endpoint]]\nname = "mine"\nbase_url = "http://127.0.0.1:2/v1"\n'


def names(file: Path) -> list[str]:
    return [endpoint.name for endpoint in load(file).endpoints]


def test_an_endpoint_comes_back_after_the_last_one_went(file):
    file.write_text('# mine\ndefault = "lab/big"\n')
    endpoints.put_endpoint(file, LAB)
    endpoints.drop_endpoint(file, "lab", orphan=True)
    assert file.read_text().strip() == "# mine"
    endpoints.put_endpoint(file, LAB)
    assert names(file) == ["lab"]


def test_a_file_without_its_last_endpoint_can_be_written_on_by_hand(file):
    endpoints.put_endpoint(file, LAB)
    endpoints.drop_endpoint(file, "lab")
    file.write_text(file.read_text() + BY_HAND)
    assert check(file) == []
    endpoints.put_endpoint(file, LAB)
    assert names(file) == ["mine", "lab"]


@pytest.mark.parametrize(
    ("array", "kept"),
    [
        ("endpoint = []\n", []),
        ("endpoint = []\n\n# the end\n", []),
        ('endpoint = [{ name = "mine", base_url = "http://127.0.0.1:2/v1", price = { input = 1.0 } }]\n', ["mine"]),
    ],
)
def test_an_endpoint_joins_those_of_a_plain_array(file, array, kept):
    file.write_text(array + 'default = "lab/big"\n')
    endpoints.put_endpoint(file, LAB)
    assert names(file) == [*kept, "lab"]
    assert load(file).default == "lab/big"
    endpoints.put_choice(file, gguf="/x.gguf")
    file.write_text(file.read_text() + BY_HAND.replace("mine", "other"))
    assert names(file) == [*kept, "lab", "other"]


async def test_the_built_in_models_file_is_missed_by_its_folder(open_registry, tmp_path, file):
    with pytest.raises(ModelUnavailable) as caught:
        open_registry(embedded=True).resolve()
    assert caught.value.message == f"The built-in model is not in {tmp_path / 'models'}."
    assert caught.value.hint == "`make setup` fetches it."
    file.write_text(f'gguf = "{tmp_path}/gone.gguf"\n')
    with pytest.raises(ModelUnavailable, match=r"gone\.gguf is not there"):
        open_registry(embedded=True).resolve()
    with pytest.raises(ModelUnavailable, match="No model is chosen"):
        open_registry(embedded=False).resolve()
