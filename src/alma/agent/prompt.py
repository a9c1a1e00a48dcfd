"""The prompt of one model call: parts in a stable order, fitted into the model's window.

`gather` lists the parts of a task from what its agent was told; `fit` shortens or leaves out what has no room, and says
so in the sections; `compose` makes messages of them. The same parts give the same messages, so the page can show a
prompt as it was sent by gathering again from the journal. Nothing is dropped silently.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from alma.agent.role import Role
from alma.agent.task import Result, Task
from alma.errors import ContextOverflow
from alma.model_call import Section
from alma.models.chat import ChatMessage, ChatModel, ToolCall
from alma.plan import MAIN

Mode = Literal["answer", "synthesis", "notes"]  # `notes`: a synthesis put so that a weak model keeps to it
_PER_MESSAGE = 8  # tokens that a chat template puts around each message, at most
_MARGIN = 32  # for what the estimate misses
_LEAST_ANSWER = 128  # an answer shorter than this is no use
_NOTE_CHARS = 280  # of a result, for a weak model: it reads 250 tokens a second and loses the thread
_LEAST_CHARS = 200  # of a result or tool text that had to be shortened


class Part(Struct, frozen=True):
    """One piece of a prompt. `name`, `ref`: as in its `Section`. `speaker`: whose message it is part of; parts of the
    same speaker in a row make one message. `calls`: what an assistant part asks for. `chars`: `text` was cut to that
    many characters already; 0 is whole."""

    name: str
    text: str
    speaker: Literal["system", "user", "assistant", "tool"] = "user"
    ref: str = ""
    calls: list[ToolCall] = []
    chars: int = 0


class Prompt(Struct, frozen=True):
    """`max_tokens`: room for the answer; `turns`, `answered`: runs of the turns that fit; `left_out`: how many did
    not."""

    messages: list[ChatMessage]
    sections: list[Section]
    max_tokens: int
    turns: list[str]
    answered: list[str]
    left_out: int

    @property
    def tokens(self) -> int:
        return sum(section.tokens for section in self.sections)


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


def gather(task: Task, role: Role, mode: Mode) -> list[Part]:
    """All that belongs into the prompt, the stable part first, so that a model server's cache serves it again."""
    parts = [Part("role", system_prompt(role, task, mode), "system")]
    for number, example in enumerate(role.examples, 1):
        parts.append(Part("example", example.task, "user", str(number)))
        parts.append(Part("example", example.answer, "assistant", str(number)))
    for turn in task.history:
        parts.append(Part("history", turn.text, "user", turn.run_id))
        if turn.answer:
            parts.append(Part("history", turn.answer, "assistant", turn.run_id))
    if mode != "answer" or task.task_id != MAIN:
        parts += _work(task, mode)
    else:
        parts += [*_notes(task), Part("task", task.request)]
    if task.problem:
        parts.append(Part("problem", f"Your last answer could not be used: {task.problem}"))
    return parts + _rounds(task)


def _work(task: Task, mode: Mode) -> list[Part]:
    """Of a planned task: what it builds upon, and its goal; of a synthesis: the request, and the results."""
    if mode == "notes":
        results = [_result(result, _NOTE_CHARS) for result in task.results]
        ask = Part("task", f"Use these notes to answer: {task.goal}")
        return [Part("notes", "Notes:"), *results, *_notes(task), ask]
    results = [_result(result) for result in task.results]
    if mode == "synthesis":
        return [*results, *_notes(task), Part("task", f"The request: {task.goal}")]
    spec = task.spec
    wanted = [f"Expected: {spec.expected}"] if spec is not None and spec.expected else []
    wanted += [f"Done when: {spec.done_when}"] if spec is not None and spec.done_when else []
    expected = [Part("expected", "\n".join(wanted))] if wanted else []
    return [*results, *_notes(task), Part("task", task.goal), *expected]


def _result(result: Result, most: int = 0) -> Part:
    """`most`: characters of its text, cut at the end of a sentence; 0 is all."""
    head = f"[{result.task_id}] {result.title}".rstrip()
    if result.status != "completed":
        reason = f": {result.error.message}" if result.error is not None else ""
        return Part("result", f"{head}: not available ({result.status}{reason})", ref=result.task_id)
    if not most or len(result.text) <= most:
        return Part("result", f"{head}:\n{result.text}", ref=result.task_id)
    text = result.text[:most]
    end = max(text.rfind(mark) for mark in (". ", ".\n", "! ", "? "))
    said = f"{head}:\n{text[: end + 1] if end > most // 3 else text}"
    return Part("result", said, ref=result.task_id, chars=len(said))


def _notes(task: Task) -> list[Part]:
    """What others told the agent, what stands on the board, and what the user answered."""
    parts = [
        Part("message", f"Message from {one.sender} (task {one.task_id}), {one.kind}: {one.text}", ref=str(seq))
        for seq, one in task.mail
    ]
    parts += [
        Part("board", f"On the board, {key} (version {entry.version}): {entry.text}", ref=f"{key}@{entry.version}")
        for key, entry in task.board.items()
    ]
    parts += [
        Part("reply", f"You asked: {one.asked.text}\nThe user answered: {one.text}", ref=one.asked.question_id)
        for one in task.replies
        if not any(use.called.call_id == one.asked.question_id for use in task.calls)
    ]
    return parts


def _rounds(task: Task) -> list[Part]:
    """The agent's own calls so far: what it said when it asked for them, and what came back."""
    parts: list[Part] = []
    for step, message in task.steps.items():
        if not message.tool_calls:
            continue
        ids = [task.call_id(step, number) for number in range(1, len(message.tool_calls) + 1)]
        calls = [ToolCall(id, one.name, one.arguments) for id, one in zip(ids, message.tool_calls, strict=True)]
        returned = {use.called.call_id: use.returned for use in task.calls}
        parts.append(Part("call", message.text, "assistant", step, calls))
        for id in ids:
            text = result.text if (result := returned.get(id)) is not None else "No answer."
            parts.append(Part("tool", text, "tool", id))
    return parts


# ── what has room ─────────────────────────────────────────────────────────────────────────────────────────────────


async def fit(model: ChatModel, parts: list[Part], *, window: int, max_tokens: int) -> Prompt:
    """Fit the parts into `window` tokens, keeping `max_tokens` (less if it must be) for the answer: the oldest turns
    are left out first, then results and tool texts are shortened in their middle.

    Raises `ContextOverflow` when what must be said leaves no room for an answer.
    """
    tokens = [await _count(model, part) for part in parts]
    fixed = sum(count for part, count in zip(parts, tokens, strict=True) if part.name not in _ELASTIC) + _MARGIN
    if fixed + _LEAST_ANSWER > window:
        raise _overflow(parts, tokens, window)
    room = window - fixed
    elastic = sum(count for part, count in zip(parts, tokens, strict=True) if part.name in _SHORTENED)
    answer = min(max_tokens, max(room - elastic, _LEAST_ANSWER))
    room -= answer
    chars = [0] * len(parts)
    if elastic > room:
        parts, tokens, chars = await _shorten(model, parts, tokens, room)
        elastic = sum(count for part, count in zip(parts, tokens, strict=True) if part.name in _SHORTENED)
    kept = _newest_turns(parts, tokens, room - elastic)
    turns = dict.fromkeys(part.ref for part in parts if part.name == "history")
    chosen = [
        (part, Section(part.name, count, part.ref, cut or part.chars))
        for part, count, cut in zip(parts, tokens, chars, strict=True)
        if part.name != "history" or part.ref in kept
    ]
    return Prompt(
        messages=compose([part for part, _ in chosen]),
        sections=_joined([section for _, section in chosen]),
        max_tokens=answer,
        turns=[turn for turn in turns if turn in kept],
        answered=[part.ref for part, _ in chosen if part.name == "history" and part.speaker == "assistant"],
        left_out=len(turns) - len(kept),
    )


async def _count(model: ChatModel, part: Part) -> int:
    asked = sum([await model.count_tokens(call.name + call.arguments) for call in part.calls])
    return await model.count_tokens(part.text) + asked + _PER_MESSAGE * (1 + len(part.calls))


_SHORTENED = frozenset(("result", "tool", "message", "board"))
_ELASTIC = _SHORTENED | {"history"}


def _overflow(parts: list[Part], tokens: list[int], window: int) -> ContextOverflow:
    task = sum(count for part, count in zip(parts, tokens, strict=True) if part.name == "task")
    rest = sum(count for part, count in zip(parts, tokens, strict=True) if part.name not in ("task", *_ELASTIC))
    return ContextOverflow(
        f"The task is too long for the model: its window holds {window} tokens.",
        expected=f"at most {max(window - rest - _MARGIN - _LEAST_ANSWER, 0)} tokens of text",
        actual=f"{task} tokens",
        hint="Shorten the text, or choose a model with a larger context window.",
    )


async def _shorten(
    model: ChatModel, parts: list[Part], tokens: list[int], room: int
) -> tuple[list[Part], list[int], list[int]]:
    """Cut the longest texts to the same length, as long as it takes; 0 in the last list is uncut."""
    longest = max(len(part.text) for part in parts if part.name in _SHORTENED)
    chars = [0] * len(parts)
    while longest > _LEAST_CHARS:
        longest = max(longest * 3 // 4, _LEAST_CHARS)
        shorter, counts = list(parts), list(tokens)
        for at, part in enumerate(parts):
            if part.name in _SHORTENED and len(part.text) > longest:
                shorter[at] = replace(part, text=shortened(part.text, longest))
                counts[at] = await model.count_tokens(shorter[at].text) + _PER_MESSAGE
                chars[at] = longest
        if sum(count for part, count in zip(parts, counts, strict=True) if part.name in _SHORTENED) <= room:
            return shorter, counts, chars
    raise ContextOverflow(
        "What the task builds upon is too much for the model, even shortened.",
        expected=f"at most {max(room, 0)} tokens",
        hint="Choose a model with a larger context window, or split the task into fewer parts.",
    )


def shortened(text: str, chars: int) -> str:
    """`text` in about `chars` characters: its head and its tail, and how much is missing between them."""
    if len(text) <= chars:
        return text
    head, tail = chars * 2 // 3, chars // 3
    return f"{text[:head]}\n… {len(text) - head - tail} characters left out …\n{text[-tail:]}"


def _newest_turns(parts: list[Part], tokens: list[int], room: int) -> set[str]:
    costs: dict[str, int] = {}
    for part, count in zip(parts, tokens, strict=True):
        if part.name == "history":
            costs[part.ref] = costs.get(part.ref, 0) + count
    kept: set[str] = set()
    for turn, cost in reversed(costs.items()):
        if cost > room:
            break
        room -= cost
        kept.add(turn)
    return kept


def _joined(sections: list[Section]) -> list[Section]:
    """Turns are named one by one elsewhere: here they are one section."""
    found: list[Section] = []
    for section in sections:
        same = found and found[-1].name == section.name and section.name in ("history", "example")
        if same:
            found[-1] = Section(section.name, found[-1].tokens + section.tokens)
        else:
            found.append(Section(section.name, section.tokens) if section.name == "history" else section)
    return found


# ── messages ──────────────────────────────────────────────────────────────────────────────────────────────────────


def compose(parts: list[Part]) -> list[ChatMessage]:
    """Roles alternate, as many chat templates demand: what users say in a row is one message."""
    messages: list[ChatMessage] = []
    for part in parts:
        last = messages[-1] if messages else None
        if part.speaker == "tool":
            messages.append(ChatMessage("tool", part.text, tool_call_id=part.ref))
        elif part.speaker == "user" and last is not None and last.role == "user":
            messages[-1] = ChatMessage("user", f"{last.content}\n\n{part.text}")
        else:
            messages.append(ChatMessage(part.speaker, part.text, tool_calls=part.calls or None))
    return messages


def as_sent(parts: list[Part], sections: list[Section], turns: list[str], answered: list[str]) -> list[ChatMessage]:
    """The messages of a prompt that was sent: of all parts those that its sections name, cut as they were."""
    cuts = {(section.name, section.ref): section.chars for section in sections}
    sent: list[Part] = []
    for part in parts:
        if part.name == "history":
            if part.ref in turns and (part.speaker == "user" or part.ref in answered):
                sent.append(part)
        elif part.name == "example":
            sent.append(part)
        elif (part.name, part.ref) in cuts:
            chars = cuts[part.name, part.ref]
            sent.append(replace(part, text=shortened(part.text, chars)) if chars else part)
    return compose(sent)
