"""A role's prompt by the library `gepa` (reflective evolution, Agrawal et al., 2025): an optional extra.

Candidates are prompts of the role; tasks are those whose right answer its owner wrote or approved, and a score is how
near an answer is to that (cosine of their vectors). All of the library's calls of models go through `ask`, and so
count in the owner's budgets; how many it may make is bounded. It runs in a thread of its own, and stops soon after
whoever waits for it has gone.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import logging
import threading
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from alma.agent.role import Role
from alma.errors import InvalidRequest
from alma.learner.distilling import TextVectors, nothing, too_few
from alma.learner.reflection import Reflection, Rewritten, body_of, wrong_with
from alma.learner.said import Ask, Said
from alma.learner.version_records import Version
from alma.models.chat import ChatMessage

log = logging.getLogger(__name__)
T = TypeVar("T")
PROMPT = "prompt"  # the one component of a candidate
LEAST_TASKS = 4  # with a right answer: half to reflect on, half to choose by
MOST_CALLS = 200  # of the metric, each one call of a model
_SHOWN_CHARS = 800
_BAD = 0.0


class Evolved(Struct, frozen=True):
    """`version` is a draft. `tried`: prompts; `calls`: of models; `before`, `after`: mean scores on the tasks that were
    chosen by."""

    version: Version
    tried: int
    calls: int
    before: float
    after: float


class Stopped(Exception):
    """Nobody waits any more."""


class Evolving:
    def __init__(self, reflection: Reflection, embedder: TextVectors) -> None:
        self._reflection = reflection
        self._embedder = embedder

    async def evolve(self, owner: str, role: Role, tasks: Sequence[Said], ask: Ask, calls: int = 60) -> Evolved:
        """`tasks`: of which only those count whose right answer is known (`wanted`). Raises `InvalidRequest`
        (extra_missing), `Conflict` (nothing_to_learn), and what the model's calls raise."""
        gepa = _library()
        known = [one for one in tasks if one.wanted.strip()]
        if len(known) < LEAST_TASKS:
            raise too_few(role.name, f"at least {LEAST_TASKS} tasks with a right answer", len(known))
        bridge = _Bridge(asyncio.get_running_loop(), gepa, owner, role, ask, self._embedder)
        half = len(known) // 2
        work = functools.partial(
            gepa.optimize,
            seed_candidate={PROMPT: body_of(role.source)},
            trainset=known[:half],
            valset=known[half:],
            adapter=bridge,
            reflection_lm=bridge.reflect,
            max_metric_calls=min(max(calls, 2 * len(known)), MOST_CALLS),
            reflection_minibatch_size=min(3, half),
            logger=_Silent(),
            display_progress_bar=False,
            raise_on_exception=True,
            seed=0,
        )
        try:
            result = await asyncio.to_thread(work)
        finally:
            bridge.stopped.set()
        scores = list(map(float, result.val_aggregate_scores))
        usable = [at for at in range(1, len(scores)) if not wrong_with(result.candidates[at][PROMPT], role)]
        best = max(usable, key=lambda at: scores[at], default=0)
        if not best or scores[best] <= scores[0]:
            raise nothing(role.name, "a prompt that does better than that of now", f"none among {len(scores)} tried")
        reasoning = (
            f"The best of {len(scores)} prompts that were tried on {len(known)} tasks with {bridge.calls} calls of "
            f"models: answers are like the right ones by {scores[best]:.3f}, before by {scores[0]:.3f}."
        )
        made = Rewritten(reasoning, result.candidates[best][PROMPT])
        version = await self._reflection.draft(owner, role, made, "gepa", known)
        return Evolved(version, len(scores), bridge.calls, scores[0], scores[best])


class _Bridge:
    """What `gepa` calls, in its thread, as calls on the loop. `stopped`: it is to make no more."""

    propose_new_texts = None

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        gepa: Any,
        owner: str,
        role: Role,
        ask: Ask,
        embedder: TextVectors,
    ) -> None:
        self.stopped = threading.Event()
        self.calls = 0
        self._loop = loop
        self._batch: Any = gepa.EvaluationBatch
        self._owner = owner
        self._role = role
        self._ask = ask
        self._embedder = embedder

    def reflect(self, prompt: str | list[dict[str, Any]]) -> str:
        """The library's own words to a model."""
        said = [("user", prompt)] if isinstance(prompt, str) else [(one["role"], str(one["content"])) for one in prompt]
        messages = [ChatMessage("system" if who == "system" else "user", text) for who, text in said]
        return self._wait(self._asked(messages))

    def evaluate(self, batch: list[Said], candidate: dict[str, str], capture_traces: bool = False) -> Any:
        """Answers of the candidate with their scores."""
        answers = [self._answer(one, candidate[PROMPT]) for one in batch]
        scores = [self._wait(self._likeness(answer, one.wanted)) for answer, one in zip(answers, batch, strict=True)]
        traces = list(zip(batch, answers, scores, strict=True)) if capture_traces else None
        return self._batch(outputs=answers, scores=scores, trajectories=traces)

    def make_reflective_dataset(
        self, candidate: dict[str, str], eval_batch: Any, components_to_update: list[str]
    ) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """What each task of a batch has to teach."""
        del candidate
        records = [
            {
                "Inputs": {"task": one.task[:_SHOWN_CHARS]},
                "Generated Outputs": answer[:_SHOWN_CHARS],
                "Feedback": _feedback(one, score),
            }
            for one, answer, score in eval_batch.trajectories
        ]
        return dict.fromkeys(components_to_update, records)

    def _answer(self, one: Said, prompt: str) -> str:
        """Empty where the prompt cannot be the role's: then it scores nothing."""
        if prompt.strip() != body_of(self._role.source) and wrong_with(prompt, self._role):
            return ""
        return self._wait(self._asked([ChatMessage("system", prompt), ChatMessage("user", one.task)]))

    async def _asked(self, messages: Sequence[ChatMessage]) -> str:
        self.calls += 1
        return await self._ask(self._owner, messages, None)

    async def _likeness(self, answer: str, wanted: str) -> float:
        if not answer.strip():
            return _BAD
        one, other = await self._embedder.embed([answer, wanted], urgent=False)
        return max(float(one @ other), _BAD)

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        if self.stopped.is_set():
            work.close()
            raise Stopped
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        while True:
            try:
                return future.result(0.5)
            except TimeoutError:
                if future.done():
                    raise
                if self.stopped.is_set():
                    future.cancel()
                    raise Stopped from None


class _Silent:
    """Where the library says how it goes."""

    def log(self, message: str) -> None:
        log.debug("gepa: %s", message)


def _feedback(one: Said, score: float) -> str:
    lines = [f"As it should have been: {one.wanted[:_SHOWN_CHARS]}", f"Likeness: {score:.2f} of 1."]
    return "\n".join([*lines, *(f"Its owner said: {reason[:_SHOWN_CHARS]}" for reason in one.reasons)])


def _library() -> Any:
    try:
        return importlib.import_module("gepa")
    except ImportError:
        raise InvalidRequest(
            "extra_missing",
            "Prompts are evolved by the library gepa, which is not installed.",
            expected="the extra gepa",
            hint='Install it with: pip install "alma[gepa]". Or reflect without it: how = "reflection".',
        ) from None
