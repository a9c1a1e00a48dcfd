"""Memories out and in as JSONL: nothing is lost, nothing is there twice, and no line hurts another."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from fakes import MemoryBench

from alma.memory.memories import Use
from alma.memory.records import Filter, Memory, NewMemory, Reader, Source

ANN, BOB = Reader("ann"), Reader("bob")


@pytest.fixture
def memory(database_url: str) -> Generator[MemoryBench]:
    with MemoryBench(database_url) as bench:
        yield bench


@pytest.fixture
def elsewhere(tmp_path: Path) -> Generator[MemoryBench]:
    with MemoryBench(f"sqlite:///{tmp_path / 'elsewhere.db'}") as bench:
        yield bench


async def export(memory: MemoryBench, state: Any = "any") -> list[bytes]:
    return b"".join([part async for part in memory.memories.export("ann", state)]).splitlines()


async def everything(memory: MemoryBench, reader: Reader = ANN) -> list[Memory]:
    found, _, _ = await memory.memories.list(reader, Filter(state="any"), limit=1000)
    return sorted(found, key=lambda one: one.id)


async def fill(memory: MemoryBench) -> None:
    source = Source(thread_id="t_1", run_id="r_1", message_id="m_1", file="a.md", place="page 3", start=3, end=9)
    await memory.memories.add([NewMemory("ann", "The user lives in Berlin", key="user.city", at=10.0)])
    await memory.memories.add([NewMemory("ann", "The user lives in Munich", key="user.city", at=20.0)])
    await memory.memories.add([NewMemory("ann", "Shalom שלום 👩‍🚀", "episodic", "private", "writer", source=source)])
    turns = [NewMemory("ann", f"turn {n % 5}", "episodic", line="t_1", position=n, speaker="Ann") for n in range(300)]
    added = await memory.memories.add(turns)
    await memory.memories.edit(ANN, added[7].memory.id, 1, pinned=True)
    await memory.memories.forget(ANN, added[8].memory.id)
    await memory.memories.used([Use(added[9].memory.id, "r_1", "m_1", "writer", 0.5, 5.0)])
    await memory.memories.add([NewMemory("bob", "Bob's own")])


def kept(memory: Memory, but: str = "") -> dict[str, Any]:
    return {name: getattr(memory, name) for name in Memory.__struct_fields__ if name not in ("num", "version", but)}


def without_place(line: bytes) -> dict[str, Any]:
    fields = json.loads(line)
    fields.get("source", {}).pop("place", None)
    return fields


async def test_a_round_trip_keeps_everything_and_a_second_adds_nothing(
    memory: MemoryBench, elsewhere: MemoryBench
) -> None:
    await fill(memory)
    lines = await export(memory)
    assert (len(lines), "num" in json.loads(lines[0])) == (303, False)
    first = await elsewhere.memories.import_lines("ann", lines)
    assert (first.added, first.merged, first.passed_over, first.problems) == (303, 0, 0, [])
    there = [kept(one) for one in await everything(elsewhere)]
    assert {one.pop("source").place for one in there} == {"after an import"}, "for agents it is from outside"
    assert there == [kept(one, but="source") for one in await everything(memory)]
    before = await everything(elsewhere)
    again = await elsewhere.memories.import_lines("ann", lines)
    assert (again.added, again.merged) == (0, 303)
    assert await everything(elsewhere) == before
    back = await memory.memories.import_lines("ann", lines)
    assert (back.added, back.merged) == (0, 303)
    assert [*map(without_place, await export(elsewhere))] == [*map(without_place, lines)]


async def test_another_owners_are_never_touched(memory: MemoryBench) -> None:
    await fill(memory)
    lines = await export(memory)
    mine = await everything(memory)
    for _ in range(2):
        await memory.memories.import_lines("bob", lines)
    assert await everything(memory) == mine
    theirs = await everything(memory, BOB)
    assert len(theirs) == 304
    assert {one.owner for one in theirs} == {"bob"}
    assert not {one.id for one in theirs} & {one.id for one in mine}


async def test_only_the_text_has_to_be_there(memory: MemoryBench) -> None:
    lines = [b"\xef\xbb\xbf" + b'{"text": "one fact"}', b"", b'{"text":"another one", "unknown": [1]}', b"  \r\n"]
    done = await memory.memories.import_lines("ann", lines)
    assert (done.added, done.problems) == (2, [])
    again = await memory.memories.import_lines("ann", lines)
    assert (again.added, again.merged) == (0, 2)
    assert {one.count for one in await everything(memory)} == {1}


async def test_an_older_fact_from_a_file_is_over_already(memory: MemoryBench) -> None:
    await memory.memories.add([NewMemory("ann", "The user lives in Munich", key="user.city", at=20.0)])
    line = {"id": "m_old", "text": "The user lives in Berlin", "key": "user.city", "validFrom": 10.0}
    await memory.memories.import_lines("ann", [json.dumps(line).encode()])
    assert (await memory.memories.get(ANN, "m_old")).valid_to == 20.0
    newer = {"text": "The user lives in Rome", "key": "user.city", "validFrom": 30.0}
    await memory.memories.import_lines("ann", [json.dumps(newer).encode()])
    alive, _, _ = await memory.memories.list(ANN, Filter())
    assert [one.text for one in alive] == ["The user lives in Rome"]


async def test_what_was_edited_since_stays_and_is_named(memory: MemoryBench) -> None:
    [added] = await memory.memories.add([NewMemory("ann", "Ann plays the cello")])
    lines = await export(memory)
    await memory.memories.edit(ANN, added.memory.id, 1, text="Ann plays the viola")
    done = await memory.memories.import_lines("ann", lines)
    assert (done.added, done.passed_over) == (0, 1)
    assert "viola" in (await memory.memories.get(ANN, added.memory.id)).text


BAD = [
    b"not json",
    b"[]",
    b"null",
    b"{}",
    b'{"text": 5}',
    b'{"text": ""}',
    b'{"text": "\\u0000"}',
    b'{"text": "\\ud800"}',
    b'{"text": "\xff\xfe"}',
    b'{"text": "a", "kind": "dream"}',
    b'{"text": "a", "createdAt": NaN}',
    b'{"text": "a", "createdAt": 1e999}',
    b'{"text": "a", "createdAt": 1e300}',
    b'{"text": "a", "createdAt": "yesterday"}',
    b'{"text": "a", "count": -1}',
    b'{"text": "a", "count": 99999999999999999999999999}',
    b'{"text": "a", "position": 3000000000}',
    b'{"text": "a", "utility": 7}',
    b'{"text": "a", "source": []}',
    b'{"text": "a", "source": {"start": 1e400}}',
    b'{"text": "a", "nested": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    b'{"text": "' + b"x" * 9000 + b'"}',
    b'{"text": "' + b"x" * 70_000 + b'"}',
    b'{"text": "a"',
    b"\x00\x01\x02",
]


async def test_a_bad_line_is_named_and_the_rest_goes_in(memory: MemoryBench) -> None:
    lines = [b'{"text": "the first"}', *BAD, b'{"text": "the last"}']
    done = await memory.memories.import_lines("ann", lines)
    assert (done.added, done.passed_over) == (2, len(BAD))
    assert [number for number, _ in done.problems] == [*range(2, len(BAD) + 2)]
    assert all(message and len(message) < 400 for _, message in done.problems)
    assert {one.text for one in await everything(memory)} == {"the first", "the last"}


async def test_odd_ids_and_labels_are_made_fit(memory: MemoryBench) -> None:
    odd = {"id": "../../etc", "text": "one", "supersededBy": "' OR 1=1", "agent": "a\0b", "line": "l\0", "validTo": 5.0}
    done = await memory.memories.import_lines("ann", [json.dumps(odd).encode()])
    assert done.added == 1
    [one] = await everything(memory)
    assert one.id.startswith("m_")
    assert (one.superseded_by, one.agent, one.line) == ("", "ab", "l")


async def test_at_most_a_hundred_problems_are_named(memory: MemoryBench) -> None:
    done = await memory.memories.import_lines("ann", (b"?" for _ in range(1000)))
    assert (done.passed_over, len(done.problems)) == (1000, 100)


async def test_what_is_pinned_in_the_file_is_pinned_although_it_was_known(memory: MemoryBench) -> None:
    [city] = await memory.memories.add([NewMemory("ann", "The user lives in Porto.", key="user.city")])
    [tea] = await memory.memories.add([NewMemory("ann", "The user likes tea.")])
    lines = [
        {"text": "The user lives in Porto.", "key": "user.city", "pinned": True},
        {"text": "The user likes tea.", "id": tea.memory.id, "pinned": True},
    ]
    for _ in range(2):
        outcome = await memory.memories.import_lines("ann", [json.dumps(line).encode() for line in lines])
        assert (outcome.added, outcome.merged) == (0, 2)
    found = await everything(memory)
    assert {one.id: (one.pinned, one.version) for one in found} == {
        city.memory.id: (True, 2),
        tea.memory.id: (True, 2),
    }
    line = json.dumps({"text": "The user likes tea."}).encode()
    await memory.memories.import_lines("ann", [line])
    assert (await memory.memories.get(ANN, tea.memory.id)).pinned


@pytest.mark.parametrize(
    "times", [{}, {"validFrom": 30.0}, {"createdAt": 30.0}, {"createdAt": 30.0, "validFrom": 40.0}]
)
async def test_the_same_file_again_does_not_bring_back_what_was_undone(
    memory: MemoryBench, times: dict[str, float]
) -> None:
    [old] = await memory.memories.add([NewMemory("ann", "The user lives in Gothenburg", key="user.city", at=20.0)])
    line = json.dumps({"text": "The user lives in Kalmar", "key": "user.city"} | times).encode()
    first = await memory.memories.import_lines("ann", [line])
    assert (first.added, first.replaced) == (1, 1)
    await memory.memories.restore(ANN, old.memory.id)
    before = await everything(memory)
    again = await memory.memories.import_lines("ann", [line])
    assert (again.added, again.replaced, again.merged) == (0, 0, 1)
    assert await everything(memory) == before
    assert (await memory.memories.get(ANN, old.memory.id)).alive


async def test_the_same_file_again_does_not_bring_back_what_was_forgotten(memory: MemoryBench) -> None:
    line = b'{"text": "The user likes tea."}'
    await memory.memories.import_lines("ann", [line])
    [tea] = await everything(memory)
    await memory.memories.forget(ANN, tea.id)
    assert (await memory.memories.import_lines("ann", [line])).merged == 1
    assert [one.alive for one in await everything(memory)] == [False]


async def test_the_same_of_another_time_is_a_statement_of_its_own(memory: MemoryBench) -> None:
    lines = [
        {"text": f"The user lives in {city}", "key": "user.city", "validFrom": at}
        for city, at in (("Berlin", 10.0), ("Munich", 20.0), ("Berlin", 30.0))
    ]
    done = await memory.memories.import_lines("ann", [json.dumps(line).encode() for line in lines])
    assert (done.added, done.replaced) == (3, 2)
    alive, _, _ = await memory.memories.list(ANN, Filter())
    assert [(one.text, one.valid_from) for one in alive] == [("The user lives in Berlin", 30.0)]


async def test_a_late_line_replaces_nothing_that_holds(memory: MemoryBench) -> None:
    await memory.memories.add([NewMemory("ann", "The user lives in Munich", key="user.city", at=20.0)])
    line = {"text": "The user lives in Berlin", "key": "user.city", "validFrom": 10.0}
    done = await memory.memories.import_lines("ann", [json.dumps(line).encode()])
    assert (done.added, done.replaced) == (1, 0)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            b'{"text": "a", "kind": "nonsense"}',
            "kind: expected one of working, episodic, semantic, procedural, came 'nonsense'",
        ),
        (b'{"text": "a", "scope": "all"}', "scope: expected one of private, team, owner, came 'all'"),
        (b'{"text": 5}', "text: expected text, came a whole number"),
        (b"{}", "It has no text."),
        (b"[]", "Expected a JSON object, came a list."),
        (b'{"text": "a", "pinned": "yes"}', "pinned: expected true or false, came text"),
        (b'{"text": "a", "source": {"start": -1}}', "source.start: expected a whole number of at least 0"),
        (b'{"text": "a", "createdAt": 1e999}', "createdAt: expected a number that is not so large"),
        (b'{"text": "a"', "It is no JSON: it ends too early."),
        (b"not json", "It is no JSON: invalid character (byte 4)."),
        (b'{"text": "\xff"}', "It is not text in UTF-8."),
    ],
)
async def test_what_is_wrong_with_a_line_is_said_in_words(memory: MemoryBench, line: bytes, said: str) -> None:
    assert (await memory.memories.import_lines("ann", [line])).problems == [(1, said)]
