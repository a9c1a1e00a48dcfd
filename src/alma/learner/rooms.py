"""How much room each store of kept things has: one budget that all share, and that goes where it spares most. Pure.

A store that is asked for what it had to let go would have spared something with more room. What that is worth, by the
byte, decides: at each step the store that lost most by the byte gets a little from the one that lost least. The whole
stays the same to the byte, and each store keeps its floor.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

FLOOR, CEILING = 0.25, 4.0  # of what a store has to begin with
STEP = 1 / 16  # of what it has to begin with, at once
FADES = 0.9  # what was lost counts so much a step later
MIB = 1 << 20


class Room(Struct, frozen=True):
    """`usual`: bytes to begin with; `most`: that it may take now. `spares`: seconds that having a thing spares; `lost`:
    seconds that were lost lately because it had to be let go. `returns`: as the store last counted them."""

    name: str
    usual: int
    most: int
    spares: float
    lost: float = 0.0
    returns: int = 0
    why: str = "As it began."

    @property
    def floor(self) -> int:
        return int(self.usual * FLOOR)

    @property
    def ceiling(self) -> int:
        return int(self.usual * CEILING)


def divided(whole: int, rooms: Sequence[Room]) -> list[Room]:
    """The rooms with their parts of `whole`, as they are to each other; the last has what rounding leaves."""
    usual = sum(room.usual for room in rooms)
    parts = [room.usual * whole // usual for room in rooms]
    parts[-1] += whole - sum(parts)
    return [replace(room, usual=part, most=part) for room, part in zip(rooms, parts, strict=True)]


def heard(room: Room, returns: int) -> Room:
    """After another step in which a store has counted so many returns in all."""
    new = max(returns - room.returns, 0)
    return replace(room, lost=room.lost * FADES + new * room.spares, returns=returns)


def moved(rooms: Sequence[Room]) -> list[Room]:
    """One step: at most one store gets something, from one other."""
    needy = [room for room in rooms if room.lost > 0 and room.most < room.ceiling]
    if not needy:
        return list(rooms)
    to = max(needy, key=_by_byte)
    giving = [room for room in rooms if room is not to and room.most > room.floor and _by_byte(room) < _by_byte(to) / 2]
    if not giving:
        return list(rooms)
    source = min(giving, key=lambda room: (_by_byte(room), -room.most / room.usual))
    size = min(int(to.usual * STEP), source.most - source.floor, to.ceiling - to.most)
    if size <= 0:
        return list(rooms)
    got = f"{size / MIB:.1f} MiB"
    new = {
        to.name: replace(
            to, most=to.most + size, why=f"Got {got} of {source.name}: it was asked for what it had let go."
        ),
        source.name: replace(
            source, most=source.most - size, why=f"Gave {got} to {to.name}, which lost more by having less."
        ),
    }
    return [new.get(room.name, room) for room in rooms]


def _by_byte(room: Room) -> float:
    return room.lost / room.most
