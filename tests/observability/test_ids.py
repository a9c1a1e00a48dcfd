"""What is logged while an agent works says whose work it is, and a run that fails on a bug names the group of it."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Iterator, Mapping
from pathlib import Path

import pytest
from pydantic import SecretStr

from alma.choices import logs_of, recorder_of, secrets_of
from alma.models.chat import ChatRequest, Chunk
from alma.observability.context import bound_ids
from alma.observability.fingerprint import fingerprint_of
from alma.settings import Settings
from planned import end_of, start
from session_bench import SessionBench


class Heard(logging.Handler):
    """Records with what was bound when they were made."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[tuple[logging.LogRecord, Mapping[str, str]]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append((record, bound_ids()))


@pytest.fixture
def heard() -> Iterator[Heard]:
    handler = Heard()
    logging.getLogger("alma").addHandler(handler)
    yield handler
    logging.getLogger("alma").removeHandler(handler)


async def test_a_run_that_fails_on_a_bug_names_its_group_and_its_record_has_the_ids(
    tmp_path: Path, heard: Heard
) -> None:
    async with SessionBench(f"sqlite:///{tmp_path / 'alma.db'}").running() as bench:

        async def broken(_request: ChatRequest) -> AsyncGenerator[Chunk]:
            logging.getLogger("alma.test").warning("while the model speaks")
            raise LookupError("a bug")
            yield

        bench.model.stream = broken  # type: ignore[method-assign]
        client = bench.connect()
        ack = await start(client, "hello", kind="chat")
        assert (await end_of(client, ack["runId"]))["type"] == "RUN_ERROR"
        log = await bench.journal.read(ack["runId"])
    ids = {one.getMessage(): bound for one, bound in heard.records}
    here = {"run_id": ack["runId"], "task_id": "main", "owner": "ada", "thread_id": ack["threadId"], "part": "worker"}
    failed = ids[f"run {ack['runId']} failed on a bug"]
    assert {**failed, **here} == failed
    speaking = ids["while the model speaks"]
    assert {**speaking, **here, "attempt": "1", "step": "answer"} == speaking
    (record,) = [one for one, _ in heard.records if one.levelno == logging.ERROR]
    error = log[-1].entry.error  # type: ignore[union-attr]
    assert error is not None
    assert error.fingerprint == fingerprint_of(record).id


async def test_a_command_that_fails_on_a_bug_is_logged_under_its_id(tmp_path: Path, heard: Heard) -> None:
    async with SessionBench(f"sqlite:///{tmp_path / 'alma.db'}").running() as bench:

        async def broken(*_given: object) -> None:
            raise LookupError("a bug")

        bench.sessions.correct = broken  # type: ignore[method-assign]
        client = bench.connect()
        answer = await client.answer(client.say("route.correct", runId="r1", kind="chat"))
        assert answer["code"] == "internal"
    ((record, ids),) = [(one, ids) for one, ids in heard.records if one.levelno == logging.ERROR]
    assert (ids["owner"], ids["request_id"]) == ("ada", "c1")
    assert record.exc_info is not None


def test_every_secret_that_settings_and_surroundings_give_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models.toml"
    models.write_text(
        '[[endpoint]]\nname = "a"\nbase_url = "http://127.0.0.1:9/v1"\napi_key = "key-in-file"\n'
        '[[endpoint]]\nname = "b"\nbase_url = "http://127.0.0.1:9/v1"\napi_key_env = "MY_MODEL"\n'
    )
    monkeypatch.setenv("MY_MODEL", "key-in-environment")
    monkeypatch.setenv("SOME_PASSWORD", "password-of-another")
    settings = Settings(
        data_dir=tmp_path,
        models_file=models,
        database_url="postgresql://alma:pass-of-database@127.0.0.1/alma",
        openai_api_key=SecretStr("key-of-openai"),
        smtp_url=SecretStr("smtp://ada:pass-of-mail@mail.example.org"),
        sentry_dsn=SecretStr("https://0123456789abcdef@sentry.example.org/1"),
        token=SecretStr("token-of-cli"),
    )
    assert secrets_of(settings) >= {
        *("key-in-file", "key-in-environment", "password-of-another", "pass-of-database", "key-of-openai"),
        *("pass-of-mail", "0123456789abcdef", "token-of-cli"),
    }
    assert logs_of(settings, "json").secrets == secrets_of(settings)
    facts = recorder_of(settings).facts
    assert facts["openai_api_key"] == "**********"
    assert "log_level" not in facts  # as it always is
