"""For whom a model call is made, as pool and cache want to know it: pure."""

from __future__ import annotations

import hashlib

from alma.agent.role import Role
from alma.agent.task import Task
from alma.models.chat import Caller, ChatMessage

# What reads the files of a thread, so that an answer made with it is of no use once they have changed.
_READS_FILES = frozenset(("search_files", "python"))


def caller(task: Task, role: Role, messages: list[ChatMessage]) -> Caller:
    """Who calls. An answer of before may serve unless the user wants another one, the one of before was no use, or the
    task is creative: then it is asked for something new each time."""
    creative = task.route is not None and task.route.kind == "creative"
    question = task.goal if any(message.content.endswith(task.goal) for message in messages[-1:]) else ""
    depends = [f"role:{role.name}@{role.version}"]
    depends += [f"memory:{id}" for id in sorted(task.reminded.union(memory.id for memory in task.memories))]
    if any(use.called.name in _READS_FILES for use in task.calls):
        depends.append(f"file:{task.thread_id}")
    cacheable = not (task.fresh or task.problem or creative)
    return Caller(
        owner=task.owner,
        run_id=task.run_id,
        task_id=task.task_id,
        role=role.name,
        priority=task.priority,
        cacheable=cacheable,
        question=question,
        context=_context(messages, question) if question and cacheable else "",
        depends=tuple(depends),
    )


def _context(messages: list[ChatMessage], question: str) -> str:
    """A fingerprint of all of the prompt but the question, which stands at its end."""
    seen = hashlib.sha256()
    for message in messages[:-1]:
        seen.update(f"{message.role}\x1f{message.content}\x1e".encode("utf-8", "surrogatepass"))
        for call in message.tool_calls or ():
            seen.update(f"{call.name}\x1f{call.arguments}\x1e".encode("utf-8", "surrogatepass"))
    seen.update(messages[-1].content.removesuffix(question).encode("utf-8", "surrogatepass"))
    return seen.hexdigest()[:32]
