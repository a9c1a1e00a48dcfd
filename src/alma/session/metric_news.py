"""The figures of each second, for the connections that watch them: encoded once, and not at all where nobody does."""

from __future__ import annotations

from collections.abc import Callable

from alma.errors import Conflict
from alma.session import encode
from alma.session.wire import MetricsNow

Listener = Callable[[str], None]


class MetricNews:
    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def watch(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` (which must not wait) with every second's frame; returns how to end that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def tell(self, second: int, values: dict[str, float]) -> None:
        if self._listeners:
            rounded = {name: _rounded(value) for name, value in values.items()}
            frame = encode.custom(MetricsNow(at=float(second), values=rounded))
            for listener in list(self._listeners):
                listener(frame)


def _rounded(value: float) -> float:
    """To what a chart can show: five digits of it."""
    return float(f"{value:.5g}") if value < 1e5 else float(round(value))


def metrics_off() -> Conflict:
    return Conflict(
        "metrics_off",
        "No figures are taken here.",
        expected="ALMA_METRICS=true",
        actual="ALMA_METRICS=false",
        hint="Set ALMA_METRICS=true and start Alma again.",
    )
