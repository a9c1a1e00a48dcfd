"""One role is in demand and does its tasks well: what is done with shares that follow, beside shares that are fixed.

Users of four roles, through Alma's own queue: each asks, waits until the result is good, and asks again. A task takes a
place for some milliseconds; whether its result is good is drawn by its role's skill, and one that is not is done again.
`shares` learns demand from the queue and skills from results, as Alma does, a hundred times as fast. Rounds with fixed
shares and with shares that follow take turns; each begins knowing nothing.

    python -m bench.shares [--quick]
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import defaultdict

import uvloop

from alma.engine.dispatch import Limits, LocalDispatcher, Ticket
from alma.learner.shares import EVERY_S, Shares
from alma.learner.weights import Record
from bench import rig

SKILLS = {"coder": 0.9, "writer": 0.35, "analyst": 0.35, "critic": 0.35}
USERS = {"coder": 30, "writer": 10, "analyst": 10, "critic": 10}
PLACES = 6
TASK_S = 0.01
FASTER = 100


class Round:
    """One way of sharing, for some seconds."""

    def __init__(self, seed: int, *, follows: bool) -> None:
        self.chance = random.Random(seed)
        self.counts: dict[str, list[int]] = {role: [0, 0] for role in SKILLS}  # good, all
        self.shares = Shares(lambda: self.queue.demand(), self._record, [], lambda _roles: False, time.time)
        self.queue = LocalDispatcher(
            Limits(lambda _role: PLACES, in_all=PLACES), weight=self.shares.weight if follows else None
        )
        self.follows = follows
        self.good: dict[tuple[str, str], asyncio.Event] = {}
        self.asked: dict[tuple[str, str], float] = {}
        self.waits: dict[str, list[float]] = defaultdict(list)  # in the queue, by role
        self.until_good: list[float] = []

    def _record(self, _owner: str, role: str) -> Record:
        good, whole = self.counts[role]
        return Record((good + 1) / (whole + 2), float(whole))

    async def last(self, seconds: float) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._user(role, number)) for role, of in USERS.items() for number in range(of)]
            tasks += [group.create_task(self._place()) for _ in range(PLACES)]
            if self.follows:
                tasks.append(group.create_task(self._follow()))
            await asyncio.sleep(seconds)
            for task in tasks:
                task.cancel()
        for (role, _), since in self.asked.items():  # who waits at the end has waited for at least so long
            self.waits[role].append(time.perf_counter() - since)

    async def _user(self, role: str, number: int) -> None:
        count = 0
        while True:
            count += 1
            run, began = f"{number}.{count}", time.perf_counter()
            good = self.good[role, run] = asyncio.Event()
            self._ask(role, run)
            await good.wait()
            self.until_good.append(time.perf_counter() - began)

    def _ask(self, role: str, run: str) -> None:
        self.asked[role, run] = time.perf_counter()
        self.queue.enqueue(Ticket(f"{role}.{run}", "main", "ada", role, "m"))

    async def _place(self) -> None:
        while True:
            ticket = await self.queue.claim()
            role, _, run = ticket.run_id.partition(".")
            self.waits[role].append(time.perf_counter() - self.asked.pop((role, run)))
            await asyncio.sleep(TASK_S)
            self.queue.ack(ticket)
            good = self.chance.random() < SKILLS[role]
            self.counts[role][0] += good
            self.counts[role][1] += 1
            if good:
                self.good.pop((role, run)).set()
            else:
                self._ask(role, run)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S / FASTER)
            self.shares.step()


async def main() -> int:
    quick = rig.options(__doc__).quick
    rounds, seconds = (3, 4.0) if quick else (10, 12.0)
    done: dict[bool, list[float]] = {False: [], True: []}
    waits: dict[bool, list[float]] = {False: [], True: []}
    worst: dict[bool, list[float]] = {False: [], True: []}
    weights: dict[str, float] = {}
    for number in range(rounds):
        for follows in (False, True) if number % 2 == 0 else (True, False):
            one = Round(number, follows=follows)
            await one.last(seconds)
            done[follows].append(len(one.until_good) / seconds)
            waits[follows].append(sum(one.until_good) / len(one.until_good))
            worst[follows].append(max(max(found) for role, found in one.waits.items() if role != "coder"))
            if follows:
                weights = {role: round(one.shares.weight("ada", role), 2) for role in SKILLS}
    figures = {
        "done_per_s": {"fixed": rig.median(done[False]), "following": rig.median(done[True])},
        "until_good_ms": {"fixed": 1000 * rig.median(waits[False]), "following": 1000 * rig.median(waits[True])},
        "worst_wait_of_others_ms": {"fixed": 1000 * max(worst[False]), "following": 1000 * max(worst[True])},
        "weights": weights,
    }
    for name, value in figures.items():
        print(name, ", ".join(f"{what} {seen:.4g}" for what, seen in value.items()))
    targets = {
        "done_over_fixed": (rig.median(done[True]) / rig.median(done[False]), ">=", 1.15),
        "until_good_over_fixed": (rig.median(waits[True]) / rig.median(waits[False]), "<=", 0.95),
        "worst_wait_of_others_over_fixed": (max(worst[True]) / max(worst[False]), "<=", 5.0),
    }
    return rig.report("shares", figures, targets)


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
