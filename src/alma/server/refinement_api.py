"""Refinement of memories over HTTP: have it done or see what it would do, what was done and why, and take it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Path, Query
from pydantic import Field

from alma.errors import Conflict, NotFound
from alma.memory.memories import Memories
from alma.memory.passes import Done, Pass
from alma.memory.records import Memory, Reader
from alma.memory.refinement import Act, ActKind
from alma.memory.refining import Refining
from alma.security.fields import Id, Line
from alma.server.asking import Owner
from alma.server.bodies import Body, Reply
from alma.server.memory_api import entry, label_of
from alma.server.memory_bodies import MemoryEntryReply

T = TypeVar("T")
_N = Annotated[int, Path(ge=1, le=2**31 - 1)]
_OVER = {"archived_at", "valid_to"}  # what an act sets where a memory is over by it
_Before = Annotated[str, Query(pattern=r"^([-+.e\d]{1,32}~p_[0-9a-f]{1,64})?$")]  # as `next` is


class RefinementBody(Body):
    """`dryRun`: say what would be done, and do nothing."""

    dry_run: bool = False


class ResolveBody(Body):
    """`holds`: the id of the memory that holds; null: all of them do, each by itself."""

    key: Annotated[str, Line(200)]
    holds: Id | None


class AboutReply(Reply):
    """A memory that an act is about; `text`: how it begins, empty where it is gone for good."""

    id: str
    text: str


class ActReply(Reply):
    """One thing that was done, or (`n` 0) would be. `what`: merge, settle, promote, note, demote or archive. The first
    of `memories` is what remains or changes; `over`: ids of those that are not recalled any more for it. `added`: ids
    of what is new; `adds`: its text, where it is not done yet. `undoneAt`: it was taken back; `left`: memories that
    stayed as somebody had changed them since."""

    n: int
    what: ActKind
    why: str
    memories: list[AboutReply]
    over: list[str]
    added: list[str] = Field(default_factory=list)
    adds: list[str] = Field(default_factory=list)
    at: float | None = None
    undone_at: float | None = None
    left: list[str] = Field(default_factory=list)


class PassReply(Reply):
    """`by`: idle (by itself), asked, or owner (a contradiction that was settled by hand). `counts`: of acts by what
    they are. `more`: there was more to do than one pass does."""

    id: str
    at: float
    by: Literal["idle", "asked", "owner"]
    ms: float
    undone_at: float | None
    counts: dict[str, int]
    more: bool


class PassDetailReply(PassReply):
    acts: list[ActReply]


class PassListReply(Reply):
    """Newest first; `next`: give it as `before` for the next page."""

    passes: list[PassReply]
    next: str | None = None


class RefinementReply(Reply):
    """`passId`: empty where nothing was done. `contradictions`: how many only the owner can settle."""

    pass_id: str
    dry_run: bool
    acts: list[ActReply]
    more: bool
    contradictions: int
    ms: float


class ContradictionReply(Reply):
    """Memories of which only one can hold, the newest first."""

    key: str
    memories: list[MemoryEntryReply]


class ContradictionsReply(Reply):
    contradictions: list[ContradictionReply]


def routes(refining: Refining | None, memories: Memories | None) -> APIRouter:
    """None: nothing is remembered."""
    router = APIRouter(prefix="/api/memory/refinement", tags=["memory"])

    async def detail(owner: str, one: Pass) -> PassDetailReply:
        acts = [await _done(_on(memories), owner, act) for act in one.acts]
        return PassDetailReply(**_pass(one).model_dump(), acts=acts)

    @router.post("")
    async def refine(owner: Owner, body: RefinementBody) -> RefinementReply:
        """One pass over the owner's memories: at most 200 acts, each of which can be undone."""
        seen = await _on(refining).refine(owner, dry_run=body.dry_run)
        acts = [_planned(act) for act in seen.acts] if body.dry_run else (await detail(owner, seen.done)).acts
        return RefinementReply(
            pass_id=seen.done.id,
            dry_run=body.dry_run,
            acts=acts,
            more=seen.done.more,
            contradictions=seen.contradictions,
            ms=seen.done.ms,
        )

    @router.get("/passes")
    async def list_passes(
        owner: Owner, limit: Annotated[int, Query(ge=1, le=100)] = 20, before: _Before = ""
    ) -> PassListReply:
        found, following = await _on(refining).list(owner, limit, before)
        return PassListReply(passes=[_pass(one) for one in found], next=following)

    @router.get("/passes/{pass_id}")
    async def read_pass(owner: Owner, pass_id: Id) -> PassDetailReply:
        """With its acts, and why each was done."""
        return await detail(owner, await _on(refining).read(owner, pass_id))

    @router.post("/passes/{pass_id}/undo")
    async def undo_pass(owner: Owner, pass_id: Id) -> PassDetailReply:
        """All of it that is not undone yet. What somebody changed since stays as they did (`left`)."""
        return await detail(owner, await _on(refining).undo(owner, pass_id))

    @router.post("/passes/{pass_id}/acts/{n}/undo")
    async def undo_act(owner: Owner, pass_id: Id, n: _N) -> PassDetailReply:
        return await detail(owner, await _on(refining).undo(owner, pass_id, n))

    @router.get("/contradictions")
    async def list_contradictions(owner: Owner) -> ContradictionsReply:
        """At most of 100 keys."""
        found = await _on(refining).contradictions(owner)
        replies = [
            ContradictionReply(key=one.key, memories=[entry(memory) for memory in one.memories]) for one in found
        ]
        return ContradictionsReply(contradictions=replies)

    @router.post("/contradictions")
    async def resolve(owner: Owner, body: ResolveBody) -> PassDetailReply:
        """Say what holds. It is kept as a pass, so it can be undone."""
        return await detail(owner, await _on(refining).resolve(owner, body.key, body.holds))

    return router


def _on(part: T | None) -> T:
    if part is None:
        raise Conflict(
            "memory_off",
            "Alma remembers nothing just now, so there is nothing to refine.",
            expected="ALMA_MEMORY=true",
            hint="Start Alma with its memory on.",
        )
    return part


def _pass(one: Pass) -> PassReply:
    counts: dict[str, int] = {}
    for act in one.acts:
        counts[act.what] = counts.get(act.what, 0) + 1
    return PassReply(id=one.id, at=one.at, by=one.by, ms=one.ms, undone_at=one.undone_at, counts=counts, more=one.more)


async def _done(memories: Memories, owner: str, act: Done) -> ActReply:
    return ActReply(
        n=act.n,
        what=act.what,
        why=act.why,
        memories=await _about(memories, owner, act.memories),
        over=[change.id for change in act.changed if _OVER & change.after.keys()],
        added=[change.id for change in act.changed if change.added],
        at=act.at,
        undone_at=act.undone_at,
        left=act.left,
    )


def _planned(act: Act) -> ActReply:
    return ActReply(
        n=0,
        what=act.what,
        why=act.why,
        memories=[_named(memory) for memory in act.memories],
        over=[step.id for step in act.steps if _OVER & step.fields.keys()],
        adds=list(dict.fromkeys(label_of(new.text) for new in act.new)),
    )


async def _about(memories: Memories, owner: str, ids: Sequence[str]) -> list[AboutReply]:
    found: list[AboutReply] = []
    for memory_id in ids:
        try:
            found.append(_named(await memories.get(Reader(owner), memory_id)))
        except NotFound:  # purged since
            found.append(AboutReply(id=memory_id, text=""))
    return found


def _named(memory: Memory) -> AboutReply:
    return AboutReply(id=memory.id, text=label_of(memory.text))
