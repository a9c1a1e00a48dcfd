"""What a finished run leaves in memory: the turn of the conversation, and what its tasks found. Pure.

A turn is a question and an answer, at positions 2n and 2n + 1 of its thread's line, n turns into it. A long text is cut
into passages at the ends of its sentences, so that each is about as much as the embedding model reads; passages of one
text have the same position, and the text's own id as their `parent`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from alma.memory.records import USER, NewMemory, Scope, Source, place_after
from alma.memory.sentences import Cut, cut

WORDS = 120  # of a passage, at most
_MOST_PASSAGES = 2000  # of one text; what is beyond stays in the conversation itself


class Said(Struct, frozen=True):
    """A text of a run. `speaker`: a role, or the user. `scope` None: it is not to be kept. `own`: where the speaker's
    own words begin; what is before them is the question that they answer. `outside`: what from outside they knew."""

    text: str
    speaker: str
    at: float
    scope: Scope | None = "team"
    message_id: str = ""
    task_id: str = ""
    own: int = 0
    outside: Sequence[str] = ()


class FinishedRun(Struct, frozen=True):
    """`number`: how many turns are before it in its thread's branch. `asked`: the request, and what the user answered
    when they were asked something."""

    run_id: str
    thread_id: str
    owner: str
    number: int
    role: str
    asked: Sequence[Said]
    answer: Said | None = None
    results: Sequence[Said] = ()


def episodes(run: FinishedRun) -> list[NewMemory]:
    """All that is to be kept of the run, in the order in which it was said."""
    turn: list[tuple[Said, int]] = [(one, 2 * run.number) for one in run.asked]
    if run.answer is not None:
        turn.append((run.answer, 2 * run.number + 1))
    kept = [memory for said, position in turn for memory in _pieces(run, said, run.thread_id, position)]
    for result in run.results:
        pieces = list(_pieces(run, result, result.message_id, 0))
        if len(pieces) == 1:  # one that stands alone may turn out to be known already
            pieces = [replace(pieces[0], line="")]
        kept += [replace(piece, position=at) for at, piece in enumerate(pieces)]
    return kept


def _pieces(run: FinishedRun, said: Said, line: str, position: int) -> Iterator[NewMemory]:
    if said.scope is None:
        return
    cuts = passages(said.text)[:_MOST_PASSAGES]
    for start, end in cuts:
        yield NewMemory(
            run.owner,
            said.text[start:end],
            "episodic",
            said.scope,
            run.role if said.speaker == USER else said.speaker,
            source=Source(
                run.thread_id,
                run.run_id,
                said.task_id,
                said.message_id,
                place=place_after(said.outside),
                start=start,
                end=end,
            ),
            at=said.at,
            line=line,
            position=position,
            parent=(said.message_id or run.run_id) if len(cuts) > 1 else "",
            speaker=said.speaker,
        )


def passages(text: str) -> list[Cut]:
    """Pieces of at most `WORDS` words, whole sentences where those are not longer, that cover all but white space;
    those without a letter or digit are left out."""
    found: list[Cut] = []
    words = 0
    for start, end in cut(text):
        more = _words(text[start:end])
        if found and words + more <= WORDS:
            found[-1] = (found[-1][0], end)
            words += more
        else:
            found.append((start, end))
            words = more
    return [(start, end) for start, end in found if any(map(str.isalnum, text[start:end]))]


def _words(text: str) -> int:
    """About how many words; of scripts without spaces two characters count as one."""
    wide = 0 if text.isascii() else sum(character > "\u2e80" for character in text)
    return max(len(text.split()), len(text) // 10) + wide // 2
