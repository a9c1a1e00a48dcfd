"""Refinement on a database: what it does, that it can be taken back exactly, and what it never touches."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from fakes import MemoryBench
from hypothesis import given, settings
from hypothesis import strategies as st

from alma.db.learning_tables import refinement_passes
from alma.db.tables import memories as rows
from alma.db.tables import memory_history
from alma.errors import AlmaError, Conflict, InvalidRequest, NotFound
from alma.memory.memories import Use
from alma.memory.records import USER, Filter, Kind, Memory, NewMemory, Reader, Scope, Source
from alma.memory.refining import Refining

ANN = Reader("ann")
DAY = 86400.0


class Refinery:
    """`fades`: the texts that would not come to mind any more."""

    def __init__(self, bench: MemoryBench) -> None:
        self.bench = bench
        self.fades: set[str] = set()
        self.refining = Refining(bench.database, bench.memories, self.kept, 0.01, bench.clock)

    def kept(self, memory: Memory, now: float) -> float:
        del now
        return 0.01 if memory.text in self.fades else 0.9

    async def add(self, text: str, **fields: Any) -> Memory:
        new = {"agent": "researcher", "scope": "team", "owner": "ann", **fields}
        (added,) = await self.bench.memories.add([NewMemory(text=text, **new)], by=new["agent"])
        return added.memory

    async def get(self, one: Memory) -> Memory:
        return await self.bench.memories.get(Reader(one.owner), one.id)

    async def rows(self, owner: str = "") -> dict[str, dict[str, Any]]:
        """All there is of each memory, but its version and the stamp that rises with it."""
        found = await self.bench.database.read(lambda connection: connection.execute(sa.select(rows)).mappings().all())
        return {
            row["id"]: {name: value for name, value in row.items() if name not in ("version", "stamp")}
            for row in found
            if owner in ("", row["owner"])
        }


@pytest.fixture
def refinery(database_url: str) -> Generator[Refinery]:
    with MemoryBench(database_url) as bench:
        yield Refinery(bench)


@pytest.fixture
def quick(tmp_path: Path) -> Generator[Refinery]:
    """On SQLite only: for what does not depend on the database."""
    with MemoryBench(f"sqlite:///{tmp_path / 'alma.db'}") as bench:
        yield Refinery(bench)


async def test_a_faded_memory_is_archived_listed_and_brought_back(refinery: Refinery) -> None:
    old = await refinery.add("The bus left at four.")
    young = await refinery.add("The museum opens at ten.")
    refinery.fades = {old.text}
    seen = await refinery.refining.refine("ann")
    assert [(act.what, act.memories) for act in seen.done.acts] == [("archive", [old.id])]
    memories = refinery.bench.memories
    assert [one.id for one in (await memories.list(ANN, Filter()))[0]] == [young.id]
    assert [one.id for one in (await memories.list(ANN, Filter(state="archived")))[0]] == [old.id]
    assert old.num not in refinery.bench.dense.held
    assert (await memories.counts("ann")).archived == 1
    (last,) = [version for version in await memories.history(ANN, old.id) if version.what == "archived"]
    assert last.by == f"refinement:{seen.done.id}"
    assert (await memories.restore(ANN, old.id)).alive
    assert not (await refinery.refining.refine("ann")).acts  # who brings it back wants it


async def test_what_is_said_again_comes_back(quick: Refinery) -> None:
    old = await quick.add("The bus left at four.")
    quick.fades = {old.text}
    await quick.refining.refine("ann")
    again = await quick.add("The bus left at four.")
    assert (again.id, again.alive, again.count) == (old.id, True, 2)


async def test_a_dry_run_says_the_same_and_does_nothing(quick: Refinery) -> None:
    one = await quick.add("The bus left at four.")
    quick.fades = {one.text}
    before = await quick.rows()
    seen = await quick.refining.refine("ann", dry_run=True)
    assert [act.what for act in seen.acts] == ["archive"]
    assert (seen.done.id, seen.done.acts, await quick.rows()) == ("", [], before)
    assert await quick.refining.list("ann") == ([], None)


async def test_what_another_changed_since_stays_and_is_said(refinery: Refinery) -> None:
    one = await refinery.add("The bus left at four.")
    other = await refinery.add("The train left at five.")
    refinery.fades = {one.text, other.text}
    pass_id = (await refinery.refining.refine("ann")).done.id
    edited = await refinery.bench.memories.edit(ANN, one.id, 2, text="The bus left at six.")
    undone = await refinery.refining.undo("ann", pass_id)
    assert {act.memories[0]: act.left for act in undone.acts} == {one.id: [one.id], other.id: []}
    assert await refinery.get(one) == edited
    assert (await refinery.get(other)).alive
    assert undone.undone_at is not None
    with pytest.raises(Conflict) as refused:
        await refinery.refining.undo("ann", pass_id)
    assert refused.value.code == "already_undone"


async def test_one_act_is_undone_by_itself(quick: Refinery) -> None:
    one = await quick.add("The bus left at four.")
    other = await quick.add("The train left at five.")
    quick.fades = {one.text, other.text}
    pass_id = (await quick.refining.refine("ann")).done.id
    undone = await quick.refining.undo("ann", pass_id, 2)
    assert [act.undone_at is not None for act in undone.acts] == [False, True]
    assert undone.undone_at is None
    assert ((await quick.get(one)).alive, (await quick.get(other)).alive) == (False, True)
    with pytest.raises(NotFound) as missing:
        await quick.refining.undo("ann", pass_id, 3)
    assert missing.value.code == "unknown_act"


async def test_a_contradiction_that_the_owner_settles_keeps_its_history(refinery: Refinery) -> None:
    lund = await refinery.add("The user lives in Lund.", key="user.city", scope="owner", speaker=USER)
    porto = await refinery.add("The user lives in Porto.", key="user.city")
    before = await refinery.rows()
    assert (await refinery.refining.refine("ann")).contradictions == 1
    (open_one,) = await refinery.refining.contradictions("ann")
    assert [one.id for one in open_one.memories] == [porto.id, lund.id]
    with pytest.raises(InvalidRequest):
        await refinery.refining.resolve("ann", "user.city", "m_other")
    with pytest.raises(NotFound):
        await refinery.refining.resolve("bob", "user.city", lund.id)
    done = await refinery.refining.resolve("ann", "user.city", lund.id)
    assert (await refinery.get(porto)).superseded_by == lund.id
    assert [version.what for version in await refinery.bench.memories.history(ANN, porto.id)] == ["added", "superseded"]
    assert not await refinery.refining.contradictions("ann")
    await refinery.refining.undo("ann", done.id)
    assert await refinery.rows() == before
    both = await refinery.refining.resolve("ann", "user.city", None)
    assert ((await refinery.get(lund)).key, (await refinery.get(porto)).key) == ("", "user.city")
    assert (both.by, await refinery.refining.contradictions("ann")) == ("owner", [])


async def test_notes_are_kept_once_and_go_when_undone(quick: Refinery) -> None:
    for number in range(3):
        source = Source("t", f"r{number}", start=0, end=40)
        text = f"Write a parser for case {number}. Always use type hints."
        await quick.add(text, kind="episodic", agent="manager", speaker=USER, line="t", position=number, source=source)
    seen = await quick.refining.refine("ann")
    (act,) = seen.done.acts
    (added,) = [change.id for change in act.changed if change.added]
    note = await quick.bench.memories.get(ANN, added)
    assert (note.text, note.kind, note.count) == ("The user asked: Always use type hints.", "procedural", 3)
    assert not (await quick.refining.refine("ann")).acts
    await quick.refining.undo("ann", seen.done.id)
    assert (await quick.bench.memories.get(ANN, added)).forgotten_at is not None
    assert not (await quick.refining.refine("ann")).acts  # what was taken back is not noted again


async def test_nothing_of_another_owner_is_seen_or_changed(refinery: Refinery) -> None:
    mine = await refinery.add("The bus left at four.")
    await refinery.add("The bus left at four.", owner="bob")
    refinery.fades = {mine.text}
    before = await refinery.rows("bob")
    pass_id = (await refinery.refining.refine("ann")).done.id
    assert await refinery.rows("bob") == before
    assert await refinery.refining.list("bob") == ([], None)
    for asked in (refinery.refining.read("bob", pass_id), refinery.refining.undo("bob", pass_id)):
        with pytest.raises(NotFound) as unknown:
            await asked
        assert unknown.value.code == "unknown_pass"
    await refinery.bench.memories.weigh("bob", {mine.id: (1.0, 5.0)})
    assert (await refinery.get(mine)).strength == 0.0


async def test_what_people_think_counts_before_what_was_used(quick: Refinery) -> None:
    one = await quick.add("The museum opens at ten.")
    await quick.bench.memories.used([Use(one.id, "r1", "m1", "writer", 0.5, 1.0, helped=1.0)])
    assert (await quick.get(one)).utility == pytest.approx(0.2)
    await quick.bench.memories.weigh("ann", {one.id: (-0.6, 3.0), "m_none": (1.0, 1.0)})
    await quick.bench.memories.used([Use(one.id, "r2", "m2", "writer", 0.5, 2.0, helped=1.0)])
    now = await quick.get(one)
    assert (now.utility, now.strength, now.uses, now.version) == (-0.6, 3.0, 2, 1)


async def test_a_pass_ends_when_a_run_begins_and_goes_on_when_idle(quick: Refinery) -> None:
    texts = [f"The bus {number} left at four." for number in range(5)]
    for text in texts:
        await quick.add(text)
    quick.fades = set(texts)
    at_work = True
    quick.refining.busy = lambda: at_work
    seen = await quick.refining.refine("ann", by="idle")
    assert (seen.done.acts, seen.done.more) == ([], True)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(quick.refining.run())
        at_work = False
        quick.refining.turned()
        async with asyncio.timeout(60):
            while (await quick.bench.memories.counts("ann")).archived < len(texts):
                await asyncio.sleep(0.01)
        running.cancel()
    (one,), _ = await quick.refining.list("ann")
    assert (one.by, len(one.acts)) == ("idle", len(texts))


async def test_a_crash_leaves_whole_acts(refinery: Refinery, monkeypatch: pytest.MonkeyPatch) -> None:
    """The third act fails as it is written: the two before are done and known, of the third there is nothing."""
    texts = [f"The bus {number} left at four." for number in range(4)]
    kept = [await refinery.add(text) for text in texts]
    refinery.fades = set(texts)
    change = refinery.bench.memories.change
    done = 0

    async def breaking(by: str, work: Any) -> Any:
        nonlocal done
        done += 1

        def torn(pen: Any) -> Any:
            result = work(pen)
            if done == 3:
                raise AlmaError("the power went")
            return result

        return await change(by, torn)

    monkeypatch.setattr(refinery.bench.memories, "change", breaking)
    with pytest.raises(AlmaError):
        await refinery.refining.refine("ann")
    monkeypatch.undo()
    assert [(await refinery.get(one)).alive for one in kept] == [False, False, True, True]
    (one,), _ = await refinery.refining.list("ann")
    assert len(one.acts) == 2
    await refinery.refining.refine("ann")
    assert [(await refinery.get(one)).alive for one in kept] == [False] * 4


async def test_what_was_merged_and_taken_back_is_not_merged_the_other_way_round(quick: Refinery) -> None:
    same = [await quick.add("It rains here often.", agent=agent) for agent in ("researcher", "writer", "coder")]
    seen = await quick.refining.refine("ann")
    assert [act.memories for act in seen.done.acts] == [[one.id for one in same]]
    await quick.refining.undo("ann", seen.done.id)
    assert not (await quick.refining.refine("ann")).acts
    await quick.add("It rains here often.", agent="critic")  # of those that nobody brought back one is enough
    (act,) = (await quick.refining.refine("ann")).acts
    assert [one.agent for one in act.memories] == ["researcher", "critic"]


async def test_what_its_owner_has_edited_is_theirs(quick: Refinery) -> None:
    """It neither fades nor gives way; what says the same gives way to it. Who pins and unpins it leaves it."""
    old = await quick.add("The bus left at four.")
    hours = await quick.add("The museum opens at nine.", key="museum.hours")
    let_go = await quick.add("The train left at five.")
    memories = quick.bench.memories
    await memories.edit(ANN, old.id, 1, text="The bus leaves at four.")
    await memories.edit(ANN, hours.id, 1, text="The museum opens at eight.")
    await memories.edit(ANN, let_go.id, 1, pinned=True)
    await memories.edit(ANN, let_go.id, 2, pinned=False)
    later = await quick.add("The museum opens at ten.", key="museum.hours", scope="owner")
    again = await quick.add("The bus leaves at four.", agent="writer")
    quick.fades = {"The bus leaves at four.", let_go.text}
    seen = await quick.refining.refine("ann")
    assert [(act.what, act.memories) for act in seen.done.acts] == [
        ("merge", [old.id, again.id]),
        ("archive", [let_go.id]),
    ]
    assert ((await quick.get(hours)).alive, (await quick.get(later)).alive) == (True, True)
    assert seen.contradictions == 1


async def test_two_passes_at_once_do_each_thing_once(refinery: Refinery) -> None:
    """As two processes would: each has a lock of its own."""
    kept = [await refinery.add(f"The bus {number} left at four.") for number in range(6)]
    refinery.fades = {one.text for one in kept}
    other = Refinery(refinery.bench)
    other.fades = refinery.fades
    passes = await asyncio.gather(refinery.refining.refine("ann"), other.refining.refine("ann"))
    acts = [act for one in passes for act in one.done.acts]
    assert sorted(act.memories[0] for act in acts) == sorted(one.id for one in kept)
    for one in passes:
        if one.done.acts:
            await refinery.refining.undo("ann", one.done.id)
    assert [await refinery.get(one) for one in kept] == [
        msgspec.structs.replace(one, version=one.version + 2) for one in kept
    ]


async def test_a_pass_that_is_taken_back_while_it_goes_on_is_not_undone(
    quick: Refinery, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [await quick.add(f"The bus {number} left at four.") for number in range(2)]
    quick.fades = {one.text for one in kept}
    change, undone = quick.bench.memories.change, False

    async def meanwhile(by: str, work: Any) -> Any:
        nonlocal undone
        result = await change(by, work)
        if not undone:
            undone = True
            (one,), _ = await quick.refining.list("ann")
            assert (await quick.refining.undo("ann", one.id)).undone_at is not None
        return result

    monkeypatch.setattr(quick.bench.memories, "change", meanwhile)
    await quick.refining.refine("ann")
    (one,), _ = await quick.refining.list("ann")
    assert ([act.undone_at is not None for act in one.acts], one.undone_at) == ([True, False], None)


async def test_what_was_deleted_for_good_is_not_noted_again(quick: Refinery) -> None:
    def asked(number: int) -> Any:
        text, source = f"Write parser {number}. Always use type hints.", Source("t", f"r{number}", start=0, end=40)
        return quick.add(text, kind="episodic", agent="manager", speaker=USER, source=source)

    for number in range(3):
        await asked(number)
    (act,) = (await quick.refining.refine("ann")).done.acts
    (added,) = [change.id for change in act.changed if change.added]
    await quick.bench.memories.purge(ANN, added)
    assert not (await quick.refining.refine("ann")).acts
    await asked(3)  # who asks for it once more wants it
    assert [one.what for one in (await quick.refining.refine("ann")).done.acts] == ["note"]


async def test_a_fact_that_is_raised_takes_the_place_of_nothing(quick: Refinery) -> None:
    """Also not of an episode with its key, which the owner wrote."""
    theirs = await quick.add("I live in Lund.", kind="episodic", key="user.city", agent=USER, scope="owner")
    said = await quick.add("Oh well. I live in Kiruna.", kind="episodic", speaker=USER, scope="owner")
    await quick.bench.memories.used([Use(said.id, f"r{n}", "m", "writer", 0.5, 1.0) for n in range(4)])
    await quick.bench.memories.weigh("ann", {said.id: (0.8, 4.0)})
    assert not (await quick.refining.refine("ann")).acts
    assert (await quick.get(theirs)).alive


async def test_a_key_that_is_anothers_by_now_is_not_given_back(quick: Refinery) -> None:
    first = await quick.add("It opens at nine.", key="museum.hours", agent=USER)
    await quick.add("It opens at ten.", key="museum.hours", agent=USER, scope="owner")
    done = await quick.refining.resolve("ann", "museum.hours", None)
    assert (await quick.get(first)).key == ""
    now = await quick.add("It opens at eight.", key="museum.hours", agent=USER)
    (act,) = (await quick.refining.undo("ann", done.id)).acts
    assert (act.left, (await quick.get(first)).key, (await quick.get(now)).alive) == ([first.id], "", True)


async def test_who_settles_what_changed_meanwhile_is_told(quick: Refinery, monkeypatch: pytest.MonkeyPatch) -> None:
    one = await quick.add("It opens at nine.", key="museum.hours", agent=USER)
    two = await quick.add("It opens at ten.", key="museum.hours", agent=USER, scope="owner")
    change = quick.bench.memories.change

    async def late(by: str, work: Any) -> Any:
        await quick.bench.memories.edit(ANN, one.id, 1, pinned=True)
        return await change(by, work)

    monkeypatch.setattr(quick.bench.memories, "change", late)
    with pytest.raises(Conflict) as refused:
        await quick.refining.resolve("ann", "museum.hours", two.id)
    assert refused.value.code == "changed_meanwhile"


async def test_a_pass_that_finds_nothing_stops_when_a_run_begins_too(
    quick: Refinery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked between any two pages."""
    monkeypatch.setattr("alma.memory.refining._PAGE", 2)
    for number in range(9):
        await quick.add(f"The bus {number} left at four.")
    looked: list[str] = []

    def kept(memory: Memory, now: float) -> float:
        del now
        looked.append(memory.text)
        return 0.9

    refining = Refining(quick.bench.database, quick.bench.memories, kept, 0.01, quick.bench.clock)
    refining.busy = lambda: bool(looked)
    assert (await refining.refine("ann", by="idle")).done.more
    assert len(looked) == 2
    assert not (await refining.refine("ann")).done.more  # who asks for it gets all of it
    assert len(looked) == 2 + 9


async def test_all_of_what_is_alike_is_looked_at_page_by_page(
    refinery: Refinery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be merged or settled is no reason not to look at what comes after it."""
    monkeypatch.setattr("alma.memory.refining._PAGE", 2)
    for number in range(5):
        for scope in ("team", "owner"):
            await refinery.add(f"It is {number} {scope}.", key=f"k{number}", agent=USER, scope=scope)
            await refinery.add(f"The bus {number} left.", agent=USER, scope=scope)
    found = await refinery.refining.contradictions("ann")
    assert [one.key for one in found] == [f"k{number}" for number in range(5)]
    same = [await refinery.add(f"Line {number}.", agent=agent) for number in range(5) for agent in ("a", "b")]
    acts = (await refinery.refining.refine("ann")).done.acts
    assert sorted(act.memories[0] for act in acts) == sorted(one.id for one in same[::2])


async def test_owners_who_do_not_learn_and_bugs_with_one_keep_nobody_waiting(quick: Refinery) -> None:
    for owner in ("ann", "bob", "cat"):
        await quick.add("The bus left at four.", owner=owner)

    def kept(memory: Memory, now: float) -> float:
        del now
        if memory.owner == "ann":
            raise ZeroDivisionError
        return 0.0

    refining = Refining(quick.bench.database, quick.bench.memories, kept, 0.001, quick.bench.clock)
    refining.follows = lambda owner: owner != "bob"
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        running = group.create_task(refining.run())
        while not (await quick.bench.memories.counts("cat")).archived:
            await asyncio.sleep(0)
        running.cancel()
    assert [(await quick.bench.memories.counts(owner)).archived for owner in ("ann", "bob", "cat")] == [0, 0, 1]


# ── any memories ──────────────────────────────────────────────────────────────────────────────────────────────────

TEXTS = (
    "The user lives in Porto.",
    "The user lives in Lund.",
    "The museum opens at ten.",
    "The museum opens at ten",
    "Write a page. Always use type hints.",
    "I told you not to use emojis.",
    "Oh well. I live in Kiruna.",
    "It rains.",
)
KINDS: tuple[Kind, ...] = ("episodic", "semantic", "procedural")
SCOPES: tuple[Scope, ...] = ("private", "team", "owner")
one_memory = st.fixed_dictionaries(
    {
        "text": st.sampled_from(TEXTS),
        "kind": st.sampled_from(KINDS),
        "scope": st.sampled_from(SCOPES),
        "agent": st.sampled_from(["researcher", "writer", USER]),
        "speaker": st.sampled_from(["", "", USER]),
        "key": st.sampled_from(["", "user.city", "museum.hours"]),
        "pinned": st.sampled_from([False, False, True]),
        "run": st.sampled_from(["r1", "r2", "r3"]),
        "weight": st.sampled_from([(0.0, 0.0), (0.8, 4.0), (-0.8, 4.0)]),
        "uses": st.sampled_from([0, 4]),
    }
)


async def fill(refinery: Refinery, drawn: list[dict[str, Any]]) -> None:
    new = [
        NewMemory(
            owner="ann",
            text=one["text"],
            at=1000.0 + at,
            source=Source("t", one["run"], start=0, end=len(one["text"])),
            **{name: one[name] for name in ("kind", "scope", "agent", "speaker", "key", "pinned")},
        )
        for at, one in enumerate(drawn)
    ]
    ids = [added.memory.id for added in await refinery.bench.memories.add(new)]
    uses = [
        Use(kept, f"r{number}", f"m{at}", "writer", 0.5, 2000.0)
        for at, (kept, one) in enumerate(zip(ids, drawn, strict=True))
        for number in range(one["uses"])
    ]
    await refinery.bench.memories.used(uses)
    await refinery.bench.memories.weigh("ann", {kept: one["weight"] for kept, one in zip(ids, drawn, strict=True)})


def told(one: Any) -> list[tuple[str, list[str], str]]:
    """Acts without the ids, which are others each time."""
    return [
        (act.what, [memory.text for memory in act.memories], act.new[0].text if act.new else "") for act in one.acts
    ]


def test_refining_can_be_taken_back_exactly(quick: Refinery) -> None:
    @settings(max_examples=30, deadline=None, derandomize=True)
    @given(st.lists(one_memory, min_size=1, max_size=9), st.sets(st.sampled_from(TEXTS)))
    def check(drawn: list[dict[str, Any]], fades: set[str]) -> None:
        asyncio.run(_check_undo(quick, drawn, fades))

    check()


async def _check_undo(refinery: Refinery, drawn: list[dict[str, Any]], fades: set[str]) -> None:
    def empty(connection: sa.Connection) -> None:
        for table in (memory_history, rows, refinement_passes):
            connection.execute(table.delete())

    await refinery.bench.database.write(empty)
    await fill(refinery, drawn)
    refinery.fades = fades
    before = await refinery.rows()
    plan = await refinery.refining.refine("ann", dry_run=True)
    assert await refinery.rows() == before
    seen = await refinery.refining.refine("ann")
    assert told(plan) == told(seen)  # the same memories give the same acts
    after = await refinery.rows()
    for memory_id, row in before.items():
        owners = row["agent"] == USER or row["speaker"] == USER or row["pinned"]
        assert memory_id in after
        assert not owners or after[memory_id] == row
    if not seen.done.acts:
        return
    await refinery.refining.undo("ann", seen.done.id)
    undone = await refinery.rows()
    assert {memory_id: undone[memory_id] for memory_id in before} == before
    assert all(row["forgotten_at"] is not None for memory_id, row in undone.items() if memory_id not in before)
    assert not (await refinery.refining.refine("ann")).acts  # what was taken back is left alone
