"""The figures of the last minutes, second by second, in memory."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Iterable

from alma.observability.catalog import METRICS

SECONDS = 360
_PLACES = {metric.name: place for place, metric in enumerate(METRICS)}
_NONE = float("nan")
_EMPTY = array("d", [_NONE] * len(METRICS))


class Recent:
    """At most `SECONDS` of them: some 0.2 MB. Where the clock jumped back, what lies ahead of it now is dropped."""

    def __init__(self) -> None:
        self._rows: OrderedDict[int, array[float]] = OrderedDict()

    def put(self, at: int, values: dict[str, float]) -> None:
        while self._rows and next(reversed(self._rows)) >= at:
            self._rows.popitem()
        row = array("d", _EMPTY)
        for name, value in values.items():
            row[_PLACES[name]] = value
        self._rows[at] = row
        while len(self._rows) > SECONDS:
            self._rows.popitem(last=False)

    def series(self, at: Iterable[int], name: str) -> list[float | None]:
        """The value of each of these seconds."""
        place, rows = _PLACES[name], self._rows
        found: list[float | None] = []
        for second in at:
            row = rows.get(second)
            value = row[place] if row is not None else _NONE
            found.append(value if value == value else None)
        return found

    @property
    def last(self) -> dict[str, float]:
        """The values of the newest second."""
        if not self._rows:
            return {}
        row = next(reversed(self._rows.values()))
        return {name: row[place] for name, place in _PLACES.items() if row[place] == row[place]}
