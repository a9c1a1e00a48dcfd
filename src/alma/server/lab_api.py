"""The learning lab over HTTP: simulated worlds and policies, and what comes of them, computed while one waits."""

from __future__ import annotations

import asyncio
import threading
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field, StringConstraints

from alma.errors import Conflict, InvalidRequest
from alma.lab.library import find
from alma.lab.running import Curves, Stopped, known, run
from alma.server.asking import Owner
from alma.server.bodies import Body, Reply

MOST = 120_000  # tasks of all seeds and policies together: half a minute at most
AT_ONCE = 1  # runs of the lab: each takes a core
_LOOK_S = 0.2
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z_0-9]{1,40}$")]


class LabWorldReply(Reply):
    """`settings`: its parameters with their usual values; `tasks`: as many as it is made for; `stationary`: nothing
    changes in the middle of it."""

    name: str
    about: str
    tasks: int
    stationary: bool
    settings: dict[str, float]


class LabPolicyReply(Reply):
    name: str
    about: str


class LabReply(Reply):
    """`most`: tasks × seeds × policies of one run."""

    worlds: list[LabWorldReply]
    policies: list[LabPolicyReply]
    most: int


class LabRunBody(Body):
    """`tasks` 0: as many as the world is made for. `settings`: of the world, in place of its own; `exploration`: of
    policies that have one."""

    world: _Name
    policies: list[_Name] = Field(min_length=1, max_length=8)
    tasks: int = Field(0, ge=0, le=5000)
    seeds: int = Field(10, ge=1, le=200)
    exploration: float = Field(1.0, ge=0, le=1, allow_inf_nan=False)
    settings: dict[_Name, Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]] = Field({}, max_length=16)


class BandReply(Reply):
    """By point: the mean over seeds, and in which it lies with 95 %."""

    mean: list[float]
    low: list[float]
    high: list[float]


class CurvesReply(Reply):
    """`at`: after which task each point is; `regret`: summed up; `reward`: of a task; `best`: the share of tasks that
    the best arm did; `regrets`: of each seed in all."""

    policy: str
    at: list[int]
    regret: BandReply
    reward: BandReply
    best: BandReply
    regrets: list[float]


class LabRunReply(Reply):
    world: str
    tasks: int
    seeds: int
    curves: list[CurvesReply]


def routes() -> APIRouter:
    router = APIRouter(prefix="/api/learning/lab", tags=["learning"])
    running = asyncio.Semaphore(AT_ONCE)

    @router.get("")
    async def lab(owner: Owner) -> LabReply:
        """Which worlds and policies there are."""
        del owner
        return LabReply(
            worlds=[LabWorldReply.model_validate(one) for one in known().worlds.values()],
            policies=[LabPolicyReply.model_validate(one) for one in known().policies.values()],
            most=MOST,
        )

    @router.post("/run")
    async def run_lab(owner: Owner, request: Request, body: LabRunBody) -> LabRunReply:
        """Play policies in a world. Ends when the client leaves; refused while another run is under way."""
        del owner
        _check(body)
        if running.locked():
            raise Conflict("lab_busy", "The lab is playing another world.", hint="Try again in some seconds.")
        async with running:
            found = await _while_there(request, body)
        return LabRunReply(
            world=body.world,
            tasks=found[0].tasks,
            seeds=body.seeds,
            curves=[CurvesReply.model_validate(one) for one in found],
        )

    return router


def _check(body: LabRunBody) -> None:
    world = find(known().worlds, "world", body.world)
    for name in body.policies:
        find(known().policies, "policy", name)
    tasks = (body.tasks or world.tasks) * body.seeds * len(body.policies)
    if tasks > MOST:
        raise InvalidRequest(
            "lab_too_large",
            "That is more than the lab plays at once.",
            expected=f"tasks × seeds × policies of at most {MOST}",
            actual=str(tasks),
            hint="Take fewer seeds, or `alma lab run`, which has no bound.",
        )


async def _while_there(request: Request, body: LabRunBody) -> list[Curves]:
    """In a thread, so that nobody else waits; it is told to stop when the client has left."""
    left = threading.Event()
    settings: dict[str, Any] = dict(body.settings)

    def play() -> list[Curves]:
        return [
            run(
                body.world,
                name,
                body.seeds,
                body.tasks or None,
                exploration=body.exploration,
                settings=settings,
                stop=left.is_set,
            )
            for name in body.policies
        ]

    future = asyncio.get_running_loop().run_in_executor(None, play)
    try:
        while not future.done():
            await asyncio.wait([future], timeout=_LOOK_S)
            if await request.is_disconnected():
                left.set()
        return future.result()
    except Stopped:
        raise Conflict("lab_stopped", "The run was stopped, since whoever asked for it has left.") from None
    finally:
        left.set()
