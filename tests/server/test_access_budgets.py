"""Budgets of those who are no administrators: less than the usual, never more."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving import running
from token_mint import bearer, make_token

pytestmark = pytest.mark.slow


def test_others_than_administrators_set_budgets_within_the_usual_ones(tmp_path: Path) -> None:
    with running(tmp_path, require_tokens="true", day_tokens=1000) as server:
        ada, root = make_token(tmp_path, "ada"), make_token(tmp_path, "root", admin=True)

        def put(token: str, **budget: object) -> tuple[int, str]:
            status, said = server.call("PUT", "/api/budgets", {"scope": "day", **budget}, **bearer(token))
            return status, said.get("code", "")

        assert put(ada, tokens=500) == (200, "")
        assert put(ada, tokens=1000) == (200, "")
        assert put(ada, tokens=1001) == (403, "admin_only")
        assert put(ada, tokens=0) == (403, "admin_only"), "0 is no limit"
        assert put(ada, tokens=None) == (200, ""), "the usual one again"
        assert put(ada, money=5) == (200, ""), "where nothing is usual, anything goes"
        assert put(root, tokens=0) == (200, "")
