"""The HTTP doors to learning: a router for each of its parts."""

from __future__ import annotations

from fastapi import APIRouter

from alma.schooling import Schooling
from alma.server import refinement_api


def doors(schooling: Schooling) -> list[APIRouter]:
    return [refinement_api.routes(schooling.refining, schooling.memories)]
