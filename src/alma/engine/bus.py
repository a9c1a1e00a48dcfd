"""The bus carries what need not survive: news that the journal has grown, and text as it streams.

Topics are thread ids. Delivery is at most once and in order per publisher; a subscriber that notices a gap (by `seq`
or `n`) reads the journal. `LocalBus` serves one process.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from alma.events import Delta, Recorded

log = logging.getLogger(__name__)
Item = Recorded | Delta
Listener = Callable[[Item], None]


class Bus(Protocol):
    def publish(self, topic: str, item: Item) -> None:
        """Hand `item` to the topic's listeners. Never waits, never raises."""
        ...

    def subscribe(self, topic: str, listener: Listener) -> Callable[[], None]:
        """Call `listener` (which must not wait) for every item from now on; returns how to end that."""
        ...


class LocalBus:
    """Calls the listeners on the spot: a token reaches the subscribers' queues without another wake-up."""

    def __init__(self) -> None:
        self._listeners: dict[str, tuple[Listener, ...]] = {}

    def publish(self, topic: str, item: Item) -> None:
        for listener in self._listeners.get(topic, ()):
            try:
                listener(item)
            except Exception:
                log.exception("a listener of %s failed; the publisher goes on", topic)

    def subscribe(self, topic: str, listener: Listener) -> Callable[[], None]:
        self._listeners[topic] = (*self._listeners.get(topic, ()), listener)

        def unsubscribe() -> None:
            rest = tuple(other for other in self._listeners.get(topic, ()) if other != listener)
            if rest:
                self._listeners[topic] = rest
            else:
                self._listeners.pop(topic, None)

        return unsubscribe
