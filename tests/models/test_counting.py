"""Counting: exact where there is a tokenizer, on the safe side and within bounds where there is none."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import threading
from collections.abc import AsyncIterator
from statistics import mean

import pytest
from endpoints_at_hand import HEAD, raw_server, read_request
from hypothesis import given
from hypothesis import strategies as st
from texts_of_many_scripts import texts

from alma.errors import EndpointFailed
from alma.models import encodings
from alma.models import fetch as fetch_module
from alma.models.calibration import Calibration
from alma.models.chat import ChatMessage, Counted
from alma.models.choice import Member
from alma.models.client import OpenAIClient, open_session
from alma.models.counting import AT_ONCE, Counter, Counters
from alma.models.download import DownloadFailed
from alma.models.encodings import Encodings
from alma.models.fetch import RANKS, fetch
from alma.models.local import LocalModel
from alma.models.pool import Pool
from alma.models.tokens import ByText, Live, estimate, features
from alma.models.traffic import Traffic

REQUESTS = 30  # after which the bounds have to hold
TEMPLATE = 5  # tokens that a chat template adds to a message


@pytest.fixture(scope="module")
def held_out() -> list[str]:
    return texts(2, 400, half=1)


@pytest.fixture
async def embedded(gguf, tmp_path) -> AsyncIterator[LocalModel]:
    async with open_session() as session, asyncio.TaskGroup() as group:
        local = LocalModel(lambda: session, gguf, folder=tmp_path, ctx=1024, slots=1)
        owner = group.create_task(local.run())
        await local.wait_ready()
        yield local
        owner.cancel()


def messages_of(seed: int) -> list[list[ChatMessage]]:
    """The prompts of some requests, of texts that are not held out."""
    rng, seen = random.Random(seed), texts(1, 300, half=0)
    return [[ChatMessage("user", rng.choice(seen)) for _ in range(rng.choice((1, 2, 3)))] for _ in range(REQUESTS)]


def bare_counter() -> Counter:
    return Counter(ByText(64))


def figures(counter: Counter, truth: dict[str, int]) -> tuple[float, float, float]:
    """Mean error of the likely count, share of texts that the safe count covers, mean distance of that."""
    safe = {text: counter.counted(text) or 0 for text in truth}
    return (
        mean(abs(counter.likely(text) / tokens - 1) for text, tokens in truth.items()),
        mean(safe[text] >= tokens for text, tokens in truth.items()),
        mean(safe[text] / tokens - 1 for text, tokens in truth.items()),
    )


@pytest.mark.slow
async def test_after_thirty_requests_the_estimate_is_near_the_real_tokenizer_and_above_it(embedded, held_out):
    truth = {text: await embedded.count_tokens(text) for text in held_out}
    raw_error, raw_cover, _ = figures(bare_counter(), truth)
    for seed in (1, 2, 3):
        counter = bare_counter()
        for prompt in messages_of(seed):
            reported = sum([await embedded.count_tokens(one.content) + TEMPLATE for one in prompt])
            counter.prompt_had(prompt, reported)
        error, cover, distance = figures(counter, truth)
        assert error < 0.10 < raw_error
        assert cover >= 0.95
        assert distance < 0.35
        assert 0.03 < counter.calibration.error < 0.25
    assert raw_cover >= 0.9
    assert mean(estimate(text) >= tokens for text, tokens in truth.items()) < 0.8  # what a fixed ratio covers


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(RANKS))
def test_so_it_is_for_encodings_of_openai(name, data_dir, held_out, monkeypatch):
    fetch(RANKS[name], data_dir)
    encode = Encodings(data_dir).load("gpt-4" if name == "cl100k_base" else "gpt-4o")
    truth = {text: encode(text) for text in held_out}
    counter = bare_counter()
    for prompt in messages_of(1):
        counter.prompt_had(prompt, sum(encode(one.content) + TEMPLATE for one in prompt))
    error, cover, _ = figures(counter, truth)
    assert error < 0.10
    assert cover >= 0.95


# ── calibration ───────────────────────────────────────────────────────────────────────────────────────────────────

PROSE = features("The heat pump on the roof runs quietly at night, and nobody has complained so far. " * 8)


def taught(reports: list[float]) -> Calibration:
    calibration = Calibration()
    for tokens in reports:
        calibration.learn(PROSE, 1, tokens)
    return calibration


def test_a_few_absurd_reports_move_little():
    honest = taught([160.0] * 40)
    lied_to = taught([160.0] * 20 + [1e9, 1.0, 1e6] + [160.0] * 20)
    assert abs(lied_to.typical(PROSE, 1) / honest.typical(PROSE, 1) - 1) < 0.1
    assert lied_to.safe(PROSE) < 1.6 * honest.safe(PROSE)


def test_another_tokenizer_is_learned_anew():
    calibration = taught([160.0] * 30 + [260.0] * 60)
    assert 230 < calibration.typical(PROSE, 1) < 270


def test_a_script_never_seen_stays_uncertain():
    calibration = taught([160.0] * 50)
    hangul = features("지붕 위의 열펌프는 밤에도 조용히 돌아갑니다. " * 10)
    assert calibration.safe(PROSE) / calibration.typical(PROSE) < 1.3
    assert calibration.safe(hangul) / calibration.typical(hangul) > 1.5


@given(st.lists(st.tuples(st.text(max_size=200), st.integers(0, 3), st.floats(0, 1e9)), max_size=30), st.text())
def test_no_report_breaks_it(reports, text):
    calibration = Calibration()
    for said, messages, tokens in reports:
        calibration.learn(features(said), messages, tokens)
    looked = features(text)
    assert 0 <= calibration.typical(looked) <= calibration.safe(looked) < float("inf")
    again = Calibration.load(json.loads(json.dumps(calibration.dump())))
    assert again.safe(looked) == pytest.approx(calibration.safe(looked))


@pytest.mark.parametrize("kept", [None, [], {}, {"seen": 1, "noise": 0.1, "weights": [1], "mix": [], "spread": []}])
def test_what_is_no_calibration_is_refused(kept):
    with pytest.raises(ValueError, match="calibration"):
        Calibration.load(kept)


@given(st.text(max_size=300), st.text(max_size=300))
def test_features_of_two_texts_are_those_of_both(a, b):
    joined, apart = features(a + "\n" + b), [x + y for x, y in zip(features(a), features(b), strict=True)]
    for at in (0, 1, 3, 4, *range(6, len(joined))):
        assert joined[at] == apart[at]


# ── counters ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_tokenizer_is_asked_once_for_a_text_and_not_while_it_fails():
    asked: list[str] = []

    async def tokenize(text: str) -> int:
        asked.append(text)
        if len(asked) > 2:
            raise EndpointFailed("no", endpoint="e")
        return 7

    counter = Counter(ByText(64), tokenize=tokenize)
    assert counter.counting == Counted("exact")
    assert counter.counted("one") is None
    assert [await counter.count("one"), await counter.count("one"), counter.counted("one")] == [7, 7, 7]
    assert await counter.count("two") == 7
    three = await counter.count("three")
    assert 0 < three < 7
    assert counter.counting.how == "estimated"
    await counter.count("four")
    assert asked == ["one", "two", "three"]
    assert counter.counted("one") == 7


async def test_a_text_of_megabytes_is_counted_off_the_loop(monkeypatch):
    counter, threads = bare_counter(), []
    look = counter._look
    monkeypatch.setattr(counter, "_look", lambda text: (threads.append(threading.current_thread()), look(text))[1])
    text = "word " * AT_ONCE
    assert counter.counted(text) is None
    assert await counter.count(text) > AT_ONCE / 2
    assert threads[0] is not threading.main_thread()
    assert counter.counted(text) == await counter.count(text)


def test_what_is_remembered_is_bounded():
    known: ByText[int] = ByText(3)
    for number in range(1, 6):
        known.put("x" * number, number)
    assert [known.get("x" * number) for number in range(1, 6)] == [None, None, 3, 4, 5]


async def test_two_models_of_an_endpoint_are_counted_apart(session):
    client = OpenAIClient(session, endpoint="e", base_url="http://127.0.0.1:9/v1")
    text = "The heat pump on the roof runs quietly at night. " * 20
    for _ in range(20):
        client.counter("dear").prompt_had([ChatMessage("user", text)], 500)
    assert client.named("dear").counted(text) > 1.5 * client.named("cheap").counted(text)
    assert await client.named("dear").count_tokens(text) == client.named("dear").counted(text)
    assert client.named("dear").counting.error_pct < client.named("cheap").counting.error_pct


async def test_an_endpoint_without_the_tokenizer_it_was_said_to_have_is_estimated(session):
    async def handle(reader, writer):
        await read_request(reader)
        writer.write(HEAD.replace(b"200 OK", b"404 Not Found"))

    async with raw_server(handle) as url:
        client = OpenAIClient(session, endpoint="e", base_url=url, tokenizer=True)
        assert await client.count_tokens("How many tokens are these?") > 3


# ── across restarts ───────────────────────────────────────────────────────────────────────────────────────────────


async def run_for_a_moment(counters: Counters) -> None:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(counters.run())
        await asyncio.sleep(0)
        task.cancel()


async def test_what_was_learned_is_kept(tmp_path):
    counters = Counters(tmp_path)
    counter = counters.of("lab", "a/b")
    for _ in range(10):
        counter.prompt_had([ChatMessage("user", "some words of a prompt " * 30)], 400)
    counter.stream_had(10, 400, 100)
    counters.learned()
    await run_for_a_moment(counters)
    again = Counters(tmp_path).of("lab", "a/b")
    text = "some words of a prompt " * 5
    assert again.counted(text) == counter.counted(text)
    assert (again.per_piece, again.calibration.seen) == (10, 10)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"lab/a":7}', '{"lab/a":{"calibration":{"seen":"x"}}}', "\udcff"])
def test_a_file_that_cannot_be_read_is_as_good_as_none(tmp_path, content):
    (tmp_path / "counting.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    assert Counters(tmp_path).of("lab", "a").calibration.seen == 0


async def test_a_folder_that_cannot_be_written_costs_only_that(tmp_path, caplog):
    counters = Counters(tmp_path / "nowhere")
    counters.of("lab", "a")
    counters.learned()
    await run_for_a_moment(counters)
    assert "could not be kept" in caplog.text


async def test_models_may_be_asked_for_while_what_was_learned_is_written(tmp_path):
    """The writing is done in a thread; that must not end the server."""
    counters = Counters(tmp_path)
    often = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for number in range(60):
            counters._kept = {f"lab/{number}.{at}": {} for at in range(400)}
            counters.learned()
            writing = asyncio.create_task(asyncio.to_thread(counters.save))
            for at in range(400):
                counters.of("lab", f"{number}.{at}")
                await asyncio.sleep(0)
            await writing
    finally:
        sys.setswitchinterval(often)


# ── tiktoken ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
async def test_models_of_openai_are_counted_by_their_encoding_once_it_is_loaded(data_dir, tmp_path):
    fetch(RANKS["o200k_base"], data_dir)
    counters = Counters(data_dir)
    counter = counters.of("openai", "gpt-4o-mini")
    assert counter.counting.how == "estimated"
    loaded = asyncio.Event()
    take, loop = counter.encode_by, asyncio.get_running_loop()

    def encode_by(encode):
        take(encode)
        loop.call_soon(loaded.set)

    counter.encode_by = encode_by
    async with asyncio.TaskGroup() as group:
        task = group.create_task(counters.run())
        async with asyncio.timeout(120):
            await loaded.wait()
        task.cancel()
    assert counter.counting == Counted("exact")
    assert await counter.count("Hello, world!") == counter.counted("Hello, world!") == 4
    for _ in range(5):  # it is only called so
        counter.prompt_had([ChatMessage("user", "Hello, world! " * 50)], 600)
    assert counter.counting.how == "estimated"


def test_without_its_files_a_model_is_estimated_and_nobody_is_told(monkeypatch, tmp_path, caplog):
    def refuse(*_):
        raise DownloadFailed("no network")

    monkeypatch.setattr(encodings, "fetch", refuse)
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    assert Encodings(tmp_path).load("gpt-4o") is None
    assert Encodings(None).load("openai/o3-mini") is None
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]


@pytest.mark.parametrize("model", ["llama3.1:8b", "gpt-j-6b", "mistral/gpt-4", "", "gpt-"])
def test_other_models_have_no_encoding(tmp_path, model):
    assert Encodings(None).load(model) is None


def test_without_the_package_nobody_asks(monkeypatch):
    assert encodings.may_know("openai/gpt-4o")
    assert not encodings.may_know("llama3.1:8b")
    monkeypatch.setattr(encodings.importlib.util, "find_spec", lambda name: None)
    assert not encodings.may_know("gpt-4o")


# ── while it streams ──────────────────────────────────────────────────────────────────────────────────────────────


def test_pieces_of_one_token_are_not_weighed():
    counter = bare_counter()
    counter.stream_had(100, 400, 105)
    assert counter.live().long > 1 << 20


@given(st.lists(st.text("ab ", min_size=1, max_size=60), min_size=1, max_size=40))
def test_rounding_loses_no_token(pieces):
    live = Live(-1, lambda text: len(text) * 0.3)
    told = sum(live.count(piece) for piece in pieces)
    assert told >= round(sum(map(len, pieces)) * 0.3) - 1
    if all(len(piece) > 4 for piece in pieces):
        assert abs(told - sum(map(len, pieces)) * 0.3) <= 1


def test_a_pool_counts_as_its_first_member_does(client):
    for _ in range(20):
        client.counter("m").prompt_had([ChatMessage("user", "some words of a prompt " * 30)], 400)
    pool = Pool("pool/m", [Member(client.named("m"), Traffic(8), "m")])
    assert pool.counted("some words") == client.named("m").counted("some words")
    assert pool.counting == client.named("m").counting


def test_the_files_of_tiktoken_are_fetched_on_demand(tmp_path):
    fetched: list[str] = []

    def fetch_all(folder, artifacts=(), **_):
        fetched.extend(artifact.label for artifact in artifacts)

    assert fetch_module.main(["--data-dir", str(tmp_path)], fetch_all=fetch_all) == 0
    assert fetched == []
    assert fetch_module.main(["--data-dir", str(tmp_path), "--tiktoken"], fetch_all=fetch_all) == 0
    assert fetched == ["ranks of cl100k_base", "ranks of o200k_base"]
