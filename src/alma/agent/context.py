"""The context builder: what of a prompt's material has room in the model's window, and what had to give way.

A part of the window is kept free for the answer. When not all fits, the rungs of a ladder are taken in order, and only
as far as it needs: duplicates go, then the least useful memories, then old turns give way to their summary, then
results are shortened (head and tail stay, and where to read on). When even role and task have no room, the prompt is
refused. These two are never touched. Each rung that was taken is a `Trim`; nothing is left out silently.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

from msgspec import Struct

from alma.agent.prompt import Material, Part, compose, cut, turn_parts
from alma.agent.task import Turn
from alma.errors import ContextOverflow
from alma.events import Rung
from alma.model_call import Section
from alma.models.chat import ChatMessage, ChatModel

_PER_MESSAGE = 8  # tokens that a chat template puts around each message, at most
_MARGIN = 32  # for what the estimate misses
_LEAST_ANSWER = 128  # an answer shorter than this is no use
_RESERVE = 4  # a quarter of the window is kept for the answer, if it may be that long
_LEAST_CHARS = 80  # of a text that had to be shortened
_MARK_TOKENS = 16  # what says in a shortened text how much is missing
_STEPS = 4  # old turns go in steps of about a quarter of those that fit, so that the prompt begins alike for a while
_MAY_REPEAT = frozenset(("memory", "message", "board"))
_HEAD = 16  # characters
_SHORTENED = frozenset(("result", "tool", "message", "board", "call"))
_DROPPED = frozenset(("memory", "example", "learned"))
_ELASTIC = _SHORTENED | _DROPPED


class Trim(Struct, frozen=True):
    """A rung that was taken. `refs`: of what; `tokens`: that it freed; `detail`: in words."""

    rung: Rung
    tokens: int
    refs: list[str]
    detail: str


class Prompt(Struct, frozen=True):
    """`max_tokens`: room for the answer, of which `reserve` was kept free for it; `turns`, `answered`: runs of the
    turns that fit; `left_out`: how many did not."""

    messages: list[ChatMessage]
    sections: list[Section]
    max_tokens: int
    turns: list[str] = []
    answered: list[str] = []
    left_out: int = 0
    reserve: int = 0
    trims: list[Trim] = []

    @property
    def tokens(self) -> int:
        return sum(section.tokens for section in self.sections)


class _Piece(Struct):
    """A part with its tokens. `chars`: it was cut to so many characters; `gone`: it is left out."""

    part: Part
    tokens: int
    chars: int = 0
    gone: bool = False

    @property
    def name(self) -> str:
        return f"{self.part.name} {self.part.ref}".rstrip()


class _Exchange(Struct):
    """A turn with its tokens."""

    turn: Turn
    tokens: int


async def build(model: ChatModel, material: Material, *, window: int, max_tokens: int) -> Prompt:
    """Fit the material into `window` tokens, answer included. Raises `ContextOverflow` when what must be said leaves no
    room for an answer of 128 tokens (or of `max_tokens`, if that is less)."""
    return await _Builder(model, material, window, max_tokens).build()


class _Builder:
    """`_excess`: tokens by which what may give way is too much for its room, as it stands now."""

    def __init__(self, model: ChatModel, material: Material, window: int, max_tokens: int) -> None:
        self._model = model
        self._material = material
        self._window = window
        self._max_tokens = max_tokens
        self._first: list[_Piece] = []
        self._last: list[_Piece] = []
        self._summary: _Piece | None = None  # where it stands for turns that are gone
        self._turns: list[_Exchange] = []  # newest first
        self._left_out = 0
        self._excess = 0
        self._trims: list[Trim] = []

    async def build(self) -> Prompt:
        self._first = [await self._piece(part) for part in self._material.first]
        self._last = [await self._piece(part) for part in self._material.last]
        pieces = [*self._first, *self._last]
        must = sum(piece.tokens for piece in pieces if piece.part.name not in _ELASTIC)
        free = self._window - _MARGIN - must
        if free < min(_LEAST_ANSWER, self._max_tokens):
            raise self._overflow(must)
        reserve = min(self._max_tokens, max(self._window // _RESERVE, _LEAST_ANSWER), free)
        room = free - reserve
        await self._take_turns(room)
        elastic = sum(piece.tokens for piece in pieces if piece.part.name in _ELASTIC)
        self._excess = elastic + sum(turn.tokens for turn in self._turns) - room
        self._drop_duplicates()
        self._drop_least_useful()
        await self._shorten_conversation()
        await self._shorten_results()
        self._leave_out_the_rest()
        if self._excess > 0:  # the newest call is left: without it an agent would make it again
            squeezed = max(reserve - self._excess, min(_LEAST_ANSWER, self._max_tokens))
            self._excess -= reserve - squeezed
            reserve = squeezed
        if self._excess > 0:
            raise self._overflow(must + self._excess)
        brief = [piece.name for piece in pieces if piece.part.chars and not piece.gone]
        self._note("results", 0, brief, "kept short; a small model reads slowly and loses the thread of long texts")
        return self._prompt(reserve)

    # ── counting ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _tokens(self, text: str) -> int:
        """With what a template puts around a message."""
        known = self._model.counted(text)
        return _PER_MESSAGE + (known if known is not None else await self._model.count_tokens(text))

    async def _count(self, part: Part) -> int:
        tokens = await self._tokens(part.said)
        for call in part.calls:
            tokens += await self._tokens(call.name + call.arguments)
        return tokens

    async def _piece(self, part: Part) -> _Piece:
        return _Piece(part, await self._count(part))

    async def _take_turns(self, room: int) -> None:
        """The newest turns, up to one more than there can be room for: what is beyond need not even be counted."""
        total = 0
        for turn in reversed(self._material.turns):
            tokens = sum([await self._tokens(part.said) for part in turn_parts(turn)])
            self._turns.append(_Exchange(turn, tokens))
            total += tokens
            if total > room:
                break
        self._left_out = self._material.older + len(self._material.turns) - len(self._turns)

    # ── the rungs ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _drop_duplicates(self) -> None:
        """What is said twice: a memory that stands in the conversation or in a result, a message of before."""
        if self._excess <= 0:
            return
        loose = [(piece, _plain(piece.part.text)) for piece in self._last if piece.part.name in _MAY_REPEAT]
        heads = {plain[:_HEAD] for _, plain in loose}
        said = [text for one in self._turns for text in (one.turn.text, one.turn.answer)]
        said += [piece.part.text for piece in self._last if piece.part.name in ("task", "result")]
        # Long conversations are compared by their beginnings first: to make all of a text plain costs more.
        seen = {_plain(text) for text in said if _plain(text[: 2 * _HEAD])[:_HEAD] in heads} if heads else set[str]()
        double: list[_Piece] = []
        for piece, plain in loose:
            if plain in seen:
                double.append(piece)
            seen.add(plain)
        self._drop(double, "duplicates", "said elsewhere in the prompt")

    def _drop_least_useful(self) -> None:
        """Memories from the least useful on, then examples and learned notes."""
        memories = [piece for piece in self._last if piece.part.name == "memory"]
        others = [piece for piece in self._first if piece.part.name in _DROPPED]
        self._drop([*reversed(memories), *reversed(others)], "memories", "the least useful ones")

    async def _shorten_conversation(self) -> None:
        """Old turns go, and what was said in them stands in the summary, if there is one. The newest turn stays as long
        as there is anything else that can give way."""
        turns = self._turns
        if self._excess <= 0 and not self._left_out:
            return
        before = sum(turn.tokens for turn in turns)
        summary = await self._piece(self._material.summary) if self._material.summary is not None else None
        free = before - self._excess - (summary.tokens if summary is not None else 0)
        fitting = _fitting(turns, free)
        after = next((at for at, one in enumerate(turns) if summary and one.turn.run_id == summary.part.ref), None)
        fitting = after if after is not None and after <= fitting else self._stepped(fitting)
        fitting = max(fitting, min(1, len(turns)))
        gone = self._left_out + len(turns) - fitting
        if not gone:
            return
        self._turns, self._left_out, self._summary = turns[:fitting], gone, summary
        kept = sum(turn.tokens for turn in self._turns) + (summary.tokens if summary is not None else 0)
        self._excess -= before - kept
        how = "their summary stands for them" if summary is not None else "there is no summary of them yet"
        dropped = [turn.turn.run_id for turn in turns[fitting:]]
        self._note("summary", before - kept, dropped, f"{gone} earlier turns left out; {how}")

    def _stepped(self, fitting: int) -> int:
        """Somewhat fewer than `fitting`, so that the first turn of the prompt stays the same for some turns to come: a
        server's prompt cache then still serves what follows it."""
        total = self._material.older + len(self._material.turns)
        if not fitting or fitting >= total:
            return fitting
        step = 1 << (max(fitting // _STEPS, 1).bit_length() - 1)
        return total - ceil((total - fitting) / step) * step

    async def _shorten_results(self) -> None:
        """All long ones to the same length, so that it is just enough."""
        pieces = [piece for piece in self._last if piece.part.name in _SHORTENED and not piece.gone]
        if self._excess <= 0 or not pieces:
            return
        before = sum(piece.tokens for piece in pieces)
        free, scale = max(before - self._excess, 0), 1.0
        for _ in range(12):
            await self._cut_to(pieces, _level([piece.tokens for piece in pieces], free) * scale)
            if sum(piece.tokens for piece in pieces) <= free:
                break
            scale *= 0.8
        freed = before - sum(piece.tokens for piece in pieces)
        self._excess -= freed
        self._note("results", freed, [piece.name for piece in pieces if piece.chars], "shortened in the middle")

    async def _cut_to(self, pieces: list[_Piece], most: float) -> None:
        """Cut each text of more than `most` tokens to about so many."""
        for piece in pieces:
            part = piece.part
            longest = piece.chars or max(len(part.text), *(len(call.arguments) for call in part.calls), 0)
            chars = max(int(longest * max(most - _PER_MESSAGE - _MARK_TOKENS, 1) / piece.tokens), _LEAST_CHARS)
            if piece.tokens <= most or chars >= longest:
                continue
            tokens = await self._count(cut(part, chars))
            if tokens < piece.tokens:
                piece.chars, piece.tokens = chars, tokens

    def _leave_out_the_rest(self) -> None:
        """Where even that is not enough: what is left of the conversation, then results and messages from the last on,
        then the oldest calls of this task with what came back of them."""
        if self._excess > 0 and (self._turns or self._summary is not None):
            freed = sum(turn.tokens for turn in self._turns) + (self._summary.tokens if self._summary else 0)
            self._note(
                "summary", freed, [turn.turn.run_id for turn in self._turns], "the last turns had no room either"
            )
            self._left_out += len(self._turns)
            self._turns, self._summary = [], None
            self._excess -= freed
        loose = [piece for piece in self._last if piece.part.name in ("result", "message", "board")]
        self._drop(reversed(loose), "results", "had no room, even shortened")
        calls = [piece for piece in self._last if piece.part.name == "call"]
        self._drop(calls[:-1], "results", "earlier calls and what came back of them")

    def _drop(self, pieces: Iterable[_Piece], rung: Rung, detail: str) -> None:
        """Leave out one after the other, as long as there is too much; what belongs together goes together."""
        refs: dict[str, None] = {}
        before = self._excess
        for piece in pieces:
            if self._excess <= 0:
                break
            for one in self._together(piece):
                if not one.gone:
                    one.gone = True
                    self._excess -= one.tokens
                    refs[one.name] = None
        self._note(rung, before - self._excess, list(refs), detail)

    def _together(self, piece: _Piece) -> list[_Piece]:
        """Question and answer of an example; a call and what came back of it: a model refuses one without the other."""
        match piece.part.name:
            case "example":
                return [one for one in self._first if one.name == piece.name]
            case "call":
                ids = {call.id for call in piece.part.calls}
                return [piece, *(one for one in self._last if one.part.name == "tool" and one.part.ref in ids)]
            case _:
                return [piece]

    def _note(self, rung: Rung, tokens: int, refs: list[str], detail: str) -> None:
        if refs or (self._left_out and rung == "summary"):
            self._trims.append(Trim(rung, max(tokens, 0), refs, detail))

    # ── what comes of it ──────────────────────────────────────────────────────────────────────────────────────────

    def _prompt(self, reserve: int) -> Prompt:
        turns = [one.turn for one in reversed(self._turns)]
        before = [piece for piece in self._first if not piece.gone]
        before += [self._summary] if self._summary is not None else []
        after = [piece for piece in self._last if not piece.gone]
        said = sum(turn.tokens for turn in self._turns)
        sections = [*_sections(before), *([Section("history", said)] if said else []), *_sections(after)]
        used = _MARGIN + sum(section.tokens for section in sections)
        conversation = [part for turn in turns for part in turn_parts(turn)]
        return Prompt(
            messages=compose([*map(_shown, before), *conversation, *map(_shown, after)]),
            sections=sections,
            max_tokens=min(self._max_tokens, self._window - used),
            turns=[turn.run_id for turn in turns],
            answered=[turn.run_id for turn in turns if turn.answer],
            left_out=self._left_out,
            reserve=reserve,
            trims=self._trims,
        )

    def _overflow(self, must: int) -> ContextOverflow:
        task = sum(piece.tokens for piece in self._last if piece.part.name == "task")
        room = self._window - (must - task) - _MARGIN - _LEAST_ANSWER
        return ContextOverflow(
            f"The task is too long for the model: its window holds {self._window} tokens.",
            expected=f"at most {max(room, 0)} tokens of text",
            actual=f"{task} tokens",
            hint="Shorten the text, or choose a model with a larger context window.",
        )


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def _shown(piece: _Piece) -> Part:
    return cut(piece.part, piece.chars)


def _sections(pieces: list[_Piece]) -> list[Section]:
    """One for each part; question and answer of an example are one."""
    found: list[Section] = []
    for piece in pieces:
        name, ref, tokens = piece.part.name, piece.part.ref, piece.tokens
        if found and name == "example" == found[-1].name and found[-1].ref == ref:
            tokens += found.pop().tokens
        found.append(Section(name, tokens, ref, piece.chars or piece.part.chars))
    return found


def _fitting(turns: list[_Exchange], room: int) -> int:
    """How many of the newest turns fit."""
    for at, turn in enumerate(turns):
        room -= turn.tokens
        if room < 0:
            return at
    return len(turns)


def _level(sizes: list[int], room: int) -> float:
    """The height to which all must be cut so that together they are no more than `room`: water filled into vessels."""
    left, count = float(room), len(sizes)
    for size in sorted(sizes):
        if size * count > left:
            return max(left / count, 0.0)
        left -= size
        count -= 1
    return float(max(sizes, default=0))
