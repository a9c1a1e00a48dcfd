"""What the standard library's loggers are told comes out structured, whole, in one line, and without secrets."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, cast

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from alma.observability.context import bind, bound, part
from alma.observability.log_file import LogFile
from alma.observability.logs import LogChoice, Logs, fields, log_problem
from alma.observability.redaction import Redactor
from alma.observability.rendering import console_lines, json_lines, plain_lines
from alma.observability.storms import Storms

log = logging.getLogger("alma.test")
Style = Literal["json", "console", "plain"]
SECRET = "correct-horse-battery"


def told(say: Callable[[], object], style: Style = "json", level: Any = "debug", file: LogFile | None = None) -> str:
    """What the console has of what `say` logs."""
    console = io.StringIO()
    with Logs(LogChoice(level, style, frozenset({SECRET}), file), console):
        say()
    return console.getvalue()


def records(say: Callable[[], object], **more: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in told(say, **more).splitlines()]


def boom() -> None:
    raise ValueError(f"the password {SECRET} is wrong")


def failing() -> None:
    try:
        boom()
    except ValueError:
        log.exception("it failed")


def test_a_call_of_the_standard_library_comes_out_structured() -> None:
    (record,) = records(lambda: log.warning("%d of %s", 3, "four", extra=fields(ms=1.5, route="/x")))
    assert record.pop("time").endswith("Z")
    assert record == {"level": "warning", "logger": "alma.test", "event": "3 of four", "ms": 1.5, "route": "/x"}


def test_a_tool_that_uses_structlog_is_in_the_same_log() -> None:
    (record,) = records(lambda: structlog.get_logger("tools.mine").warning("said %s", "so", city="Ulm", token="x1y2z3"))
    assert (record["event"], record["logger"], record["city"]) == ("said so", "tools.mine", "Ulm")
    assert record["token"] == "[redacted]"


def test_an_error_has_its_type_its_traceback_and_what_it_is_known_by() -> None:
    (record,) = records(failing)
    error = record["error"]
    assert error["type"] == "ValueError"
    assert "in boom" in error["traceback"]
    assert len(error["fingerprint"]) == 16


@pytest.mark.parametrize("style", ["json", "console", "plain"])
def test_no_form_of_the_log_has_a_secret_in_words_in_fields_or_in_a_traceback(style: Style) -> None:
    def say() -> None:
        failing()
        log.warning("key %s", SECRET, extra=fields(headers={"Authorization": "Bearer abcdefgh12345"}))

    text = told(say, style)
    assert "it failed" in text
    assert "in boom" in text
    assert SECRET not in text
    assert "abcdefgh12345" not in text


async def test_ids_that_are_bound_are_in_every_record_of_that_work_and_in_no_other() -> None:
    said: list[dict[str, Any]] = []

    async def work(run_id: str) -> None:
        bind(run_id=run_id)
        await asyncio.sleep(0)
        log.info("at work")

    async def all_of_it() -> None:
        async with asyncio.TaskGroup() as group:
            with bound(connection="c1", owner="ada"):
                group.create_task(work("r1"))
            group.create_task(part("cache", work("r2")))
        log.info("done")

    console = io.StringIO()
    with Logs(LogChoice("info", "json"), console):
        await all_of_it()
    said = [json.loads(line) for line in console.getvalue().splitlines()]
    ids = [{name: one[name] for name in ("run_id", "connection", "owner", "part") if name in one} for one in said]
    assert ids == [{"run_id": "r1", "connection": "c1", "owner": "ada"}, {"run_id": "r2", "part": "cache"}, {}]


FORGED = 'hello\n{"level":"critical","event":"forged"}\r\n\x1b[2J\x1b]0;owned\x07\x9b31m\u2028\u202e\u2066\ud800'


@given(st.text() | st.just(FORGED))
def test_a_text_cannot_forge_a_line_or_drive_a_terminal(text: str) -> None:
    entry = {"time": 1.0, "level": "warning", "logger": "alma.x", "event": text, "said": text}
    entry["error"] = {"type": "E", "message": text, "traceback": f"Traceback\n{text}", "fingerprint": "f"}
    redactor = Redactor()
    made = [render(entry) for render in (json_lines(redactor), console_lines(redactor, colors=False))]
    made.append(plain_lines(redactor)(entry))
    for rendered in made:
        assert not [one for one in rendered if one != "\n" and (ord(one) < 32 or 0x7F <= ord(one) < 0xA0)]
        assert not set("\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") & set(rendered)
    assert "\n" not in made[0]
    assert json.loads(made[0])["level"] == "warning"
    for line in "\n".join(made[1:]).split("\n"):
        assert line.startswith("    ") or line in (made[1].split("\n")[0], made[2].split("\n")[0])


def test_what_cannot_be_formatted_is_told_all_the_same() -> None:
    class Odd:
        def __str__(self) -> str:
            raise RuntimeError("no")

    console = io.StringIO()
    with Logs(LogChoice("info", "json"), console) as logs:
        for words, arguments in (("%d pieces", ("many",)), ("odd %s", (Odd(),)), (cast("str", Odd()), ())):
            logs.handle(logging.LogRecord("alma.test", logging.ERROR, "", 1, words, arguments, None))
        log.warning("in a field", extra=fields(odd=Odd(), number=float("nan"), deep={1: {2: {3}}}))
    assert [json.loads(line)["event"] for line in console.getvalue().splitlines()] == [
        "%d pieces (TypeError in its arguments)",
        "odd %s (RuntimeError in its arguments)",
        "(Odd cannot be shown: RuntimeError) (RuntimeError in its arguments)",
        "in a field",
    ]


def test_commands_print_warnings_alone_and_their_words_alone() -> None:
    def say() -> None:
        log.info("no news")
        log.warning("mind the %s", "gap")

    assert told(say, "plain") == "mind the gap\n"


def test_libraries_are_quiet_and_never_say_what_they_carry() -> None:
    def say() -> None:
        logging.getLogger("websockets.server").debug("< TEXT 'a user's words'")
        logging.getLogger("httpx").info("HTTP Request: GET http://x")
        logging.getLogger("httpx").warning("trouble")

    assert [one["event"] for one in records(say, level="info")] == ["trouble"]
    assert [one["event"] for one in records(say, level="debug")] == ["HTTP Request: GET http://x", "trouble"]


def test_a_storm_of_the_same_error_is_counted_and_not_written_out() -> None:
    now = 0.0
    console = io.StringIO()
    with Logs(LogChoice("debug", "json"), console, Storms(burst=10, clock=lambda: now)):
        for _ in range(5_000):
            failing()
        log.error("another one")
        now = 1.5  # the second is over
    said = [json.loads(line) for line in console.getvalue().splitlines()]
    assert [one["event"] for one in said] == [
        *["it failed"] * 10,
        "another one",
        "the same error happened 4,990 times more",
    ]
    assert said[-1]["fingerprint"] == said[0]["error"]["fingerprint"]


class Stuck(io.StringIO):
    """A terminal that nobody reads, until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def write(self, text: str) -> int:
        self.go.wait()
        return super().write(text)


def test_nobody_waits_for_a_terminal_that_is_stuck_and_what_is_dropped_is_counted() -> None:
    console = Stuck()
    with Logs(LogChoice("info", "json"), console) as logs:
        for number in range(12_000):
            log.info("line %d", number)
        assert logs.dropped >= 1_000
        assert "were dropped" in log_problem()
        console.go.set()
    said = console.getvalue().splitlines()
    assert len(said) < 12_000
    assert any("were dropped" in line for line in said)


def test_a_file_that_cannot_be_written_is_said_once_on_the_console_and_is_known(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("no folder")

    def say() -> None:
        for number in range(20):
            log.info("line %d", number)
            if number == 10:
                assert log_problem() == "" or "cannot be written" in log_problem()

    file = LogFile(tmp_path / "logs", 1000, 1)
    said = [one["event"] for one in records(say, file=file)]
    assert len([one for one in said if "cannot be written" in one]) == 1
    assert [one for one in said if one.startswith("line")] == [f"line {number}" for number in range(20)]


def test_an_error_that_ends_a_thread_or_the_process_is_in_the_log(tmp_path: Path) -> None:
    console = io.StringIO()

    def ends() -> None:
        with Logs(LogChoice("info", "json", file=LogFile(tmp_path, 10_000, 1)), console):
            thread = threading.Thread(target=boom, name="worker-7")
            thread.start()
            thread.join()
            raise KeyError("the end")

    with pytest.raises(KeyError):
        ends()
    first, last = (json.loads(line) for line in (tmp_path / "alma.log").read_text().splitlines())
    assert "worker-7" in first["event"]
    assert first["error"]["type"] == "ValueError"
    assert (last["level"], last["error"]["type"]) == ("critical", "KeyError")
    assert not [one for one in logging.getLogger().handlers if isinstance(one, Logs)]


def test_a_terminal_that_is_gone_does_not_stop_the_file(tmp_path: Path) -> None:
    console = io.StringIO()
    console.close()
    with Logs(LogChoice("info", "json", file=LogFile(tmp_path, 10_000, 1)), console):
        log.info("one")
        log.info("two")
    assert len((tmp_path / "alma.log").read_text().splitlines()) == 2
