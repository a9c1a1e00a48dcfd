"""What there is to say to a model: the parts of a prompt in a stable order, and the messages that they make.

`gather` lists the parts of a task from what its agent was told; `context.py` chooses what of it has room; `compose`
makes messages of that. The same parts give the same messages, so the page can show a prompt as it was sent by gathering
again from the journal.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from alma.agent.data import NOTICE, block, escaped
from alma.agent.role import Role
from alma.agent.task import Reply, Result, Summary, Task, Turn, question_before_plan
from alma.model_call import Section
from alma.models.chat import ChatMessage, ToolCall
from alma.plan import MAIN
from alma.security.text import visible

SUMMARY = "What was said before, in short:"
NAMING = "Where you use what is from a file, name it in square brackets, as it is named in <data>."
GIVES_DATA = frozenset(
    ("recall", "read_board", "write_board", "read_more")
)  # acts that give back what others have written
Mode = Literal["answer", "synthesis", "notes"]  # `notes`: a synthesis put so that a weak model keeps to it
_NOTE_CHARS = 280  # of a result, for a weak model: it reads 250 tokens a second and loses the thread


class Part(Struct, frozen=True):
    """One piece of a prompt. `name`, `ref`: as in its `Section`. `speaker`: whose message it is part of; parts of the
    same speaker in a row make one message. `calls`: what an assistant part asks for. `chars`: `text` was cut to that
    many characters already; 0 is whole. `data`: it comes from outside and is put between marks, `head` too, for names,
    titles and places are from there as well. `after`: our own words behind the marks. `trusted`: words of the role's
    file or of the user, which stand as they are; from all others marks are taken away (see `data.py`)."""

    name: str
    text: str
    speaker: Literal["system", "user", "assistant", "tool"] = "user"
    ref: str = ""
    calls: list[ToolCall] = []
    chars: int = 0
    data: bool = False
    head: str = ""
    after: str = ""
    trusted: bool = False

    @property
    def said(self) -> str:
        """As it stands in the prompt."""
        if self.data:
            inside = f"{self.head}\n{self.text}" if self.head else self.text
            return f"{block(inside)}\n{self.after}" if self.after else block(inside)
        return self.text if self.trusted else escaped(self.text)


class Material(Struct, frozen=True):
    """All that could be said: `first`, which stays the same from call to call; the conversation's `turns`, oldest
    first, before which there were `older` more, and a `summary` of those up to the one that it names; and `last`, which
    belongs to this call."""

    first: list[Part]
    turns: list[Turn]
    last: list[Part]
    summary: Part | None = None
    older: int = 0


# ── what there is to say ──────────────────────────────────────────────────────────────────────────────────────────


def system_prompt(role: Role, task: Task, mode: Mode) -> str:
    """The role's own words for what it is to do now."""
    if mode == "synthesis" and (joining := role.sections.get("synthesis")):
        return f"{role.prompt}\n\n{joining}".strip()
    if mode == "notes":
        return role.prompt
    if task.route is not None and task.route.kind in role.kinds:
        return role.kinds[task.route.kind].prompt
    return role.prompt


def gather(task: Task, role: Role, mode: Mode) -> Material:
    """All that belongs into the prompt, the stable part first, so that a model server's cache serves it again: role and
    examples, the conversation (which only grows at its end), then results, memories, notes and the task, and the calls
    of this task so far."""
    first = [Part("role", system_prompt(role, task, mode), "system", trusted=True)]
    first += _notes_learned(task)
    for number, example in enumerate(role.examples, 1):
        first.append(Part("example", example.task, "user", str(number), trusted=True))
        first.append(Part("example", example.answer, "assistant", str(number), trusted=True))
    first += _examples_learned(task)
    if mode != "answer" or task.task_id != MAIN:
        last = _work(task, mode)
    else:
        last = [*_memories(task), *_notes(task), Part("task", task.request, trusted=True)]
    if task.problem:
        last.append(Part("problem", f"Your last answer could not be used: {task.problem}"))
    first_data = next((at for at, part in enumerate(last) if part.data), None)
    if first_data is not None:
        last.insert(first_data, Part("guard", NOTICE, trusted=True))
    summary = summary_part(task.summary) if task.summary is not None else None
    return Material(first, task.history, last + _rounds(task), summary, task.older)


def _notes_learned(task: Task) -> list[Part]:
    """They stand with the role's own words, in one message."""
    notes = task.lessons.notes if task.lessons is not None else []
    return [Part("learned", note.text, "system", note.id) for note in notes]


def _examples_learned(task: Task) -> list[Part]:
    """Tasks of before, with the answers that their owner approved."""
    parts: list[Part] = []
    for example in task.lessons.examples if task.lessons is not None else []:
        parts.append(Part("example", example.task, "user", example.id))
        parts.append(Part("example", example.answer, "assistant", example.id))
    return parts


def turn_parts(turn: Turn) -> list[Part]:
    """One exchange of the conversation."""
    said = [Part("history", turn.text, "user", turn.run_id, trusted=True)]
    if turn.answer:
        said.append(Part("history", turn.answer, "assistant", turn.run_id))
    return said


def summary_part(summary: Summary) -> Part:
    """As data: it repeats answers too, and what those knew of outside is not known any more."""
    return Part("summary", summary.text, "user", summary.run_id, data=True, head=SUMMARY, after=NOTICE)


def _work(task: Task, mode: Mode) -> list[Part]:
    """Of a planned task: what it builds upon, and its goal; of a synthesis: the request, and the results."""
    own = task.spec is None  # its goal is the user's request
    if mode == "notes":
        results = [_result(result, _NOTE_CHARS) for result in task.results]
        ask = Part("task", f"Use these notes to answer: {task.goal}", trusted=own)
        return [Part("notes", "Notes:"), *results, *_memories(task), *_notes(task), ask]
    results = [_result(result) for result in task.results]
    if mode == "synthesis":
        return [*results, *_memories(task), *_notes(task), Part("task", f"The request: {task.goal}", trusted=own)]
    spec = task.spec
    wanted = [f"Expected: {spec.expected}"] if spec is not None and spec.expected else []
    wanted += [f"Done when: {spec.done_when}"] if spec is not None and spec.done_when else []
    expected = [Part("expected", "\n".join(wanted))] if wanted else []
    return [*results, *_memories(task), *_notes(task), Part("task", task.goal, trusted=own), *expected]


def _memories(task: Task) -> list[Part]:
    """What the agent is reminded of, the most useful first, with where it is from; with the first that is from a file,
    how to name files. What the user said themselves is no data: it is how they want things."""
    parts: list[Part] = []
    named = False
    for memory in task.memories:
        if memory.document_id:
            after = "" if named else NAMING
            named = True
            part = Part("memory", memory.text, ref=memory.id, data=True, head=f"From [{memory.label}]:", after=after)
        elif memory.outside:
            head = f"Remembered ({memory.label}):" if memory.label else ""
            part = Part("memory", memory.text, ref=memory.id, data=True, head=head)
        else:
            text = f"Remembered ({memory.label}): {memory.text}" if memory.label else memory.text
            part = Part("memory", text, ref=memory.id)
        parts.append(part)
    return parts


def _result(result: Result, most: int = 0) -> Part:
    """`most`: characters of its text, cut at the end of a sentence; 0 is all."""
    head = f"[{result.task_id}] {result.title}".rstrip()
    if result.status != "completed":
        reason = f": {result.error.message}" if result.error is not None else ""
        said = f"not available ({result.status}{reason})"
        if result.outside:
            return Part("result", said, ref=result.task_id, data=True, head=f"{head}:")
        return Part("result", f"{head}: {said}", ref=result.task_id)
    text = result.text
    if short := bool(most) and len(text) > most:
        text = text[:most]
        end = max(text.rfind(mark) for mark in (". ", ".\n", "! ", "? "))
        text = text[: end + 1] if end > most // 3 else text
    if result.outside:
        return Part("result", text, ref=result.task_id, chars=len(text) * short, data=True, head=f"{head}:")
    said = f"{head}:\n{text}"
    return Part("result", said, ref=result.task_id, chars=len(said) * short)


def _notes(task: Task) -> list[Part]:
    """What others told the agent, what stands on the board, and what the user answered."""
    parts = [
        _told(
            "message", str(seq), f"Message from {one.sender} (task {one.task_id}), {one.kind}:", one.text, one.outside
        )
        for seq, one in task.mail
    ]
    parts += [
        _told(
            "board",
            f"{key}@{entry.version}",
            f"On the board, {key} (version {entry.version}):",
            entry.text,
            entry.outside,
        )
        for key, entry in task.board.items()
    ]
    parts += [
        _reply(one)
        for one in task.replies
        if not any(use.called.call_id == one.asked.question_id for use in task.calls)
    ]
    return parts


def _reply(reply: Reply) -> Part:
    """What asks before a plan is made has seen the user's own words alone; whoever asks later may repeat anything."""
    asked, answer = reply.asked, f"The user answered: {reply.text}"
    if asked.question_id == question_before_plan(asked.task_id):
        return Part("reply", f"You asked: {asked.text}\n{answer}", ref=asked.question_id)
    return Part("reply", asked.text, ref=asked.question_id, data=True, head="You asked:", after=escaped(answer))


def _told(name: str, ref: str, head: str, text: str, outside: list[str]) -> Part:
    if outside:
        return Part(name, text, ref=ref, data=True, head=visible(head))
    return Part(name, f"{head} {text}", ref=ref)


def _rounds(task: Task) -> list[Part]:
    """The agent's own calls so far: what it said when it asked for them, and what came back. What came from outside is
    said to be data with each: there are few, and they may be long. So is what a tool gave back that was given what is
    from outside, for it may repeat it."""
    parts: list[Part] = []
    for step, message in task.steps.items():
        if not message.tool_calls:
            continue
        ids = [task.call_id(step, number) for number in range(1, len(message.tool_calls) + 1)]
        calls = [
            ToolCall(id, escaped(one.name), escaped(one.arguments))
            for id, one in zip(ids, message.tool_calls, strict=True)
        ]
        used = {use.called.call_id: use for use in task.calls}
        parts.append(Part("call", message.text, "assistant", step, calls))
        for id in ids:
            use = used.get(id)
            text = use.returned.text if use is not None and use.returned is not None else "No answer."
            called = use.called if use is not None else None
            data = called is not None and (bool(called.outside or called.because) or called.name in GIVES_DATA)
            parts.append(Part("tool", text, "tool", id, data=data, after=NOTICE if data else ""))
    return parts


# ── messages ──────────────────────────────────────────────────────────────────────────────────────────────────────


def shortened(text: str, chars: int) -> str:
    """`text` in about `chars` characters: its head and its tail, and between them how much is missing and from where it
    can be read on."""
    if len(text) <= chars:
        return text
    head, tail = chars * 2 // 3, chars // 3
    return f"{text[:head]}\n… {len(text) - head - tail} characters left out, from {head} on …\n{text[-tail:]}"


def compose(parts: list[Part]) -> list[ChatMessage]:
    """Roles alternate, as many chat templates demand: what users say in a row is one message."""
    messages: list[ChatMessage] = []
    said: list[str] = []  # by the user, in a row
    for part in parts:
        if part.speaker == "system" and messages and messages[-1].role == "system" and not said:
            messages[-1] = ChatMessage("system", f"{messages[-1].content}\n\n{part.said}")
            continue
        if part.speaker == "user":
            said.append(part.said)
            continue
        if said:
            messages.append(ChatMessage("user", "\n\n".join(said)))
            said = []
        if part.speaker == "tool":
            messages.append(ChatMessage("tool", part.said, tool_call_id=part.ref))
        else:
            messages.append(ChatMessage(part.speaker, part.said, tool_calls=part.calls or None))
    if said:
        messages.append(ChatMessage("user", "\n\n".join(said)))
    return messages


def as_sent(material: Material, sections: list[Section], turns: list[str], answered: list[str]) -> list[ChatMessage]:
    """The messages of a prompt that was sent: of all parts those that its sections name, cut as they were."""
    cuts = {(section.name, section.ref): section.chars for section in sections}

    def kept(parts: list[Part]) -> list[Part]:
        return [cut(part, cuts[part.name, part.ref]) for part in parts if (part.name, part.ref) in cuts]

    said = {turn.run_id: turn for turn in material.turns}
    conversation = [
        part
        for run_id in turns
        if run_id in said
        for part in turn_parts(said[run_id])
        if part.speaker == "user" or run_id in answered
    ]
    summary = [material.summary] if material.summary is not None else []
    return compose([*kept(material.first), *kept(summary), *conversation, *kept(material.last)])


def cut(part: Part, chars: int) -> Part:
    """With no text of more than about `chars` characters; 0 is whole. Arguments of a call stay JSON: in place of long
    ones stands how long they were."""
    if not chars or chars == part.chars:
        return part
    calls = [
        call if len(call.arguments) <= chars else ToolCall(call.id, call.name, f'{{"left_out": {len(call.arguments)}}}')
        for call in part.calls
    ]
    return replace(part, text=shortened(part.text, chars), calls=calls)
