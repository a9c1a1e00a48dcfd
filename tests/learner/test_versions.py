"""Versions: what acts for whom, which may become what, and that going back is exact."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alma.agent.roles import Roles
from alma.db.database import Database
from alma.errors import Conflict, InvalidRequest, NotFound
from alma.learner import versions as module
from alma.learner.version_content import check
from alma.learner.version_records import Version, What
from alma.learner.versions import Versions

ROLE = "---\nname: poet\npurpose: Writes poems.\n---\nYou are a poet.\n"


def prompt(words: str) -> str:
    return ROLE.replace("You are a poet.", words)


class Room:
    """Versions over a folder with one role of our own."""

    def __init__(self, folder: Path, url: str = "") -> None:
        self.folder = folder / "agents"
        self.folder.mkdir(exist_ok=True)
        self.file = self.folder / "poet.md"
        if not self.file.exists():
            self.file.write_text(ROLE)
        self.database = Database(url or f"sqlite:///{folder / 'alma.db'}")
        self.roles = Roles(self.folder)
        self.now = 1000.0
        self.versions = Versions(self.database, self.roles, self.tick)

    def tick(self) -> float:
        self.now += 1.0
        return self.now

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Versions]:
        self.database.open()
        await self.versions.open()
        try:
            yield self.versions
        finally:
            self.database.close()

    async def draft(self, words: str, *, owner: str = "ada", what: Any = "prompt") -> Version:
        content = prompt(words) if what == "prompt" else words
        return await self.versions.draft(owner, what, "poet", content, title=words[:20], made_by="hand", reason="")

    def acts(self, owner: str = "ada", unit: str = "r_1") -> str:
        """The bytes that a task of the poet's is given."""
        choice = next((one for one in self.versions.choices(owner, "poet", unit, "chat") if one.what == "prompt"), None)
        role = self.versions.role_of(owner, choice.chosen) if choice is not None else None
        return role.source if role is not None else self.roles.get("poet").source


@pytest.fixture
async def room(folder: Path) -> AsyncGenerator[Room]:
    made = Room(folder)
    async with made.open():
        yield made


async def test_nothing_is_chosen_where_nothing_is_promoted(room: Room) -> None:
    await room.draft("Rhyme.")
    assert room.versions.choices("ada", "poet", "r_1", "chat") == []
    assert room.acts() == ROLE


async def test_what_is_promoted_acts_for_its_owner_alone_and_after_a_restart(database_url: str, tmp_path: Path) -> None:
    room = Room(tmp_path, database_url)
    async with room.open() as versions:
        made = await room.draft("Rhyme.")
        await versions.promote("ada", made.id, by="ada", why="")
        assert room.acts() == prompt("Rhyme.")
        assert room.acts("bob") == ROLE
        assert versions.role_of("bob", made.hash) is None
        (choice,) = versions.choices("ada", "poet", "r_1", "chat")
        assert (choice.chosen, choice.propensity, choice.by, choice.version) == (made.hash, 1.0, "learned", made.id)
    again = Room(tmp_path, database_url)
    async with again.open() as versions:
        assert again.acts() == prompt("Rhyme.")
        assert await versions.base_content("ada", made.id) == ROLE


async def test_a_canary_gets_its_share_and_both_sides_say_so(room: Room) -> None:
    made = await room.draft("Rhyme.")
    await room.versions.start("ada", made.id, "canary", by="ada")
    await room.versions.set_share("ada", made.id, 0.3)
    found = [room.versions.choices("ada", "poet", f"r_{number}", "chat") for number in range(2000)]
    assert all(len(one) == 1 and one[0].by == "canary" and one[0].version == made.id for one in found)
    mine = [one[0] for one in found if one[0].chosen == made.hash]
    theirs = [one[0] for one in found if one[0].chosen == room.roles.get("poet").version]
    assert len(mine) + len(theirs) == 2000
    assert 540 < len(mine) < 660
    assert {one.propensity for one in mine} == {0.3}
    assert {one.propensity for one in theirs} == {0.7}
    assert found[:50] == [room.versions.choices("ada", "poet", f"r_{number}", "chat") for number in range(50)]
    assert room.versions.choices("bob", "poet", "r_1", "chat") == []
    assert room.versions.choices("ada", "writer", "r_1", "chat") == []


async def test_one_is_on_trial_at_a_time_of_each_kind(room: Room) -> None:
    first, second = await room.draft("Rhyme."), await room.draft("Do not rhyme.")
    notes = await room.draft('[{"id": "n1", "text": "Count the feet."}]', what="notes")
    await room.versions.start("ada", first.id, by="ada")
    with pytest.raises(Conflict) as refused:
        await room.versions.start("ada", second.id, by="ada")
    assert (refused.value.code, refused.value.actual) == ("trial_running", "Rhyme.")
    await room.versions.start("ada", notes.id, "canary", by="ada")
    await room.versions.advance("ada", first.id, "draft", by="ada", why="", data="{}")
    assert (await room.versions.start("ada", second.id, by="ada")).stage == "replay"
    (note,) = room.versions.notes_of("ada", notes.hash)
    assert (note.id, note.text, note.version) == ("n1", "Count the feet.", notes.hash)


async def test_going_back_to_the_file_through_all_that_was_promoted(room: Room) -> None:
    made = [await room.draft(f"Verse {number}.") for number in range(3)]
    for one in made:
        await room.versions.promote("ada", one.id, by="ada", why="")
    assert [room.versions.get("ada", one.id).stage for one in made] == ["retired", "retired", "promoted"]
    await room.versions.revert("ada", made[2].id, by="ada", why="")
    assert room.acts() == prompt("Verse 1.")
    await room.versions.revert("ada", made[1].id, by="ada", why="", to_file=True)
    assert room.acts() == ROLE
    assert [room.versions.get("ada", one.id).stage for one in made] == ["rolled_back"] * 3
    with pytest.raises(Conflict, match="rolled back cannot become rolled back"):
        await room.versions.revert("ada", made[1].id, by="ada", why="")


async def test_notes_and_routes_are_taken_back_as_exactly(room: Room) -> None:
    for what, texts in {
        "notes": ['[{"id": "n1", "text": "Ä\\r\\n "}]', '[ {"id": "n1", "text": "B"} ]'],
        "policy": ['{"exploration": 0.0}', '{ "pinned": "a||" }'],
    }.items():
        first, second = [await room.draft(text, what=what) for text in texts]

        def acting(what: str = what) -> list[str]:
            return [one.chosen for one in room.versions.choices("ada", "poet", "r", "chat") if one.what == what]

        await room.versions.promote("ada", first.id, by="ada", why="")
        before = (room.versions.notes_of("ada", first.hash), room.versions.policy_of("ada", first.hash))
        await room.versions.promote("ada", second.id, by="ada", why="")
        assert acting() == [second.hash]
        await room.versions.revert("ada", second.id, by="ada", why="")
        assert acting() == [first.hash]
        assert (room.versions.notes_of("ada", first.hash), room.versions.policy_of("ada", first.hash)) == before
        assert room.versions.content("ada", first.id) == texts[0]
        await room.versions.revert("ada", first.id, by="ada", why="")
        assert acting() == []


async def test_a_role_that_is_gone_leaves_its_versions_to_be_seen_and_taken_back(room: Room) -> None:
    acts = await room.draft("Rhyme.")
    await room.versions.promote("ada", acts.id, by="ada", why="")
    tried = await room.draft("Do not rhyme.")
    await room.versions.start("ada", tried.id, "canary", by="ada")
    room.file.unlink()
    room.roles.reload()
    assert room.versions.file_changed(room.versions.get("ada", acts.id))
    assert room.versions.content("ada", acts.id) == prompt("Rhyme.")
    await room.versions.revert("ada", tried.id, by="ada", why="")
    await room.versions.revert("ada", acts.id, by="ada", why="")
    await room.versions.delete("ada", acts.id)
    assert room.versions.choices("ada", "poet", "r", "chat") == []


async def test_a_file_that_changes_under_a_version_is_told_of(room: Room) -> None:
    made = await room.draft("Rhyme.")
    made = await room.versions.promote("ada", made.id, by="ada", why="")
    assert not room.versions.file_changed(made)
    room.file.write_text(ROLE + "Be brief.\n")
    room.roles.reload()
    assert room.versions.file_changed(made)
    assert room.acts() == prompt("Rhyme.")
    assert not room.versions.file_changed(await room.versions.keep("ada", made.id))
    await room.versions.revert("ada", made.id, by="ada", why="")
    assert room.acts() == ROLE + "Be brief.\n"


@pytest.mark.parametrize(
    ("what", "content", "code", "said"),
    [
        ("prompt", "---\nname: poet\ntools: 3\n---\nhi\n", "role_invalid", "poet.md:3: tools"),
        ("prompt", ROLE.replace("poet", "other"), "role_invalid", "expected 'poet'"),
        ("prompt", "", "role_invalid", "no front matter"),
        ("prompt", "x" * 300_000, "version_too_large", "300,000"),
        ("prompt", ROLE + "\0", "version_invalid", "zero bytes"),
        ("prompt", ROLE + "\ud800", "version_invalid", "half characters"),
        ("notes", "[", "version_invalid", "truncated"),
        ("notes", '{"id": "a"}', "version_invalid", "array"),
        ("notes", '[{"id": "a", "text": "x"}, {"id": "a", "text": "y"}]', "version_invalid", "twice"),
        ("notes", json.dumps([{"id": str(n), "text": "x"} for n in range(101)]), "version_invalid", "101"),
        ("policy", '{"exploration": 2}', "version_invalid", "exploration"),
        ("policy", '{"explore": 1}', "version_invalid", "explore"),
        ("policy", '{"arms": ["writer"]}', "version_invalid", "writer"),
        ("policy", '{"arms": ["a||"], "pinned": "b||"}', "version_invalid", "b||"),
        ("policy", '{"exploration": NaN}', "version_invalid", ""),
    ],
)
def test_what_cannot_be_used_is_refused(what: What, content: str, code: str, said: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check(what, "poet", content)
    assert refused.value.code == code
    assert said in (refused.value.actual or "") + (refused.value.expected or "") + str(refused.value)


async def test_of_what_is_refused_nothing_is_kept(room: Room) -> None:
    with pytest.raises(InvalidRequest):
        await room.draft("[", what="notes")
    made = await room.draft("Rhyme.")
    with pytest.raises(InvalidRequest):
        await room.versions.edit("ada", made.id, "no role")
    assert room.versions.of_owner("ada") == [made]
    assert room.versions.content("ada", made.id) == prompt("Rhyme.")


async def test_what_another_owner_has_is_not_there(room: Room) -> None:
    made = await room.draft("Rhyme.")
    for act in (
        room.versions.promote("bob", made.id, by="bob", why=""),
        room.versions.start("bob", made.id, by="bob"),
        room.versions.revert("bob", made.id, by="bob", why=""),
        room.versions.edit("bob", made.id, ROLE),
        room.versions.delete("bob", made.id),
        room.versions.set_share("bob", made.id, 0.2),
    ):
        with pytest.raises(NotFound) as refused:
            await act
        assert refused.value.code == "unknown_version"
    with pytest.raises(NotFound) as refused:
        await room.versions.draft("ada", "notes", "nobody", "[]", title="", made_by="hand", reason="")
    assert refused.value.code == "unknown_role"


async def test_what_is_the_same_as_what_acts_is_neither_tried_nor_promoted(room: Room) -> None:
    made = await room.draft("You are a poet.")
    for act in (room.versions.start("ada", made.id, by="ada"), room.versions.promote("ada", made.id, by="ada", why="")):
        with pytest.raises(Conflict) as refused:
            await act
        assert refused.value.code == "same_as_base"
    changed = await room.versions.edit("ada", made.id, prompt("Rhyme."), "Rhymes")
    assert (changed.title, room.versions.content("ada", made.id)) == ("Rhymes", prompt("Rhyme."))
    await room.versions.start("ada", made.id, by="ada")
    with pytest.raises(Conflict) as refused:
        await room.versions.edit("ada", made.id, ROLE)
    assert refused.value.code == "not_a_draft"


async def test_as_many_as_are_kept(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_VERSIONS", 3)
    made = [await room.draft(f"Verse {number}.") for number in range(3)]
    await room.draft("Another owner's.", owner="bob")
    with pytest.raises(Conflict) as refused:
        await room.draft("One more.")
    assert refused.value.code == "too_many_versions"
    await room.versions.promote("ada", made[0].id, by="ada", why="")
    with pytest.raises(Conflict) as refused:
        await room.versions.delete("ada", made[0].id)
    assert refused.value.code == "version_in_use"
    await room.versions.delete("ada", made[1].id)
    await room.draft("In its place.")
    await room.versions.promote("ada", made[2].id, by="ada", why="")
    await room.draft("One more: what was followed by another takes no place.")


ACTS = st.lists(st.tuples(st.sampled_from(["draft", "promote", "revert", "start", "stop", "file"]), st.integers(0, 5)))


@pytest.fixture(scope="module")
def one_room(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Room]:
    """For all examples, each of an owner of its own: to open a database takes longer than they do."""
    folder = tmp_path_factory.mktemp("versions")
    shutil.copy(migrated, folder / "alma.db")
    made = Room(folder)
    made.database.open()
    yield made
    made.database.close()


@settings(max_examples=40)
@given(ACTS)
def test_going_back_gives_the_very_bytes_of_before(one_room: Room, acts: list[tuple[str, int]]) -> None:
    """Against a stack of texts: what is promoted is put on it, what is reverted is taken from it."""

    async def play(room: Room, owner: str) -> None:
        stack: list[str] = []
        for number, (act, which) in enumerate(acts):
            mine = room.versions.of_owner(owner)
            version = mine[which % len(mine)] if mine else None
            active = room.versions.active(owner, "prompt", "poet")
            try:
                if act == "draft":
                    await room.draft(f"Verse {number}: {'ä' * which}\r\n  ", owner=owner)
                elif act == "file":
                    room.file.write_text(f"{ROLE}File {number}.\n")
                    room.roles.reload()
                elif act == "promote" and version is not None:
                    await room.versions.promote(owner, version.id, by=owner, why="")
                    stack.append(room.versions.content(owner, version.id))
                elif act == "revert" and active is not None:
                    await room.versions.revert(owner, active.id, by=owner, why="")
                    stack.pop()
                elif act == "start" and version is not None:
                    await room.versions.start(owner, version.id, "replay", by=owner)
                elif act == "stop" and version is not None and version.tried:
                    await room.versions.revert(owner, version.id, by=owner, why="")
            except Conflict:
                pass
            expected = stack[-1] if stack else room.file.read_text()
            assert room.acts(owner).encode() == expected.encode()
            stages = [one.stage for one in room.versions.of_owner(owner)]
            assert stages.count("promoted") == bool(stack)
            assert stages.count("replay") <= 1
        again = Versions(room.database, room.roles)
        await again.open()
        assert again.of_owner(owner) == room.versions.of_owner(owner)

    one_room.file.write_text(ROLE)
    one_room.roles.reload()
    one_room.versions = Versions(one_room.database, one_room.roles, one_room.tick)
    asyncio.run(play(one_room, f"o_{secrets.token_hex(6)}"))
