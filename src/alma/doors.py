"""The HTTP doors to learning: a router for each of its parts."""

from __future__ import annotations

from fastapi import APIRouter

from alma.schooling import Schooling


def doors(schooling: Schooling) -> list[APIRouter]:
    del schooling
    return []
