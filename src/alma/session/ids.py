"""Ids that sort by the time they were made, so that rows made together lie together."""

from __future__ import annotations

import secrets
import time


def new_id(prefix: str) -> str:
    """`prefix`_ + 11 hex digits of milliseconds + 10 random ones: 40 bits within a millisecond."""
    return f"{prefix}_{time.time_ns() // 1_000_000:011x}{secrets.token_hex(5)}"
