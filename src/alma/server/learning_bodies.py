"""What the doors to feedback and to what is learned take and give."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from alma.learning.outcome import SignalKind
from alma.security.fields import Exact, Id, Text
from alma.server.bodies import Body, Reply
from alma.session.feedback import MOST_REASON, MOST_TEXT

ItemName = Annotated[str, Exact(400)]
ContextName = Annotated[str, Exact(120)]
What = Literal["arm", "role", "model", "pattern", "prompt", "notes", "example", "note", "memory"]


class FeedbackBody(Body):
    """`value`: of a thumb, −1 (bad) to 1 (good); of all others it is left out. 0 takes back what was said. `text`: the
    answer as it should have been, of `edited`; `other`: of `preferred`, the answer of the same turn that was passed
    over. `taskId`: of a task whose result is meant, in place of the whole answer. `key`: the same twice counts once."""

    signal: Literal["thumb", "edited", "preferred", "copied"]
    value: float | None = Field(None, ge=-1, le=1, allow_inf_nan=False)
    reason: Annotated[str, Text(MOST_REASON)] = ""
    text: Annotated[str, Text(MOST_TEXT)] = ""
    other: Id | Literal[""] = ""
    task_id: Id = "main"
    key: Annotated[str, Exact(200)] = ""


class SaidReply(Reply):
    """A signal as it was said. `value`: −1 to 1."""

    signal: str
    task_id: str
    value: float
    reason: str
    text: str
    other: str
    at: float


class HeardReply(Reply):
    """A signal as it counts. `value`: 0 to 1; `weight`: by the owner's weights, in clear words; `counts`: what is left
    of that beside clearer signals; `means`: how its value is found."""

    name: str
    kind: SignalKind
    value: float
    weight: float
    counts: float
    at: float
    why: str
    means: str


class PartReply(Reply):
    """What gets credit: `share` of it; `weight`: with which the reward counts there."""

    item: str
    context: str
    share: float
    weight: float


class TaskRewardReply(Reply):
    """`reward` null: nothing is known. `words`: how it came about."""

    task_id: str
    role: str
    context: str
    model: str
    reward: float | None
    weight: float
    words: str
    signals: list[HeardReply]
    parts: list[PartReply]
    ms: float
    tokens: int
    cost: float
    error: str


class FeedbackReply(Reply):
    """`said`: by the owner, newest of each; `tasks`: what it comes to, the run's own first; empty until the run has
    ended. `counted`: whether it is in the books."""

    run_id: str
    said: list[SaidReply]
    tasks: list[TaskRewardReply]
    counted: bool


class GivenReply(Reply):
    """`duplicate`: it was known, and counts once."""

    said: SaidReply
    duplicate: bool


class SignalReply(Reply):
    """A row of the table of rewards. `weight`: as the owner has it; `usual`: as it is else."""

    name: str
    kind: SignalKind
    weight: float
    usual: float
    means: str


class LearningReply(Reply):
    """`on`: whether anything is chosen and told for this owner; `allowed`: whether learning is on in this Alma at all.
    `exploration`: as it holds; `ownExploration`: as the owner said, null: as the settings say. `time`, `money`: what is
    lost, of a reward of 0 to 1, when a task takes twice as long, or costs twice as much, as it could."""

    on: bool
    allowed: bool
    exploration: float
    own_exploration: float | None
    time: float
    money: float
    signals: list[SignalReply]


class LearningBody(Body):
    """All of it anew. `weights`: by signal, 0 to 10; what is left out is as in the table."""

    on: bool = True
    exploration: float | None = Field(None, ge=0, le=1, allow_inf_nan=False)
    time: float = Field(0.0, ge=0, le=1, allow_inf_nan=False)
    money: float = Field(0.0, ge=0, le=1, allow_inf_nan=False)
    weights: dict[Annotated[str, Exact(40)], Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]] = Field(
        default_factory=dict[str, float], max_length=64
    )


class PointReply(Reply):
    """`count`: how many tasks had spoken by then."""

    at: float
    count: int
    mean: float
    low: float
    high: float


class RecordReply(Reply):
    """What is believed of an item. `weight`: of the evidence, what is old discounted; `tasks`: all that spoke; `ms`,
    `tokens`, `cost`: of one, on average; `errors`: how many failed."""

    item: str
    context: str
    mean: float
    low: float
    high: float
    weight: float
    count: int
    newest_at: float
    tasks: int
    ms: float
    tokens: float
    cost: float
    errors: int
    curve: list[PointReply]


class RecordList(Reply):
    """`total`: how many there are."""

    records: list[RecordReply]
    total: int


class WhyReply(Reply):
    """A task that speaks. `weight`: with its share of the credit; `now`: what is left of that since; `share`: of it."""

    run_id: str
    task_id: str
    thread_id: str
    at: float
    reward: float
    weight: float
    now: float
    share: float
    signals: list[HeardReply]


class WhyList(Reply):
    """`mean`: of the prior and of all rewards, by their weights `now`; `changed`: rewards are not what they were, and
    what came before that counts less still. `total`: how many tasks speak."""

    item: str
    context: str
    mean: float
    low: float
    high: float
    weight: float
    changed: bool
    prior_mean: float
    prior_weight: float
    total: int
    runs: list[WhyReply]
