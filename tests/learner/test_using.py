"""What became of memories in a run: where they stood, and whether they helped."""

from __future__ import annotations

from pathlib import Path

from alma.events import (
    JournalEntry,
    MemoriesRecalled,
    MessageFinished,
    MessageStarted,
    Recorded,
    RunStarted,
)
from alma.learner.using import HELPED, IDLE, uses_of
from alma.memory.records import Filter, NewMemory, Reader
from alma.model_call import Timing, Usage
from alma.recollection import RecalledMemory
from memory.fakes import MemoryBench


def log(*hits: RecalledMemory, asked: str, answer: str, call_id: str = "") -> list[Recorded]:
    entries: list[JournalEntry] = [
        RunStarted(at=1.0, thread_id="t", owner="ada", text=asked),
        MemoriesRecalled(at=2.0, message_id="r.main", query=asked, hits=list(hits), call_id=call_id),
        MessageStarted(
            at=2.0,
            message_id="r.main",
            attempt=1,
            role="manager",
            model="m",
            endpoint="e",
            prompt_version="v",
            sections=[],
        ),
        MessageFinished(
            at=3.0,
            message_id="r.main",
            attempt=1,
            text=answer,
            finish_reason="stop",
            usage=Usage(),
            timing=Timing(1, 2),
        ),
    ]
    return [Recorded("r", seq, entry) for seq, entry in enumerate(entries, 1)]


def helped(hit: RecalledMemory, asked: str, answer: str, **more: str) -> float | None:
    (use,) = uses_of(log(hit, asked=asked, answer=answer, **more))
    assert (use.run_id, use.message_id, use.role) == ("r", "r.main", "manager")
    return use.helped


def test_a_memory_has_helped_that_the_answer_says_again() -> None:
    hit = RecalledMemory("m1", "The user lives in Lisbon.", 0.9)
    assert helped(hit, "Where do I live?", "You live in Lisbon.") == HELPED
    assert helped(hit, "Where do I live?", "I cannot know that.") == IDLE
    assert helped(hit, "Does the user of Lisbon lives there?", "Lisbon, yes.") == IDLE, "the request had said it all"
    assert helped(hit, "Where do I live?", "") is None


def test_what_is_told_whatever_is_asked_neither_helped_nor_not() -> None:
    hit = RecalledMemory("m1", "The user lives in Lisbon.", 0.0, standing=True)
    assert helped(hit, "What can I cook?", "Something from Lisbon.") is None
    assert helped(hit, "What can I cook?", "Rice.") is None
    assert helped(hit, "Where?", "In Lisbon.", call_id="c1") is None, "it was looked up after the prompt was made"


def test_a_file_that_is_named_has_helped() -> None:
    hit = RecalledMemory("m1", "Water it daily.", 0.9, label="plants.md, Cactus", document_id="d1")
    assert helped(hit, "How often?", "Rarely [plants.md, Cactus].") == HELPED


async def test_utility_moves_with_each_use_once(tmp_path: Path) -> None:
    with MemoryBench(f"sqlite:///{tmp_path}/alma.db") as bench:
        (added,) = await bench.memories.add([NewMemory("ada", "The user lives in Lisbon.")])
        hit = RecalledMemory(added.memory.id, added.memory.text, 0.9)
        uses = uses_of(log(hit, asked="Where do I live?", answer="In Lisbon."))
        await bench.memories.used(uses)
        await bench.memories.used(uses)
        (now,), _, _ = await bench.memories.list(Reader("ada"), Filter())
        assert (now.uses, round(now.utility, 3)) == (1, 0.2)
        await bench.memories.used([use.__class__(use.memory_id, "r2", "x", "", 0.5, 9.0, helped=IDLE) for use in uses])
        (now,), _, _ = await bench.memories.list(Reader("ada"), Filter())
        assert (now.uses, round(now.utility, 3)) == (2, 0.1)
