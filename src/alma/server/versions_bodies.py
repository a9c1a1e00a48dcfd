"""What the doors to versions take and give."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from alma.learner.version_content import MOST_BYTES
from alma.learner.version_records import LEAST_SHARE, MOST_SHARE, SHARE
from alma.security.fields import Exact, Line, Text
from alma.server.bodies import Body, Reply

WhatName = Literal["prompt", "notes", "policy"]
StageName = Literal["draft", "replay", "shadow", "canary", "promoted", "rolled_back", "retired"]
VerdictName = Literal["better", "worse", "undecided", "futile"]
Content = Annotated[str, Text(MOST_BYTES)]


class VersionReply(Reply):
    """`of`: the role; `hash`: of the content, for a prompt the version of the role's file; `base`: of what it is
    compared with, empty for nothing; `share`: of tasks that are its in a canary; `fileChanged`: the role's file is
    another by now than when this was promoted or tried: keep it, or revert. Times are Unix seconds."""

    id: str
    what: WhatName
    of: str
    hash: str
    base: str
    title: str
    made_by: str
    reason: str
    stage: StageName
    created_at: float
    changed_at: float
    share: float = SHARE
    tokens: int = 0
    file_changed: bool = False


class VersionList(Reply):
    versions: list[VersionReply]


class StepReply(Reply):
    """`by`: `gate`, or who made or moved it. `data`: JSON of the figures that decided."""

    seq: int
    at: float
    stage: StageName
    by: str
    why: str
    data: str


class GuardReply(Reply):
    """`limit`, `found`: of errors more of the tasks, else times as long or dear. `odds`: that bets on harm have won;
    it is broken from 10 on."""

    name: Literal["errors", "latency", "cost"]
    limit: float
    found: float
    odds: float
    broken: bool
    tasks: int


class CoursePoint(Reply):
    """After `tasks` tasks the difference lay between `low` and `high` (each with 95 %, however often one looks)."""

    tasks: int
    low: float
    high: float


class TriedReply(Reply):
    """`runId`: who did it, in the conversation `threadId` (empty: it is gone); `pair`: the run that it does again;
    `reward` null: not known yet."""

    run_id: str
    thread_id: str = ""
    arm: Literal["candidate", "base"]
    pair: str
    at: float
    reward: float | None
    error: str
    ms: float
    cost: float
    context: str


class EvidenceReply(Reply):
    """`difference`: of mean rewards, candidate less base, give or take `error`; `better`, `worse`: what bets on that
    have won; `tasks`: those the verdict rests on; `waiting…`: whose reward is not known. `tried`: the newest."""

    stage: Literal["replay", "shadow", "canary", "watch"]
    verdict: VerdictName
    why: str
    tasks: int
    candidate: int
    base: int
    difference: float
    error: float
    low: float
    high: float
    better: float
    worse: float
    waiting_candidate: int
    waiting_base: int
    errors_candidate: int
    errors_base: int
    guards: list[GuardReply]
    course: list[CoursePoint]
    tried: list[TriedReply]


class WatchReply(Reply):
    """Since it was promoted. `level`: of its base in the canary; null: too little was known, so there is no watch.
    `odds`: that it has fallen below; from 1000 on it is taken back."""

    tasks: int
    mean: float
    level: float | None
    odds: float
    drifted: bool
    tried: list[TriedReply]


class VersionDossier(VersionReply):
    """`diff`: unified, from what it is compared with to it; empty where one is too long."""

    content: str
    base_content: str
    diff: str
    history: list[StepReply]
    stages: list[EvidenceReply]
    watch: WatchReply | None


class NewVersion(Body):
    """`content`: of a prompt the role's whole file; of notes `[{"id", "text"}]`; of a policy
    `{"exploration", "arms", "pinned", "priors"}`, each optional."""

    what: WhatName
    of: Annotated[str, Exact(40)]
    content: Content
    title: Annotated[str, Line(200)] = ""


class VersionChange(Body):
    content: Content
    title: Annotated[str, Line(200)] | None = None


class TrialStart(Body):
    stage: Literal["replay", "shadow", "canary"] = "replay"


class Reasoned(Body):
    """`why`: for its history."""

    why: Annotated[str, Text(2000)] = ""


class Revert(Reasoned):
    """`to`: what was active before it, or the role's file."""

    to: Literal["before", "file"] = "before"


class Share(Body):
    share: float = Field(ge=LEAST_SHARE, le=MOST_SHARE, allow_inf_nan=False)
