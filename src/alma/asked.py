"""What a store that keeps the last used things was asked for: how often it had it, and how often it had let it go."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

_REMEMBERED = 4096  # things let go, by a hash of each: some 400 KB


class Asked:
    """`hits`, `misses`: since the start. `returns`: misses of what was there before and had to make room."""

    __slots__ = ("_gone", "hits", "misses", "returns")

    def __init__(self) -> None:
        self.hits = self.misses = self.returns = 0
        self._gone: OrderedDict[int, None] = OrderedDict()

    @property
    def figures(self) -> tuple[int, int, int]:
        return self.hits, self.misses, self.returns

    def missed(self, key: Hashable) -> None:
        self.misses += 1
        if self._gone and hash(key) in self._gone:
            del self._gone[hash(key)]
            self.returns += 1

    def let_go(self, key: Hashable) -> None:
        """It had to make room."""
        self._gone[hash(key)] = None
        if len(self._gone) > _REMEMBERED:
            self._gone.popitem(last=False)
