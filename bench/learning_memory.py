"""What feedback makes of recall: recall@5 on questions in other words, after 300 answers were judged, against none.

Matters and their memories are in `learning_matters.py`. In a run the question finds five memories, as an agent is told
them; the answer relies on one of them, rather on one that stands high; the user says whether it was right, and is
wrong or careless in one of ten. The memory that was relied on gets the credit, the others that were told a little.
That goes where it goes in the product: a tally, a posterior, utility and strength of the memory, the ranking.

Measured are questions in words that nobody asked before, about the matters that were asked of, and about matters of
which nothing was said: of other subjects, and of the other place of the same subject, which is the nearest there is.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from alma.learner.weighing import worth
from alma.learning.posterior import prior
from alma.learning.reward import NEUTRAL
from alma.learning.tally import Evidence, Tally
from alma.memory.conversation_search import ConversationSearch, ModelProcess
from alma.models.fetch import embedding_dir
from bench import rig
from bench.learning_matters import SUBJECTS, Matter, matters
from bench.recall import Kept

SIGNALS = 300
FIRST = 5
RESAMPLES = 4000
WRONG = 0.1  # of what users say
RELIED = (0.35, 0.25, 0.17, 0.13, 0.10)  # on the first, the second, … of what is told
TOLD_SHARE = 0.2  # of the credit, of what was told and not relied on
UNTAUGHT_LOSS = 0.02  # at most, of what nothing was said of
_OWNER = "matters"
Floats = NDArray[np.float64]


class World(Struct, frozen=True):
    """`taught`: of which the users ask; `beside`: the other place of each; `other`: of other subjects."""

    taught: list[Matter]
    beside: list[Matter]
    other: list[Matter]

    @property
    def all(self) -> list[Matter]:
        return [*self.taught, *self.beside, *self.other]


def world(rng: random.Random) -> World:
    """Of three quarters of the subjects one place is taught."""
    pairs = matters(rng, SUBJECTS)
    rng.shuffle(pairs)
    begun = len(pairs) * 3 // 4
    taught: list[Matter] = []
    beside: list[Matter] = []
    for pair in pairs[:begun]:
        one, other = rng.sample(pair, 2)
        taught.append(one)
        beside.append(other)
    return World(taught, beside, [matter for pair in pairs[begun:] for matter in pair])


class Trial:
    """A world whose memories are stored, with what is believed of them."""

    def __init__(self, search: ConversationSearch, of: World, rng: random.Random, name: str) -> None:
        self._search = search
        self._rng = rng
        self._name = name
        self._tallies: dict[str, Tally] = {}
        self.right: dict[str, str] = {}  # of each matter, the document that is so
        documents: list[dict[str, object]] = []
        for at, matter in enumerate(of.all):
            for place, text in enumerate(matter.memories):
                number = f"{at}.{place}"
                documents.append({"id": number, "text": text, "session": number})
            self.right[matter.name] = f"{at}.{matter.right}"
        rng.shuffle(documents)
        search.index(name, documents)

    def teach(self, taught: Sequence[Matter], signals: int) -> None:
        """One answer after another, and what is said of each."""
        asked = [(matter, question) for matter in taught for question in matter.train]
        for tick in range(signals):
            if tick % len(asked) == 0:
                self._rng.shuffle(asked)
            matter, question = asked[tick % len(asked)]
            told = self._search.search(self._name, question, FIRST)
            relied = self._rng.choices(told, RELIED[: len(told)])[0]
            good = (relied == self.right[matter.name]) != (self._rng.random() < WRONG)
            for one in told:
                piece = Evidence(tick, float(good), 1.0 if one == relied else TOLD_SHARE)
                self._tallies.setdefault(one, Tally()).put(str(tick), piece)
            self._search.weigh(self._name, {one: self._weight(one, tick) for one in told})

    def _weight(self, document: str, tick: int) -> tuple[float, float]:
        sums = self._tallies[document].sums(tick)
        believed = prior(NEUTRAL).with_(sums.good, sums.bad)
        strength = sums.good + sums.bad
        return worth(believed.mean, strength), strength

    def recall(self, asked: Sequence[Matter]) -> Floats:
        """Of each held-out question, whether what is so is among the first."""
        return np.array(
            [
                float(self.right[matter.name] in self._search.search(self._name, question, FIRST))
                for matter in asked
                for question in matter.held_out
            ]
        )


def interval(with_it: Floats, without: Floats) -> tuple[float, float, float]:
    """The relative gain, and where 95 % of them lie when questions are drawn anew, in pairs."""
    drawn = np.random.default_rng(7).integers(0, len(without), (RESAMPLES, len(without)))
    gains = with_it[drawn].sum(1) / np.maximum(without[drawn].sum(1), 1e-9) - 1
    gain = with_it.sum() / max(without.sum(), 1e-9) - 1
    return float(gain), float(np.quantile(gains, 0.025)), float(np.quantile(gains, 0.975))


def measure(search: ConversationSearch, seeds: Sequence[int]) -> dict[str, tuple[Floats, Floats]]:
    """By group of questions: recall with what was learned, and without; all seeds together."""
    found: dict[str, tuple[list[Floats], list[Floats]]] = {}
    for seed in seeds:
        rng = random.Random(seed)
        of = world(rng)
        trial = Trial(search, of, rng, f"{_OWNER}{seed}")
        groups = {"taught": of.taught, "beside": of.beside, "other": of.other}
        before = {name: trial.recall(group) for name, group in groups.items()}
        trial.teach(of.taught, SIGNALS)
        for name, group in groups.items():
            with_it, without = found.setdefault(name, ([], []))
            with_it.append(trial.recall(group))
            without.append(before[name])
    return {name: (np.concatenate(one), np.concatenate(other)) for name, (one, other) in found.items()}


def run(quick: bool) -> dict[str, Any]:
    """Figures, and `targets` as `rig.report` takes them."""
    model = ModelProcess(embedding_dir(Path(rig.REPO / ".alma")))
    seeds = range(100, 102 if quick else 120)  # the weight of utility was chosen on seeds 0 to 2
    try:
        with ConversationSearch(Kept(model)) as search:
            found = measure(search, seeds)
    finally:
        model.close()
    figures: dict[str, Any] = {"signals": SIGNALS, "seeds": len(seeds)}
    print(f"\nmemory: {SIGNALS} signals, {len(seeds)} seeds\nquestions     | number | without | with  | gain (95 %)")
    for name, (with_it, without) in found.items():
        gain, low, high = interval(with_it, without)
        print(
            f"{name:13s} | {len(without):6d} | {without.mean():.3f}   | {with_it.mean():.3f} | "
            f"{gain:+.1%} ({low:+.1%} to {high:+.1%})"
        )
        figures[name] = {
            "without": round(float(without.mean()), 4),
            "with": round(float(with_it.mean()), 4),
            "gain": [round(value, 4) for value in (gain, low, high)],
        }
    untaught = [np.concatenate([found[name][side] for name in ("beside", "other")]) for side in (0, 1)]
    gain, low, _ = figures["taught"]["gain"]
    change, _, most = interval(untaught[0], untaught[1])
    figures["targets"] = {
        "memory_recall_gain": (gain, ">=", 0.10),
        "memory_recall_gain_low": (low, ">=", 1e-9),
        # of few questions a loss counts when its interval says so
        "memory_untaught_change": (most if quick else change, ">=", -UNTAUGHT_LOSS),
    }
    return figures


def main() -> int:
    figures = run(rig.options(__doc__).quick)
    targets = figures.pop("targets")
    return rig.report("learning_memory", figures, targets)


if __name__ == "__main__":
    sys.exit(main())
