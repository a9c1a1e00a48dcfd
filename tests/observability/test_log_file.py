"""The log on disk: put away by size and day, compressed whole or not at all, and no trouble of its stops anything."""

from __future__ import annotations

import gzip
import os
import time
from pathlib import Path

import pytest

from alma.observability.log_file import LogFile

DAY = 86_400.0
NOON = (time.time() // DAY + 0.5) * DAY  # of this day, which the files that are made here have too


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def lines(folder: Path) -> list[str]:
    """Every line of every file, in order."""
    found: list[str] = []
    for path in [*sorted(folder.glob("alma-*")), folder / "alma.log"]:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        found += data.decode().splitlines()
    return found


def put_away(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("alma-*"))


def test_files_are_put_away_by_size_and_no_line_is_lost(tmp_path: Path, clock: Clock) -> None:
    file = LogFile(tmp_path, 100, 14, clock)
    for number in range(40):
        clock.now += 1
        file.write([f"line {number:02} of the log\n".encode()])
    file.close()
    assert lines(tmp_path) == [f"line {number:02} of the log" for number in range(40)]
    assert len(put_away(tmp_path)) > 3
    assert all(name.endswith(".log.gz") for name in put_away(tmp_path))
    assert file.problem == ""


def test_a_file_is_put_away_when_a_new_day_begins(tmp_path: Path, clock: Clock) -> None:
    file = LogFile(tmp_path, 10_000, 14, clock)
    file.write([b"today\n"])
    file.write([b"today too\n"])
    assert not put_away(tmp_path)
    clock.now += DAY
    file.write([b"tomorrow\n"])
    file.close()
    assert (tmp_path / "alma.log").read_bytes() == b"tomorrow\n"
    (archive,) = put_away(tmp_path)
    assert gzip.decompress((tmp_path / archive).read_bytes()) == b"today\ntoday too\n"


def test_a_file_of_an_earlier_day_is_put_away_by_the_next_process(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "alma.log").write_bytes(b"long ago\n")
    os.utime(tmp_path / "alma.log", (NOON - 3 * DAY, NOON - 3 * DAY))
    file = LogFile(tmp_path, 10_000, 14, clock)
    file.write([b"now\n"])
    file.close()
    assert (tmp_path / "alma.log").read_bytes() == b"now\n"
    assert lines(tmp_path) == ["long ago", "now"]


def test_what_is_too_old_goes_and_so_does_the_oldest_of_too_much(tmp_path: Path, clock: Clock) -> None:
    for age in (40, 20, 5):
        path = tmp_path / f"alma-2026010{age // 10}T000000-000.log.gz"
        path.write_bytes(gzip.compress(b"x"))
        os.utime(path, (NOON - age * DAY, NOON - age * DAY))
    file = LogFile(tmp_path, 200, 14, clock)
    file.write([b"now\n"])
    file.close()
    assert [name[:15] for name in put_away(tmp_path)] == ["alma-20260100T0"]  # the one of 5 days
    for number in range(20):
        path = tmp_path / f"alma-202602{number + 10}T000000-000.log.gz"
        path.write_bytes(os.urandom(400))
        os.utime(path, (NOON, NOON))
    again = LogFile(tmp_path, 200, 14, clock)
    again.write([b"then\n"])
    again.close()
    assert sum((tmp_path / name).stat().st_size for name in put_away(tmp_path)) <= 16 * 200
    assert put_away(tmp_path)[-1].startswith("alma-20260229")  # the newest stay
    assert (tmp_path / "alma.log").read_bytes() == b"now\nthen\n"


def test_a_process_that_died_while_it_compressed_leaves_no_half_archive(tmp_path: Path, clock: Clock) -> None:
    aside = tmp_path / "alma-20260101T000000-000.log"
    aside.write_bytes(b"whole\n" * 100)
    os.utime(aside, (NOON, NOON))
    (tmp_path / f"{aside.name}.gz.part").write_bytes(gzip.compress(b"whole\n" * 100)[:20])
    (tmp_path / "alma-20260102T000000-000.log.gz.part").write_bytes(b"of a file that is no more")
    file = LogFile(tmp_path, 10_000, 14, clock)
    file.write([b"now\n"])
    file.close()
    assert put_away(tmp_path) == [f"{aside.name}.gz"]
    assert gzip.decompress((tmp_path / f"{aside.name}.gz").read_bytes()) == b"whole\n" * 100
    assert abs((tmp_path / f"{aside.name}.gz").stat().st_mtime - NOON) < 1  # as old as its lines


def test_a_line_that_was_cut_off_does_not_run_into_the_next(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "alma.log").write_bytes(b'{"half')
    os.utime(tmp_path / "alma.log", (NOON, NOON))
    file = LogFile(tmp_path, 10_000, 14, clock)
    file.write([b"whole\n"])
    file.close()
    assert (tmp_path / "alma.log").read_bytes() == b'{"half\nwhole\n'


def test_a_folder_that_cannot_be_written_is_a_problem_and_no_error(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    file = LogFile(tmp_path / "logs", 10_000, 14, clock)
    file.write([b"one\n", b"two\n"])
    assert "cannot be written" in file.problem
    assert file.lost == 2
    (tmp_path / "logs").unlink()
    file.write([b"three\n"])  # too soon to try again
    assert file.lost == 3
    clock.now += 10
    file.write([b"four\n"])
    assert (file.problem, file.lost) == ("", 3)
    file.close()
    assert (tmp_path / "logs" / "alma.log").read_bytes() == b"four\n"


def test_a_full_disk_is_a_problem_until_there_is_room(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = LogFile(tmp_path, 10_000, 14, clock)
    file.write([b"before\n"])
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) > 3:  # what there is room for is written, as a disk does
            return write(descriptor, bytes(data)[:3])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("alma.observability.log_file.os.write", full)
    file.write([b"lost\n"])
    assert "No space left on device" in file.problem
    monkeypatch.undo()
    clock.now += 10
    file.write([b"after\n"])
    file.close()
    assert file.problem == ""
    assert (tmp_path / "alma.log").read_bytes() == b"before\nlos\nafter\n"


def test_only_its_owner_may_read_the_log(tmp_path: Path, clock: Clock) -> None:
    file = LogFile(tmp_path, 10, 14, clock)
    file.write([b"first of all\n"])
    file.write([b"second\n"])
    file.close()
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
