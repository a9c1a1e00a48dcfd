from __future__ import annotations
def difference(one: str, other: str) -> str | None:
    return None
