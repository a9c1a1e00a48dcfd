"""The HTTP doors to learning: a router for each of its parts."""

from __future__ import annotations

from fastapi import APIRouter

from alma.learner.shares import Shares
from alma.schooling import Schooling
from alma.server import refinement_api, shares_api


def doors(schooling: Schooling, shares: Shares | None) -> list[APIRouter]:
    return [shares_api.routes(shares), refinement_api.routes(schooling.refining, schooling.memories)]
