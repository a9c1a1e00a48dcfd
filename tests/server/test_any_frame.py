"""Frames that are wrong in every way, from one owner, beside another owner's work: `bench.fuzz` in a small dose."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from bench import fuzz, rig


@pytest.mark.slow
def test_no_frame_is_a_bug_or_shows_or_changes_what_is_anothers(tmp_path: Path) -> None:
    server = rig.start_alma(
        tmp_path, memory=True, embedded=False, scripted=True, model="scripted/scripted", **fuzz.WIDE
    )
    try:
        tokens = (fuzz.access_token(tmp_path, "ada"), fuzz.access_token(tmp_path, "eve"))
        figures = asyncio.run(fuzz.attack(server, tokens, 4_000, seed=7))
    finally:
        server.stop()
    assert figures["faults"] == []
    assert figures["grown_mb"] < 256
    assert {"invalid_field", "unknown_command", "malformed_json", "too_deep"} <= figures["refused"].keys()
