"""The command line as people use it: the scripted model, a server that is killed in between. What is told by signals or
read while it runs is `python -m alma`, and so is one command of each kind; the others are children of the nursery."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

import nursery

pytestmark = pytest.mark.slow
ALMA = [sys.executable, "-m", "alma"]
READY = "Alma is ready: http://127.0.0.1:"


@pytest.fixture
def home(tmp_path: Path, data_dir: Path) -> Path:
    """An empty working directory whose data folder has the shipped models."""
    (tmp_path / ".alma").mkdir()
    (tmp_path / ".alma/models").symlink_to((data_dir / "models").resolve())
    return tmp_path


@pytest.fixture
def alma(home: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command to its end."""

    def run(*words: str, text: str | bytes = "") -> subprocess.CompletedProcess[str]:
        return nursery.done(list(words), home, environment(), text)

    return run


def environment() -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("ALMA_", "OPENAI_", "OLLAMA_"))}
    return {**plain, "ALMA_SCRIPTED": "true", "ALMA_EMBEDDED": "false", "ALMA_PORT": "0", "PYTHONUNBUFFERED": "1"}


@contextlib.contextmanager
def server(home: Path) -> Generator[nursery.Child]:
    """`alma serve`, from the moment it has printed its address; killed at the end if it still runs."""
    log = home / "server.log"
    log.write_bytes(b"")
    process = nursery.Child(["serve"], home, environment(), log)
    try:
        while READY not in log.read_text():
            assert process.poll() is None, f"the server ended before it was ready:\n{log.read_text()}"
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def real_server(home: Path) -> Generator[None]:
    """As `server`, as a process that imports all that it needs."""
    with started(home, "serve") as process:
        for line in lines_of(process):
            if READY in line:
                break
        else:
            pytest.fail("the server ended before it was ready")
        yield


def lines_of(process: subprocess.Popen[str]) -> Iterator[str]:
    """What it prints, line by line as it does; a process that hangs is ended by the test's own timeout."""
    assert process.stdout is not None
    return iter(process.stdout.readline, "")


@contextlib.contextmanager
def started(home: Path, *words: str) -> Generator[subprocess.Popen[str]]:
    """A command while it runs."""
    with subprocess.Popen([*ALMA, *words], cwd=home, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def text_of(events: list[dict[str, object]]) -> str:
    return "".join(str(event["delta"]) for event in events if event["type"] == "TEXT_MESSAGE_CONTENT")


def test_a_task_is_answered_without_a_server_and_kept(
    home: Path, alma: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    words = [*ALMA, "run", "!say Hello from the script"]
    answer = subprocess.run(words, cwd=home, env=environment(), capture_output=True, text=True, timeout=300)
    assert (answer.returncode, answer.stdout) == (0, "Hello from the script\n"), answer.stderr
    assert "tokens" in answer.stderr
    listed = alma("threads", "list").stdout.splitlines()
    thread_id = listed[1].split()[0]
    shown = alma("threads", "show", thread_id)
    assert "Hello from the script" in shown.stdout
    assert alma("threads", "rename", thread_id, "A greeting").returncode == 0
    assert alma("threads", "export", thread_id).stdout.startswith("# A greeting\n")
    assert alma("threads", "delete", "--yes", thread_id).returncode == 0
    assert "No thread yet" in alma("threads", "list").stderr


def test_the_task_may_come_from_standard_input(alma: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    assert alma("run", "-", text="!say piped in").stdout == "piped in\n"


def test_a_thread_goes_on(alma: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    events = [json.loads(line) for line in alma("run", "--json", "!say one").stdout.splitlines()]
    thread_id = events[0]["threadId"]
    assert alma("run", "--thread", thread_id, "!say two").stdout == "two\n"
    turns = alma("threads", "show", thread_id).stdout
    assert "!say one" in turns
    assert "!say two" in turns


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("run", "  "), "empty"),
        (("run", "x", "--thread", "t_none"), "t_none"),
        (("run", "x", "--model", "nobody/none"), "nobody/none"),
        (("threads", "show", "t_none"), "t_none"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(
    alma: Callable[..., subprocess.CompletedProcess[str]], words: tuple[str, ...], code: str
) -> None:
    answer = alma(*words)
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert answer.stderr.startswith("alma: ")
    assert code in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_failing_model_ends_the_run_with_1(alma: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    answer = alma("run", "!status 401")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "endpoint_unauthorized" in answer.stderr


def test_a_command_uses_the_running_server(home: Path, alma: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    with real_server(home):
        assert alma("run", "!say over the wire").stdout == "over the wire\n"
        assert "scripted/scripted" in alma("models", "list").stdout
        assert "over the wire" in alma("threads", "list").stdout
        second = alma("serve")
        assert second.returncode == 1
        assert "Another Alma uses" in second.stderr


def test_a_killed_server_costs_a_run_nothing(home: Path) -> None:
    """The server dies in mid-answer and comes back on another port; the command prints every token once."""
    with contextlib.ExitStack() as stack:
        events: list[dict[str, object]] = []
        with server(home) as first:
            command = stack.enter_context(started(home, "run", "--json", "!tokens 60 30"))
            for line in lines_of(command):
                events.append(json.loads(line))
                if len(text_of(events).split()) > 10:
                    break
            first.kill()
        with server(home):
            events += [json.loads(line) for line in lines_of(command)]
            assert command.wait(timeout=120) == 0
    last = max(int(str(event["attempt"])) for event in events if event["type"] == "TEXT_MESSAGE_START")
    text = text_of([event for event in events if event.get("attempt") == last])
    [end] = [event for event in events if event["type"] == "TEXT_MESSAGE_END"]
    assert len(text) == end["n"]
    assert events[-1]["type"] == "RUN_FINISHED"
    seqs = [event["seq"] for event in events if "seq" in event]
    assert seqs == list(range(1, len(seqs) + 1))


@pytest.mark.parametrize("with_server", [False, True])
def test_ctrl_c_stops_the_run_and_keeps_what_was_written(
    home: Path, alma: Callable[..., subprocess.CompletedProcess[str]], with_server: bool
) -> None:
    with server(home) if with_server else contextlib.nullcontext():
        with started(home, "run", "--json", "!tokens 1000 50") as command:
            events: list[dict[str, object]] = []
            for line in lines_of(command):
                events.append(json.loads(line))
                if len(events) == 8:
                    command.send_signal(signal.SIGINT)
            assert command.wait(timeout=120) == 130
        assert events[-1]["status"] == "canceled"
        shown = alma("threads", "show", str(events[0]["threadId"])).stdout
        assert text_of(events).strip() in shown
        assert "canceled" in shown


def test_a_task_that_is_no_utf8_is_mended_and_that_is_said(
    alma: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    answer = alma("run", "-", text=b"!say ok \xff\xfe")
    assert (answer.returncode, answer.stdout) == (0, "ok \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}\n")
    assert "standard input is not all UTF-8" in answer.stderr
