"""Who does a task, with which model, and split by which pattern: the arms of a choice, what is believed of each, and
the choice itself, with its odds.

What is believed comes from the books, how one chooses from `learning/bandit.py`. Knows nothing of prompts and of their
versions.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from alma.agent.role import Role
from alma.agent.roles import Roles
from alma.agent.task import Task
from alma.agent.teaching import Arm, read_arm
from alma.errors import ModelUnavailable, NotFound
from alma.learned import Choice, Option
from alma.learner.arms import Pace, Way, allowed, arms, costs, spread, worth_a_look
from alma.learner.expecting import expected
from alma.learner.kinship import Kinship
from alma.learner.paces import Paces
from alma.learner.preferences import Preference
from alma.learner.version_records import Policy
from alma.learning import bandit
from alma.learning.bandit import Seen
from alma.learning.outcome import context_of, item_id
from alma.learning.tally import Sums
from alma.models.chat import ChatModel
from alma.models.remote import ModelInfo

ENOUGH = 5.0  # runs' worth of evidence: of an arm that is to be believed better, of a kind before any is tried out


class Books(Protocol):
    """What is needed of `learner.books.Books`."""

    def tally(self, owner: str, item: str, context: str) -> Sums: ...

    def beliefs(self, owner: str, what: str = "", context: str | None = None) -> Sequence[Believed]: ...


class Believed(Protocol):
    @property
    def item(self) -> str: ...


class Models(Protocol):
    def resolve(self, model_id: str | None) -> tuple[ChatModel, ModelInfo]: ...


class Ranked(Struct, frozen=True):
    """An arm as it stands now. `pace`: what it takes; `why`: of its prior, in words."""

    arm: Arm
    seen: Seen
    pace: Pace
    why: str


class Choosing:
    """`wish`: what an owner wants of learning; `well`: whether a model's endpoints take calls; `busy`: how much a role
    has to do."""

    def __init__(
        self,
        roles: Roles,
        models: Models,
        books: Books,
        paces: Paces,
        kinship: Kinship,
        *,
        wish: Callable[[str], Preference],
        well: Callable[[ModelInfo], bool] = lambda _info: True,
        busy: Callable[[str], float] = lambda _role: 0.0,
    ) -> None:
        self._roles = roles
        self._models = models
        self._books = books
        self._paces = paces
        self._kinship = kinship
        self.wish = wish
        self._well = well
        self._busy = busy

    async def choose(
        self,
        task: Task,
        role: Role,
        patterns: Callable[[], Sequence[str]],
        policy: Policy = Policy(),  # noqa: B008
    ) -> Choice | None:
        """None: there is only one way, the usual one. `policy`: of routes, for tasks of this role."""
        context = context_of(task.task_id, role.name, task.route.kind if task.route is not None else "")
        there = arms(self.ways(role, fixed=bool(task.model)), patterns())
        found = allowed(there, policy)
        if found == [Arm()]:
            return None
        if len(found) == 1:
            return Choice("arm", found[0].id, context=context)
        ranked = await self.rank(task.owner, role, context, found, policy)
        picked = self._pick(task.owner, role, context, ranked, _dice(task), policy)
        options, instead = self._spread(role, picked.options)
        chosen = instead(picked.id)
        explored = picked.explored and chosen == picked.id
        share = next(one.share for one in options if one.id == chosen)
        return Choice("arm", chosen, share, "explored" if explored else "learned", context, options)

    def exploration(self, owner: str, policy: Policy) -> float:
        """Who wants none gets none, whatever a policy says."""
        wanted = self.wish(owner).exploration
        return policy.exploration if wanted and policy.exploration is not None else wanted

    def waits(self, owner: str, role: Role, context: str) -> bool:
        """Whether too little was heard of such tasks, whoever did them, to try anything out: by nothing but chance."""
        doers = [role.name, *(variant.name for variant in self._roles.variants(role.name))]
        sums = [self._books.tally(owner, item_id("role", name), context) for name in doers]
        return sum(of.good + of.bad for of in sums) < ENOUGH

    def _pick(
        self, owner: str, role: Role, context: str, ranked: Sequence[Ranked], dice: random.Random, policy: Policy
    ) -> bandit.Picked:
        exploration = 0.0 if self.waits(owner, role, context) else self.exploration(owner, policy)
        return bandit.choose([one.seen for one in ranked], dice, exploration=exploration, enough=ENOUGH)

    def ways(self, role: Role, *, fixed: bool) -> list[Way]:
        """Who may do a task of `role`, the role itself first. `fixed`: its user said with which model."""
        found = [Way("", ["", *self._models_of(role, fixed=fixed)])]
        for variant in self._roles.variants(role.name):
            usual = [""] if fixed or self._id(variant.model) else []
            models = [*usual, *self._models_of(variant, fixed=fixed)]
            if models:
                found.append(Way(variant.name, models))
        return found

    async def rank(
        self,
        owner: str,
        role: Role,
        context: str,
        found: Sequence[Arm],
        policy: Policy = Policy(),  # noqa: B008
    ) -> list[Ranked]:
        """What is believed of the arms, and of many of those that are worth a look."""
        sums = [(arm, self._books.tally(owner, item_id("arm", arm.id), context)) for arm in found]
        like = self._kinship.likeness({arm.role: self._doer(role, arm) for arm in found}, role, context)
        priors = expected(sums, like, policy.priors)
        seen = {arm: Seen(arm.id, priors[arm.id][0], of.good, of.bad, of.count, 0.0, of.changed) for arm, of in sums}
        kept = worth_a_look(found, lambda arm: seen[arm].prior.with_(seen[arm].good, seen[arm].bad).mean)
        known = await self._paces.of(owner)
        paces = [known.get((context, arm.id), Pace()) for arm in kept]
        wish = self.wish(owner)
        lost = costs(paces, wish.time, wish.money)
        return [
            Ranked(arm, replace(seen[arm], cost=cost), pace, priors[arm.id][1])
            for arm, pace, cost in zip(kept, paces, lost, strict=True)
        ]

    def _spread(self, role: Role, options: Sequence[Option]) -> tuple[list[Option], Callable[[str], str]]:
        """See `arms.spread`."""
        names = {one.id.partition("|")[0]: one.id.partition("|")[0] or role.name for one in options}
        return spread(options, names, self._busy)

    async def now(
        self,
        owner: str,
        role: Role,
        context: str,
        policy: Policy = Policy(),  # noqa: B008
    ) -> tuple[list[Ranked], list[Option]]:
        """What is believed of all arms that there are and that were ever chosen, and how often each would be now."""
        ways = self.ways(role, fixed=False)
        found = dict.fromkeys(arms(ways, []))
        able = {(way.role, model) for way in ways for model in way.models}
        for belief in self._books.beliefs(owner, "arm", context):
            arm = read_arm(belief.item.partition(":")[2])
            if (arm.role, arm.model) in able:
                found[arm] = None
        ranked = await self.rank(owner, role, context, allowed(list(found), policy), policy)
        picked = self._pick(owner, role, context, ranked, random.Random(0), policy)
        return ranked, self._spread(role, picked.options)[0]

    def who(self, role: Role, arm: Arm) -> tuple[str, str]:
        """Which role and model an arm of a task of `role` is now; the latter empty where nobody answers."""
        doer = self._doer(role, arm)
        return doer.name, self._id(arm.model or doer.model)

    def _doer(self, role: Role, arm: Arm) -> Role:
        return self._roles.get(arm.role) if arm.role else role

    def _models_of(self, role: Role, *, fixed: bool) -> list[str]:
        """Those that can answer now in place of its usual one."""
        if fixed or not role.models:
            return []
        usual = self._id(role.model)
        return [model for model in role.models if (found := self._id(model)) and found != usual]

    def _id(self, model: str | None) -> str:
        """Of the model that would answer; empty: nobody does."""
        try:
            info = self._models.resolve(model)[1]
        except (NotFound, ModelUnavailable):
            return ""
        return info.id if self._well(info) else ""


def _dice(task: Task) -> random.Random:
    """The same for a task that is taken up again; nobody else knows its ids beforehand."""
    seed = hashlib.sha256(f"{task.run_id} {task.task_id}".encode()).digest()
    return random.Random(int.from_bytes(seed[:8]))
