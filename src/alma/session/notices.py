"""News for everybody who watches the list of threads and the models; not about one run, and not in the journal."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from alma.session import encode
from alma.session.wire import Payload

Listener = Callable[[str], None]


class _Watcher(Struct, frozen=True, eq=False):
    owner: str
    listener: Listener
    admin: bool


class Notices:
    def __init__(self) -> None:
        self._watchers: dict[_Watcher, None] = {}
        self._standing: dict[type[Payload], str] = {}

    @property
    def watched(self) -> bool:
        return bool(self._watchers)

    def subscribe(self, owner: str, listener: Listener, *, admin: bool = False) -> Callable[[], None]:
        """Call `listener` with every frame for `owner` from now on, an administrator's also with those for these; what
        stands is told at once. Returns how to end it."""
        watcher = _Watcher(owner, listener, admin)
        self._watchers[watcher] = None
        if admin:
            for frame in self._standing.values():
                listener(frame)
        return lambda: self._watchers.pop(watcher, None)

    def broadcast(
        self, payload: Payload, owner: str | None = None, *, admins: bool = False, plain: Payload | None = None
    ) -> None:
        """Tell the watchers of `owner`; None: everybody. `admins`: of them, administrators alone. `plain`: what the
        others are told in its place."""
        if self._watchers:
            frame = encode.custom(payload)
            to_others = frame if plain is None else encode.custom(plain)
            for watcher in list(self._watchers):
                if (owner is None or owner == watcher.owner) and (watcher.admin or not admins):
                    watcher.listener(frame if watcher.admin else to_others)

    def let_stand(self, payload: Payload) -> None:
        """Tell administrators how something is; those who come later hear the newest of its kind as they come."""
        self._standing[type(payload)] = encode.custom(payload)
        self.broadcast(payload, admins=True)
