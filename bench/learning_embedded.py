"""What learned examples do for the real small model: none, chosen at random, and chosen as Alma chooses them.

The tasks in `bench/data/lessons/` were written for this: six families after rules that no model can know (marks for
notes of a workshop, wings of a store, reminders, slips of orders, a visitors' log, letters of guests). The train half
are the lessons that were approved; the held-out half is asked, with the same prompts that Alma would send (`gather` and
`build`, with what `Lessons` tells), under the same bound of tokens, at temperature 0, the three in turns. An answer is
right when it is the wanted one word for word, but for white space, case and a full stop at its end. Intervals are of a
paired bootstrap over the tasks. `--tune` asks the train half, each task without itself, and is how the constants were
found; nothing was chosen by the held-out half.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import replace

from alma.agent.context import build
from alma.agent.prompt import gather
from alma.agent.role import Role, load_role
from alma.agent.task import Task
from alma.db.database import Database
from alma.events import LessonsTold, RouteChosen
from alma.learned import LearnedExample
from alma.learner import lessons as lessons_module
from alma.learner.books import PRIOR, Belief
from alma.learner.lessons import WEAK_EXAMPLES, WEAK_TOKENS, Lessons
from alma.learning.tally import Sums
from alma.memory.embedder import Embedder
from alma.model_call import Sampling
from alma.models.chat import ChatMessage, ChatRequest
from alma.models.client import open_session
from alma.models.fetch import chat_model_path, embedding_dir, fetch_all
from alma.models.local import LocalModel
from bench import rig

TASKS = Path(__file__).parent / "data" / "lessons"
SAMPLING = Sampling(temperature=0.0, top_p=1.0, max_tokens=24)
RESAMPLES = 10_000
QUICK = 48  # held-out tasks in the short form
WAYS = ("none", "random", "learned")
OWNER = "bench"


class Row(msgspec.Struct, frozen=True):
    """One line of the set."""

    family: str
    task: str
    answer: str


class NothingKnown:
    """What is believed of lessons that nobody has used yet."""

    def tally(self, owner: str, item: str, context: str) -> Sums:
        del owner, item, context
        return Sums()

    def belief(self, owner: str, item: str, context: str = "") -> Belief:
        del owner
        return Belief(item, context, PRIOR.mean, *PRIOR.interval(), 0.0, 0, 0.0)


def rows(half: str) -> list[Row]:
    return [msgspec.json.decode(one, type=Row) for one in (TASKS / f"{half}.jsonl").read_bytes().splitlines()]


class Asking:
    """The model with what it can be told."""

    def __init__(self, model: LocalModel, lessons: Lessons, train: Sequence[Row]) -> None:
        self.model = model
        self.lessons = lessons
        self.train = train
        self.role: Role = load_role("manager")

    def task(self, row: Row) -> Task:
        kind = self.role.kinds["chat"]
        route = RouteChosen(
            at=0.0,
            kind="chat",
            source="user",
            scores={},
            neighbours=[],
            role="manager",
            prompt_version=self.role.version,
            sampling=kind.sampling,
        )
        return Task("r", "t", OWNER, row.task, role="manager", kind="chat", route=route)

    async def told(self, way: str, row: Row, rng: random.Random) -> LessonsTold | None:
        if way == "none":
            return None
        task = self.task(row)
        if way == "learned":
            return await self.lessons.told(task, self.role, "answer", 4096, weak=True, notes=[])
        examples: list[LearnedExample] = []
        room = WEAK_TOKENS
        for one in rng.sample(list(self.train), len(self.train)):
            tokens = lessons_module.size(one.task, one.answer)
            if tokens <= room and len(examples) < WEAK_EXAMPLES and one != row:
                examples.append(LearnedExample(f"x{len(examples)}", one.task, one.answer, tokens=tokens))
                room -= tokens
        return self.with_examples(row, examples)

    async def nearest(self, row: Row) -> list[LearnedExample]:
        """As many as could be told of a task, but for its own answer: as a strong model would be told them."""
        task = replace(self.task(row), fresh=True)
        told = await self.lessons.told(task, self.role, "answer", 4096, weak=False, notes=[])
        return told.examples if told is not None else []

    def with_examples(self, row: Row, examples: list[LearnedExample]) -> LessonsTold:
        return LessonsTold(at=0.0, message_id=self.task(row).message_id("answer"), examples=examples)

    async def answer(self, row: Row, told: LessonsTold | None) -> str:
        task = replace(self.task(row), lessons=told)
        window = self.model.context_window
        prompt = await build(
            self.model, gather(task, self.role, "answer"), window=window, max_tokens=SAMPLING.max_tokens
        )
        return await self._said(prompt.messages)

    async def _said(self, messages: list[ChatMessage]) -> str:
        request = ChatRequest("embedded", messages, SAMPLING)
        text = ""
        async with contextlib.aclosing(self.model.stream(request)) as chunks:
            async for chunk in chunks:
                text += chunk.text
        return text


def right(row: Row, said: str) -> bool:
    return " ".join(said.split()).casefold().removesuffix(".") == row.answer.casefold()


@contextlib.asynccontextmanager
async def asking(folder: Path, data_dir: Path) -> AsyncGenerator[Asking]:
    """With all of the train half approved."""
    train = rows("train")
    database = Database(f"sqlite:///{folder}/bench.db")
    database.open()
    embedder = Embedder(embedding_dir(data_dir))
    try:
        async with open_session() as session, asyncio.TaskGroup() as group:
            local = LocalModel(session, chat_model_path(data_dir), folder=folder)
            lessons = Lessons(database, embedder, NothingKnown(), WEAK_TOKENS)
            running = [group.create_task(one.run()) for one in (local, embedder)]
            await asyncio.sleep(0)
            await local.wait_ready()
            await embedder.embed(["It is ready."])
            for row in train:
                await lessons.add(OWNER, "manager", row.task, row.answer)
            running.append(group.create_task(lessons.run()))
            await asyncio.sleep(0)
            await lessons.settled()
            yield Asking(local, lessons, train)
            for task in running:
                task.cancel()
    finally:
        database.close()


async def measure(quick: bool) -> dict[str, Any]:
    data_dir = rig.REPO / ".alma"
    await asyncio.to_thread(fetch_all, data_dir)
    held_out = rows("held_out")
    asked = held_out[:QUICK] if quick else held_out
    rng = random.Random(20)
    began = time.monotonic()
    hits: dict[str, list[bool]] = {way: [] for way in WAYS}
    with rig.scratch() as folder:
        async with asking(folder, data_dir) as ready:
            for row in asked:
                for way in WAYS:
                    said = await ready.answer(row, await ready.told(way, row, rng))
                    hits[way].append(right(row, said))
    figures = summary(asked, hits)
    return {**figures, "seconds": round(time.monotonic() - began)}


def summary(asked: Sequence[Row], hits: dict[str, list[bool]]) -> dict[str, Any]:
    shares = {way: round(sum(found) / len(found), 4) for way, found in hits.items()}
    families = sorted({row.family for row in asked})
    return {
        "tasks": len(asked),
        "right": shares,
        "by_family": {
            family: {
                way: round(
                    float(np.mean([hit for row, hit in zip(asked, found, strict=True) if row.family == family])), 3
                )
                for way, found in hits.items()
            }
            for family in families
        },
        "over_none": interval(hits["learned"], hits["none"]),
        "over_random": interval(hits["learned"], hits["random"]),
    }


def interval(one: Sequence[bool], other: Sequence[bool]) -> dict[str, float]:
    """The mean difference in points, and where it lies with 95 %."""
    differences = 100.0 * (np.asarray(one, float) - np.asarray(other, float))
    drawn = np.random.default_rng(5).integers(0, len(differences), (RESAMPLES, len(differences)))
    means = differences[drawn].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return {"mean": round(float(differences.mean()), 1), "low": round(float(low), 1), "high": round(float(high), 1)}


def run(quick: bool) -> dict[str, Any]:
    """Figures, and `targets`: what → (seen, sign, wanted)."""
    figures = asyncio.run(measure(quick))
    return {
        **figures,
        "targets": {
            "embedded_over_none_points": (figures["over_none"]["mean"], ">=", 10.0),
            "embedded_over_random_low": (figures["over_random"]["low"], ">=", 0.1),
        },
    }


async def tune(most: int) -> dict[str, Any]:
    """The train half, each task without itself: how often the answer is right by the number of examples, and, with two,
    by the order in which they stand and by the similarity of the nearest."""
    data_dir = rig.REPO / ".alma"
    rng = random.Random(3)
    found: dict[str, list[bool]] = {}
    with rig.scratch() as folder:
        async with asking(folder, data_dir) as ready:
            for row in rng.sample(list(ready.train), most):
                examples = await ready.nearest(row)
                for count in range(min(len(examples), 4) + 1):
                    hit = right(row, await ready.answer(row, ready.with_examples(row, examples[:count])))
                    found.setdefault(f"{count} examples", []).append(hit)
                    if count == 2:
                        near = int(10 * examples[0].similarity) / 10
                        found.setdefault(f"nearest {near}", []).append(hit)
                        found.setdefault(f"{row.family}, 2", []).append(hit)
                        turned = ready.with_examples(row, examples[1::-1])
                        found.setdefault("2, the nearest last", []).append(right(row, await ready.answer(row, turned)))
                print({what: f"{sum(hits)}/{len(hits)}" for what, hits in sorted(found.items())}, flush=True)
    return {what: f"{sum(hits) / len(hits):.3f} of {len(hits)}" for what, hits in sorted(found.items())}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a short form")
    parser.add_argument("--tune", type=int, default=0, metavar="N", help="ask N tasks of the train half instead")
    given = parser.parse_args()
    if given.tune:
        for what, seen in asyncio.run(tune(given.tune)).items():
            print(what, seen)
        return 0
    figures = run(given.quick)
    targets = figures.pop("targets")
    return rig.report("learning_embedded", figures, targets)


if __name__ == "__main__":
    sys.exit(main())
