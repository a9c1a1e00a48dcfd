"""News for everybody who watches the list of threads and the models; not about one run, and not in the journal."""

from __future__ import annotations

from collections.abc import Callable

from alma.session import encode
from alma.session.wire import Payload

Listener = Callable[[str], None]


class Notices:
    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    @property
    def watched(self) -> bool:
        return bool(self._listeners)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every frame from now on; returns how to end that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def broadcast(self, payload: Payload) -> None:
        if self._listeners:
            frame = encode.custom(payload)
            for listener in list(self._listeners):
                listener(frame)
