"""What tokens a text has at one model, learned from what its endpoint reports: a value, and how far it may be off.

The tokens of a text are taken to be a weighted sum of its `features` and of the messages it stands in. The weights are
followed by a Kalman filter (recursive least squares with a prior): they begin as what common tokenizers have in
common, each as uncertain as these differ, and every report narrows those that it speaks of. The error bound comes from
the same filter: a script of which no report has spoken yet stays as uncertain as it was. Pure; figures are in
docs/decisions/0012-counting.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any, cast

from alma.models.tokens import FEATURES, Features

# One entry for each feature, then one for each message of a chat (its template's own tokens). The means lie between
# cl100k_base, o200k_base, SmolLM2 and a BERT vocabulary; the spreads reach from one to the other.
_MEAN = (0.19, 0.45, 0.35, 0.85, 0.6, 0.25, 1.5, 0.8, 0.5, 0.7, 0.8, 0.6, 2.5, 1.2, 1.4, 4.0)
_SPREAD = (0.25, 0.6, 0.7, 0.5, 0.5, 0.8, 1.2, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.5, 0.6, 1.0)  # of the mean
_SIZE = FEATURES + 1
_LEAST = 0.1  # of its mean: no weight falls below it
_NOISE = 0.08  # of a text's tokens: what features cannot tell, before it is known
_NOISE_RANGE = (0.05, 0.25)
_GRAIN = 0.5  # variance a token: single words are more or less than their features
_CLIP = 3.0  # standard deviations: a report further off moves the weights no more than that
_SAFE = 2.2  # standard deviations of the safe side; what that covers was measured, errors are not quite normal
_MEMORY = 400  # reports after which an old one has lost most of its say
_USUAL = (700, 30, 160, 8, 30, 4) + (0,) * (FEATURES - 6)  # English prose, 900 characters


class Calibration:
    """Weights of one model. `seen`: how many reports they were learned from."""

    __slots__ = ("_mix", "_noise", "_spread", "_weights", "seen")

    def __init__(self) -> None:
        self.seen = 0
        self._weights = list(_MEAN)
        self._spread = [[0.0] * _SIZE for _ in range(_SIZE)]  # the covariance of the weights
        for at, (mean, spread) in enumerate(zip(_MEAN, _SPREAD, strict=True)):
            self._spread[at][at] = (mean * spread) ** 2
        self._noise = _NOISE**2
        self._mix = [float(count) for count in (*_USUAL, 1)]  # of the texts that came last

    def typical(self, counts: Features, messages: int = 0) -> float:
        """The likeliest number of tokens."""
        return sum(count * weight for count, weight in zip((*counts, messages), self._weights, strict=True) if count)

    def safe(self, counts: Features) -> float:
        """A number of tokens that fewer than 1 in 20 texts with these features pass."""
        mean, variance = self._predict(_sparse((*counts, 0)))
        return mean + _SAFE * sqrt(variance)

    @property
    def error(self) -> float:
        """How far the truth may be from the typical number, as a part of it, for texts like those that came last."""
        mean, variance = self._predict(_sparse(self._mix))
        return _SAFE * sqrt(variance) / mean if mean else 0.0

    def learn(self, counts: Features, messages: int, tokens: float) -> None:
        """Texts with these features, in so many messages, had `tokens` tokens. A report that is far off counts as one
        that is a little off, so that neither an outlier nor a lie can spoil what was learned."""
        row = _sparse((*counts, messages))
        mean, variance = self._predict(row)
        if mean <= 0:
            return
        limit = _CLIP * sqrt(variance)
        surprise = max(-limit, min(limit, tokens - mean))
        covered = self._times(row)
        for at, part in enumerate(covered):
            moved = self._weights[at] + part / variance * surprise
            self._weights[at] = max(moved, _LEAST * _MEAN[at])
            mine = self._spread[at]
            for other in range(_SIZE):
                mine[other] -= part * covered[other] / variance
            mine[at] = min(mine[at] * (1 + 1 / _MEMORY), (_MEAN[at] * _SPREAD[at]) ** 2)
        self.seen += 1
        pace = 1 / min(self.seen + 5, 50)
        least, most = _NOISE_RANGE
        self._noise = max(least**2, min(most**2, self._noise * (1 + (surprise**2 / variance - 1) * pace)))
        share = max(0.1, 1 / (self.seen + 1))
        self._mix = [old + (new - old) * share for old, new in zip(self._mix, (*counts, messages), strict=True)]

    def _predict(self, row: list[tuple[int, float]]) -> tuple[float, float]:
        """Mean and variance of the tokens of a text with the features `row`."""
        mean = sum(count * self._weights[at] for at, count in row)
        weights = sum(count * sum(other * self._spread[at][to] for to, other in row) for at, count in row)
        return mean, max(weights, 0.0) + self._noise * mean * mean + _GRAIN * mean

    def _times(self, row: list[tuple[int, float]]) -> list[float]:
        return [sum(count * mine[at] for at, count in row) for mine in self._spread]

    # ── at rest ───────────────────────────────────────────────────────────────────────────────────────────────────

    def dump(self) -> dict[str, Any]:
        """As JSON can hold it."""
        parts = {"weights": self._weights, "spread": self._spread, "mix": self._mix, "noise": self._noise}
        return {"seen": self.seen, **parts}

    @classmethod
    def load(cls, kept: Any) -> Calibration:
        """What `dump` gave. Raises ValueError for anything else."""
        self = cls()
        try:
            fields = cast("dict[str, Any]", kept)
            self.seen = int(fields["seen"])
            self._noise = float(fields["noise"])
            self._weights, self._mix = _numbers(fields["weights"]), _numbers(fields["mix"])
            self._spread = [_numbers(line) for line in fields["spread"]]
            shapes = (len(self._weights), len(self._mix), len(self._spread), *(len(line) for line in self._spread))
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"no calibration: {error!r}") from None
        if set(shapes) != {_SIZE} or not 0 < self._noise < 1:
            raise ValueError("a calibration of other features")
        return self


def _sparse(counts: Sequence[float]) -> list[tuple[int, float]]:
    return [(at, count) for at, count in enumerate(counts) if count]


def _numbers(values: Any) -> list[float]:
    return [float(value) for value in values]
