"""Feeds: between the bus and the subscriptions. One per followed thread; each item is encoded once for all of them."""

from __future__ import annotations

from alma.engine.bus import Bus, Item
from alma.events import Delta
from alma.session import encode
from alma.session.subscription import Subscription


class Feeds:
    """Holds a feed for every thread that somebody follows."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._feeds: dict[str, _Feed] = {}

    def add(self, subscription: Subscription) -> None:
        feed = self._feeds.get(subscription.thread_id)
        if feed is None:
            feed = self._feeds[subscription.thread_id] = _Feed(subscription.thread_id)
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


class _Feed:
    def __init__(self, thread_id: str) -> None:
        self.thread_id = thread_id
        self.subscriptions: list[Subscription] = []
        self.unsubscribe = lambda: None

    def pass_on(self, item: Item) -> None:
        if isinstance(item, Delta):
            frame = encode.delta_frame(item)
            for subscription in self.subscriptions:
                subscription.offer_delta(item, frame)
        else:
            frame = encode.entry_frame(self.thread_id, item)
            for subscription in self.subscriptions:
                subscription.offer_entry(item, frame)
