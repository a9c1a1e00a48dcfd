"""Counting tokens: a counter for every model of every endpoint, by its tokenizer where there is one, else by estimate.

Three ways, the best that is there: the endpoint's own /tokenize; `encodings.py` for OpenAI's models; a `Calibration`
that learns from what the endpoint reports. Counts for prompts are on the safe side, counts of what was used are likely
ones. `Counters` keeps what was learned across restarts. Knows no HTTP: the tokenizer of an endpoint is a function.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from math import ceil
from pathlib import Path
from typing import Any

import msgspec

from alma.errors import EndpointError
from alma.models.calibration import Calibration
from alma.models.chat import ChatMessage, Counted
from alma.models.encodings import Encode, Encodings, may_know
from alma.models.tokens import ByText, Features, Live, features

log = logging.getLogger(__name__)

Tokenize = Callable[[str], Awaitable[int]]

CACHED = 8192  # texts whose count is remembered, for each model
COUNT_BYTES = 256  # of one that is
AT_ONCE = 20_000  # characters that are counted on the loop; more go to a thread
DEAF = 30.0  # seconds for which a tokenizer that failed is not asked
MISSES = 5  # reports in a row far from an encoding's counts, after which the model is taken not to have it
SAVE_EVERY = 60.0  # seconds
REMEMBERED = 256  # models
LONG_PIECE = 24  # characters; a piece of an answer that is longer is more than one token
NO_PIECE = 1 << 30


_UNUSED = Counted("estimated", round(Calibration().error * 100, 1))


class Counter:
    """Of one model. `tokenize`: its endpoint's tokenizer. `known`: features of texts, shared with other counters."""

    def __init__(
        self, known: ByText[Features], calibration: Calibration | None = None, tokenize: Tokenize | None = None
    ) -> None:
        self.calibration = calibration or Calibration()
        self.per_piece = 0.0  # tokens in a piece of its streams; 0: not known yet
        self.per_char = 0.0
        self.tokenize = tokenize
        self._encode: Encode | None = None
        self._features = known
        self._counts: ByText[int] = ByText(CACHED)
        self._error = self.calibration.error
        self._deaf_until = 0.0
        self._misses = 0

    # ── asking ────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def counting(self) -> Counted:
        if self._encode is not None or self._asks():
            return Counted("exact")
        return Counted("estimated", round(self.calibration.error * 100, 1))

    @property
    def by_text(self) -> ByText[int]:
        return self._counts

    def counted(self, text: str) -> int | None:
        """As `count`, if that takes no time; None: it has to be awaited."""
        known = self._counts.get(text)
        if known is not None or not text:
            return known or 0
        if len(text) > AT_ONCE or self._asks():
            return None
        return self._here(text)

    async def count(self, text: str) -> int:
        """Tokens of `text`: exact, or hardly ever too low."""
        if (known := self.counted(text)) is not None:
            return known
        if (exact := await self._ask(text)) is not None:
            return exact
        if len(text) <= AT_ONCE:
            return self._here(text)
        return await asyncio.to_thread(self._here, text)

    def likely(self, text: str) -> float:
        """The likeliest number of tokens, at once. For what was used, so it is not remembered."""
        if self._encode is not None and len(text) <= AT_ONCE:
            return float(self._encode(text))
        return self.calibration.typical(features(text))

    def likely_again(self, text: str) -> float:
        """As `likely`, for a text that is counted at every call."""
        return self.calibration.typical(self._look(text))

    def likely_prompt(self, messages: Sequence[ChatMessage]) -> float:
        """The likeliest number of tokens of a chat, with what its template adds."""
        return self.calibration.typical(*self._look_at(messages))

    def live(self) -> Live:
        """How the pieces of its next stream are counted."""
        if not self.per_piece:
            return Live(LONG_PIECE, self.likely)
        if 0.8 < self.per_piece < 1.25:
            return Live(NO_PIECE, self.likely)
        per_char = self.per_char
        return Live(-1, lambda text: len(text) * per_char)

    def _asks(self) -> bool:
        """Whether the endpoint itself is asked."""
        return self.tokenize is not None and time.monotonic() >= self._deaf_until

    async def _ask(self, text: str) -> int | None:
        if self.tokenize is None or not self._asks():
            return None
        try:
            count = await self.tokenize(text)
        except EndpointError:
            self._deaf_until = time.monotonic() + DEAF
            return None
        self._counts.put(text, count)
        return count

    def _here(self, text: str) -> int:
        """By encoding or estimate."""
        encode = self._encode
        count = encode(text) if encode is not None else ceil(self.calibration.safe(self._look(text)))
        if self.tokenize is None:  # else it is a stopgap
            self._counts.put(text, count)
        return count

    def _look(self, text: str) -> Features:
        found = self._features.get(text)
        if found is None:
            found = features(text)
            self._features.put(text, found)
        return found

    def _look_at(self, messages: Sequence[ChatMessage]) -> tuple[Features, int]:
        looked = [self._look(message.content) for message in messages]
        looked += [self._look(call.name + call.arguments) for message in messages for call in message.tool_calls or ()]
        return tuple(map(sum, zip(*looked, strict=True))), len(messages)

    # ── learning ──────────────────────────────────────────────────────────────────────────────────────────────────

    def encode_by(self, encode: Encode | None) -> None:
        """Count by an encoding from now on."""
        self._encode = encode
        self._counts.clear()

    def prompt_had(self, messages: Sequence[ChatMessage], tokens: int) -> None:
        """The endpoint reported so many tokens for a prompt of these messages and nothing else."""
        looked, count = self._look_at(messages)
        if self._encode is not None and all(len(message.content) <= AT_ONCE for message in messages):
            exact = sum(self._encode(message.content) for message in messages)
            off = not 0.75 * exact - 8 <= tokens <= 1.25 * exact + 16 * count + 64
            self._misses = self._misses + 1 if off else 0
            if self._misses >= MISSES:  # called like a model whose encoding is known, but it is another one
                self.encode_by(None)
        self.calibration.learn(looked, count, tokens)
        error = self.calibration.error
        if self._encode is None and not self._asks() and abs(error - self._error) > 0.03:
            self._error = error
            self._counts.clear()

    def stream_had(self, pieces: int, chars: int, tokens: int) -> None:
        """A stream of so many pieces and characters was so many tokens. Short ones tell nothing."""
        if pieces < 8 or chars <= 0 or tokens <= 0:
            return
        per_piece, per_char = min(tokens / pieces, 64.0), min(tokens / chars, 4.0)
        share = 0.3 if self.per_piece else 1.0
        self.per_piece += (per_piece - self.per_piece) * share
        self.per_char += (per_char - self.per_char) * share

    # ── at rest ───────────────────────────────────────────────────────────────────────────────────────────────────

    def dump(self) -> dict[str, Any]:
        pieces = {"per_piece": self.per_piece, "per_char": self.per_char}
        return {**pieces, "calibration": self.calibration.dump()}

    def load(self, kept: dict[str, Any]) -> None:
        """What `dump` gave. Raises ValueError, KeyError or TypeError for anything else."""
        self.calibration = Calibration.load(kept["calibration"])
        self.per_piece, self.per_char = float(kept["per_piece"]), float(kept["per_char"])
        self._error = self.calibration.error


class Counters:
    """All counters of a process. `data_dir`: where `counting.json` keeps what was learned, and the files of encodings
    are; None: nothing is kept and nothing fetched. `run` does what takes time; without it there are only estimates."""

    def __init__(self, data_dir: Path | None = None) -> None:
        self._path = data_dir / "counting.json" if data_dir is not None else None
        self._encodings = Encodings(data_dir)
        self._counters: OrderedDict[tuple[str, str], Counter] = OrderedDict()
        self._features: ByText[Features] = ByText(CACHED)
        self._wanted: OrderedDict[tuple[str, str], Counter] = OrderedDict()
        self._called = asyncio.Event()
        self._kept = _read(self._path)
        self._changed = False

    def of(self, endpoint: str, model: str, tokenize: Tokenize | None = None) -> Counter:
        """The counter of a model. Of very many models the one used longest ago is forgotten."""
        key = (endpoint, model)
        counter = self._counters.get(key)
        if counter is None:
            counter = self._counters[key] = Counter(self._features, tokenize=tokenize)
            if kept := self._kept.pop(f"{endpoint}/{model}", None):
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    counter.load(kept)
            if tokenize is None and may_know(model):
                self._wanted[key] = counter
                self._called.set()
            if len(self._counters) > REMEMBERED:
                self._counters.popitem(last=False)
        else:
            self._counters.move_to_end(key)
            counter.tokenize = tokenize or counter.tokenize  # the endpoint may have a new address
        return counter

    @property
    def by_text(self) -> list[ByText[Features] | ByText[int]]:
        """All that is remembered of texts."""
        return [self._features, *(counter.by_text for counter in self._counters.values())]

    def told(self, endpoint: str, model: str, *, exact: bool) -> Counted:
        """How a model is counted, or would be when it is first used: `exact`, if its endpoint has a tokenizer."""
        counter = self._counters.get((endpoint, model))
        return counter.counting if counter is not None else Counted("exact") if exact else _UNUSED

    def learned(self) -> None:
        """Something is worth keeping."""
        self._changed = True

    async def run(self) -> None:
        """Load encodings when a model may have one, and keep what was learned, until cancelled."""
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(SAVE_EVERY):
                        await self._called.wait()
                self._called.clear()
                while self._wanted:
                    (_, model), counter = self._wanted.popitem(last=False)
                    encode = await asyncio.to_thread(self._encodings.load, model)
                    if encode is not None:
                        counter.encode_by(encode)
                await asyncio.to_thread(self.save)
        finally:
            self.save()

    def save(self) -> None:
        """Write what was learned since the last time. A full disk costs only that."""
        if self._path is None or not self._changed:
            return
        self._changed = False
        known = {f"{endpoint}/{model}": counter.dump() for (endpoint, model), counter in list(self._counters.items())}
        kept = {name: value for name, value in dict(self._kept).items() if name not in known}  # a copy: see `of`
        newest = dict([*kept.items(), *known.items()][-REMEMBERED:])
        part = self._path.with_suffix(".part")
        try:
            part.write_bytes(msgspec.json.encode(newest))
            part.replace(self._path)
        except OSError as error:
            log.warning("what was learned about counting could not be kept: %s", error)


def _read(path: Path | None) -> dict[str, Any]:
    """What an earlier process learned; nothing when that cannot be read."""
    if path is None:
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
