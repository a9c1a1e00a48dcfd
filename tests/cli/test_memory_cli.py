"""`alma memory` over the real routes and real memories; only vectors are made by a fake."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI

from alma.__main__ import build_parser, main
from alma.cli.door import Door
from alma.cli.memory_lines import reasons_in_words
from alma.cli.memory_replies import Reasons
from alma.cli.process_transport import ProcessTransport
from alma.errors import AlmaError, Misuse
from alma.memory.records import Filter, NewMemory, Source
from alma.server import memory_api, problems
from asked_by import ask_as
from memory.fakes import MemoryBench

OWNER = "local"
Alma = Callable[..., Awaitable[int]]


@pytest.fixture
def memory(tmp_path: Path) -> Generator[MemoryBench]:
    with MemoryBench(f"sqlite:///{tmp_path / 'alma.db'}") as bench:
        yield bench


class Trouble:
    """Why vectors do not take part: what is left of `said`, one at each look."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def now(self) -> str:
        return self.said.pop(0) if self.said else ""


@pytest.fixture
def trouble() -> Trouble:
    return Trouble()


@pytest.fixture
def alma(memory: MemoryBench, trouble: Trouble) -> Alma:
    """Do `alma memory …`; the exit code."""
    app = FastAPI()
    problems.install(app)
    app.include_router(memory_api.routes(memory.memories, problem=trouble.now))
    ask_as(app, OWNER, body=4 * 1024 * 1024)
    door = Door(ProcessTransport(app, cast("asyncio.TaskGroup", None)))  # no sockets here, so nothing to run in it

    async def act(*words: str) -> int:
        arguments = build_parser().parse_args(["memory", *words])
        return await arguments.act(door, arguments) or 0

    return act


async def keep(memory: MemoryBench, text: str, **more: Any) -> str:
    (added,) = await memory.memories.add([NewMemory(OWNER, text, **more)])
    return added.memory.id


# ── finding ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_list_is_a_table_of_the_newest(
    alma: Alma, memory: MemoryBench, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        await keep(memory, f"Drawer {number} holds\nthe item {number}.")
    await alma("list", "--limit", "2")
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[0].split() == ["memory", "when", "kind", "scope", "agent", "text"]
    assert [line.rpartition("  ")[2] for line in lines[1:]] == [
        "Drawer 2 holds the item 2.",
        "Drawer 1 holds the item 1.",
    ]
    assert "3 in all" in shown.err


async def test_list_takes_filters(alma: Alma, memory: MemoryBench, capsys: pytest.CaptureFixture[str]) -> None:
    await keep(memory, "Rain is likely.", scope="team")
    await keep(memory, "Carry an umbrella.", kind="procedural", pinned=True)
    await keep(memory, "Quote the year.", kind="procedural", scope="private", agent="analyst")
    gone = await keep(memory, "The old umbrella was red.")
    await memory.memories.forget(memory_api.Reader(OWNER), gone)
    for words, expected in (
        ((), 3),
        (("--kind", "procedural"), 2),
        (("--kind", "procedural", "--kind", "semantic"), 3),
        (("--scope", "team"), 1),
        (("--agent", "analyst"), 1),
        (("--pinned",), 1),
        (("--state", "forgotten"), 1),
        (("--state", "any"), 4),
    ):
        await alma("list", *words, "--json")
        assert json.loads(capsys.readouterr().out)["total"] == expected, words
    assert await alma("list", "--agent", "nobody") == 0
    assert "no such memory" in capsys.readouterr().err


async def test_search_says_why_each_came(alma: Alma, memory: MemoryBench, capsys: pytest.CaptureFixture[str]) -> None:
    await keep(memory, "The printer is on the second floor.", source=Source(file="house.md", place="Rooms"))
    found = await keep(memory, "Anna lives in Porto.", key="anna.city")
    await alma("search", "where", "does", "anna", "live", "in", "porto", "--limit", "1")
    shown = capsys.readouterr()
    first, text = shown.out.splitlines()[:2]
    assert found in first
    assert first.endswith("semantic, owner, user  anna.city")
    assert text.strip() == "Anna lives in Porto."
    assert "the best 1 of 2 compared" in shown.err
    assert await alma("search", "anything", "--kind", "working") == 0
    assert "No memory is like that." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        (
            Reasons(cosine=0.631, dense_rank=2, text_rank=5, words=["porto"], neighbour=0.08),
            "by meaning #2 (0.63), by words #5 (porto), beside a hit +0.08",
        ),
        (
            Reasons(cosine=0.4, dense_rank=1, recency=0.031, utility=-0.02),
            "by meaning #1 (0.40), recent +0.03, did not help before -0.02",
        ),
        (
            Reasons(text_rank=1, words=["a", "b"], diversity=0.1, recency=0.001),
            "by words #1 (a, b), like a better one -0.10",
        ),
        (
            Reasons(text_rank=4, speaker=0.2, answer=-0.18, pinned=0.05),
            "by words #4, said by who is named +0.20, asks itself -0.18, pinned +0.05",
        ),
        (Reasons(text_rank=3, utility=0.05), "by words #3, helped before +0.05"),
        (None, ""),
    ],
)
def test_reasons_are_words(reasons: Reasons | None, said: str) -> None:
    assert reasons_in_words(reasons) == said


async def test_show_has_origin_and_neighbours_and_history_has_changes(
    alma: Alma, memory: MemoryBench, capsys: pytest.CaptureFixture[str]
) -> None:
    source = Source(thread_id="t_1", run_id="r_1")
    spoken = [
        NewMemory(OWNER, f"Sentence {word}.", kind="episodic", line="r_1", position=at, source=source, speaker="user")
        for at, word in enumerate(("alpha", "bravo", "charlie"))
    ]
    middle = (await memory.memories.add(spoken))[1].memory.id
    await alma("show", middle)
    shown = capsys.readouterr().out
    assert shown.startswith(f"{middle}  episodic, owner, user, alive, version 1\n\nSentence bravo.\n")
    assert "from      t_1, r_1" in shown
    assert "before and after it:\n  user: Sentence alpha.\n  user: Sentence charlie." in shown
    await alma("edit", middle, "--text", "Sentence beta.", "--kind", "semantic")
    await alma("history", middle)
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].split() == ["version", "when", "what", "by", "before"]
    assert any("edited" in row and "'Sentence bravo.'" in row and "'episodic'" in row for row in rows)


# ── changing ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_add_prints_the_id_and_says_what_became_of_it(
    alma: Alma, memory: MemoryBench, capsys: pytest.CaptureFixture[str]
) -> None:
    await alma("add", "I", "live", "in", "Porto", "--key", "user.city", "--pin", "--kind", "semantic")
    first = capsys.readouterr().out.strip()
    kept = await memory.memories.get(memory_api.Reader(OWNER), first)
    assert (kept.text, kept.key, kept.pinned, kept.agent, kept.scope) == (
        "I live in Porto",
        "user.city",
        True,
        "user",
        "owner",
    )
    await alma("add", "I live in Porto", "--key", "user.city")
    again = capsys.readouterr()
    assert again.out.strip() == first
    assert "counts 2 times" in again.err
    await alma("add", "I live in Lisbon", "--key", "user.city")
    assert f"takes the place of {first}" in capsys.readouterr().err


async def test_add_reads_standard_input(
    alma: Alma, memory: MemoryBench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("Größe: 1,80 m\n".encode())))
    await alma("add", "-")
    memory_id = capsys.readouterr().out.strip()
    assert (await memory.memories.get(memory_api.Reader(OWNER), memory_id)).text == "Größe: 1,80 m"


async def test_memories_are_pinned_forgotten_restored_and_purged(
    alma: Alma, memory: MemoryBench, capsys: pytest.CaptureFixture[str]
) -> None:
    reader = memory_api.Reader(OWNER)
    one, two = await keep(memory, "The first."), await keep(memory, "Something else.")
    await alma("pin", one, two)
    assert (await memory.memories.get(reader, two)).pinned
    await alma("unpin", two)
    assert not (await memory.memories.get(reader, two)).pinned
    await alma("forget", one, two)
    assert (await memory.memories.get(reader, one)).forgotten_at is not None
    await alma("restore", one)
    assert (await memory.memories.get(reader, one)).alive
    assert await alma("purge", one) == 1  # nobody can be asked here
    assert "--yes" in capsys.readouterr().err
    assert await alma("purge", one, two, "--yes") == 0
    with pytest.raises(Misuse, match="no such memory"):
        await alma("show", one)


async def test_all_that_match_are_forgotten_after_a_confirmation(
    alma: Alma, memory: MemoryBench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alma.cli.memory_forgetting._AT_ONCE", 2)
    monkeypatch.setattr("alma.cli.memory_forgetting._PAGE", 2)
    notes = [await keep(memory, f"Note {number} on box {number}.", kind="working") for number in range(5)]
    await keep(memory, "Anna lives in Porto.")
    await keep(memory, "Box 9.", kind="working", source=Source(document_id="d_1", file="boxes.md"))
    matching = ("--all-matching", "--kind", "working", "--no-files")
    assert await alma("forget", *matching) == 1  # nobody can be asked here
    assert "5 memories would be forgotten" in capsys.readouterr().err
    assert await alma("forget", *matching, "--yes") == 0
    assert "5 memories forgotten" in capsys.readouterr().out
    _, alive, _ = await memory.memories.list(memory_api.Reader(OWNER), Filter())
    assert alive == 2
    await alma("restore", *notes)
    with pytest.raises(Misuse, match="no such memory"):
        await alma("forget", "m_none", *notes)
    _, alive, _ = await memory.memories.list(memory_api.Reader(OWNER), Filter())
    assert alive == 2, "the others are forgotten all the same"
    several: list[tuple[str, ...]] = [(), ("--all-matching",), ("m_1", "--all-matching"), ("m_1", "--kind", "working")]
    for words in several:
        with pytest.raises(Misuse):
            await alma("forget", *words)


async def test_pieces_of_files_are_left_out_on_demand(
    alma: Alma, memory: MemoryBench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await keep(memory, "Anna lives in Porto.")
    await keep(memory, "Box 9 is red.", source=Source(document_id="d_1", file="boxes.md"))
    await alma("list")
    shown = capsys.readouterr()
    assert ("Porto" in shown.out, "Box" in shown.out) == (True, False)
    assert "1 piece of files left out: `--with-files` shows them too" in shown.err
    await alma("list", "--with-files")
    shown = capsys.readouterr()
    assert ("Porto" in shown.out, "Box" in shown.out, shown.err) == (True, True, "")
    await alma("list", "--files")
    assert "Porto" not in capsys.readouterr().out
    await alma("list", "--no-files")
    shown = capsys.readouterr()
    assert ("Porto" in shown.out, "Box" in shown.out) == (True, False)
    await alma("search", "--files", "box")
    assert "Porto" not in capsys.readouterr().out
    await alma("list", "--kind", "working")
    assert "No memories of this kind." in capsys.readouterr().err
    await alma("status")
    assert "holds     1, and 1 piece of files; 0 superseded" in capsys.readouterr().out
    for more, number in (((), 1), (("--files",), 2)):
        await alma("export", "-o", str(tmp_path / "kept.jsonl"), *more)
        assert len((tmp_path / "kept.jsonl").read_bytes().splitlines()) == number


async def test_a_refusal_is_a_sentence(alma: Alma, memory: MemoryBench) -> None:
    one = await keep(memory, "The first.")
    for nothing in (" ", "!!!", "…"):
        with pytest.raises(Misuse, match="nothing to remember"):
            await alma("add", nothing)
    assert await alma("add", "👍") == 0
    for words in (("   ",), ("", " ")):
        with pytest.raises(Misuse, match="nothing to search for"):
            await alma("search", *words)
    with pytest.raises(Misuse, match="not said what to change"):
        await alma("edit", one)
    for action in ("show", "forget", "restore", "history", "pin"):
        with pytest.raises(Misuse, match="no such memory") as refused:
            await alma(action, "m_none")
        assert refused.value.code == "unknown_memory"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("list", "--limit", "0"), "expected a whole number from 1 to 200"),
        (("list", "--kind", "poetic"), "invalid choice"),
        (("search",), "WORD"),
        (("add", "x", "--scope", "world"), "invalid choice"),
    ],
)
def test_what_cannot_be_is_said_at_once(
    words: tuple[str, ...], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["memory", *words])
    assert caught.value.code == 2
    assert expected in capsys.readouterr().err


async def test_a_memory_cannot_steer_the_terminal(
    alma: Alma, memory: MemoryBench, capsys: pytest.CaptureFixture[str]
) -> None:
    await keep(memory, "Nice.", key="a", agent="x\x1b[2J")
    await alma("list")
    await alma("search", "nice")
    assert "\x1b" not in capsys.readouterr().out


# ── in and out ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_exported_can_be_imported(
    alma: Alma, memory: MemoryBench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [await keep(memory, text) for text in ("Anna lives in Porto.", "שלום 👋 und Grüße")]
    await alma("export", "-o", str(tmp_path / "kept.jsonl"))
    assert len((tmp_path / "kept.jsonl").read_bytes().splitlines()) == 2
    await alma("purge", "--yes", *ids)
    assert await alma("import", str(tmp_path / "kept.jsonl")) == 0
    assert "2 added, 0 known already, 0 passed over" in capsys.readouterr().out
    assert await alma("import", str(tmp_path / "kept.jsonl")) == 0
    assert "0 added, 2 known already" in capsys.readouterr().out


async def test_an_export_is_of_all_and_says_so(
    alma: Alma, memory: MemoryBench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await alma("forget", await keep(memory, "The first."))
    await keep(memory, "I live in Porto.", key="user.city")
    await keep(memory, "I live in Lisbon.", key="user.city")
    await alma("export", "-o", str(tmp_path / "all.jsonl"))
    assert "3 written, with what was replaced or forgotten (`--state alive`" in capsys.readouterr().err
    await alma("export", "--state", "alive", "-o", str(tmp_path / "held.jsonl"))
    assert capsys.readouterr().err == "1 written\n"


async def test_an_import_says_how_many_it_replaced(
    alma: Alma, memory: MemoryBench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await keep(memory, "I live in Gothenburg.", key="user.city")
    (tmp_path / "more.jsonl").write_text('{"text": "I live in Kalmar.", "key": "user.city"}')
    assert await alma("import", str(tmp_path / "more.jsonl")) == 0
    assert "1 added, 1 replaced what held before, 0 known already, 0 passed over" in capsys.readouterr().out


async def test_a_large_import_goes_in_parts_and_wrong_lines_keep_their_numbers(
    alma: Alma, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alma.cli.memory_transfer._PART_BYTES", 400)
    lines = [json.dumps({"text": f"Item {number} lies in drawer {number * 7}."}) for number in range(1, 31)]
    lines[16], lines[28] = "{wrong", json.dumps({"text": "long " * 200})
    (tmp_path / "many.jsonl").write_text("\n".join(lines))
    assert await alma("import", str(tmp_path / "many.jsonl")) == 1
    shown = capsys.readouterr()
    assert "28 added, 0 known already, 2 passed over" in shown.out
    assert [line.partition(":")[0] for line in shown.err.splitlines()] == ["line 17", "line 29"]


# ── the indexes, the board ────────────────────────────────────────────────────────────────────────────────────────


async def test_status_counts_and_reindex_waits(
    alma: Alma, memory: MemoryBench, capsys: pytest.CaptureFixture[str]
) -> None:
    await keep(memory, "One.")
    await alma("forget", await keep(memory, "Two.", kind="procedural"))
    await alma("status")
    shown = capsys.readouterr().out
    assert "memory    on\nholds     1; 0 superseded, 1 forgotten\nkinds     semantic 1\n" in shown
    assert "index     fake, fake, 64 dimensions: 1 in it, 0 missing (serving)" in shown
    await alma("reindex")
    assert memory.dense.rebuilt == 1
    assert "have 1 memory." in capsys.readouterr().out


async def test_reindex_gives_up_when_nothing_comes(
    alma: Alma, memory: MemoryBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alma.cli.memory._LOOK_S", 0.001)
    monkeypatch.setattr("alma.cli.memory._PATIENCE_S", 0.01)
    memory.embedding.down = True
    await keep(memory, "One.")
    with pytest.raises(AlmaError, match="stays without 1 memory;"):
        await alma("reindex")
    assert await alma("reindex", "--no-wait") == 0


async def test_reindex_waits_while_the_index_is_made_anew(
    alma: Alma, memory: MemoryBench, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alma.cli.memory._LOOK_S", 0.001)
    await keep(memory, "One.")
    trouble.said = ["The index of vectors is being made anew."] * 3
    await alma("reindex")
    assert trouble.said == []


async def test_the_board_has_the_teams_keys_only(
    alma: Alma, memory: MemoryBench, capsys: pytest.CaptureFixture[str]
) -> None:
    await alma("board")
    assert "board is empty" in capsys.readouterr().err
    written = await memory.memories.put(OWNER, "team/plan", "Ship on Friday.", 0, agent="manager")
    assert written is not None
    await memory.memories.put(OWNER, "team/plan", "Ship on Monday.", written.version, agent="manager")
    await memory.memories.put(OWNER, "team/a", "First.", 0, agent="analyst")
    await keep(memory, "Not on the board.", kind="working", scope="team", key="other")
    await alma("board", "--json")
    lines = json.loads(capsys.readouterr().out)
    assert [(one["key"], one["text"]) for one in lines] == [("team/a", "First."), ("team/plan", "Ship on Monday.")]
    await alma("board")
    assert "team/plan" in capsys.readouterr().out
