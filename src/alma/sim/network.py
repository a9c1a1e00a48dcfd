"""What processes tell each other in a simulated world: the bus, and the queue of tickets.

Both keep the promises of their protocols and no more. The bus delivers at once at home; elsewhere late, in the
publisher's order, or not at all. The queue gives out a ticket again when its worker is silent for too long; tickets are
delayed, come in any order, come twice, and are lost on their way to the queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from msgspec import Struct

from alma.engine.bus import Item, LocalBus
from alma.engine.dispatch import Ticket
from alma.sim.world import SimLoop, World

_LATENCY_S = 0.01  # most that a message takes, mostly
_SLOW_S = 2.0  # and at worst
LEASE_S = 6.0  # of silence until a ticket is given to another worker
HEARTBEAT_S = 2.0


class Losses(Struct):
    """How often things go wrong on the way, of 1."""

    news: float = 0.0  # what the bus carries
    tickets: float = 0.0  # lost on the way to the queue
    twice: float = 0.0  # given out a second time
    acks: float = 0.0


class Network:
    """Everything between the processes of a world."""

    def __init__(self, world: World, losses: Losses) -> None:
        self.world = world
        self.losses = losses
        self.cut_off: set[SimLoop] = set()  # their news reach nobody, and none reaches them
        self.buses: list[SimBus] = []

    def latency(self) -> float:
        draw = self.world.random.random()
        return draw * (_LATENCY_S if draw < 0.95 else _SLOW_S)

    def carry(self, sender: SimBus, topic: str, item: Item) -> None:
        for bus in self.buses:
            if bus is sender or bus.loop.dead:
                continue
            if sender.loop in self.cut_off or bus.loop in self.cut_off or self.world.chance(self.losses.news):
                continue
            at = sender.arrives[bus] = self.world.in_order(sender.arrives.get(bus, 0.0), self.latency())
            self.world.at(at, bus.loop.call_soon, bus.hear, topic, item)


class SimBus(LocalBus):
    """One process's end of the bus."""

    def __init__(self, network: Network, loop: SimLoop) -> None:
        super().__init__()
        self.loop = loop
        self.arrives: dict[SimBus, float] = {}  # when the last item for each other process gets there
        self._network = network
        network.buses.append(self)

    def publish(self, topic: str, item: Item) -> None:
        super().publish(topic, item)
        self._network.carry(self, topic, item)

    def hear(self, topic: str, item: Item) -> None:
        """News from another process."""
        super().publish(topic, item)


class _Held(Struct):
    """A ticket that the queue knows. `delivery` counts how often it was given out."""

    ticket: Ticket
    delivery: int = 0
    lease_until: float = 0.0


class TicketQueue:
    """The queue that all processes share. It outlives them."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.world = network.world
        self._held: dict[tuple[str, str], _Held] = {}
        self._waiting: list[SimDispatcher] = []

    def put(self, ticket: Ticket) -> None:
        key = (ticket.run_id, ticket.task_id)
        if key in self._held:
            return
        self._held[key] = _Held(ticket)
        self.world.at(max(ticket.not_before, self.world.now), self._give_out)

    def wait(self, dispatcher: SimDispatcher) -> None:
        self._waiting.append(dispatcher)
        self._give_out()

    def beat(self, key: tuple[str, str], delivery: int) -> None:
        held = self._held.get(key)
        if held is not None and held.delivery == delivery:
            self._lease(held, LEASE_S)

    def done(self, key: tuple[str, str], delivery: int) -> None:
        held = self._held.get(key)
        if held is not None and held.delivery == delivery:
            del self._held[key]

    def _lease(self, held: _Held, seconds: float) -> None:
        held.lease_until = self.world.now + seconds
        self.world.at(held.lease_until + 0.001, self._give_out)

    def _give_out(self) -> None:
        self._waiting = [one for one in self._waiting if not one.loop.dead]
        while self._waiting:
            now = self.world.now
            free = [one for one in self._held.values() if one.lease_until <= now and one.ticket.not_before <= now]
            if not free:
                return
            held = free[int(self.world.random.random() * len(free))]
            dispatcher = self._waiting.pop(int(self.world.random.random() * len(self._waiting)))
            held.delivery += 1
            self._lease(held, 0.01 if self.world.chance(self.network.losses.twice) else LEASE_S)
            self.world.after(self.network.latency(), dispatcher.take, held.ticket, held.delivery)


class SimDispatcher:
    """One process's end of the queue; a `Dispatcher`."""

    def __init__(self, queue: TicketQueue, loop: SimLoop) -> None:
        self.loop = loop
        self._queue = queue
        self._claims: list[asyncio.Future[Ticket]] = []
        self._deliveries: dict[tuple[str, str], int] = {}

    def enqueue(self, ticket: Ticket) -> None:
        if not self._queue.world.chance(self._queue.network.losses.tickets):
            self._send(self._queue.put, ticket)

    async def claim(self) -> Ticket:
        future: asyncio.Future[Ticket] = self.loop.create_future()
        self._claims.append(future)
        self._send(self._queue.wait, self)
        return await future

    def take(self, ticket: Ticket, delivery: int) -> None:
        """A ticket has come. Runs outside of the process, which may be dead or paused."""
        self.loop.call_soon(self._taken, ticket, delivery)

    def _taken(self, ticket: Ticket, delivery: int) -> None:
        future = self._claims.pop()
        if not future.done():
            self._deliveries[ticket.run_id, ticket.task_id] = delivery
            future.set_result(ticket)

    def heartbeat(self, tickets: Iterable[Ticket]) -> None:
        for ticket in tickets:
            key = (ticket.run_id, ticket.task_id)
            if key in self._deliveries:
                self._send(self._queue.beat, key, self._deliveries[key])

    def ack(self, ticket: Ticket) -> None:
        key = (ticket.run_id, ticket.task_id)
        delivery = self._deliveries.pop(key, None)
        if delivery is not None and not self._queue.world.chance(self._queue.network.losses.acks):
            self._send(self._queue.done, key, delivery)

    def _send(self, what: Callable[..., None], *args: object) -> None:
        if not self.loop.dead:
            self._queue.world.after(self._queue.network.latency(), what, *args)
