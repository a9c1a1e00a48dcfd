"""Threads and runs over HTTP: lists, names, and what stands behind an answer."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query

from alma.errors import InvalidRequest, NotFound
from alma.security.fields import Id, Line, Moment
from alma.server.asking import Owner
from alma.server.bodies import Body, Reply
from alma.server.files_api import on_disk
from alma.session.sessions import Sessions
from alma.tools.files import ThreadFiles


class ThreadReply(Reply):
    """A thread, as in the event `alma.thread`."""

    id: str
    title: str
    created_at: float
    updated_at: float
    runs: int
    working: bool


class ThreadList(Reply):
    """`more`: there are older ones; ask with `before` = the last one's `updatedAt`."""

    threads: list[ThreadReply]
    more: bool


class NewThread(Body):
    title: Annotated[str, Line(200)] = ""


class Renaming(Body):
    title: Annotated[str, Line(200, 1)]


class EntryReply(Reply):
    """A journal entry as it is stored; `type` tells its kind."""

    seq: int
    entry: dict[str, Any]


class EntryList(Reply):
    entries: list[EntryReply]


class PromptMessage(Reply):
    role: str
    content: str


class PromptSection(Reply):
    name: str
    tokens: int


class PromptReply(Reply):
    """What the model was given for a message's last attempt, word for word."""

    messages: list[PromptMessage]
    sections: list[PromptSection]
    prompt_version: str
    model: str


class ExampleReply(Reply):
    """A corrected route, kept as an example."""

    id: str
    text: str
    kind: str
    created_at: float


class ExampleList(Reply):
    examples: list[ExampleReply]


def _clean(title: str) -> str:
    line = " ".join(title.split())
    if not line:
        raise InvalidRequest("invalid_field", "The title is empty.", expected="title: 1 to 200 characters")
    return line


def routes(sessions: Sessions, files: ThreadFiles) -> APIRouter:  # a table of routes
    router = APIRouter(prefix="/api", tags=["threads"])

    @router.get("/threads")
    async def list_threads(
        owner: Owner,
        search: Annotated[str, Line(200)] = "",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        before: Moment | None = None,
    ) -> ThreadList:
        """Newest first. `search` looks in titles, tasks and answers."""
        found = await sessions.list_threads(owner, search=search, limit=limit + 1, before=before)
        return ThreadList(threads=[ThreadReply.model_validate(one) for one in found[:limit]], more=len(found) > limit)

    @router.post("/threads", status_code=201)
    async def create_thread(owner: Owner, body: NewThread) -> ThreadReply:
        return ThreadReply.model_validate(await sessions.create_thread(owner, " ".join(body.title.split())))

    @router.get("/threads/{thread_id}")
    async def get_thread(owner: Owner, thread_id: Id) -> ThreadReply:
        return ThreadReply.model_validate(await sessions.get_thread(owner, thread_id))

    @router.patch("/threads/{thread_id}")
    async def rename_thread(owner: Owner, thread_id: Id, body: Renaming) -> ThreadReply:
        return ThreadReply.model_validate(await sessions.rename_thread(owner, thread_id, _clean(body.title)))

    @router.delete("/threads/{thread_id}", status_code=204)
    async def delete_thread(owner: Owner, thread_id: Id) -> None:
        """Deletes the thread with all its runs and files; what is under way is stopped."""
        await sessions.get_thread(owner, thread_id)
        await on_disk(files.delete_all, thread_id)  # first, so that no crash leaves them without a thread
        await sessions.delete_thread(owner, thread_id)
        await on_disk(files.delete_all, thread_id)  # what was put meanwhile

    @router.get("/runs/{run_id}/entries")
    async def read_entries(owner: Owner, run_id: Id, after: Annotated[int, Query(ge=0, le=2**53)] = 0) -> EntryList:
        """The run's journal past `after`, as it is stored."""
        found = await sessions.entries(owner, run_id, after)
        return EntryList(entries=[EntryReply(seq=one.seq, entry=msgspec.to_builtins(one.entry)) for one in found])

    @router.get("/runs/{run_id}/prompt")
    async def read_prompt(owner: Owner, run_id: Id, message: Id | None = None) -> PromptReply:
        """Exactly what the model was given for a message; by default for the run's own newest one."""
        prompt = await sessions.prompt(owner, run_id, message)
        return PromptReply(
            messages=[PromptMessage(role=one.role, content=one.content) for one in prompt.messages],
            sections=[PromptSection(name=one.name, tokens=one.tokens) for one in prompt.started.sections],
            prompt_version=prompt.started.prompt_version,
            model=prompt.started.model,
        )

    @router.get("/route/examples")
    async def list_examples(owner: Owner) -> ExampleList:
        found = await sessions.examples(owner)
        rows = [ExampleReply(id=one.id, text=one.text, kind=one.kind, created_at=one.created_at) for one in found]
        return ExampleList(examples=rows)

    @router.delete("/route/examples/{example_id}", status_code=204)
    async def delete_example(owner: Owner, example_id: Id) -> None:
        if not await sessions.forget_example(owner, example_id):
            raise NotFound("unknown_example", f"There is no example {example_id!r}.")

    return router
