"""What cannot be seen in the watched folder is not taken for deleted."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from shelf import OWNER, Shelf
from watched_folder import by_hand, deleted, look, shelved, write

from alma.errors import Conflict
from alma.memory.knowledge import folder, watching

pytestmark = pytest.mark.slow


class Unseen:
    """A file of which the system does not tell."""

    def __init__(self, one: os.DirEntry[str], number: int) -> None:
        self.name, self.path = one.name, one.path
        self._number = number

    def is_symlink(self) -> bool:
        return False

    def is_dir(self, *, follow_symlinks: bool) -> bool:
        return False

    def is_file(self, *, follow_symlinks: bool) -> bool:
        return True

    def stat(self, *, follow_symlinks: bool) -> os.stat_result:
        raise OSError(self._number, os.strerror(self._number))


def listing(of: str, shown: Callable[[os.DirEntry[str]], Any]) -> Callable[[str], Any]:
    """`os.scandir` that shows what is in folders of this name as something else."""
    listed = os.scandir

    @contextmanager
    def changed(path: str) -> Iterator[Iterator[Any]]:
        with listed(path) as entries:
            yield map(shown, entries)

    return lambda path: changed(path) if Path(path).name == of else listed(path)


def unseen_in(name: str, number: int) -> Callable[[str], Any]:
    return listing(name, lambda one: Unseen(one, number))


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE])
async def test_what_cannot_be_looked_at_is_kept_and_said(
    shelf: Shelf, watched: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    async with shelved(shelf, watched, "a.md", "sub/1.md", "sub/2.md", "page"):
        before = await shelf.memories()
        for name in ("sub", "watched"):
            with monkeypatch.context() as patch:
                patch.setattr(os, "scandir", unseen_in(name, number))
                await look(shelf, 3)
                assert "cannot be read" in shelf.library.folder_problem
        await look(shelf, 3)
        assert shelf.library.folder_problem == ""
        assert deleted(shelf) == []
        assert await shelf.memories("any") == before


async def test_what_goes_while_the_rest_is_looked_at_is_no_problem(
    shelf: Shelf, watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shelved(shelf, watched, "a.md", "sub/1.md"):
        (watched / "sub" / "1.md").unlink()
        write(watched / "sub" / "2.md", "It is seen in the list, and not any more after that.")
        monkeypatch.setattr(os, "scandir", unseen_in("sub", errno.ENOENT))
        await look(shelf, 2)
        assert shelf.library.folder_problem == ""
        assert deleted(shelf) == ["sub/1.md"]


def test_only_what_is_not_there_is_gone(watched: Path) -> None:
    write(watched / "a.md", "x")
    assert not folder.is_gone(watched / "a.md")
    assert folder.is_gone(watched / "b.md")
    assert folder.is_gone(watched / "a.md" / "b.md")
    assert not folder.is_gone(watched / ("a" * 1000))  # what cannot be asked for


async def test_beyond_the_limit_what_is_known_is_kept_until_it_is_deleted(
    shelf: Shelf, watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "scan", partial(folder.scan, most=4))
    async with shelved(shelf, watched, "b.md", "c.md", "sub/n1.md", "sub/n2.md"):
        write(watched / "a.md", "It comes before the others.")
        await look(shelf, 3)
        assert "more than" in shelf.library.folder_problem
        assert deleted(shelf) == []
        known = {one.origin: one for one in await shelf.library.list(OWNER)}
        assert set(known) == {"a.md", "b.md", "c.md", "sub/n1.md", "sub/n2.md"}
        with pytest.raises(Conflict):
            await shelf.library.delete(OWNER, known["sub/n2.md"].id)
        (watched / "sub" / "n2.md").unlink()
        await look(shelf, 2)
        assert deleted(shelf) == ["sub/n2.md"]


async def test_what_a_crowded_folder_does_not_list_is_kept(
    shelf: Shelf, watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shelved(shelf, watched, "a.md", "sub/1.md", "sub/2.md"):
        monkeypatch.setattr(folder, "_MOST_LISTED", 2)
        for name in ("sub", "."):
            for number in range(5):
                write(watched / name / f"{number}.png", "x")
            await look(shelf, 3)
            assert "not all of it" in shelf.library.folder_problem
            assert deleted(shelf) == []
        (watched / "sub" / "2.md").unlink()
        await look(shelf, 2)
        assert deleted(shelf) == ["sub/2.md"]


async def test_another_folder_in_its_place_with_files_of_its_own_loses_nothing(shelf: Shelf, watched: Path) -> None:
    async with shelved(shelf, watched, "a.md", "b.md"):
        before = {one.id for one in await shelf.memories()}
        away = watched.rename(watched.with_name("away"))
        write(watched / "stray.md", "Somebody writes into the place where a disk was mounted.")
        write(watched / "b.md", "I am b.md.")
        await look(shelf, 3)
        assert "unmounted" in shelf.library.folder_problem
        assert (await shelf.settled("stray.md")).state == "ready"
        watched.rename(watched.with_name("stray"))
        away.rename(watched)
        await look(shelf, 3)
        assert deleted(shelf) == ["stray.md"]
        assert {one.id for one in await shelf.memories("any")} == before


class Mounted:
    """A folder in which there is another disk."""

    def __init__(self, one: os.DirEntry[str]) -> None:
        self.name, self.path = one.name, one.path
        self.is_symlink, self.is_dir, self.is_file = one.is_symlink, one.is_dir, one.is_file
        self._facts = one.stat(follow_symlinks=False)

    def stat(self, *, follow_symlinks: bool) -> os.stat_result:
        mode, number, device, *others = self._facts
        return os.stat_result((mode, number, device + 1, *others))


def mounted_at(name: str) -> Callable[[str], Any]:
    return listing("watched", lambda one: Mounted(one) if one.name == name else one)


async def test_a_disk_within_the_folder_that_was_unmounted_loses_nothing(
    shelf: Shelf, watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", mounted_at("disk"))
        async with shelved(shelf, watched, "a.md", "disk/1.md"):
            before = await shelf.memories()
            patch.undo()
            away = (watched / "disk" / "1.md").rename(watched / ".away")
            await look(shelf, 3)
            assert "unmounted" in shelf.library.folder_problem
            away.rename(watched / "disk" / "1.md")
            patch.setattr(os, "scandir", mounted_at("disk"))
            await look(shelf, 3)
            assert shelf.library.folder_problem == ""
            assert deleted(shelf) == []
            assert await shelf.memories("any") == before


async def test_a_disk_that_failed_before_it_was_unmounted_loses_nothing(
    shelf: Shelf, watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", mounted_at("disk"))
        async with shelved(shelf, watched, "a.md", "disk/1.md"):
            patch.setattr(os, "scandir", unseen_in("watched", errno.EIO))
            await look(shelf, 2)
            patch.undo()
            (watched / "disk" / "1.md").unlink()
            await look(shelf, 3)
            assert "unmounted" in shelf.library.folder_problem
            assert deleted(shelf) == []


async def test_one_place_that_may_never_be_read_holds_up_no_deletion_elsewhere(
    shelf: Shelf, watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(watched / "closed" / "1.md", "Nobody may see this.")
    monkeypatch.setattr(os, "scandir", unseen_in("closed", errno.EACCES))
    async with shelved(shelf, watched, "a.md", "b.md"):
        (watched / "a.md").unlink()
        await look(shelf, 2)
        assert deleted(shelf) == ["a.md"]
        assert "closed/1.md cannot be read" in shelf.library.folder_problem


async def test_which_disks_there_were_is_known_after_a_restart(
    shelf: Shelf, watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", mounted_at("disk"))
        async with shelved(shelf, watched, "a.md", "disk/1.md"):
            pass
    (watched / "disk" / "1.md").unlink()
    again = by_hand(watched.parent, watched, monkeypatch)
    async with again.running():
        await look(again, 3)
        assert "unmounted" in again.library.folder_problem
        assert deleted(again) == []
