"""Semantic cache: of questions that sound alike, which are taken for the same? Precision and recall on pairs.

The pairs are in `tests/models/paraphrases/`: a half that was looked at while rules and threshold were made, and one
held out for this measurement. Both are harder than life: half of the pairs differ, nearly all of these by one word.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import msgspec
from msgspec import Struct

from alma.memory.minilm import MiniLM
from alma.models.fetch import embedding_dir
from alma.models.semantic import difference
from alma.settings import Settings
from bench import rig

PAIRS = rig.REPO / "tests" / "models" / "paraphrases"
THRESHOLDS = (0.70, 0.75, 0.80, 0.85, 0.90, 0.95)


class Pair(Struct, frozen=True):
    """`rule`: by which the two differ, if by any."""

    same: bool
    kind: str
    one: str
    other: str
    score: float
    rule: str | None


class Rates(Struct, frozen=True):
    precision: float
    recall: float
    f1: float
    false_hits: int


def load(file: Path, model: MiniLM) -> list[Pair]:
    rows = [line.split("\t") for line in file.read_text().splitlines()]
    scores = (model.embed([row[2] for row in rows]) * model.embed([row[3] for row in rows])).sum(axis=1)
    return [
        Pair(same == "same", kind, one, other, float(score), difference(one, other))
        for (same, kind, one, other), score in zip(rows, scores, strict=True)
    ]


def rates(pairs: list[Pair], threshold: float, *, rules: bool) -> Rates:
    hits = [pair for pair in pairs if pair.score >= threshold and not (rules and pair.rule)]
    right = sum(pair.same for pair in hits)
    precision, recall = right / max(len(hits), 1), right / sum(pair.same for pair in pairs)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return Rates(round(precision, 3), round(recall, 3), round(f1, 3), len(hits) - right)


def table(name: str, pairs: list[Pair], default: float) -> None:
    same = sum(pair.same for pair in pairs)
    print(f"\n{name}: {len(pairs)} pairs, {same} the same")
    print("threshold | with rules: precision recall F1 false | without: precision recall F1 false")
    for threshold in sorted({*THRESHOLDS, default}):
        cells = [rates(pairs, threshold, rules=rules) for rules in (True, False)]
        shown = " | ".join(f"{one.precision:.3f} {one.recall:.3f} {one.f1:.3f} {one.false_hits:3d}" for one in cells)
        print(f"{threshold:.2f}{'*' if threshold == default else ' '} | {shown}")


def by_kind(pairs: list[Pair], threshold: float) -> dict[str, str]:
    """Of each kind, how many of its pairs are judged right."""
    kinds = dict.fromkeys(f"{'same' if pair.same else 'different'}/{pair.kind}" for pair in pairs)
    found: dict[str, str] = {}
    for name in kinds:
        of_kind = [pair for pair in pairs if f"{'same' if pair.same else 'different'}/{pair.kind}" == name]
        right = sum((pair.score >= threshold and pair.rule is None) == pair.same for pair in of_kind)
        found[name] = f"{right}/{len(of_kind)}"
    return found


def rule_cost(pairs: list[Pair]) -> float:
    """Microseconds for one pair of questions."""
    began = time.process_time()
    for pair in pairs:
        difference(pair.one, pair.other)
    return 1e6 * (time.process_time() - began) / len(pairs)


def main() -> int:
    rig.options(__doc__)
    threshold = float(Settings.model_fields["cache_threshold"].default)
    model = MiniLM(embedding_dir(rig.REPO / ".alma"))
    halves = {name: load(PAIRS / f"{name}.tsv", model) for name in ("looked_at", "held_out")}
    figures: dict[str, object] = {"threshold": threshold}
    for name, pairs in halves.items():
        table(name, pairs, threshold)
        figures[name] = {
            "pairs": len(pairs),
            "with_rules": rates(pairs, threshold, rules=True),
            "without_rules": rates(pairs, threshold, rules=False),
            "right_by_kind": by_kind(pairs, threshold),
        }
        for pair in pairs:
            if not pair.same and pair.score >= threshold and pair.rule is None:
                print(f"  taken for the same ({pair.score:.3f}): {pair.one} | {pair.other}")
    figures["rules_us"] = round(rule_cost(halves["looked_at"]), 1)
    held_out = rates(halves["held_out"], threshold, rules=True)
    targets = {"held_out_precision": (held_out.precision, ">=", 0.95)}
    return rig.report("paraphrases", msgspec.to_builtins(figures), targets)


if __name__ == "__main__":
    sys.exit(main())
