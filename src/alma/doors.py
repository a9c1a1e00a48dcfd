"""The HTTP doors to learning: a router for each of its parts."""

from __future__ import annotations

from fastapi import APIRouter

from alma.experiments.experiments import Experiments
from alma.learner.shares import Shares
from alma.schooling import Schooling
from alma.server import (
    experiments_api,
    feedback_api,
    lab_api,
    learning_api,
    lessons_api,
    refinement_api,
    router_api,
    shares_api,
    versions_api,
)
from alma.session.feedback import Feedback


def doors(schooling: Schooling, shares: Shares | None, feedback: Feedback, experiments: Experiments) -> list[APIRouter]:
    books, preferences = schooling.books, schooling.preferences
    return [
        feedback_api.routes(feedback, books, preferences),
        learning_api.routes(books, preferences, allowed=schooling.choice.on),
        lab_api.routes(),
        lessons_api.routes(schooling.lessons, schooling.roles, schooling.drafting),
        router_api.routes(schooling.choosing, schooling.roles, schooling.database, schooling.routing),
        shares_api.routes(shares),
        versions_api.routes(schooling.database, schooling.versions, schooling.delete_version),
        experiments_api.routes(experiments),
        refinement_api.routes(schooling.refining, schooling.memories),
    ]
