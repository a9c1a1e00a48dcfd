"""Lessons over HTTP: what is told as examples, and why; and drafts of prompts and notes out of what was said."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field

from alma.agent.roles import Roles
from alma.errors import InvalidRequest, ServerStopping
from alma.learner.drafting import Drafted, Drafting
from alma.learner.evolving import MOST_CALLS
from alma.learner.lesson_store import Lesson
from alma.learner.lessons import Lessons
from alma.security.fields import Exact, Id, Text
from alma.server.asking import Owner
from alma.server.bodies import Body, Reply

_PAGE = 50
_TEXT_CHARS = 8000
_Words = Annotated[str, Text(_TEXT_CHARS)]
_Role = Annotated[str, Exact(40)]
_Model = Annotated[str, Exact(300)]
_LessonId = Annotated[Id, Path()]


class LessonReply(Reply):
    """`how`: by a thumb, as its owner edited it, as it was preferred, or by hand. `ready`: it can be told; its task has
    a vector. `utility`: what is believed of its use, −1 to 1, which lies between `low` and `high` with 90 %; `uses`:
    tasks that were told it and of which something is known; /api/learning/why?item=example:ID names them."""

    id: str
    role: str
    kind: str
    run_id: str
    task_id: str
    thread_id: str
    task: str
    answer: str
    how: Literal["thumb", "edited", "preferred", "hand"]
    on: bool
    ready: bool
    tokens: int
    created_at: float
    utility: float
    low: float
    high: float
    uses: int


class LessonList(Reply):
    """The newest first; `total`: of all pages."""

    lessons: list[LessonReply]
    total: int


class NewLesson(Body):
    role: _Role
    task: _Words
    answer: _Words


class LessonChange(Body):
    """What is left out stays as it is."""

    on: bool | None = None
    task: _Words | None = None
    answer: _Words | None = None


class Reflect(Body):
    """`model`: who reflects, None for the default one. `calls`: of models that gepa may make to measure."""

    role: _Role
    how: Literal["reflection", "gepa"] = "reflection"
    model: _Model | None = None
    calls: int = Field(60, ge=1, le=MOST_CALLS)


class Distil(Body):
    """`model`: who distils, if it is strong enough; else notes are made by rule."""

    role: _Role
    model: _Model | None = None


class DraftReply(Reply):
    """A draft, on which nothing rests before it is tried or promoted. `calls`, `tokens`, `cost` (US dollars): of the
    models that were asked."""

    id: str
    what: Literal["prompt", "notes"]
    of: str
    hash: str
    title: str
    reason: str
    calls: int
    tokens: int
    cost: float


def routes(lessons: Lessons, roles: Roles, drafting: Drafting | None) -> APIRouter:
    router = APIRouter(prefix="/api/learning", tags=["learning"])

    @router.get("/lessons")
    async def list_lessons(
        owner: Owner,
        query: Annotated[str, Text(400)] = "",
        role: _Role = "",
        limit: Annotated[int, Query(ge=1, le=200)] = _PAGE,
        offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    ) -> LessonList:
        """Answers that were approved. `query`: words that stand in the task or the answer."""
        found, total = await lessons.page(owner, role, query, limit, offset)
        return LessonList(lessons=[_reply(one, lessons) for one in found], total=total)

    @router.post("/lessons", status_code=201)
    async def add_lesson(owner: Owner, body: NewLesson) -> LessonReply:
        """By hand: a task, and the answer that one would wish for."""
        roles.get(body.role)
        return _reply(await lessons.add(owner, body.role, body.task, body.answer), lessons)

    @router.patch("/lessons/{lesson_id}")
    async def change_lesson(owner: Owner, lesson_id: _LessonId, body: LessonChange) -> LessonReply:
        """Turn it on or off, or change its words: then it is yours, and no signal withdraws it."""
        if not body.model_fields_set:
            raise InvalidRequest("invalid_field", "There is nothing to change.", expected="on, task or answer")
        changed = await lessons.change(owner, lesson_id, on=body.on, task=body.task, answer=body.answer)
        return _reply(changed, lessons)

    @router.delete("/lessons/{lesson_id}", status_code=204)
    async def delete_lesson(owner: Owner, lesson_id: _LessonId) -> None:
        await lessons.delete(owner, lesson_id)

    @router.post("/reflect", status_code=201)
    async def reflect(owner: Owner, body: Reflect) -> DraftReply:
        """Write a role's prompt anew, by what went wrong with it: a draft."""
        return _draft(await _ready(drafting).reflect(owner, body.role, body.how, body.model, body.calls))

    @router.post("/distil", status_code=201)
    async def distil(owner: Owner, body: Distil) -> DraftReply:
        """Make notes for a role of what was said of its answers: a draft."""
        return _draft(await _ready(drafting).distil(owner, body.role, body.model))

    return router


def _ready(drafting: Drafting | None) -> Drafting:
    if drafting is None:
        raise ServerStopping("There is nobody to ask yet.", hint="Try again in a moment.")
    return drafting


def _reply(lesson: Lesson, lessons: Lessons) -> LessonReply:
    belief = lessons.use(lesson)
    return LessonReply(
        **{name: getattr(lesson, name) for name in LessonReply.model_fields if hasattr(lesson, name)},
        ready=lesson.vector is not None,
        utility=round(2 * belief.mean - 1, 4),
        low=round(2 * belief.low - 1, 4),
        high=round(2 * belief.high - 1, 4),
        uses=belief.count,
    )


def _draft(made: Drafted) -> DraftReply:
    version = made.version
    return DraftReply(
        id=version.id,
        what="prompt" if version.what == "prompt" else "notes",
        of=version.of,
        hash=version.hash,
        title=version.title,
        reason=version.reason,
        calls=made.calls,
        tokens=made.tokens,
        cost=made.cost,
    )
