"""Feedback over HTTP: say what an answer was worth, and see what that comes to."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from alma.events import Signaled
from alma.learner.books import Books
from alma.learner.outcomes import outcome_of
from alma.learner.preferences import Preferences
from alma.learning.outcome import Heard, TaskOutcome
from alma.learning.reward import PASSED_ON, SIGNALS, Reckoning, Weights, reckon
from alma.security.fields import Id
from alma.server.asking import Owner
from alma.server.learning_bodies import (
    FeedbackBody,
    FeedbackReply,
    GivenReply,
    HeardReply,
    PartReply,
    SaidReply,
    TaskRewardReply,
)
from alma.session.feedback import Feedback, Said, given

_Run = Annotated[Id, Path()]


def routes(feedback: Feedback, books: Books, preferences: Preferences) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["learning"])

    @router.post("/runs/{run_id}/feedback", status_code=201)
    async def give_feedback(owner: Owner, run_id: _Run, body: FeedbackBody) -> GivenReply:
        """Say what an answer was worth; it may come long after it. The newest of each signal counts."""
        said = Said(body.signal, body.value, body.reason, body.text, body.other, body.task_id, body.key)
        kept = await feedback.give(owner, run_id, said)
        return GivenReply(said=_said(kept.signaled), duplicate=kept.duplicate)

    @router.get("/runs/{run_id}/feedback")
    async def read_feedback(owner: Owner, run_id: _Run) -> FeedbackReply:
        """What was said of a run, the reward that follows from that and from all else that is known of it, signal by
        signal, and what gets credit for it."""
        journal = await feedback.read(owner, run_id)
        weights = preferences.chosen(owner).weights
        outcome = await books.outcome(owner, run_id)
        counted = outcome is not None
        if outcome is None:
            outcome = outcome_of(journal, lambda _owner: weights)
        return FeedbackReply(
            run_id=run_id,
            said=[_said(one) for one in given(journal)],
            tasks=[_task(task, weights) for task in outcome.tasks] if outcome is not None else [],
            counted=counted,
        )

    return router


def _said(one: Signaled) -> SaidReply:
    return SaidReply.model_validate(one)


def _task(task: TaskOutcome, weights: Weights) -> TaskRewardReply:
    found = reckon(task.signals, weights)
    return TaskRewardReply(
        task_id=task.task_id,
        role=task.role,
        context=task.kind,
        model=task.model,
        reward=task.reward,
        weight=task.weight,
        words=in_words(found),
        signals=heard_replies(task.signals, weights),
        parts=[
            PartReply(item=one.item, context=one.context, share=one.share, weight=one.share * task.weight)
            for one in task.parts
        ],
        ms=task.ms,
        tokens=task.tokens,
        cost=task.cost,
        error=task.error,
    )


def heard_replies(signals: list[Heard], weights: Weights) -> list[HeardReply]:
    """Those that count first, by how much; what a newer one has taken the place of counts 0."""
    counts = {(one.name, one.at): weight for one, weight in reckon(signals, weights).counted}
    replies = [
        HeardReply(
            name=one.name,
            kind=one.kind,
            value=one.value,
            weight=weights.of(one),
            counts=counts.get((one.name, one.at), 0.0),
            at=one.at,
            why=one.why,
            means=means(one.name),
        )
        for one in signals
    ]
    return sorted(replies, key=lambda one: (-one.counts, one.name))


def means(name: str) -> str:
    if name == PASSED_ON:
        return "what was said of the task above, at a discount and in equal parts"
    return SIGNALS[name].says if name in SIGNALS else ""


def in_words(found: Reckoning) -> str:
    """A reckoning as a sentence."""
    if found.reward is None:
        return "Nothing is known of it."
    whole = sum(weight for _, weight in found.counted)
    first = sorted(found.counted, key=lambda one: (-one[1], one[0].name))
    each = ", ".join(f"{one.name} {one.value:.2f} × {weight:.2f}" for one, weight in first)
    doubt = ""
    if found.weight < whole - 1e-9:
        doubt = f" Its signals weigh {whole:.2f} together, less because they contradict each other or are many."
    return f"{found.reward:.2f}, the mean of {each}; it counts as {found.weight:.2f} clear words.{doubt}"
