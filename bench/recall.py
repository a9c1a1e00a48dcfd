"""Recall on long dialogues: of the turns that answer a question, how many are among the first 1, 5, 10? Against fusion.

Dialogues with questions and evidence are in `bench/data/dialogues/`: `dev` was looked at while recall was built,
`held_out` is by another author and was not. Baselines are the standard ones over the same turns: MiniLM's cosine, BM25
(k1 1.2, b 0.75, Porter's stems, no stop words), and reciprocal-rank fusion of both whole rankings (k 60). Of the
dialogues that are held out only sums are printed.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from alma.memory.conversation_search import ConversationSearch, ModelProcess
from alma.memory.embedding import Vector
from alma.memory.words import STOP_WORDS
from alma.models.fetch import embedding_dir
from bench import rig

DIALOGUES = Path(__file__).parent / "data" / "dialogues"
FIRST = (1, 5, 10)
RRF_K = 60
RESAMPLES = 4000
_SESSION = re.compile(r"== session \d+ · (.+)")
_TURN = re.compile(r"(\d+\.\d+) ([^:]+): (.+)")
Floats = NDArray[np.float64]


class Question(Struct, frozen=True):
    kind: str
    text: str
    evidence: frozenset[str]


class Turn(Struct, frozen=True):
    id: str
    speaker: str
    text: str
    at: str


class Dialogue(Struct, frozen=True):
    name: str
    turns: list[Turn]
    questions: list[Question]


Search = Callable[[Dialogue, str], Sequence[str]]  # ids of the turns for a question, best first


# ── the dialogues ─────────────────────────────────────────────────────────────────────────────────────────────────


def read(file: Path) -> Dialogue:
    """Raises `ValueError` where a question's evidence is no turn."""
    turns: list[Turn] = []
    questions: list[Question] = []
    at, asked = "", ""
    for line in file.read_text().splitlines():
        if session := _SESSION.match(line):
            at = session.group(1).strip()
        elif line.startswith("Q "):
            asked = line[2:]
        elif line.startswith("E "):
            kind, _, text = asked.partition(":")
            questions.append(Question(kind.strip(), text.strip(), frozenset(line[2:].split())))
        elif turn := _TURN.match(line):
            turns.append(Turn(turn.group(1), turn.group(2).strip(), turn.group(3), at))
    ids = {turn.id for turn in turns}
    for number, question in enumerate(questions):
        if not question.evidence or question.evidence - ids:
            raise ValueError(f"{file.name}: question {number + 1} has evidence that is no turn")
    return Dialogue(file.stem, turns, questions)


def dialogues(half: str) -> list[Dialogue]:
    return [read(file) for file in sorted((DIALOGUES / half).glob("*.txt"))]


# ── the searches ──────────────────────────────────────────────────────────────────────────────────────────────────


class Kept:
    """The embedding model, each text embedded once: the baselines and Alma get the same vectors."""

    def __init__(self, model: ModelProcess) -> None:
        self._model = model
        self.model = model.model
        self.dimensions = model.dimensions
        self._kept: dict[str, Vector] = {}

    async def embed(self, texts: list[str], *, urgent: bool = True) -> Vector:
        missing = [text for text in dict.fromkeys(texts) if text not in self._kept]
        if missing:
            self._kept.update(zip(missing, await self._model.embed(missing, urgent=urgent), strict=True))
        return np.stack([self._kept[text] for text in texts])

    def vectors(self, texts: list[str]) -> Vector:
        return asyncio.run(self.embed(texts))


def dense_ranking(dialogue: Dialogue, question: str, kept: Kept) -> list[str]:
    cosines = kept.vectors([turn.text for turn in dialogue.turns]) @ kept.vectors([question])[0]
    return [dialogue.turns[index].id for index in np.argsort(-cosines, kind="stable")]


class Words:
    """BM25 of SQLite's full-text index over the turns of one dialogue: only turns that have a word of the question."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._turns = dialogue.turns
        self._connection = sqlite3.connect(":memory:")
        self._connection.execute("CREATE VIRTUAL TABLE turns USING fts5(text, tokenize='porter unicode61')")
        rows = [(index, turn.text) for index, turn in enumerate(dialogue.turns)]
        self._connection.executemany("INSERT INTO turns (rowid, text) VALUES (?, ?)", rows)

    def ranking(self, question: str) -> list[str]:
        words = [word for word in re.findall(r"\w+", question.lower()) if word not in STOP_WORDS]
        asked = " OR ".join(f'"{word}"' for word in words)
        found = "SELECT rowid FROM turns WHERE turns MATCH ? ORDER BY bm25(turns), rowid"
        return [self._turns[index].id for (index,) in self._connection.execute(found, (asked,))] if words else []


def fused(*rankings: Sequence[str]) -> list[str]:
    """Reciprocal-rank fusion (Cormack, Clarke and Büttcher 2009)."""
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, turn_id in enumerate(ranking, start=1):
            scores[turn_id] = scores.get(turn_id, 0.0) + 1 / (RRF_K + rank)
    return sorted(scores, key=lambda turn_id: -scores[turn_id])


# ── the measurement ───────────────────────────────────────────────────────────────────────────────────────────────


class Measured(Struct, frozen=True):
    """`recalls`: by method, a row for each question and a column for each of `FIRST`."""

    kinds: list[str]
    recalls: dict[str, Floats]
    query_ms: list[float]


def recalls_of(found: Sequence[str], evidence: frozenset[str]) -> list[float]:
    return [len(evidence.intersection(found[:first])) / len(evidence) for first in FIRST]


def measure(half: Sequence[Dialogue], search: ConversationSearch, kept: Kept) -> Measured:
    kinds: list[str] = []
    rows: dict[str, list[list[float]]] = {"dense": [], "BM25": [], "RRF": [], "Alma": []}
    took: list[float] = []
    for dialogue in half:
        words = Words(dialogue)
        search.index(
            dialogue.name,
            [{"id": turn.id, "speaker": turn.speaker, "text": turn.text, "at": turn.at} for turn in dialogue.turns],
        )
        for question in dialogue.questions:
            dense, bm25 = dense_ranking(dialogue, question.text, kept), words.ranking(question.text)
            began = time.perf_counter()
            alma = search.search(dialogue.name, question.text, max(FIRST))
            took.append((time.perf_counter() - began) * 1000)
            kinds.append(question.kind)
            for name, found in (("dense", dense), ("BM25", bm25), ("RRF", fused(dense, bm25)), ("Alma", alma)):
                rows[name].append(recalls_of(found, question.evidence))
    return Measured(kinds, {name: np.array(row) for name, row in rows.items()}, took)


def interval(one: Floats, other: Floats) -> tuple[float, float]:
    """Where 95 % of the relative gains of `one` over `other` lie when questions are drawn anew, in pairs."""
    drawn = np.random.default_rng(7).integers(0, len(one), (RESAMPLES, len(one)))
    gains = one[drawn].sum(1) / np.maximum(other[drawn].sum(1), 1e-9) - 1
    return float(np.quantile(gains, 0.025)), float(np.quantile(gains, 0.975))


def show(name: str, half: Sequence[Dialogue], measured: Measured) -> dict[str, object]:
    turns = sum(len(dialogue.turns) for dialogue in half)
    print(f"\n{name}: {len(half)} dialogues, {turns} turns, {len(measured.kinds)} questions")
    print("recall        | " + " | ".join(f"  @{first:<3d}" for first in FIRST))
    figures: dict[str, object] = {"questions": len(measured.kinds), "query_p50_ms": rig.median(measured.query_ms)}
    for method, rows in measured.recalls.items():
        print(f"{method:13s} | " + " | ".join(f"{value:.3f} " for value in rows.mean(axis=0)))
        figures[method] = [round(float(value), 4) for value in rows.mean(axis=0)]
    alma, rrf = measured.recalls["Alma"], measured.recalls["RRF"]
    for column, first in enumerate(FIRST):
        gain = float(alma[:, column].sum() / rrf[:, column].sum() - 1)
        low, high = interval(alma[:, column], rrf[:, column])
        print(f"Alma over RRF @{first}: {gain:+.1%} (95 %: {low:+.1%} to {high:+.1%})")
        figures[f"gain_at_{first}"] = [round(value, 3) for value in (gain, low, high)]
    print("by kind @10   | questions | " + " | ".join(f"{method:5s}" for method in measured.recalls))
    for kind in sorted(set(measured.kinds)):
        chosen = np.array([one == kind for one in measured.kinds])
        cells = " | ".join(f"{rows[chosen, -1].mean():.3f}" for rows in measured.recalls.values())
        print(f"{kind:13s} | {chosen.sum():9d} | {cells}")
    return figures


def main() -> int:
    quick = rig.options(__doc__).quick  # only what the target is for
    model = ModelProcess(embedding_dir(rig.REPO / ".alma"))
    kept = Kept(model)
    figures: dict[str, object] = {}
    targets: dict[str, tuple[float, str, float]] = {}
    with ConversationSearch(kept) as search:
        for name in ("held_out",) if quick else ("dev", "held_out"):
            half = dialogues(name)
            if not half:
                print(f"\n{name}: there are no dialogues in {DIALOGUES / name}")
                targets[f"{name}_dialogues"] = (0, ">=", 1)
                continue
            measured = measure(half, search, kept)
            figures[name] = show(name, half, measured)
            if name == "held_out":
                means = {method: rows.mean(axis=0) for method, rows in measured.recalls.items()}
                for column, first in ((1, 5), (2, 10)):
                    ratio = float(means["Alma"][column] / means["RRF"][column])
                    targets[f"held_out_over_rrf_at_{first}"] = (ratio, ">=", 1.25)
    model.close()
    return rig.report("recall", figures, targets)


if __name__ == "__main__":
    sys.exit(main())
