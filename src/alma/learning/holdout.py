"""Which of the past runs judge a change, and which it may be made from: one half each, always the same. Pure."""

from __future__ import annotations

import hashlib


def held_out(run_id: str) -> bool:
    """It judges: nothing that is to be judged may be made from it."""
    return hashlib.sha256(f"held out\n{run_id}".encode()).digest()[0] < 128
