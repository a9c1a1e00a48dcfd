"""The prompt of a task: role, then as many of the newest turns as fit, then the task. Nothing is dropped silently."""

from __future__ import annotations

from msgspec import Struct

from alma.agent.task import Turn
from alma.errors import ContextOverflow
from alma.events import Section
from alma.models.chat import ChatMessage, ChatModel

_PER_MESSAGE = 8  # tokens that a chat template puts around each message, at most
_MARGIN = 32  # for what the estimate misses
_LEAST_ANSWER = 128  # an answer shorter than this is no use


class Prompt(Struct, frozen=True):
    """`max_tokens`: room for the answer; `turns`: those that fit; `left_out`: how many did not."""

    messages: list[ChatMessage]
    sections: list[Section]
    max_tokens: int
    turns: list[Turn]
    left_out: int


async def build(
    model: ChatModel, role_prompt: str, history: list[Turn], text: str, *, window: int, max_tokens: int
) -> Prompt:
    """Fit the prompt into `window` tokens, keeping `max_tokens` (less if it must be) for the answer.

    Raises `ContextOverflow` when role and task alone leave no room for an answer.
    """
    role_tokens = await model.count_tokens(role_prompt) + _PER_MESSAGE
    task_tokens = await model.count_tokens(text) + _PER_MESSAGE
    fixed = role_tokens + task_tokens + _MARGIN
    if fixed + _LEAST_ANSWER > window:
        raise ContextOverflow(
            f"The task is too long for the model: its window holds {window} tokens.",
            expected=f"at most {max(window - role_tokens - _MARGIN - _LEAST_ANSWER, 0)} tokens of text",
            actual=f"{task_tokens} tokens",
            hint="Shorten the text, or choose a model with a larger context window.",
        )
    answer = min(max_tokens, window - fixed)
    kept, history_tokens = await _newest_that_fit(model, history, window - fixed - answer)
    messages = compose(role_prompt, kept, text)
    sections = [Section("role", role_tokens), Section("history", history_tokens), Section("task", task_tokens)]
    return Prompt(messages, [s for s in sections if s.tokens], answer, kept, len(history) - len(kept))


def compose(role_prompt: str, turns: list[Turn], text: str) -> list[ChatMessage]:
    """The stable part first, so that a model server's prompt cache serves it again. Roles alternate, as many chat
    templates demand: a question that was never answered goes in front of the next one."""
    messages = [ChatMessage("system", role_prompt)]
    asked: list[str] = []
    for turn in turns:
        asked.append(turn.text)
        if turn.answer:
            messages += [ChatMessage("user", "\n\n".join(asked)), ChatMessage("assistant", turn.answer)]
            asked = []
    return [*messages, ChatMessage("user", "\n\n".join([*asked, text]))]


async def _newest_that_fit(model: ChatModel, history: list[Turn], room: int) -> tuple[list[Turn], int]:
    used = 0
    kept: list[Turn] = []
    for turn in reversed(history):
        cost = await model.count_tokens(turn.text) + await model.count_tokens(turn.answer) + 2 * _PER_MESSAGE
        if used + cost > room:
            break
        used += cost
        kept.insert(0, turn)
    return kept, used
