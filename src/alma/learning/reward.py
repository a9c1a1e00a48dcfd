"""The reward: one number between 0 and 1 for what became of a task, out of all that was said and seen of it. Pure.

`SIGNALS` is the whole table: what is heard, of which kind, how much it says, and how its value is found. A word of the
user (explicit) outweighs what the user did (implicit), and that what a machine can see (automatic): each kind counts
at most a share of what is clearer than it, whatever weights an owner has chosen. See docs/learning.md.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from alma.errors import InvalidRequest
from alma.learning.outcome import Heard, SignalKind

MOST_OF_ONE = 10.0  # that an owner may give to a signal
MOST_WEIGHT = 2.0  # of one task, in clear words: no run counts for more than two
UNHEARD_MOST = 0.2  # what is seen alone weighs at most that
NEUTRAL = 0.6  # what is believed of a task of which nothing is known: as of everything before it is tried
_DOUBT = 3.0  # how much of the weight goes when the user's own signals contradict each other
_SLOW_S, _DEAR = 60.0, 0.05  # seconds and US dollars at which time and money are worth half
_WORD = re.compile(r"\w+|[^\w\s]")
_MOST_WORDS = 3_000  # of each text that are compared in order; longer ones by which words they share


class Signal(Struct, frozen=True):
    """A row of the table. `weight`: in clear words of a user, unless the owner says otherwise; `usual`: what it is
    worth where it is only there or not (−1 to 1, as in the journal); `says`: how its value is found."""

    kind: SignalKind
    weight: float
    says: str
    usual: float = 0.0


SIGNALS: Mapping[str, Signal] = {
    "thumb": Signal("explicit", 1.0, "thumb up or down, or anything between"),
    "edited": Signal("explicit", 0.9, "the share of the answer's words that its owner kept"),
    "preferred": Signal("explicit", 0.8, "chosen over another answer of the same turn", 1.0),
    "passed_over": Signal("explicit", 0.8, "another answer of the same turn was chosen", -1.0),
    "route": Signal("explicit", 0.4, "1 the kind of the task was confirmed, 0 it was corrected"),
    "plan": Signal("explicit", 0.4, "1 the plan was approved as it was, 0.3 changed, 0 declined"),
    "corrected": Signal("implicit", 0.5, "the next message says that it was wrong", -0.8),
    "retried": Signal("implicit", 0.4, "it was asked again", -0.8),
    "resent": Signal("implicit", 0.3, "the question was put in other words", -0.4),
    "stopped": Signal("implicit", 0.3, "it was stopped", -0.6),
    "copied": Signal("implicit", 0.3, "the answer was copied", 0.8),
    "critic": Signal("automatic", 0.15, "1 a critic accepted it, 0 sent it back"),
    "done_when": Signal("automatic", 0.1, "1 it was done as its plan says when, as a critic or the next step found"),
    "ended": Signal("automatic", 0.1, "0 it failed, 0.6 it came to its end"),
    "schema": Signal("automatic", 0.05, "the share of answers that were of the form asked for"),
    "tools": Signal("automatic", 0.05, "the share of tool calls that went well"),
    "latency": Signal("automatic", 0.03, "1 / (1 + seconds / 60)"),
    "cost": Signal("automatic", 0.02, "1 / (1 + US dollars / 0.05)"),
}
PASSED_ON = "passed_on"  # what comes down from the task above; its weight follows from that one's
_SLOTS = {"passed_over": "preferred"}  # a later choice takes the place of an earlier one


class Weights(Struct, frozen=True, omit_defaults=True):
    """How much each signal says; what an owner has not changed is as in the table. 0: it is not heard."""

    own: dict[str, float] = {}

    def of(self, heard: Heard) -> float:
        row = SIGNALS.get(heard.name)
        return heard.weight if row is None else self.own.get(heard.name, row.weight)

    def all(self) -> dict[str, float]:
        return {name: self.own.get(name, row.weight) for name, row in SIGNALS.items()}


def weights_of(given: Mapping[str, float]) -> Weights:
    """Checked; what is as in the table is left out. Raises `InvalidRequest`."""
    for name, value in given.items():
        if name not in SIGNALS:
            raise InvalidRequest(
                "invalid_field",
                f"There is no signal {name[:40]!r}.",
                expected=f"one of {', '.join(SIGNALS)}",
                actual=name[:40],
                hint="Leave it out.",
            )
        if not (math.isfinite(value) and 0.0 <= value <= MOST_OF_ONE):
            raise InvalidRequest(
                "invalid_field",
                f"The weight of {name} is out of bounds.",
                expected=f"a number from 0 to {MOST_OF_ONE:g}",
                actual=f"{value}",
                hint="0 leaves the signal out; 1 is a clear word.",
            )
    return Weights({name: float(value) for name, value in given.items() if value != SIGNALS[name].weight})


class Reckoning(Struct, frozen=True):
    """How a reward came about. `counted`: each signal that counts, with the weight that it counts with; `spoken`: the
    weight of the user's own signals among it, contradictions taken off."""

    reward: float | None
    weight: float
    spoken: float
    counted: list[tuple[Heard, float]]


def reward_of(heard: Sequence[Heard], weights: Weights) -> tuple[float | None, float]:
    """The reward, None where nothing is heard, and how much it rests on."""
    found = reckon(heard, weights)
    return found.reward, found.weight


def reckon(heard: Sequence[Heard], weights: Weights) -> Reckoning:
    """The mean of all values by their weights. Of each name the newest counts. What is implicit weighs together at most
    half of what is explicit, what is automatic at most a quarter of both, or `UNHEARD_MOST` where it is alone.

    Where the user's own signals contradict each other, with variance v of their values (at most 1/4), the weight is
    taken times 1 − 3v: a thumb up and a choice against it say little."""
    newest = _newest(heard)
    weighed = [(one, weights.of(one)) for one in newest]
    by_kind: dict[SignalKind, list[float]] = {"explicit": [], "implicit": [], "automatic": []}
    for one, weight in weighed:
        by_kind[one.kind].append(weight)
    total = {kind: math.fsum(some) for kind, some in by_kind.items()}
    implicit = _within(total["implicit"], total["explicit"] / 2 if total["explicit"] else math.inf)
    user = total["explicit"] + total["implicit"] * implicit
    automatic = _within(total["automatic"], user / 4 if user else UNHEARD_MOST)
    share = {"explicit": 1.0, "implicit": implicit, "automatic": automatic}
    counted = [(one, weight * share[one.kind]) for one, weight in weighed if weight > 0.0]
    whole = math.fsum(weight for _, weight in counted)
    if whole <= 0.0:
        return Reckoning(None, 0.0, 0.0, [])
    reward = min(max(math.fsum(one.value * weight for one, weight in counted) / whole, 0.0), 1.0)
    sure = 1.0 - _DOUBT * _variance([(one.value, weight) for one, weight in counted if one.kind != "automatic"])
    return Reckoning(reward, min(whole * sure, MOST_WEIGHT), min(user * sure, MOST_WEIGHT), counted)


def _newest(heard: Sequence[Heard]) -> list[Heard]:
    """In an order that does not depend on the one in which they came."""
    found: dict[str, Heard] = {}
    for one in heard:
        slot = _SLOTS.get(one.name, one.name)
        if slot not in found or one.at >= found[slot].at:
            found[slot] = one
    return [found[slot] for slot in sorted(found)]


def _within(total: float, most: float) -> float:
    return min(1.0, most / total) if total > 0.0 else 1.0


def _variance(values: Sequence[tuple[float, float]]) -> float:
    whole = math.fsum(weight for _, weight in values)
    if whole <= 0.0:
        return 0.0
    mean = math.fsum(value * weight for value, weight in values) / whole
    return min(math.fsum(weight * (value - mean) ** 2 for value, weight in values) / whole, 0.25)


# ── values ────────────────────────────────────────────────────────────────────────────────────────────────────────


def hear(name: str, value: float, at: float, why: str = "") -> Heard:
    """A signal of the table with its value from 0 to 1."""
    row = SIGNALS[name]
    return Heard(name, row.kind, min(max(value, 0.0), 1.0), row.weight, at, why or row.says)


def from_said(said: float) -> float:
    """What is −1 to 1 in the journal, as a value."""
    return (said + 1.0) / 2.0


def in_time(ms: float) -> float:
    return 1.0 / (1.0 + max(ms, 0.0) / 1000.0 / _SLOW_S)


def in_money(dollars: float) -> float:
    return 1.0 / (1.0 + max(dollars, 0.0) / _DEAR)


def kept_of(answer: str, edited: str) -> float:
    """The share of an answer that is left in what its owner made of it, by a word diff: 1 it is the same, 0 nothing is.
    What was added counts as not having been there. Takes up to a second for long texts: not for the event loop."""
    before, after = _WORD.findall(answer), _WORD.findall(edited)
    most = max(len(before), len(after))
    if not most:
        return 1.0
    same = 0
    while before and after and before[-1] == after[-1]:
        before.pop()
        after.pop()
        same += 1
    start = next((at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), None)
    if start is None:
        return (same + min(len(before), len(after))) / most
    return (same + start + _in_common(before[start:], after[start:])) / most


def _in_common(before: list[str], after: list[str]) -> int:
    if max(len(before), len(after)) > _MOST_WORDS:
        counts: dict[str, int] = {}
        for word in before:
            counts[word] = counts.get(word, 0) + 1
        both = 0
        for word in after:
            if counts.get(word, 0):
                counts[word] -= 1
                both += 1
        return both
    return sum(
        block.size for block in difflib.SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    )
