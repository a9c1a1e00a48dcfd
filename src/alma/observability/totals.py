"""What has ended since the start, under the labels that Prometheus shows it with. Names beyond a bound stand together:
each label is a series that somebody's Prometheus keeps."""

from __future__ import annotations

from msgspec import Struct, field

from alma.observability.ended import Call
from alma.observability.sketch import Sketch

MOST_NAMES = 50  # of agents, models and providers each
MOST_ROUTES = 200
OTHER = "other"


class CallTotals(Struct):
    """Of one agent, model and provider. `errors`: durations of calls that failed, by the error's code."""

    duration: Sketch = field(default_factory=Sketch)
    first_token: Sketch = field(default_factory=Sketch)
    input_tokens: Sketch = field(default_factory=Sketch)
    output_tokens: Sketch = field(default_factory=Sketch)
    cost: float = 0.0
    errors: dict[str, Sketch] = field(default_factory=dict[str, Sketch])


class RouteTotals(Struct):
    """HTTP requests of one route. `ms`: how long their answers took; `statuses`: how many, by the status' class."""

    ms: Sketch = field(default_factory=Sketch)
    statuses: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def errors(self) -> int:
        return self.statuses.get("5xx", 0)


class _Names:
    """The first so many names; all others are `OTHER`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()

    def of(self, name: str) -> str:
        if name in self._known:
            return name
        if len(self._known) >= self._most:
            return OTHER
        self._known.add(name)
        return name


class Totals:
    """`calls`: by agent, model and provider (who answered); `routes`: by method and route."""

    def __init__(self) -> None:
        self.calls: dict[tuple[str, str, str], CallTotals] = {}
        self.routes: dict[tuple[str, str], RouteTotals] = {}
        self.cache: dict[str, int] = {}
        self.ends: dict[str, int] = {}
        self._names = (_Names(MOST_NAMES), _Names(MOST_NAMES), _Names(MOST_NAMES))
        self._codes = _Names(MOST_NAMES)

    def ended(self, row: Call) -> None:
        """A call. What the cache answered is no call of a model: only that it did is counted."""
        if row.cache:
            self.cache[row.cache] = self.cache.get(row.cache, 0) + 1
            return
        agents, models, providers = self._names
        key = agents.of(row.agent), models.of(row.model), providers.of(row.endpoint)
        total = self.calls.get(key)
        if total is None:
            total = self.calls[key] = CallTotals()
        total.cost += row.cost
        if row.input_tokens:
            total.input_tokens.add(row.input_tokens)
        if row.output_tokens:
            total.output_tokens.add(row.output_tokens)
        if row.error:
            total.errors.setdefault(self._codes.of(row.error), Sketch()).add(row.ms)
            return
        total.duration.add(row.ms)
        if row.first_token_ms is not None:
            total.first_token.add(row.first_token_ms)

    def run_ended(self, status: str) -> None:
        self.ends[status] = self.ends.get(status, 0) + 1

    def answered(self, method: str, route: str, status: int, ms: float) -> None:
        """An HTTP request."""
        key = (method, route)
        total = self.routes.get(key)
        if total is None:
            if len(self.routes) >= MOST_ROUTES:
                key = ("other", OTHER)
            total = self.routes.setdefault(key, RouteTotals())
        total.ms.add(ms)
        kind = f"{status // 100}xx"
        total.statuses[kind] = total.statuses.get(kind, 0) + 1
