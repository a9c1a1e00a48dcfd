"""Versions of what learning may change, as data: what each holds, its stages, and which stage may follow which."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

What = Literal["prompt", "notes", "policy"]
WHATS: tuple[What, ...] = ("prompt", "notes", "policy")
MadeBy = Literal["hand", "reflection", "gepa", "distilled", "routes"]
Stage = Literal["draft", "replay", "shadow", "canary", "promoted", "rolled_back", "retired"]
TRIED: tuple[Stage, ...] = ("replay", "shadow", "canary")
Phase = Literal["replay", "shadow", "canary", "watch"]
Side = Literal["candidate", "base"]
SHARE = 0.2  # of tasks that a candidate does, unless its owner wants another
LEAST_SHARE, MOST_SHARE = 0.01, 0.5
# A version that was retired is what its successor goes back to: it is tried again as a new draft.
NEXT: dict[Stage, tuple[Stage, ...]] = {
    "draft": ("replay", "shadow", "canary", "promoted"),
    "replay": ("shadow", "canary", "promoted", "rolled_back", "draft"),
    "shadow": ("canary", "promoted", "rolled_back", "draft"),
    "canary": ("promoted", "rolled_back", "draft"),
    "promoted": ("rolled_back", "retired"),
    "rolled_back": ("replay", "shadow", "canary", "promoted"),
    "retired": ("promoted", "rolled_back"),
}


class Standing(Struct, frozen=True, omit_defaults=True):
    """`share`: of tasks that are the candidate's in its canary. `before`: the version that was active when this one was
    promoted; empty: none. `file`: the version of the role's file at that time, or when its trial began. `runs`: those
    it was made from: they never judge it. `trial`: counts its trials; `began`: when the last one did; `tokens`: what
    rehearsals of it have used."""

    share: float = SHARE
    before: str = ""
    file: str = ""
    runs: list[str] = []
    trial: int = 0
    began: float = 0.0
    tokens: int = 0


class Version(Struct, frozen=True):
    """`of`: the role; `hash`: of the content, for a prompt the version of the role's file; `base`: that of what it is
    compared with, empty for nothing."""

    id: str
    owner: str
    what: What
    of: str
    hash: str
    base: str
    title: str
    made_by: MadeBy
    reason: str
    stage: Stage
    created_at: float
    changed_at: float
    standing: Standing = Standing()

    @property
    def tried(self) -> bool:
        return self.stage in TRIED


class Step(Struct, frozen=True):
    """What became of a version. `by`: `gate`, or its owner; `data`: JSON of the figures that decided."""

    seq: int
    at: float
    stage: Stage
    by: str
    why: str
    data: str = "{}"


class Tried(Struct, frozen=True):
    """A task that a version was tried on. `run_id`: who did it; `pair`: the run that it does again; `reward` None: not
    known yet."""

    version_id: str
    phase: Phase
    arm: Side
    run_id: str
    at: float
    pair: str = ""
    reward: float | None = None
    error: str = ""
    ms: float = 0.0
    cost: float = 0.0
    share: float = 0.0
    context: str = ""


class Note(Struct, frozen=True, forbid_unknown_fields=True):
    id: Annotated[str, Meta(min_length=1, max_length=64)]
    text: Annotated[str, Meta(min_length=1, max_length=2000)]


class Policy(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How tasks of a role are routed. `exploration` None: as its owner says; `arms`: the only ones allowed, empty: all;
    `pinned`: the one that does every task; `priors`: what is believed of arms before anything is known. An arm is
    `role|model|pattern`."""

    exploration: Annotated[float, Meta(ge=0.0, le=1.0)] | None = None
    arms: Annotated[list[Annotated[str, Meta(max_length=400)]], Meta(max_length=64)] = []
    pinned: Annotated[str, Meta(max_length=400)] = ""
    priors: Annotated[dict[str, Annotated[float, Meta(ge=0.0, le=1.0)]], Meta(max_length=64)] = {}
