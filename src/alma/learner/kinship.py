"""How like a kind of tasks roles are, by what their files say that they are for: vectors, made in the background.

A choice never waits for them: until they are there, all roles are as like as each other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from alma.agent.role import Role
from alma.agent.roles import Roles
from alma.errors import EmbedderUnavailable
from alma.memory.embedder import Embedder, Vector
from alma.plan import MANAGER

log = logging.getLogger(__name__)
_RETRY_S = 30.0
_EXAMPLES = 24  # of a kind of tasks that are looked at


class _Known(Struct, frozen=True):
    """`lines`: of the description, a row each; `tasks`: by context, the middle of its examples."""

    lines: Vector
    tasks: dict[str, Vector]


class Kinship:
    """`run` must be running for roles to become known."""

    def __init__(self, roles: Roles, embedder: Embedder) -> None:
        self._roles = roles
        self._embedder = embedder
        self._known: dict[str, _Known] = {}  # by version
        self._wanted = asyncio.Event()

    def likeness(self, roles: Mapping[str, Role], base: Role, context: str) -> dict[str, float]:
        """Of each role the cosine of the nearest line of what it says that it is for, to the tasks of `base` of this
        kind. While one of them is not known, all are alike: 0."""
        known = {name: self._known.get(role.version) for name, role in roles.items()}
        its = self._known.get(base.version)
        if its is None or None in known.values():
            self._wanted.set()
            return dict.fromkeys(roles, 0.0)
        task = its.tasks.get(context)
        if task is None:
            return dict.fromkeys(roles, 0.0)
        return {name: float(np.max(one.lines @ task)) for name, one in known.items() if one is not None}

    async def run(self) -> None:
        """Learn of new roles when somebody asked for one; until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            roles = self._roles.all()
            kept = {role.version for role in roles}
            self._known = {version: known for version, known in self._known.items() if version in kept}
            try:
                for role in roles:
                    if role.version not in self._known:
                        self._known[role.version] = await self._look(role)
            except EmbedderUnavailable as error:
                log.info("how like their tasks roles are is not known yet: %s", error.message)
                await asyncio.sleep(_RETRY_S)
                self._wanted.set()

    async def _look(self, role: Role) -> _Known:
        lines = await self._embedder.embed([role.purpose, *role.when], urgent=False)
        tasks = {f"task:{role.name}": _middle(lines)} if role.name != MANAGER else {}
        for kind, spec in role.kinds.items():
            if spec.examples:
                tasks[kind] = _middle(await self._embedder.embed(spec.examples[:_EXAMPLES], urgent=False))
        return _Known(lines, tasks)


def _middle(vectors: Vector) -> Vector:
    middle = vectors.mean(axis=0)
    return middle / max(float(np.linalg.norm(middle)), 1e-9)
