"""Another prompt for a role, by reflection over its failures: a model is told what went wrong, and writes a better one.

Only the text below the front matter changes; the front matter stays byte for byte. What the model writes must be a
role file as any other: it is told what is wrong with it, twice. What comes of it is a draft.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from alma.agent.role import Role, parse_role
from alma.db.database import Database
from alma.errors import InvalidRequest, RoleInvalid
from alma.learner.distilling import Drafts, too_few
from alma.learner.said import Ask, Said, said_of_role
from alma.learner.version_records import Version
from alma.models.chat import ChatMessage

LEAST_FAILED = 3  # tasks
_MOST = 12  # that are read
_REPAIRS = 2
_SHOWN_CHARS = 500  # of a text, to a model
_REASON_CHARS = 4000
_PROBLEMS = 5  # that are told
_FRONT = re.compile(r"\A(\ufeff?---[^\n]*\n.*?\n---[^\n]*(?:\n|\Z))", re.S)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"reasoning": {"type": "string"}, "prompt": {"type": "string"}},
    "required": ["reasoning", "prompt"],
    "additionalProperties": False,
}
_WANTED = """You improve the prompt of an assistant. Below is its prompt, and tasks in which it failed, with what its
owner said and, where they wrote it, the answer as it should have been.
First reason: what went wrong, what the failures have in common, and what of it the prompt could have prevented.
Then write the whole prompt anew. State rules that hold for tasks like these; do not repeat the tasks or their answers.
Keep what was right. Lines that begin with "# " name sections: keep each of them, add none, and keep it short.
Answer with JSON alone: {"reasoning": "…", "prompt": "…"}"""


class Rewritten(Struct, frozen=True):
    """`reasoning`: why it was written so."""

    reasoning: str
    prompt: str


class Reflection:
    def __init__(self, database: Database, drafts: Drafts) -> None:
        self._database = database
        self._drafts = drafts

    async def failures(self, owner: str, role: str, least: int = LEAST_FAILED) -> list[Said]:
        """Tasks of the role that failed, the newest first. Raises `Conflict` (nothing_to_learn)."""
        said = await self._database.read(lambda connection: said_of_role(connection, owner, role, 4 * _MOST))
        failed = [one for one in said if one.failed or one.wanted][:_MOST]
        if len(failed) < least:
            raise too_few(role, f"at least {least} tasks that failed or were turned down", len(failed))
        return failed

    async def reflect(self, owner: str, role: Role, ask: Ask) -> Version:
        """A draft of a prompt. `role`: as it is used now. Raises `Conflict` (nothing_to_learn), `InvalidRequest`
        (reflection_failed), and what the model's call raises."""
        failed = await self.failures(owner, role.name)
        shown = "\n\n".join(_shown(number, one) for number, one in enumerate(failed, 1))
        text = f"The prompt of {role.name} ({role.purpose}):\n\n{body_of(role.source)}\n\nThe tasks:\n\n{shown}"
        messages = [ChatMessage("system", _WANTED), ChatMessage("user", text)]
        wrong = ""
        for _ in range(_REPAIRS + 1):
            answer = await ask(owner, messages, SCHEMA)
            made, wrong = read_rewritten(answer, role)
            if made is not None:
                return await self.draft(owner, role, made, "reflection", failed)
            mend = f"That cannot be used: {wrong}\nAnswer again, with the JSON alone."
            messages = [*messages[:2], ChatMessage("assistant", answer or "(nothing)"), ChatMessage("user", mend)]
        raise InvalidRequest(
            "reflection_failed",
            f"The model wrote no prompt for {role.name} that can be used, asked {_REPAIRS + 1} times.",
            expected="JSON with a reasoning and a prompt that is another than that of now",
            actual=wrong,
            hint="Name a stronger model.",
        )

    async def draft(self, owner: str, role: Role, made: Rewritten, by: str, failed: Sequence[Said]) -> Version:
        runs = sorted({one.run_id for one in failed})
        return await self._drafts.draft(
            owner,
            "prompt",
            role.name,
            with_body(role.source, made.prompt),
            title=f"Rewritten after {len(failed)} failed tasks",
            made_by="gepa" if by == "gepa" else "reflection",
            reason=made.reasoning[:_REASON_CHARS],
            runs=runs,
        )


def read_rewritten(answer: str, role: Role) -> tuple[Rewritten | None, str]:
    """What the model wrote, or what is wrong with it."""
    start, end = answer.find("{"), answer.rfind("}")
    try:
        made = msgspec.json.decode(answer[start : end + 1].encode(errors="replace"), type=Rewritten)
    except (msgspec.MsgspecError, RecursionError) as error:
        return None, f"It is not the JSON that was asked for ({error})."
    wrong = wrong_with(made.prompt, role)
    return (None, wrong) if wrong else (made, "")


def wrong_with(prompt: str, role: Role) -> str:
    """Why a text cannot be the role's prompt; empty where it can."""
    if not prompt.strip():
        return "The prompt is empty."
    try:
        read = parse_role(with_body(role.source, prompt), f"{role.name}.md", role.name)
    except RoleInvalid as error:
        return "\n".join(map(str, error.problems[:_PROBLEMS]))
    if missing := sorted(role.sections.keys() - read.sections.keys()):
        return f"The section # {missing[0]} is missing."
    same = read.prompt == role.prompt and read.sections == role.sections
    return "It is the prompt of now, word for word." if same else ""


def front_of(source: str) -> str:
    """The front matter with its marks, byte for byte; a role that was read has one."""
    found = _FRONT.match(source)
    assert found is not None
    return found[1] if found[1].endswith("\n") else f"{found[1]}\n"


def body_of(source: str) -> str:
    return source[len(front_of(source)) :].strip() if _FRONT.match(source) else source


def with_body(source: str, body: str) -> str:
    """The same file with another text below its front matter."""
    return f"{front_of(source)}{body.strip()}\n"


def _shown(number: int, one: Said) -> str:
    lines = [f"{number}. Task: {one.task[:_SHOWN_CHARS]}", f"Its answer: {one.answer[:_SHOWN_CHARS]}"]
    lines += [f"Its owner said: {reason[:_SHOWN_CHARS]}" for reason in one.reasons]
    lines += [f"It failed with: {one.error}"] if one.error else []
    lines += [f"As it should have been: {one.wanted[:_SHOWN_CHARS]}"] if one.wanted else []
    return "\n".join(lines)
