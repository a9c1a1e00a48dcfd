"""Which slot of the embedded model reads which prompt, so that what prompts have in common is read once. Pure.

A small model on few cores writes quickly and reads slowly: what counts is how much of a prompt has to be read. Three
things hold what was read: the slots, whatever is being read at this moment, and files in which slots were kept and from
which any other slot is filled within milliseconds. A call gets the free slot where it is done soonest, or waits where
that is sooner. A long beginning that others may share is read by itself first, and kept.

Runs take turns by start-time fair queueing (Goyal, Vin and Cheng 1996): each call is due one turn after the one before
it of its run, and the earliest due is served first, so nobody starves. A call of higher priority, or of more weight,
takes less of a turn.
Who owns the connections, the files and the clock is `local_slots.py`. Figures: docs/decisions/0011-prefixes.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

from msgspec import Struct

from alma.asked import Asked

Prompt = tuple[str, ...]  # the texts of a prompt in order; two prompts share a beginning as far as these are the same

WORTH = 128  # tokens that are worth a request of their own, and a file: a third of a second of reading
WARM = 16  # tokens that are worth reading in advance
RESTORE = 0.02  # seconds to fill a slot from a file
MARGIN = 0.05  # seconds by which waiting must be sooner than beginning
PATIENCE = 4
MOST_BYTES = 256 * 1024 * 1024  # of all files
_OF_NOBODY = 2  # texts of a prompt that are the same for everybody: the tools and the role's words
_LOOKED_AT = 64  # calls of the line that are weighed against one another
_LEARN = 0.2  # weight of the newest figure


def shared(one: Prompt, other: Prompt) -> int:
    """How many characters the two begin with alike."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            return count + _alike(left, right)
        count += len(left)
    return count


def length(prompt: Prompt) -> int:
    """Characters."""
    return sum(map(len, prompt))


def beginning(prompt: Prompt, chars: int) -> Prompt:
    """The first `chars` characters."""
    found: list[str] = []
    for text in prompt:
        if chars <= 0:
            break
        found.append(text[:chars])
        chars -= len(text)
    return tuple(found)


class Call(Struct, frozen=True):
    """A call that wants a slot. `stable`: characters of its prompt that other calls are likely to begin with; `answer`:
    tokens it may write."""

    id: int
    prompt: Prompt
    stable: int = 0
    answer: int = 0
    run_id: str = ""
    priority: int = 0
    weight: float = 1.0


class Step(Struct, frozen=True):
    """What is to be done for a call, in this order; each may be nothing. `save`: keep what is in the slot under this
    name; `restore`: fill the slot from this file; `read`: read so many characters by themselves and keep them under the
    name `keep`; then the call itself."""

    call: Call
    slot: int
    save: str = ""
    restore: str = ""
    read: int = 0
    keep: str = ""


class Rates(Struct):
    """Tokens a second, and characters a token: as measured with SmolLM2-135M on two cores, until replies say better."""

    read: float = 270.0
    write: float = 95.0
    chars: float = 4.0

    def seconds(self, chars: float) -> float:
        """To read so much."""
        return chars / self.chars / self.read

    def learn(self, chars: int, tokens: int, cached: int, seconds: float) -> None:
        """A prompt of `chars` characters was `tokens` tokens; those that were not `cached` took `seconds`."""
        if chars and tokens:
            self.chars += _LEARN * (chars / tokens - self.chars)
        if tokens - cached >= WORTH // 2 and seconds > 0:
            self.read += _LEARN * ((tokens - cached) / seconds - self.read)

    def wrote(self, tokens: int, seconds: float) -> None:
        if tokens >= 8 and seconds > 0:
            self.write += _LEARN * (tokens / seconds - self.write)


class _Waiting(Struct):
    """`tag`: when it is due, in turns; `since`: when it first let a free slot be, to wait for another."""

    call: Call
    tag: float
    since: float | None = None


class _Work(Struct):
    """`ends`: when it will be done. `reads`: what is read by itself until then, before the call's own prompt;
    `reading`: nothing was written yet. `wanted`: a call waits for it."""

    call: Call
    ends: float
    reads: Prompt | None = None
    reading: bool = True
    warm: bool = False
    wanted: bool = False


class _Slot(Struct):
    id: int
    seen: Prompt = ()
    used: float = 0.0
    work: _Work | None = None


class _Kept(Struct):
    name: str
    prompt: Prompt
    size: int
    used: float


class Prefixes:
    """The slots of one server from its start on. `now` is in seconds of any clock that does not go back."""

    def __init__(self, slots: int, *, most_bytes: int = MOST_BYTES) -> None:
        self.rates = Rates()
        self.able = True  # a slot gives back what it read before; some architectures cannot
        self.look_again = inf  # when a call that waits for a slot of its choice takes whichever is free
        self._slots = [_Slot(number) for number in range(slots)]
        self._line: dict[int, _Waiting] = {}
        self._kept: list[_Kept] = []
        self.most_bytes = most_bytes
        self.asked = Asked()  # files that spared reading, and what had to be read
        self._per_token = 0.0  # bytes of a file
        self._turn = 0.0
        self._last: dict[str, float] = {}  # run → when its newest call is due, while that is ahead
        self._names = 0

    # ── who is there ──────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def queued(self) -> int:
        return len(self._line)

    @property
    def kept_bytes(self) -> int:
        """Of all files."""
        return sum(one.size for one in self._kept)

    @property
    def active(self) -> int:
        """Slots that work for somebody."""
        return sum(slot.work is not None and not slot.work.warm for slot in self._slots)

    def ask(self, call: Call) -> None:
        """Stand in line."""
        cost = 2.0 ** (-max(-9, min(call.priority, 9)) / 3) / call.weight
        tag = max(self._turn, self._last.get(call.run_id, 0.0)) + cost
        self._last[call.run_id] = tag
        self._line[call.id] = _Waiting(call, tag)

    def withdraw(self, call: Call) -> None:
        """Leave the line, if it still stands there."""
        self._line.pop(call.id, None)

    # ── what comes next ───────────────────────────────────────────────────────────────────────────────────────────

    def next(self, now: float) -> Step | None:
        """The next thing to do; None: nothing before something changes, or before `look_again`."""
        self.look_again = inf
        line = sorted(self._line.values(), key=lambda one: (one.tag, one.call.id))[:_LOOKED_AT]
        for waiting in line:
            free = [slot for slot in self._slots if slot.work is None]
            if not self._waits(waiting, free, now):
                step = self._begin(waiting, free, line, now)
                del self._line[waiting.call.id]
                self._turn = max(self._turn, waiting.tag)
                self._last = {run: due for run, due in self._last.items() if due > self._turn}
                return step
        return None

    def warm(self, call: Call, now: float) -> Step | None:
        """How to read all of a call's prompt in advance; None: not now, because somebody works or waits."""
        if self._line or any(slot.work is not None for slot in self._slots):
            return None
        slot, kept, have = self._source(call.prompt, self._slots)
        step = self._step(call, slot, kept, length(call.prompt))
        slot.work = _Work(
            call, now + self.rates.seconds(step.read - have), beginning(call.prompt, step.read), warm=True
        )
        return step

    def knows(self, prompt: Prompt) -> bool:
        """Whether all but a few tokens of it have been read."""
        have = max(shared(prompt, one) for one in self._places())
        return length(prompt) - have < WARM * self.rates.chars

    @property
    def hindered(self) -> bool:
        """Whether what is read in advance is in somebody's way, who does not wait for just that."""
        warm = next((slot.work for slot in self._slots if slot.work is not None and slot.work.warm), None)
        if warm is None or warm.reads is None or warm.wanted:
            return False
        return bool(self._line or self.active)

    def _waits(self, waiting: _Waiting, free: list[_Slot], now: float) -> bool:
        """Whether a call is done sooner when it waits; when there is no slot, it has to. It lets free slots be for no
        longer than `PATIENCE` times what it would take to read all of its prompt."""
        prompt, seconds = waiting.call.prompt, self.rates.seconds
        open_to_it = free or [slot for slot in self._slots if slot.work is not None and slot.work.warm]
        if not open_to_it:
            return True
        _, _, have = self._source(prompt, open_to_it)
        work, wait = self._soonest(prompt, have, now)
        if work is None:
            return not free
        # Two that read at once take twice as long.
        readers = sum(slot.work is not None and slot.work.reading for slot in self._slots)
        if wait >= seconds(length(prompt) - have) * (1 + readers) - MARGIN:
            return not free
        work.wanted = True
        if free:
            waiting.since = now if waiting.since is None else waiting.since
            patience = waiting.since + PATIENCE * seconds(length(prompt))
            if now >= patience:
                return False
            self.look_again = min(self.look_again, patience)
        return True

    def _soonest(self, prompt: Prompt, have: int, now: float) -> tuple[_Work | None, float]:
        """Of the slots at work that read far more of a prompt than the `have` characters that can be had at once: the
        one after which the prompt would be read soonest, and in how many seconds."""
        best, soonest = None, inf
        for slot in self._slots:
            if (work := slot.work) is None or not self.able:
                continue
            reads = shared(prompt, work.reads if work.reads is not None else work.call.prompt)
            wait = max(work.ends - now, 0.0) + self.rates.seconds(length(prompt) - reads)
            if reads - have >= WORTH * self.rates.chars and wait < soonest:
                best, soonest = work, wait
        return best, soonest

    def _source(self, prompt: Prompt, free: list[_Slot]) -> tuple[_Slot, _Kept | None, int]:
        """Where a prompt has least to read: the slot, the file to fill it from, and how many characters that spares."""
        slot = max(free, key=lambda one: (shared(prompt, one.seen), -one.used))
        have = shared(prompt, slot.seen)
        kept = max(self._kept, key=lambda one: shared(prompt, one.prompt), default=None)
        if kept is not None and self.able:
            spares = shared(prompt, kept.prompt)
            if self.rates.seconds(spares - have) > RESTORE:
                return min(free, key=lambda one: one.used), kept, spares
        return slot, None, have

    def _begin(self, waiting: _Waiting, free: list[_Slot], line: list[_Waiting], now: float) -> Step:
        """Give a call its slot."""
        call = waiting.call
        slot, kept, have = self._source(call.prompt, free)
        others = max((shared(call.prompt, one.call.prompt) for one in line if one is not waiting), default=0)
        least = WORTH * self.rates.chars
        alone = others if others - call.stable >= least else call.stable
        step = self._step(call, slot, kept, alone if alone - have >= least else 0)
        reads = beginning(call.prompt, step.read) if step.read else None
        if reads is not None:
            self.asked.missed(reads)
        elif kept is not None:
            self.asked.hits += 1
        seconds = self.rates.seconds(length(reads if reads is not None else call.prompt) - have)
        slot.work = _Work(call, now + seconds + (call.answer / self.rates.write if reads is None else 0.0), reads)
        return step

    def _step(self, call: Call, slot: _Slot, kept: _Kept | None, read: int) -> Step:
        """`read`: characters to be read by themselves. What would be lost of the slot's content is saved first."""
        elsewhere = max((shared(slot.seen, one) for one in self._places(but=slot)), default=0)
        stays = shared(slot.seen, call.prompt) if kept is None else 0
        lost = length(slot.seen) - max(stays, elsewhere)
        keeps = read > 0 and self._fits(read)
        return Step(
            call,
            slot.id,
            save=self._name() if lost >= WORTH * self.rates.chars and self._fits(length(slot.seen)) else "",
            restore=kept.name if kept is not None else "",
            read=read if keeps or not call.answer else 0,
            keep=self._name() if keeps else "",
        )

    def _fits(self, chars: int) -> bool:
        """Whether a slot with so much in it can be kept, and not all else has to go for it."""
        return self.able and chars / self.rates.chars * self._per_token <= self.most_bytes / 4

    def _places(self, but: _Slot | None = None) -> Iterable[Prompt]:
        """All that was read and is still there."""
        yield from (slot.seen for slot in self._slots if slot is not but)
        yield from (kept.prompt for kept in self._kept)

    def _name(self) -> str:
        self._names += 1
        return f"{self._names}.bin"

    # ── what came of it ───────────────────────────────────────────────────────────────────────────────────────────

    def seen(self, slot: int) -> Prompt:
        """What a slot holds, as far as it is sure."""
        return self._slots[slot].seen

    def holds(self, slot: int, prompt: Prompt) -> None:
        """A slot at work holds this now."""
        self._slots[slot].seen = prompt

    def read(self, slot: int, now: float) -> None:
        """What was to be read by itself has been read: the slot goes on with the call's own prompt."""
        work = self._slots[slot].work
        assert work is not None
        work.reads, work.wanted = None, False
        work.ends = now + work.call.answer / self.rates.write

    def began(self, slot: int) -> None:
        """The prompt has been read, and something was written."""
        work = self._slots[slot].work
        assert work is not None
        work.reading = False
        self.holds(slot, work.call.prompt)

    def keep(self, name: str, prompt: Prompt, size: int, now: float) -> list[str]:
        """A slot was kept in a file of `size` bytes. Returns the files that may go: those that say no more than this
        one, and the ones used longest ago when all together are too large."""
        self._per_token = max(size / (length(prompt) / self.rates.chars), 1.0) if prompt else self._per_token
        gone = [one for one in self._kept if shared(one.prompt, prompt) == length(one.prompt)]
        self._kept = [one for one in self._kept if one not in gone]
        self._kept.append(_Kept(name, prompt, size, now))
        while len(self._kept) > 1 and sum(one.size for one in self._kept) > self.most_bytes:
            oldest = min(self._kept, key=lambda one: one.used)
            self._kept.remove(oldest)
            self.asked.let_go(oldest.prompt)
            gone.append(oldest)
        return [one.name for one in gone]

    def restored(self, slot: int, name: str, now: float) -> None:
        """A slot was filled from a file."""
        for one in self._kept:
            if one.name == name:
                one.used = now
                self.holds(slot, one.prompt)

    def lost(self, slot: int, name: str) -> None:
        """A file could not be read; who knows what the slot holds."""
        self._kept = [one for one in self._kept if one.name != name]
        self.holds(slot, ())

    def forget(self) -> list[str]:
        """Give up what was said in conversations; tools and the role's words stay. Returns the files that must go."""
        gone = [one.name for one in self._kept if len(one.prompt) > _OF_NOBODY]
        self._kept = [one for one in self._kept if one.name not in gone]
        for slot in self._slots:
            slot.seen = slot.seen[:_OF_NOBODY]  # or it might be kept in a file later
        return gone

    def leave(self, slot: int, now: float) -> None:
        """A call has ended, however; its slot is free."""
        self._slots[slot].work = None
        self._slots[slot].used = now


def _alike(left: str, right: str) -> int:
    """Characters that two texts begin with alike: by halves, since comparing slices is much quicker than a loop."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
