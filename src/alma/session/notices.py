"""News for everybody who watches the list of threads and the models; not about one run, and not in the journal."""

from __future__ import annotations

from collections.abc import Callable

from alma.session import encode
from alma.session.wire import Payload

Listener = Callable[[str], None]


class Notices:
    def __init__(self) -> None:
        self._listeners: list[tuple[str, Listener]] = []

    @property
    def watched(self) -> bool:
        return bool(self._listeners)

    def subscribe(self, owner: str, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every frame for `owner` from now on; returns how to end that."""
        entry = (owner, listener)
        self._listeners.append(entry)
        return lambda: self._listeners.remove(entry)

    def broadcast(self, payload: Payload, owner: str | None = None) -> None:
        """Tell the watchers of `owner`; None: everybody."""
        if self._listeners:
            frame = encode.custom(payload)
            for whose, listener in list(self._listeners):
                if owner is None or owner == whose:
                    listener(frame)
