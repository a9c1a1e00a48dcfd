"""Simulated worlds keep the promises; without a safeguard they do not, and that is seen."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from alma.sim.breaking import SAFEGUARDS, Safeguard
from alma.sim.seeds import play

_SEEDS = 50  # `make sim` plays 2,000


def test_every_promise_holds_in_every_world() -> None:
    outcomes = list(play(range(_SEEDS)))
    assert [(one.seed, one.violation) for one in outcomes if one.violation] == []
    assert sum(one.entries for one in outcomes) > 15 * _SEEDS, "something happens in them"


@pytest.mark.parametrize("safeguard", SAFEGUARDS)
def test_without_a_safeguard_a_world_fails(safeguard: Safeguard) -> None:
    assert any(one.violation for one in play(range(60), safeguard))


def test_a_seed_replays_exactly_whatever_was_played_before_it_and_in_another_process() -> None:
    (alone,) = play([7])
    (_, again) = play([3, 7])
    assert again == alone
    command = [sys.executable, "-m", "alma.sim", "--seed", "7", "--trace"]
    said = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": "5"}, timeout=300
    ).stdout
    assert f"digest {alone.digest:08x}" in said
    assert "RunStarted main" in said
