"""Frames that are wrong in every way, from one owner, beside another owner's work: `bench.fuzz` in a small dose."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from bench import fuzz, rig

import serving
from nursery import done


def access_token(folder: Path, name: str) -> str:
    added = done(["tokens", "add", name], folder, serving.environment(folder))
    return next(word for word in added.stdout.split() if word.startswith("alma_"))


@pytest.mark.slow
def test_no_frame_is_a_bug_or_shows_or_changes_what_is_anothers(tmp_path: Path) -> None:
    with serving.running(tmp_path, memory="true", **fuzz.WIDE) as running:
        tokens = (access_token(tmp_path, "ada"), access_token(tmp_path, "eve"))
        server = rig.Served(running.process, running.port)  # type: ignore[arg-type]
        figures = asyncio.run(fuzz.attack(server, tokens, 4_000, seed=7))
    assert figures["faults"] == []
    assert figures["grown_mb"] < 256
    assert {"invalid_field", "unknown_command", "malformed_json", "too_deep"} <= figures["refused"].keys()
