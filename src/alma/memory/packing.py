"""How many of the ranked memories fit into a budget of tokens, and with how much of what stands around them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from alma.memory.records import Memory, outside_of, tokens_of
from alma.memory.sentences import cut
from alma.memory.words import words_in

_LEAST_KNOWN = 12  # characters: a shorter text is in any other by chance


class Packed(Struct, frozen=True):
    """`outside`: what of the text comes from outside, in a phrase."""

    num: int
    text: str
    tokens: int
    outside: str = ""


def pack(
    texts: Sequence[tuple[int, str]], most: int, tokens: int, beside: int = 0, terms: Sequence[str] = ()
) -> tuple[list[Packed], list[int]]:
    """The first `most` that fit together into `tokens` (0: no bound), in order: of one that is too long the sentences
    with the query's `terms` are taken; without any it is left out, and shorter ones after it may still come in.
    `texts`: numbers and texts, best first. `beside`: what each takes besides its text. Also the numbers left out for
    want of room."""
    packed: list[Packed] = []
    left_out: list[int] = []
    used = 0
    for num, text in texts:
        if len(packed) == most:
            break
        size = tokens_of(text)
        if tokens and used + size + beside > tokens:
            text = excerpt(text, terms, tokens - used - beside)
            size = tokens_of(text)
        if not text:
            left_out.append(num)
            continue
        packed.append(Packed(num, text, size))
        used += size + beside
    return packed, left_out


def excerpt(text: str, terms: Sequence[str], room: int) -> str:
    """Of the sentences that follow each other and take at most `room` tokens, those with the most of the terms, and of
    these the longest; empty where none has one."""
    cuts = cut(text)
    has = [set(words_in(terms, text[start:end])) for start, end in cuts]
    best, most = "", (0, 0)
    for first, (start, _) in enumerate(cuts):
        found: set[str] = set()
        for last in range(first, len(cuts)):
            piece = text[start : cuts[last][1]]
            if tokens_of(piece) > room:
                break
            found |= has[last]
            if found and (len(found), len(piece)) > most:
                best, most = piece, (len(found), len(piece))
    return best


def is_known(text: str, known: Sequence[str]) -> bool:
    """Whether the asker has it before it: word for word, but for white space and case, in one of the texts."""
    mine = plain(text)
    return any(mine == other or (len(mine) >= _LEAST_KNOWN and mine in other) for other in map(plain, known))


def plain(text: str) -> str:
    """As texts are compared: without what white space and case make of them."""
    return " ".join(text.casefold().split())


def around(memory: Memory, near: Sequence[Memory]) -> tuple[Memory | None, Memory | None]:
    """What was said just before and just after it, of what is `near` in its line. Passages of one turn have the same
    position: the nearest of its own turn, else the last of the turn before and the first of the one after. Where
    several turns have a position (they were answered anew), its own run's or the newest."""
    turn, run, start = _turn(memory), memory.source.run_id, memory.source.start

    def order(one: Memory, run_first: bool) -> tuple[bool, float, int, int]:
        at = -one.created_at if run_first else one.created_at
        return (one.source.run_id == run) != run_first, at, one.source.start, one.num

    own = [other for other in near if _turn(other) == turn]
    earlier = [other for other in own if other.source.start < start]
    later = [other for other in own if other.source.start > start]
    before = earlier or [other for other in near if other.position == memory.position - 1]
    after = later or [other for other in near if other.position == memory.position + 1]
    return (
        max(before, key=lambda one: order(one, run_first=False), default=None),
        min(after, key=lambda one: order(one, run_first=True), default=None),
    )


def _turn(memory: Memory) -> tuple[int, str, str, str]:
    source = memory.source
    return memory.position, source.run_id, source.task_id, source.message_id


def widened(packed: Packed, memory: Memory, before: Memory | None, after: Memory | None, room: int | None) -> Packed:
    """With what stands before and after it, as far as there is room (tokens; None: no bound)."""
    pieces = [memory]
    best = packed = replace(packed, outside=outside_of(memory))
    for other in (before, after):
        if other is None:
            continue
        wider = [other, *pieces] if other is before else [*pieces, other]
        text = joined(wider)
        if room is None or tokens_of(text) - packed.tokens <= room:
            pieces = wider
            best = Packed(packed.num, text, tokens_of(text), best.outside or outside_of(other))
    return best


def joined(pieces: Sequence[Memory]) -> str:
    """One text of pieces that follow each other. Those of a document overlap: what two have is there once. Where
    several speak, it is said who."""
    several = len({piece.speaker for piece in pieces}) > 1
    text = ""
    last: Memory | None = None
    for piece in pieces:
        said = f"{piece.speaker}: {piece.text}" if several and piece.speaker else piece.text
        shared = _shared(last, piece) if last else 0
        text = text + said[shared:] if shared else f"{text}\n{said}" if text else said
        last = piece
    return text


def _shared(one: Memory, two: Memory) -> int:
    """How many characters of the second piece the first one has at its end."""
    if not one.source.document_id or one.source.document_id != two.source.document_id:
        return 0
    length = one.source.end - two.source.start
    return length if length > 0 and one.text.endswith(two.text[:length]) else 0
