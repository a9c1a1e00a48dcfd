"""Feeds: between the bus and the subscriptions. One per followed thread; each item is encoded once for all of them.

Text that comes faster than anybody reads is gathered: the first delta goes out at once, what follows within
`PACE_S` goes out together at its end. At 100 tokens a second or less nothing is ever held back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from alma.engine.bus import Bus, Item
from alma.events import Delta
from alma.session import encode
from alma.session.subscription import Subscription

PACE_S = 0.01  # a page is drawn every 16 ms; a frame per token at 1,000 tokens/s would cost it 16 wake-ups a picture


class Timer(Protocol):
    """The event loop's clock, as far as feeds need it."""

    def now(self) -> float: ...

    def call_at(self, when: float, callback: Callable[[], None]) -> object: ...


class LoopTimer:
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def call_at(self, when: float, callback: Callable[[], None]) -> object:
        return asyncio.get_running_loop().call_at(when, callback)


class Feeds:
    """Holds a feed for every thread that somebody follows."""

    def __init__(self, bus: Bus, timer: Timer | None = None) -> None:
        self._bus = bus
        self._timer = timer or LoopTimer()
        self._feeds: dict[str, _Feed] = {}

    def add(self, subscription: Subscription) -> None:
        feed = self._feeds.get(subscription.thread_id)
        if feed is None:
            feed = self._feeds[subscription.thread_id] = _Feed(subscription.thread_id, self._timer)
            feed.unsubscribe = self._bus.subscribe(subscription.thread_id, feed.pass_on)
        feed.subscriptions.append(subscription)

    def remove(self, subscription: Subscription) -> None:
        feed = self._feeds.get(subscription.thread_id)
        if feed is None or subscription not in feed.subscriptions:
            return
        feed.subscriptions.remove(subscription)
        if not feed.subscriptions:
            del self._feeds[subscription.thread_id]
            feed.unsubscribe()

    def end(self, thread_id: str, frame: str) -> None:
        """The thread is gone: say so to whoever follows it, and let go of them."""
        feed = self._feeds.pop(thread_id, None)
        if feed is not None:
            feed.unsubscribe()
            for subscription in feed.subscriptions:
                subscription.end(frame)


class _Feed:
    def __init__(self, thread_id: str, timer: Timer) -> None:
        self.thread_id = thread_id
        self.subscriptions: list[Subscription] = []
        self.unsubscribe = lambda: None
        self._timer = timer
        self._paces: dict[str, _Pace] = {}  # by message

    def pass_on(self, item: Item) -> None:
        if isinstance(item, Delta):
            pace = self._paces.get(item.message_id)
            if pace is None:
                pace = self._paces[item.message_id] = _Pace()
            self._paced(pace, item)
            return
        # An entry goes after the text that came before it in its message.
        message_id = getattr(item.entry, "message_id", None)
        if message_id is not None and (pace := self._paces.pop(message_id, None)) is not None:
            self._flush(pace)
        frame = encode.entry_frame(self.thread_id, item)
        for subscription in self.subscriptions:
            subscription.offer_entry(item, frame)

    def _paced(self, pace: _Pace, delta: Delta) -> None:
        if pace.held and not _continues(pace.held[-1], delta):
            self._flush(pace)
        now = self._timer.now()
        if not pace.held and now >= pace.due:
            pace.due = now + PACE_S
            self._offer(delta)
            return
        pace.held.append(delta)
        if not pace.waiting:
            pace.waiting = True
            self._timer.call_at(pace.due, lambda: self._due(pace))

    def _due(self, pace: _Pace) -> None:
        pace.waiting = False
        pace.due = self._timer.now() + PACE_S
        self._flush(pace)

    def _flush(self, pace: _Pace) -> None:
        if pace.held:
            held, pace.held = pace.held, []
            self._offer(held[0] if len(held) == 1 else _joined(held))

    def _offer(self, delta: Delta) -> None:
        frame = encode.delta_frame(delta)
        for subscription in self.subscriptions:
            subscription.offer_delta(delta, frame)


class _Pace:
    """Of one message: text that waits to be sent together, and when (loop time) text may go out again."""

    __slots__ = ("due", "held", "waiting")

    def __init__(self) -> None:
        self.held: list[Delta] = []
        self.due = 0.0
        self.waiting = False


def _continues(before: Delta, after: Delta) -> bool:
    return (
        before.channel == after.channel
        and before.attempt == after.attempt
        and before.message_id == after.message_id
        and after.n - len(after.text) == before.n
    )


def _joined(held: list[Delta]) -> Delta:
    last = held[-1]
    return Delta(
        last.thread_id,
        last.run_id,
        last.message_id,
        last.attempt,
        last.n,
        "".join(delta.text for delta in held),
        sum(delta.tokens for delta in held),
        last.channel,
        last.task_id,
    )
