"""A conversation in short: what to ask a strong model for, and how to do it without one. Pure.

Without one, sentences are chosen from the turns as they stand (an extract cannot invent anything): those whose words
matter most in this conversation, of the user's those that state something, none that repeats another; in the order in
which they were said. The weights are those of a plain TF-IDF centroid, after Radev et al., "Centroid-based
summarization of multiple documents" (2004), with marginal relevance against repetition, after Carbonell and Goldstein
(1998).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from alma.agent.data import NOTICE, block
from alma.agent.sentences import content, sentences_in
from alma.agent.task import Summary, Turn
from alma.models.chat import ChatMessage

MOST_CHARS = 1600  # of a summary: some 400 tokens
_MOST_SENTENCE = 240
_MOST_SENTENCES = 1500  # that are compared; of a longer conversation the newest
# What a user says of themselves, decides, asks to remember: it is needed again when the words around it are not.
_STATES = re.compile(
    r"\b(my|i am|i'm|i have|i need|i want|i like|i prefer|i work|i live|we|our|call me|remember|always|never|decided"
    r"|must|deadline|budget|name is)\b|\d",
    re.IGNORECASE,
)
_TASK = (
    "Sum up the conversation below for somebody who goes on with it and cannot read it. Keep names, numbers, dates,"
    " decisions, what the user wants and prefers, and what is still open. Leave out greetings. Write plain sentences,"
    " {words} words at most, nothing else."
)


class _Sentence(Struct):
    text: str
    speaker: str
    words: set[str]
    at: int


def ask(before: Summary | None, turns: Sequence[Turn], words: int = 250) -> list[ChatMessage]:
    """The prompt for a model: the summary so far, then the turns that follow it."""
    said = [f"Summary of what was said before:\n{before.text}"] if before is not None else []
    for turn in turns:
        said.append(f"User: {turn.text}")
        if turn.answer:
            said.append(f"Alma: {turn.answer}")
    task = f"{_TASK.format(words=words)} {NOTICE}"
    return [ChatMessage("system", task), ChatMessage("user", block("\n\n".join(said)))]


def extract(before: Summary | None, turns: Sequence[Turn], most_chars: int = MOST_CHARS) -> str:
    """The most telling sentences of the summary so far and of the turns, in `most_chars` characters at most."""
    sentences = _sentences(before, turns)
    frequency = Counter(word for sentence in sentences for word in sentence.words)
    weight = {word: count * math.log(1 + len(sentences) / count) for word, count in frequency.items()}
    scores = {sentence.at: _score(sentence, weight) for sentence in sentences}
    chosen: list[_Sentence] = []
    left, covered = most_chars, set[str]()
    candidates = sorted(sentences, key=lambda one: -scores[one.at])
    for sentence in candidates:
        cost = len(sentence.text) + len(sentence.speaker) + 4
        new = len(sentence.words - covered)
        if cost > left or new * 2 < len(sentence.words) or not sentence.words:
            continue  # no room, or half of it is said already
        chosen.append(sentence)
        covered |= sentence.words
        left -= cost
    return "\n".join(_line(sentence) for sentence in sorted(chosen, key=lambda one: one.at))


def _line(sentence: _Sentence) -> str:
    return f"- {sentence.speaker}: {sentence.text}" if sentence.speaker else f"- {sentence.text}"


def _sentences(before: Summary | None, turns: Sequence[Turn]) -> list[_Sentence]:
    said: list[tuple[str, str]] = []
    for line in before.text.splitlines() if before is not None else ():
        speaker, colon, text = line.removeprefix("- ").partition(": ")
        said.append((speaker, text) if colon and speaker in ("User", "Alma") else ("", line.removeprefix("- ")))
    for turn in turns:
        said += [("User", sentence) for sentence in sentences_in(turn.text)]
        said += [("Alma", sentence) for sentence in sentences_in(turn.answer)]
    said = said[-_MOST_SENTENCES:]
    short = [(speaker, " ".join(text.split())) for speaker, text in said]
    return [
        _Sentence(text[:_MOST_SENTENCE], speaker, content(text[:_MOST_SENTENCE]), at)
        for at, (speaker, text) in enumerate(short)
        if text
    ]


def _score(sentence: _Sentence, weight: dict[str, float]) -> float:
    """How much its words matter, for its length; more where the user states something, less for a question."""
    if not sentence.words:
        return 0.0
    score = sum(weight[word] for word in sentence.words) / (8 + len(sentence.words))
    if sentence.speaker == "User":
        score *= 2.5 if _STATES.search(sentence.text) else 1.3
    elif not sentence.speaker:
        score *= 1.5  # it was chosen before
    return score * (0.6 if sentence.text.endswith("?") and sentence.speaker != "User" else 1.0)
