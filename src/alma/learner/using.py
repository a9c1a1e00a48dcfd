"""What became of memories in a run: which prompts they stood in, and whether the answer made use of them. Pure.

A memory has helped when the answer names its file, or says again what only the memory had said: words of it that are
not in the request. Of a message without an answer nothing is concluded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from alma.events import MemoriesRecalled, MessageFinished, MessageStarted, Recorded, RunStarted
from alma.memory.traces import Use
from alma.recollection import RecalledMemory

HELPED, IDLE = 1.0, -0.3
_SAID_AGAIN = 0.3  # share of a memory's own words that an answer has
_WORD = re.compile(r"\w{4,}|\d+")


def uses_of(log: Iterable[Recorded]) -> list[Use]:
    """One for each memory in each prompt of the run, and for each that an agent looked up itself."""
    asked = ""
    said: dict[str, str] = {}
    recalls: list[MemoriesRecalled] = []
    roles: dict[str, str] = {}
    run_id = ""
    for recorded in log:
        entry, run_id = recorded.entry, recorded.run_id
        match entry:
            case RunStarted():
                asked = entry.text
            case MemoriesRecalled():
                recalls.append(entry)
            case MessageFinished():
                said[entry.message_id] = entry.text
            case MessageStarted():
                roles[entry.message_id] = entry.role
            case _:
                pass
    found: dict[tuple[str, str], Use] = {}
    for told in recalls:
        answer = said.get(told.message_id, "")
        for hit in told.hits:
            helped = helped_by(hit, f"{asked} {told.query}", answer) if answer and not told.call_id else None
            if hit.standing:
                helped = None  # it was told whatever was asked: its words in the answer are no sign of either
            role = roles.get(told.message_id, "")
            use = Use(hit.id, run_id, told.message_id, role, hit.score, told.at, helped=helped)
            found[hit.id, told.message_id] = use
    return list(found.values())


def helped_by(hit: RecalledMemory, asked: str, answer: str) -> float:
    """Whether `answer` makes use of what was told beside what was `asked`."""
    if hit.document_id and f"[{hit.label}]" in answer:
        return HELPED
    return HELPED if says_again(answer, hit.text, asked) else IDLE


def says_again(answer: str, told: str, asked: str) -> bool:
    """Whether an answer has words of `told` that it can have from there only."""
    own = _words(told) - _words(asked)
    return bool(own) and len(own & _words(answer)) >= _SAID_AGAIN * len(own)


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
