"""Which member of a pool takes a call: the one with which the call is likely to be done first. No I/O, no waiting."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from alma.models.chat import ChatModel
from alma.models.endpoints import Price
from alma.models.traffic import Traffic

SPREAD = 0.25  # of a call's time: what a member is held back by when it had just its share of the last calls
NEAR = 2.0  # times the best one's score within which a member is as good to wait for
GRAIN = 0.1  # seconds added to what every call takes: differences below that are mostly noise, and nobody notices them
UNKNOWN = 1.0  # seconds that a call is taken to last where none was seen yet, anywhere
REMEMBERED = 0.05  # weight of the last call in the shares of the members


class Member(Struct, frozen=True, eq=False):
    """An endpoint in a pool. `model`: what it calls the model; `weight`: its part of the calls, next to the others'."""

    client: ChatModel
    traffic: Traffic
    model: str
    weight: float = 1.0
    price: Price = Price()

    @property
    def name(self) -> str:
        return self.client.endpoint


class Shares:
    """What part of the last calls each member had."""

    def __init__(self) -> None:
        self._of: dict[str, float] = {}

    def took(self, name: str) -> None:
        for other in self._of:
            self._of[other] *= 1 - REMEMBERED
        self._of[name] = self._of.get(name, 0.0) + REMEMBERED

    def of(self, name: str) -> float:
        return self._of.get(name, 0.0)


def ranked(members: Sequence[Member], now: float, shares: Shares) -> list[tuple[float, Member]]:
    """The members with their scores, best first. A score is the seconds after which a call that begins now should be
    done there: the time of a call, more for calls that fail, and for those that are in the way; then a little more for
    a member that had its share already, so that equals take turns."""
    known = [member.traffic.health.expected_s(now) for member in members]
    unknown = min((seconds for seconds in known if seconds > 0), default=UNKNOWN)
    due = sum(member.weight for member in members) / len(members)
    scores = [
        (_score(member, member.traffic.expected_s(now, unknown), member.weight / due, len(members), now, shares), index)
        for index, member in enumerate(members)
    ]
    return [(score, members[index]) for score, index in sorted(scores)]


def near(order: Sequence[tuple[float, Member]]) -> list[Member]:
    """Those that are as good as the best one, or nearly so."""
    return [member for score, member in order if score <= NEAR * order[0][0]]


def _score(member: Member, seconds: float, weight: float, count: int, now: float, shares: Shares) -> float:
    traffic = member.traffic
    failing = traffic.health.share_of_errors(now)
    load = (traffic.gate.active + traffic.gate.queued) / traffic.gate.limit
    spread = SPREAD * shares.of(member.name) * count
    return (seconds + GRAIN) / (1 - failing) * (1 + (load + spread) / weight)
