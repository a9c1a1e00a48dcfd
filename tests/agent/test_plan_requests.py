"""Requests written to measure planning on: the real embedder routes, patterns plan. Half was never looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

HALVES = ("seen", "held_out")


@pytest.mark.slow
async def test_requests_are_told_apart_planned_and_nothing_they_name_is_lost(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    from bench.plans import measure

    figures = await measure(data_dir)
    for half in HALVES:
        of = figures[half]
        assert of["requests"] >= 40, (half, of)
        assert of["kind"] >= 0.95, (half, of)
        assert of["valid"] == 1, (half, of)
        assert of["named"] >= 0.95, (half, of)
        assert of["decided"] >= 0.95, (half, of)
